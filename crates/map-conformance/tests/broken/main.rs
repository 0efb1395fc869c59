//! The suite is tested too: each law named here fails on a map that is broken in the way it is for.

mod faults;
mod histories;
mod map;
mod pin;
mod sloppy;

use faults::*;
use map::Faulty;
use map_conformance::{harness, laws};
use sloppy::Sloppy;

/// Runs a law on a broken map until it fails: a race may need more than one attempt.
fn assert_caught(law: &str, body: fn()) {
    let caught = (0..200).find_map(|_| harness::outcome(body).err());
    match caught {
        Some(message) => println!("`{law}` says: {message}"),
        None => panic!("the law `{law}` does not see the fault"),
    }
}

macro_rules! caught {
    ($($test:ident: $FAULT:ident by $($group:ident::$law:ident),+;)*) => {$(
        #[test]
        fn $test() {
            $(assert_caught(
                concat!(stringify!($group), "::", stringify!($law)),
                laws::$group::$law::<Faulty<$FAULT>>,
            );)+
        }
    )*};
}

caught! {
    lost_update: LOST_UPDATE by concurrent::counters_lose_nothing, histories::have_an_explanation;
    stale_read: STALE_READ by sequential::good_hash, sequential::string_keys;
    lost_in_growth: LOST_IN_GROWTH by sequential::growth, visibility::growth_hides_nothing;
    iteration_repeats: REPEATS by sequential::good_hash, iteration::beside_growth,
        iteration::beside_overwriting;
    iteration_skips: SKIPS by iteration::beside_growth, iteration::beside_churn;
    torn_compare_exchange: TORN_EXCHANGE by concurrent::compare_exchange_has_one_winner,
        concurrent::counters_lose_nothing, histories::have_an_explanation;
    leaks: LEAKS by drops::after_every_operation, drops::after_every_operation_pinned,
        drops::after_a_race, collection::a_panic_in_drop_drops_the_rest, hostile::hash_lies, hostile::eq_lies,
        hostile::both_lie;
    drops_twice: DROPS_TWICE by drops::after_every_operation, drops::after_a_race,
        hostile::hash_lies, hostile::eq_lies, hostile::both_lie,
        visibility::lent_values_stay_alive;
    len_drifts: LEN_DRIFTS by whole::len_is_near_and_settles;
    a_panic_poisons: POISONS by panics::in_closures, panics::in_hash, panics::in_eq,
        panics::in_clone, panics::in_drop, panics::in_drop_leaks_nothing;
    a_closure_hangs: HANGS by reentrancy::each_closure_with_each_operation;
    a_crossing_hangs: HANGS by reentrancy::two_threads_cross;
    nested_reads_hang: HANGS by reentrancy::nested_reads_pass_a_waiting_writer;
    pins_hang: HANGS by reentrancy::pins_nest_as_maps_do;
    many_flights: MANY_FLIGHTS by concurrent::get_or_insert_with_agrees;
    makes_always: MAKES_ALWAYS by sequential::good_hash, sequential::all_collide,
        sequential::all_collide_high, sequential::identity_hash, sequential::low_bits_constant,
        sequential::high_bits_constant, sequential::default_hash, sequential::zero_sized,
        sequential::over_aligned, sequential::large_values, concurrent::disjoint_keys;
    try_insert_overwrites: OVERWRITES by sequential::good_hash;
    torn_try_insert: TORN_TRY_INSERT by concurrent::try_insert_has_one_winner,
        histories::have_an_explanation;
    torn_remove: TORN_REMOVE by concurrent::remove_has_one_winner, histories::have_an_explanation,
        concurrent::insertions_and_removals_balance;
    torn_swap: TORN_SWAP by concurrent::each_value_comes_back_once,
        concurrent::insert_has_one_winner;
    overwriting_hides: HIDES by visibility::overwriting_hides_nothing,
        iteration::beside_overwriting;
    torn_retain: TORN_RETAIN by whole::retain_beside_writers;
    clear_leaves_one: CLEARS_LITTLE by whole::clear_beside_writers;
    hoards: HOARDS by drops::garbage_is_bounded;
    clones: CLONES by drops::nothing_is_cloned;
    takes_entries_out: TAKES_OUT by panics::in_closures, concurrent::counters_lose_nothing;
    closures_run_again: RUNS_AGAIN by concurrent::closures_run_once_where_promised;
    never_refuses: NEVER_REFUSES by reentrancy::each_closure_with_each_operation;
    frozen_pin: FROZEN_PIN by visibility::pins_see_new_writes, sequential::good_hash;
    swallows_a_panic: SWALLOWS by panics::in_closures;
    get_many_misses: MISSES_MANY by sequential::good_hash;
    frees_early: FREES_EARLY by visibility::lent_values_stay_alive;

    go_lost_in_growth: LOST_IN_GROWTH by go_hash_trie::compare_and_delete_in_turn,
        go_hash_trie::swap_in_turn;
    go_absent: EXCHANGES_NOTHING by go_sync_map::absent_keys_are_not_exchanged,
        go_hash_trie::compare_and_swap_in_turn, go_hash_trie::unshared_keys_with_removal;
    go_stale_read: STALE_READ by go_sync_map::sequences_agree, go_hash_trie::load_and_delete_in_turn;
    go_repeats: REPEATS by go_sync_map::concurrent_range, go_sync_map::nested_range,
        go_hash_trie::iterates_over_each_once, go_hash_trie::iterate_and_remove;
    go_skips: SKIPS by go_sync_map::concurrent_range;
    go_hoards: HOARDS by go_sync_map::keys_are_released;
    go_clears_little: CLEARS_LITTLE by go_sync_map::concurrent_clear, go_sync_map::round_trips,
        go_hash_trie::clear_in_turn, go_hash_trie::clear_beside_exchanges;
    go_makes_always: MAKES_ALWAYS by go_hash_trie::load_or_store_in_turn,
        go_hash_trie::unshared_keys_in_shared_chains;
    go_shared_exchange: TORN_EXCHANGE by go_hash_trie::shared_keys_are_exchanged_once,
        go_hash_trie::concurrent_cache;
    go_shared_swap: TORN_SWAP by go_hash_trie::shared_keys_are_swapped_once;
    go_shared_remove: TORN_REMOVE by go_hash_trie::shared_keys_are_removed_once;
    go_shared_remove_by_value: LOST_UPDATE by go_hash_trie::shared_keys_are_removed_by_value_once;

    libcuckoo_stale_read: STALE_READ by libcuckoo::stress_checked,
        libcuckoo::stress_checked_with_strings;
    libcuckoo_len_drifts: LEN_DRIFTS by libcuckoo::stress_unchecked;

    jsr166_overwrites: OVERWRITES by jsr166::unit_cases;
    jsr166_makes_always: MAKES_ALWAYS by jsr166::computing_cases;
    jsr166_repeats: REPEATS by jsr166::bulk_cases, jsr166::keys_that_share_a_hash;
    jsr166_lost_in_growth: LOST_IN_GROWTH by jsr166::map_check, jsr166::associations_are_found,
        jsr166::put_all_keeps_the_others;
    jsr166_spares: SPARES by jsr166::one_of_many_is_spared;
    jsr166_torn_remove: TORN_REMOVE by jsr166::map_loops;
    jsr166_skips: SKIPS by jsr166::iterations_only_grow;
    jsr166_lost_update: LOST_UPDATE by jsr166::computations_add_up;

    papaya_lost_in_growth: LOST_IN_GROWTH by papaya::present_keys_are_contained,
        papaya::insertions_are_found, papaya::reinserted_keys_stay,
        papaya::retain_beside_insertions;
    papaya_torn_swap: TORN_SWAP by papaya::overwritten_values_come_back;
    papaya_lost_update: LOST_UPDATE by papaya::updates_are_counted, papaya::updates_beside_growth,
        papaya::additions_are_counted, papaya::removed_counts_are_put_back,
        papaya::counts_removed_by_compute_are_put_back,
        papaya::counts_removed_by_remove_if_are_put_back, papaya::updates_do_not_bring_back;
    papaya_stale_read: STALE_READ by papaya::chunks_go_in_and_out, papaya::chunks_are_updated,
        papaya::single_entries_come_and_go;
    papaya_clears_little: CLEARS_LITTLE by papaya::clear_beside_insertions;
}

macro_rules! sloppiness_caught {
    ($($group:ident::$law:ident),* $(,)?) => {
        #[test]
        fn sloppy_capabilities() {
            $(assert_caught(
                concat!(stringify!($group), "::", stringify!($law)),
                laws::$group::$law::<Sloppy>,
            );)*
        }
    };
}

sloppiness_caught! {
    plain::unique_keys_and_values,
    capacity::impossible_maps_are_refused,
    capacity::impossible_reservations_change_nothing,
    capacity::a_panic_while_room_is_made_changes_nothing,
    capacity::room_is_made,
    capacity::reserving_beside_writers,
    capacity::shrinking_keeps_entries,
    collection::later_pairs_win,
    collection::owned_iteration_is_exact,
    collection::owned_iteration_moves,
    collection::owned_iteration_may_stop,
    collection::clone_and_debug,
    collection::a_panic_in_clone_leaves_nothing,
}

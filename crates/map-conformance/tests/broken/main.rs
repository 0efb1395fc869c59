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
    let caught = (0..10).find_map(|_| harness::outcome(body).err());
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
    lost_in_growth: LOST_IN_GROWTH by sequential::growth, go::compare_and_swap_in_turn, visibility::growth_hides_nothing;
    iteration_repeats: REPEATS by sequential::good_hash, iteration::beside_growth,
        iteration::beside_overwriting, go::concurrent_range;
    iteration_skips: SKIPS by iteration::beside_growth, iteration::beside_churn,
        go::concurrent_range;
    torn_compare_exchange: TORN_EXCHANGE by concurrent::compare_exchange_has_one_winner,
        concurrent::counters_lose_nothing, histories::have_an_explanation, go::concurrent_cache;
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
        sequential::over_aligned, sequential::large_values, concurrent::disjoint_keys,
        go::unshared_keys_in_shared_chains;
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
    clear_leaves_one: CLEARS_LITTLE by whole::clear_beside_writers, go::concurrent_clear;
    hoards: HOARDS by drops::garbage_is_bounded;
    clones: CLONES by drops::nothing_is_cloned;
    takes_entries_out: TAKES_OUT by panics::in_closures, concurrent::counters_lose_nothing;
    closures_run_again: RUNS_AGAIN by concurrent::closures_run_once_where_promised;
    never_refuses: NEVER_REFUSES by reentrancy::each_closure_with_each_operation;
    frozen_pin: FROZEN_PIN by visibility::pins_see_new_writes, sequential::good_hash;
    swallows_a_panic: SWALLOWS by panics::in_closures;
    get_many_misses: MISSES_MANY by sequential::good_hash;
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

//! The table of the laws and the macros that turn it into tests.

/// Tests a map against the contract: one `#[test]` for each law, in a module for each group.
///
/// `conformance!(NameMap);` tests an Atlas map, a type `NameMap<K, V, S>` in scope that offers what
/// [`FullFamily`](crate::family::FullFamily) asks for. `conformance!(peer name => NameFamily);` tests
/// an adapter for a foreign map, a type that implements [`Family`](crate::family::Family), in a module
/// `name`; the laws of what adapters lack (capacity, the traits of a collection, keys that are not
/// `Clone`) are not among its laws.
///
/// Either form takes `, skip { "group::law": "why", … }` behind it. A law that is skipped becomes an
/// entry of the constant `SKIPPED` and no test; a name that is no law is an error.
///
/// ```
/// use map_conformance::reference::MutexMap;
///
/// map_conformance::conformance!(MutexMap, skip { "sequential::zero_sized": "for the example" });
///
/// assert_eq!(SKIPPED[0].0, "sequential::zero_sized");
/// ```
#[macro_export]
macro_rules! conformance {
    ($Map:ident $(, skip { $($law:tt : $reason:expr),* $(,)? })? $(,)?) => {
        /// The map under test.
        struct Suite;

        impl $crate::family::Family for Suite {
            type Map<
                K: $crate::family::Key,
                V: $crate::family::Value,
                S: $crate::family::HashState,
            > = $Map<K, V, S>;
        }

        impl $crate::family::FullFamily for Suite {
            type Full<
                K: $crate::family::PlainKey,
                V: $crate::family::PlainValue,
                S: $crate::family::HashState,
            > = $Map<K, V, S>;

            const SHRINK: $crate::family::Shrink<$Map<u64, u64, $crate::hashers::Mixed>> = {
                #[allow(unused_imports, reason = "used where the map has no `ShrinkMap`")]
                use $crate::laws::capacity::Lacking as _;
                $crate::laws::capacity::Probe::<$Map<u64, u64, $crate::hashers::Mixed>>::SHRINK
            };
        }

        $crate::__skips!(($) $($($law : $reason),*)?);
        $crate::__laws!(__tests);
        $crate::__full_laws!(__tests);
    };
    (
        peer $name:ident => $Family:ty
        $(, skip { $($law:tt : $reason:expr),* $(,)? })? $(,)?
    ) => {
        mod $name {
            #[allow(unused_imports, reason = "the family may be named by a path of its own")]
            use super::*;

            /// The map under test.
            type Suite = $Family;

            $crate::__skips!(($) $($($law : $reason),*)?);
            $crate::__laws!(__tests);
        }
    };
}

/// Defines `SKIPPED` and the macro that leaves these laws out.
#[doc(hidden)]
#[macro_export]
macro_rules! __skips {
    (($d:tt) $($law:tt : $reason:expr),*) => {
        /// The laws that this map is not held to, each with the reason.
        #[allow(dead_code, reason = "for the reader, and for whoever wants to print it")]
        pub(crate) const SKIPPED: &[(&str, &str)] = &[$(($law, $reason)),*];

        $(const _: () = assert!($crate::is_law($law), "`skip` names a law that does not exist");)*

        macro_rules! __unless_skipped {
            $(($law $d($d test:tt)*) => {};)*
            ($d law:tt $d($d test:tt)*) => { $d($d test)* };
        }
    };
}

/// Makes a test of each law of a table.
#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ($($module:ident { $($name:tt $law:ident,)* })*) => {$(
        mod $module {
            $(__unless_skipped! { $name
                #[test]
                fn $law() {
                    $crate::run::<super::Suite>($name, $crate::laws::$module::$law::<super::Suite>);
                }
            })*
        }
    )*};
}

/// Makes an array of the names of a table's laws.
#[doc(hidden)]
#[macro_export]
macro_rules! __names {
    ($($module:ident { $($name:tt $law:ident,)* })*) => {{
        // Names are written out, since `skip` can only compare what is written.
        $($(assert!(
            $crate::equal($name.as_bytes(), concat!(stringify!($module), "::", stringify!($law)).as_bytes()),
            "a law's name is not its path"
        );)*)*
        &[$($($name,)*)*]
    }};
}

/// The laws of every map.
#[doc(hidden)]
#[macro_export]
macro_rules! __laws {
    ($then:ident) => {
        $crate::$then! {
            sequential {
                "sequential::good_hash" good_hash,
                "sequential::default_hash" default_hash,
                "sequential::all_collide" all_collide,
                "sequential::all_collide_high" all_collide_high,
                "sequential::identity_hash" identity_hash,
                "sequential::low_bits_constant" low_bits_constant,
                "sequential::high_bits_constant" high_bits_constant,
                "sequential::string_keys" string_keys,
                "sequential::zero_sized" zero_sized,
                "sequential::over_aligned" over_aligned,
                "sequential::large_values" large_values,
                "sequential::growth" growth,
            }
            concurrent {
                "concurrent::disjoint_keys" disjoint_keys,
                "concurrent::try_insert_has_one_winner" try_insert_has_one_winner,
                "concurrent::insert_has_one_winner" insert_has_one_winner,
                "concurrent::remove_has_one_winner" remove_has_one_winner,
                "concurrent::compare_exchange_has_one_winner" compare_exchange_has_one_winner,
                "concurrent::each_value_comes_back_once" each_value_comes_back_once,
                "concurrent::insertions_and_removals_balance" insertions_and_removals_balance,
                "concurrent::counters_lose_nothing" counters_lose_nothing,
                "concurrent::get_or_insert_with_agrees" get_or_insert_with_agrees,
                "concurrent::closures_run_once_where_promised" closures_run_once_where_promised,
            }
            visibility {
                "visibility::growth_hides_nothing" growth_hides_nothing,
                "visibility::overwriting_hides_nothing" overwriting_hides_nothing,
                "visibility::pins_see_new_writes" pins_see_new_writes,
                "visibility::values_are_whole_and_published" values_are_whole_and_published,
                "visibility::lent_values_stay_alive" lent_values_stay_alive,
            }
            whole {
                "whole::len_is_near_and_settles" len_is_near_and_settles,
                "whole::retain_beside_writers" retain_beside_writers,
                "whole::clear_beside_writers" clear_beside_writers,
            }
            iteration {
                "iteration::beside_growth" beside_growth,
                "iteration::beside_churn" beside_churn,
                "iteration::beside_overwriting" beside_overwriting,
            }
            histories {
                "histories::have_an_explanation" have_an_explanation,
            }
            go_sync_map {
                "go_sync_map::sequences_agree" sequences_agree,
                "go_sync_map::concurrent_range" concurrent_range,
                "go_sync_map::keys_are_released" keys_are_released,
                "go_sync_map::nested_range" nested_range,
                "go_sync_map::absent_keys_are_not_exchanged" absent_keys_are_not_exchanged,
                "go_sync_map::concurrent_clear" concurrent_clear,
                "go_sync_map::round_trips" round_trips,
            }
            go_hash_trie {
                "go_hash_trie::load_or_store_in_turn" load_or_store_in_turn,
                "go_hash_trie::iterates_over_each_once" iterates_over_each_once,
                "go_hash_trie::compare_and_swap_in_turn" compare_and_swap_in_turn,
                "go_hash_trie::compare_and_delete_in_turn" compare_and_delete_in_turn,
                "go_hash_trie::swap_in_turn" swap_in_turn,
                "go_hash_trie::load_and_delete_in_turn" load_and_delete_in_turn,
                "go_hash_trie::clear_in_turn" clear_in_turn,
                "go_hash_trie::iterate_and_remove" iterate_and_remove,
                "go_hash_trie::unshared_keys_in_shared_chains" unshared_keys_in_shared_chains,
                "go_hash_trie::unshared_keys_with_removal" unshared_keys_with_removal,
                "go_hash_trie::shared_keys_are_exchanged_once" shared_keys_are_exchanged_once,
                "go_hash_trie::shared_keys_are_swapped_once" shared_keys_are_swapped_once,
                "go_hash_trie::shared_keys_are_removed_once" shared_keys_are_removed_once,
                "go_hash_trie::shared_keys_are_removed_by_value_once"
                    shared_keys_are_removed_by_value_once,
                "go_hash_trie::clear_beside_exchanges" clear_beside_exchanges,
                "go_hash_trie::concurrent_cache" concurrent_cache,
            }
            libcuckoo {
                "libcuckoo::stress_checked" stress_checked,
                "libcuckoo::stress_checked_with_strings" stress_checked_with_strings,
                "libcuckoo::stress_unchecked" stress_unchecked,
            }
            jsr166 {
                "jsr166::unit_cases" unit_cases,
                "jsr166::computing_cases" computing_cases,
                "jsr166::bulk_cases" bulk_cases,
                "jsr166::put_all_keeps_the_others" put_all_keeps_the_others,
                "jsr166::one_of_many_is_spared" one_of_many_is_spared,
                "jsr166::keys_that_share_a_hash" keys_that_share_a_hash,
                "jsr166::map_check" map_check,
                "jsr166::map_loops" map_loops,
                "jsr166::associations_are_found" associations_are_found,
                "jsr166::iterations_only_grow" iterations_only_grow,
                "jsr166::computations_add_up" computations_add_up,
            }
            papaya {
                "papaya::present_keys_are_contained" present_keys_are_contained,
                "papaya::insertions_are_found" insertions_are_found,
                "papaya::overwritten_values_come_back" overwritten_values_come_back,
                "papaya::updates_are_counted" updates_are_counted,
                "papaya::updates_beside_growth" updates_beside_growth,
                "papaya::additions_are_counted" additions_are_counted,
                "papaya::removed_counts_are_put_back" removed_counts_are_put_back,
                "papaya::counts_removed_by_compute_are_put_back"
                    counts_removed_by_compute_are_put_back,
                "papaya::counts_removed_by_remove_if_are_put_back"
                    counts_removed_by_remove_if_are_put_back,
                "papaya::reinserted_keys_stay" reinserted_keys_stay,
                "papaya::updates_do_not_bring_back" updates_do_not_bring_back,
                "papaya::chunks_go_in_and_out" chunks_go_in_and_out,
                "papaya::chunks_are_updated" chunks_are_updated,
                "papaya::single_entries_come_and_go" single_entries_come_and_go,
                "papaya::clear_beside_insertions" clear_beside_insertions,
                "papaya::retain_beside_insertions" retain_beside_insertions,
            }
            drops {
                "drops::after_every_operation" after_every_operation,
                "drops::after_every_operation_pinned" after_every_operation_pinned,
                "drops::after_a_race" after_a_race,
                "drops::garbage_is_bounded" garbage_is_bounded,
                "drops::nothing_is_cloned" nothing_is_cloned,
            }
            panics {
                "panics::in_hash" in_hash,
                "panics::in_eq" in_eq,
                "panics::in_clone" in_clone,
                "panics::in_closures" in_closures,
                "panics::in_drop" in_drop,
                "panics::in_drop_leaks_nothing" in_drop_leaks_nothing,
            }
            reentrancy {
                "reentrancy::each_closure_with_each_operation" each_closure_with_each_operation,
                "reentrancy::two_threads_cross" two_threads_cross,
                "reentrancy::nested_reads_pass_a_waiting_writer" nested_reads_pass_a_waiting_writer,
                "reentrancy::pins_nest_as_maps_do" pins_nest_as_maps_do,
            }
        }
    };
}

/// The laws of Atlas maps.
#[doc(hidden)]
#[macro_export]
macro_rules! __full_laws {
    ($then:ident) => {
        $crate::$then! {
            plain {
                "plain::unique_keys_and_values" unique_keys_and_values,
            }
            hostile {
                "hostile::hash_lies" hash_lies,
                "hostile::eq_lies" eq_lies,
                "hostile::both_lie" both_lie,
                "hostile::hasher_lies" hasher_lies,
            }
            capacity {
                "capacity::impossible_maps_are_refused" impossible_maps_are_refused,
                "capacity::impossible_reservations_change_nothing"
                    impossible_reservations_change_nothing,
                "capacity::a_panic_while_room_is_made_changes_nothing"
                    a_panic_while_room_is_made_changes_nothing,
                "capacity::room_is_made" room_is_made,
                "capacity::reserving_beside_writers" reserving_beside_writers,
                "capacity::shrinking_keeps_entries" shrinking_keeps_entries,
            }
            collection {
                "collection::default_is_empty" default_is_empty,
                "collection::later_pairs_win" later_pairs_win,
                "collection::owned_iteration_is_exact" owned_iteration_is_exact,
                "collection::owned_iteration_moves" owned_iteration_moves,
                "collection::owned_iteration_may_stop" owned_iteration_may_stop,
                "collection::clone_and_debug" clone_and_debug,
                "collection::a_panic_in_drop_drops_the_rest" a_panic_in_drop_drops_the_rest,
                "collection::a_panic_in_clone_leaves_nothing" a_panic_in_clone_leaves_nothing,
            }
        }
    };
}

/// Tests what a map under locks offers beyond the contract: one `#[test]` for each law of [`LOCKED_LAWS`](crate::LOCKED_LAWS).
///
/// `locked_conformance!(NameMap);`, as [`conformance!`](crate::conformance), in a file of its own, for a type `NameMap<K, V, S>` that
/// implements [`LockedMap`](map_core::LockedMap) for all keys and values. `locked_conformance!(NameMap, room 64);` makes every map with
/// room for 64 entries.
#[macro_export]
macro_rules! locked_conformance {
    ($Map:ident) => {
        $crate::locked_conformance!($Map, room 0);
    };
    ($Map:ident, room $room:literal) => {
        /// The map under test.
        struct Suite;

        impl $crate::family::Family for Suite {
            const ROOM: usize = $room;

            type Map<
                K: $crate::family::Key,
                V: $crate::family::Value,
                S: $crate::family::HashState,
            > = $Map<K, V, S>;
        }

        impl $crate::family::LockedFamily for Suite {
            type Locked<
                K: $crate::family::PlainKey,
                V: $crate::family::PlainValue,
                S: $crate::family::HashState,
            > = $Map<K, V, S>;
        }

        $crate::__skips!(($));
        $crate::__locked_laws!(__tests);
    };
}

/// The laws of maps under locks.
#[doc(hidden)]
#[macro_export]
macro_rules! __locked_laws {
    ($then:ident) => {
        $crate::$then! {
            locked {
                "locked::agrees_with_a_model" agrees_with_a_model,
                "locked::equal_keys_are_refused" equal_keys_are_refused,
                "locked::stored_keys_stay" stored_keys_stay,
                "locked::what_was_done_before_a_panic_stays" what_was_done_before_a_panic_stays,
                "locked::panics_lose_nothing" panics_lose_nothing,
                "locked::closures_may_read_in_reads" closures_may_read_in_reads,
            }
            together {
                "together::transfers_keep_the_sum" transfers_keep_the_sum,
                "together::opposite_orders_end" opposite_orders_end,
                "together::changes_are_seen_together" changes_are_seen_together,
                "together::modifications_add_up" modifications_add_up,
            }
        }
    };
}

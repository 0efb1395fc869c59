//! Laws for a map that has all its tables from the start.
//!
//! While it is small it has one, as the maps of most laws are. These are the laws whose entries are not plain numbers, which never lie in
//! tables, and those of what only locks can give.

use map_conformance::family::{Family, HashState, Key, Value};
use map_conformance::laws;
use map_sharded::ShardedMap;

/// So much room is not made in one table.
struct Divided;

impl Family for Divided {
    const ROOM: usize = 64;

    type Map<K: Key, V: Value, S: HashState> = ShardedMap<K, V, S>;
}

macro_rules! tests {
    ($($group:ident: $($law:ident),+;)+) => {$(
        mod $group {
            use super::{Divided, laws};

            $(
                #[test]
                fn $law() {
                    laws::$group::$law::<Divided>();
                }
            )+
        }
    )+};
}

tests! {
    sequential: string_keys;
    visibility: values_are_whole_and_published, lent_values_stay_alive;
    histories: have_an_explanation;
    drops: after_every_operation, after_a_race, garbage_is_bounded, nothing_is_cloned;
    panics: in_hash, in_eq, in_clone, in_closures, in_drop, in_drop_leaks_nothing;
}

mod locks {
    use map_sharded::ShardedMap;

    map_conformance::locked_conformance!(ShardedMap, room 64);
}

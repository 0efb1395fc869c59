//! Every scenario with every map, with plain entries and with objects.

use map_caslist::CasListMap;
use map_readdirty::ReadDirtyMap;
use map_rwlock::RwLockMap;
use map_sharded::ShardedMap;
use map_sync::shim::model::{Fault, set_membarrier};

use super::explore;
use super::scenarios::{self, Objects, Plain};
use crate::check::{self, ByItself, KILLED, Key, Watched, must_fail, name_of};

macro_rules! models {
    ($($name:ident: $Map:ty, $Entries:ty, $fault:expr;)*) => {$(
        mod $name {
            use super::*;

            fn explored(scenario: &str, model: fn()) {
                set_membarrier(true);
                explore(&format!("{}, {scenario}", stringify!($name)), model);
            }

            #[test]
            fn threads_with_keys_of_their_own() {
                explored("own keys", scenarios::own_keys::<$Entries, $Map>);
            }

            #[test]
            fn values_that_are_handed_on() {
                explored("handed on", scenarios::handed_on::<$Entries, $Map>);
            }

            #[test]
            fn counting_beside_growth() {
                explored("counters", scenarios::counters::<$Entries, $Map>);
            }

            #[test]
            fn keys_that_stay() {
                explored("keys that stay", scenarios::keys_that_stay::<$Entries, $Map>);
            }

            #[test]
            fn agreement() {
                explored("agreement", scenarios::agreement::<$Entries, $Map>);
            }

            #[test]
            fn a_broken_update_is_found() {
                if check::set_fault() {
                    explored("no update", scenarios::no_update::<$Entries, $Map>);
                } else {
                    let test = name_of!(a_broken_update_is_found);
                    must_fail(test, Fault::None, &["an update is lost"]);
                }
            }

            #[test]
            fn a_broken_exchange_or_lock_is_found() {
                let test = name_of!(values_that_are_handed_on);
                must_fail(test, $fault, &["panicked", KILLED]);
            }
        }
    )*};
}

models! {
    rwlock_plain: RwLockMap<u64, u64, ByItself>, Plain, Fault::Locks;
    rwlock_objects: RwLockMap<Key, Watched, ByItself>, Objects, Fault::Locks;
    sharded_plain: ShardedMap<u64, u64, ByItself>, Plain, Fault::Exchanges;
    sharded_objects: ShardedMap<Key, Watched, ByItself>, Objects, Fault::Locks;
    readdirty_plain: ReadDirtyMap<u64, u64, ByItself>, Plain, Fault::Exchanges;
    readdirty_objects: ReadDirtyMap<Key, Watched, ByItself>, Objects, Fault::Exchanges;
    caslist_plain: CasListMap<u64, u64, ByItself>, Plain, Fault::Exchanges;
    caslist_objects: CasListMap<Key, Watched, ByItself>, Objects, Fault::Exchanges;
}

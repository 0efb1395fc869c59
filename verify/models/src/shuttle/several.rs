//! Several keys at one instant: the maps under locks.
//!
//! Accounts of which the sum stays the same, while keys come and the map grows. A run that cannot go on is a deadlock, which
//! shuttle reports.

use map_core::LockedMap;
use map_rwlock::RwLockMap;
use map_sharded::ShardedMap;
use map_sync::shim::model::{Fault, set_membarrier};
use shuttle::rand::{Rng, thread_rng};

use super::explore;
use super::scenarios::{Entries, Map, Objects, Plain, new};
use crate::check::{self, ByItself, Key, Watched, must_fail, name_of, spawn};

const ACCOUNTS: u64 = 4;
const SUM: u64 = 30;

/// Moves what it can from one account to another; an empty account is no entry.
fn transfer<T: Entries, M: LockedMap<T::K, T::V>>(map: &M) {
    let from = thread_rng().gen_range(0..ACCOUNTS);
    let to = (from + thread_rng().gen_range(1..ACCOUNTS)) % ACCOUNTS;
    map.transact([T::key(from), T::key(to)], |[from, to]| {
        let held = |account: &Option<T::V>| account.as_ref().map_or(0, T::number);
        let amount = held(from).min(7);
        let (left, sum) = (held(from) - amount, held(to) + amount);
        *from = (left > 0).then(|| T::value(left));
        *to = (sum > 0).then(|| T::value(sum));
    });
}

fn sum_of_keys<T: Entries, M: LockedMap<T::K, T::V>>(map: &M) -> u64 {
    let keys: [T::K; ACCOUNTS as usize] = std::array::from_fn(|n| T::key(n as u64));
    map.read_many(keys.each_ref(), |values| values.into_iter().flatten().map(T::number).sum())
}

fn sum_of_snapshot<T: Entries, M: LockedMap<T::K, T::V>>(map: &M) -> u64 {
    map.snapshot(|entries| {
        let accounts = entries.filter(|(key, _)| T::name(key) < ACCOUNTS);
        accounts.map(|(_, value)| T::number(value)).sum()
    })
}

fn transfers<T: Entries, M: Map<T> + LockedMap<T::K, T::V>>() {
    let map = new::<T, M>();
    (0..3).for_each(|key| _ = map.insert(T::key(key), T::value(SUM / 3)));
    let movers = [0, 1].map(|_| spawn(&map, |map| (0..2).for_each(|_| transfer::<T, M>(map))));
    let growing = spawn(&map, |map| {
        for key in 10..18 {
            map.insert(T::key(key), T::value(1));
        }
    });
    let looking = spawn(&map, |map| {
        // Two shards are held shared, in any order.
        map.read(&T::key(thread_rng().gen_range(0..ACCOUNTS)), |_| {
            map.read(&T::key(thread_rng().gen_range(0..ACCOUNTS)), T::number)
        });
        assert_eq!(sum_of_keys::<T, M>(map), SUM, "several keys");
        assert_eq!(sum_of_snapshot::<T, M>(map), SUM, "a snapshot");
    });
    movers.into_iter().for_each(|mover| mover.join());
    growing.join();
    looking.join();
    assert_eq!((sum_of_keys::<T, M>(&map), sum_of_snapshot::<T, M>(&map)), (SUM, SUM));
}

/// As [`transfers`], by single reads and writes: what must be found.
fn no_transfers<T: Entries, M: Map<T> + LockedMap<T::K, T::V>>() {
    let map = new::<T, M>();
    (0..2).for_each(|key| _ = map.insert(T::key(key), T::value(SUM / 2)));
    let moving = spawn(&map, |map| {
        map.update(&T::key(0), |held| T::value(T::number(held) - 7));
        map.update(&T::key(1), |held| T::value(T::number(held) + 7));
    });
    let sum = sum_of_keys::<T, M>(&map);
    moving.join();
    assert_eq!(sum, SUM, "the sum is wrong in between");
}

macro_rules! models {
    ($($name:ident: $Map:ty, $Entries:ty;)*) => {$(
        mod $name {
            use super::*;

            fn explored(scenario: &str, model: fn()) {
                set_membarrier(true);
                explore(&format!("{}, {scenario}", stringify!($name)), model);
            }

            #[test]
            fn transfers_keep_the_sum() {
                explored("transfers", transfers::<$Entries, $Map>);
            }

            #[test]
            fn a_transfer_in_two_steps_is_found() {
                if check::set_fault() {
                    explored("no transfers", no_transfers::<$Entries, $Map>);
                } else {
                    let test = name_of!(a_transfer_in_two_steps_is_found);
                    must_fail(test, Fault::None, &["the sum is wrong in between"]);
                }
            }
        }
    )*};
}

models! {
    rwlock_plain: RwLockMap<u64, u64, ByItself>, Plain;
    rwlock_objects: RwLockMap<Key, Watched, ByItself>, Objects;
    sharded_plain: ShardedMap<u64, u64, ByItself>, Plain;
    sharded_objects: ShardedMap<Key, Watched, ByItself>, Objects;
}

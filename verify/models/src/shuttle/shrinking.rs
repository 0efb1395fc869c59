//! Maps under locks that shrink in steps while others insert, read, remove and walk.
//!
//! A step of buckets merges one pair here, so that there are as many places between two steps as can be. What comes makes the map grow again, so that a
//! shrinking is turned into a growth.

use map_core::ShrinkMap;
use map_rwlock::RwLockMap;
use map_sharded::ShardedMap;
use map_sync::shim::model::{Fault, set_membarrier};
use shuttle::rand::{Rng, thread_rng};

use super::explore;
use super::scenarios::{Entries, Map, Objects, Plain, all, get, new, put, take};
use crate::check::{ByItself, KILLED, Key, Thread, Watched, must_fail, name_of, spawn};

/// Keys that stay.
const STAY: u64 = 5;

/// How many keys there were at first: so many buckets are to be merged.
const WERE: u64 = 28;

fn steps<T: Entries, M: Map<T> + ShrinkMap>() {
    let map = new::<T, M>();
    (0..WERE).for_each(|key| assert_eq!(put::<T>(&*map, key, key), None));
    (STAY..WERE).for_each(|key| assert_eq!(take::<T>(&*map, key), Some(key)));
    let shrinking = |map: &M| (0..2).for_each(|_| map.shrink_to_fit());
    let changing = |map: &M| {
        let more = thread_rng().gen_range(2..16);
        for key in 100..100 + more {
            assert_eq!(put::<T>(map, key, key), None);
            assert_eq!(get::<T>(map, key), Some(key), "what was put in is missed");
        }
        (100..100 + more).step_by(2).for_each(|key| assert_eq!(take::<T>(map, key), Some(key)));
        (101..100 + more).step_by(2).map(|key| (key, key)).collect::<Vec<_>>()
    };
    let looking = |map: &M| {
        for _ in 0..2 {
            for key in 0..STAY {
                assert_eq!(get::<T>(map, key), Some(key), "missed");
            }
            assert_eq!(all::<T>(map).range(..STAY).count() as u64, STAY, "missed by a walk");
        }
    };
    let threads = [spawn(&map, shrinking), spawn(&map, looking)];
    let mut expected = changing(&map);
    threads.into_iter().for_each(Thread::join);
    expected.extend((0..STAY).map(|key| (key, key)));
    assert_eq!(map.len(), expected.len());
    assert_eq!(all::<T>(&*map), expected.iter().copied().collect());
    map.shrink_to_fit();
    assert_eq!(all::<T>(&*map), expected.into_iter().collect());
}

macro_rules! models {
    ($($name:ident: $Map:ty, $Entries:ty;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn a_map_shrinks_beside_others() {
                set_membarrier(true);
                explore(&format!("{}, shrinking", stringify!($name)), steps::<$Entries, $Map>);
            }

            #[test]
            fn a_step_that_excludes_nobody_is_found() {
                let test = name_of!(a_map_shrinks_beside_others);
                must_fail(test, Fault::Locks, &["panicked", KILLED]);
            }
        }
    )*};
}

models! {
    rwlock_plain: RwLockMap<u64, u64, ByItself>, Plain;
    sharded_plain: ShardedMap<u64, u64, ByItself>, Plain;
    sharded_objects: ShardedMap<Key, Watched, ByItself>, Objects;
}

//! Operations on the whole map beside writers: `len`, `retain`, `clear`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use map_core::ConcurrentMap;

use super::concurrent::{SPELL, numbers};
use crate::family::Family;
use crate::harness::{beside, rounds, team};

/// `len` is off by no more than the writes that overlap it, and exact when all is quiet.
pub fn len_is_near_and_settles<F: Family>() {
    for writers in [1, 3] {
        rounds(SPELL, |_| {
            let map = numbers::<F>();
            map.insert_many((0..100).map(|key| (key, key)));
            beside(
                writers,
                1,
                |member| {
                    let key = 1000 + member as u64;
                    for _ in 0..200 {
                        assert!(map.insert(key, 0) && map.remove(&key));
                    }
                    map.insert(key, 0);
                },
                |_| {
                    // A call of `len` may overlap any number of a writer's writes, each of which it
                    // may have counted or not; that bound is loose. No write touches the hundred.
                    let overlapping = 2 * 200 * writers + writers;
                    assert!(map.len() <= 100 + overlapping && !map.is_empty());
                },
            );
            assert_eq!(map.len(), 100 + writers, "len when all is quiet");
        });
    }
}

/// `retain` removes only what its closure has refused, and tests all that was there throughout.
pub fn retain_beside_writers<F: Family>() {
    const ODD: u64 = 1;
    const EVEN: u64 = 2;
    rounds(3 * SPELL, |_| {
        let map = numbers::<F>();
        map.insert_many((0..60).map(|key| (key, ODD)));
        map.insert_many((60..120).map(|key| (key, EVEN)));
        let saved = team(4, |member| {
            if member < 2 {
                map.retain(|_, value| *value == EVEN);
                return Vec::new();
            }
            // A key that was overwritten with a value to keep must stay.
            let saved = (0..60).filter(|key| (key + member as u64).is_multiple_of(2));
            saved.filter(|key| map.update(key, |_| EVEN)).collect::<Vec<u64>>()
        });
        let saved: BTreeSet<u64> = saved.into_iter().flatten().collect();
        let mut left = BTreeSet::new();
        map.for_each(|key, value| {
            assert_eq!(*value, EVEN, "key {key} should have been refused");
            left.insert(*key);
        });
        assert_eq!(left, saved.into_iter().chain(60..120).collect(), "what is left");
        assert_eq!(map.len(), left.len());
    });
}

/// `clear` removes what was there when it began; what was inserted after it has ended stays.
pub fn clear_beside_writers<F: Family>() {
    rounds(3 * SPELL, |_| {
        let map = numbers::<F>();
        map.insert_many((0..200).map(|key| (key, key)));
        let cleared = AtomicBool::new(false);
        let inserted = team(3, |member| {
            if member == 0 {
                std::thread::yield_now();
                map.clear();
                let survivors: Vec<u64> = (0..200).filter(|key| map.contains_key(key)).collect();
                // Before the check: the others wait for it.
                cleared.store(true, Ordering::Release);
                assert!(survivors.is_empty(), "survivors of clear: {survivors:?}");
                return Vec::new();
            }
            let mut after = Vec::new();
            let mut key = 1000 * member as u64;
            while after.len() < 20 {
                let safe = cleared.load(Ordering::Acquire);
                key += 1;
                map.insert(key, key);
                if safe {
                    after.push(key);
                } else if key.is_multiple_of(50) {
                    std::thread::yield_now();
                }
            }
            after
        });
        for key in inserted.into_iter().flatten() {
            assert_eq!(map.get(&key), Some(key), "a key inserted after clear");
        }
        map.clear();
        assert_eq!(map.len(), 0, "len after clear, when all is quiet");
        map.for_each(|key, _| panic!("key {key} survives clear"));
    });
}

//! Iteration beside writers: what is there throughout comes exactly once, nothing comes twice.

use std::collections::BTreeMap;

use map_core::ConcurrentMap;

use crate::family::{Family, HashState, empty};
use crate::harness::{Random, beside, rounds};
use crate::hashers::{Collide, HighConstant, Identity, Mixed};

/// Entries that no writer touches: `STABLE` of them, with their keys as values.
const STABLE: u64 = 200;

/// Iterates and checks all that is promised. `allowed` says whether a value may belong to a key.
fn iterate(map: &impl ConcurrentMap<u64, u64>, allowed: impl Fn(u64, u64) -> bool) {
    let mut seen = BTreeMap::new();
    map.for_each(|key, value| {
        let twice = seen.insert(*key, *value);
        assert_eq!(twice, None, "key {key} is visited twice");
        assert!(allowed(*key, *value), "key {key} has value {value}");
    });
    for key in 0..STABLE {
        assert_eq!(seen.get(&key), Some(&key), "key {key}, present throughout, is not visited");
    }
}

/// `retain`, keeping all, tests what is there throughout.
fn test_all(map: &impl ConcurrentMap<u64, u64>) {
    let mut seen = BTreeMap::new();
    map.retain(|key, value| {
        seen.insert(*key, *value);
        true
    });
    for key in 0..STABLE {
        assert_eq!(seen.get(&key), Some(&key), "key {key}, present throughout, is not tested");
    }
}

fn prepared<F: Family, S: HashState>() -> crate::family::MapOf<F, u64, u64, S> {
    let map = empty::<F, u64, u64, S>();
    map.insert_many((0..STABLE).map(|key| (key, key)));
    map
}

/// While the map grows to many times its size.
pub fn beside_growth<F: Family>() {
    fn with<F: Family, S: HashState>(keys: u64) {
        rounds(60, |_| {
            let map = prepared::<F, S>();
            beside(
                2,
                2,
                |member| {
                    for key in (STABLE + member as u64..keys).step_by(2) {
                        map.insert(key, key);
                    }
                },
                |checker| {
                    if checker == 0 {
                        iterate(&map, |key, value| key == value)
                    } else {
                        test_all(&map)
                    }
                },
            );
            assert_eq!(map.len() as u64, keys);
        });
    }
    with::<F, Mixed>(6000);
    with::<F, Identity>(6000);
    with::<F, HighConstant>(700);
}

/// While other keys come and go and come again, in the same chains.
pub fn beside_churn<F: Family>() {
    fn with<F: Family, S: HashState>() {
        rounds(60, |round| {
            let map = prepared::<F, S>();
            beside(
                2,
                2,
                |member| {
                    let mut random = Random::new(round * 4 + member as u64);
                    for n in 0..600 {
                        let key = STABLE + random.below(40);
                        if random.below(2) == 0 {
                            map.insert(key, key + 1000 * n);
                        } else {
                            map.remove(&key);
                        }
                    }
                },
                |checker| {
                    if checker == 0 {
                        iterate(&map, |key, value| value % 1000 == key);
                    } else {
                        test_all(&map);
                    }
                },
            );
        });
    }
    with::<F, Mixed>();
    with::<F, HighConstant>();
    with::<F, Collide>();
}

/// While the values of the visited keys themselves are overwritten: an entry is present although its
/// value changes, so it comes once, with one of its values.
pub fn beside_overwriting<F: Family>() {
    rounds(100, |_| {
        let map = empty::<F, u64, u64, Mixed>();
        map.insert_many((0..STABLE).map(|key| (key, key)));
        beside(
            2,
            1,
            |member| {
                for n in 0..5 {
                    for key in 0..STABLE {
                        if member == 0 {
                            map.insert(key, key + n * 1000);
                        } else {
                            map.update(&key, |value| value + 1000);
                        }
                    }
                }
            },
            |_| {
                let mut seen = vec![0; usize::try_from(STABLE).unwrap_or(0)];
                map.for_each(|key, value| {
                    assert_eq!(value % 1000, *key, "a value of another key");
                    seen[usize::try_from(*key).unwrap_or(0)] += 1;
                });
                assert!(seen.iter().all(|times| *times == 1), "visits: {seen:?}");
            },
        );
    });
}

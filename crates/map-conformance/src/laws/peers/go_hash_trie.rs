//! The properties that Go tests the trie for that is its `sync.Map` today (`hashtriemap_test.go`).
//!
//! As there, each is tried with a good hash, with one hash for all keys, and with few.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use map_core::{CompareExchangeError, ConcurrentMap, Reentrancy};

use super::SPELL;
use crate::family::{Family, HashState, MapOf, empty};
use crate::harness::{Random, rounds, scaled, team};
use crate::hashers::{Collide, HighConstant, Mixed};

/// How many keys a map gets.
const KEYS: u64 = 128;

/// How many threads share a map.
const THREADS: usize = 4;

/// The keys of which one, four, or all are changed, while the others stay as they are.
const CHOSEN: [fn(u64) -> bool; 3] =
    [|key| key == 15, |key| matches!(key, 1 | 6 | 85 | 105), |_| true];

/// Calls a law's body once for each hash.
macro_rules! with_each_hash {
    ($F:ident, $with:ident) => {
        $with::<$F, Mixed>();
        $with::<$F, Collide>();
        $with::<$F, HighConstant>();
    };
}

fn filled<F: Family, S: HashState>() -> MapOf<F, u64, u64, S> {
    let map = empty::<F, u64, u64, S>();
    for key in 0..KEYS {
        assert_eq!(map.get(&key), None);
        assert_eq!(map.get_or_insert_with(key, || key, |value| *value), key);
    }
    map
}

/// Asserts that each key has the value that it should.
fn assert_values(map: &impl ConcurrentMap<u64, u64>, value: impl Fn(u64) -> Option<u64>) {
    for key in 0..KEYS {
        assert_eq!(map.get(&key), value(key), "the value of key {key}");
    }
}

/// `LoadOrStore`: stores what is absent, loads what is present, and says which.
pub fn load_or_store_in_turn<F: Family>() {
    fn with<F: Family, S: HashState>() {
        let map = filled::<F, S>();
        for key in 0..KEYS {
            let make = || unreachable!("the key is present");
            assert_eq!(map.get_or_insert_with(key, make, |value| *value), key);
            let refused = map.try_insert(key, 0).expect_err("the key is present");
            assert_eq!((refused.key, refused.value), (key, 0));
        }
        assert_values(&map, Some);
    }
    with_each_hash!(F, with);
}

/// `All`: iteration offers each entry once, with its value.
pub fn iterates_over_each_once<F: Family>() {
    fn with<F: Family, S: HashState>() {
        let map = filled::<F, S>();
        let mut seen = BTreeSet::new();
        map.for_each(|key, value| {
            assert!(key == value && seen.insert(*key), "key {key} with value {value}");
        });
        assert_eq!(seen, (0..KEYS).collect());
    }
    with_each_hash!(F, with);
}

/// `CompareAndSwap`: fails on an absent key and on another value, succeeds once, and leaves other keys alone.
pub fn compare_and_swap_in_turn<F: Family>() {
    fn with<F: Family, S: HashState>() {
        for chosen in CHOSEN {
            let map = filled::<F, S>();
            let absent = map.compare_exchange(&KEYS, &KEYS, 1);
            assert_eq!(absent, Err(CompareExchangeError::Absent(1)));
            for round in 0..3 {
                for key in (0..KEYS).filter(|key| chosen(*key)) {
                    let value = key + round;
                    let wrong = map.compare_exchange(&key, &u64::MAX, 0);
                    assert_eq!(wrong, Err(CompareExchangeError::Mismatch(0)));
                    assert_eq!(map.compare_exchange(&key, &value, value + 1), Ok(()));
                    let again = map.compare_exchange(&key, &value, value + 1);
                    assert_eq!(again, Err(CompareExchangeError::Mismatch(value + 1)));
                }
            }
            assert_values(&map, |key| Some(if chosen(key) { key + 3 } else { key }));
        }
    }
    with_each_hash!(F, with);
}

/// Removes one, four or all keys, which leaves the others alone, and puts them in again.
fn removed_in_turn<F: Family, S: HashState>(remove: fn(&MapOf<F, u64, u64, S>, u64)) {
    for chosen in CHOSEN {
        let map = filled::<F, S>();
        for _ in 0..3 {
            (0..KEYS).filter(|key| chosen(*key)).for_each(|key| remove(&map, key));
            assert_values(&map, |key| (!chosen(key)).then_some(key));
            for key in (0..KEYS).filter(|key| chosen(*key)) {
                assert!(map.insert(key, key));
            }
        }
    }
}

/// `CompareAndDelete`: fails on another value, succeeds once, and leaves other keys alone; then all is put in again.
pub fn compare_and_delete_in_turn<F: Family>() {
    fn with<F: Family, S: HashState>() {
        removed_in_turn::<F, S>(|map, key| {
            assert!(!map.remove_if(&key, |value| *value == u64::MAX));
            assert!(map.remove_if(&key, |value| *value == key));
            assert!(!map.remove_if(&key, |value| *value == key));
        });
    }
    with_each_hash!(F, with);
}

/// `Swap`: gives the value before, which is none the first time.
pub fn swap_in_turn<F: Family>() {
    fn with<F: Family, S: HashState>() {
        for chosen in CHOSEN {
            let map = empty::<F, u64, u64, S>();
            let swap = |key, value| map.insert_then(key, value, |old| old.copied());
            for key in 0..KEYS {
                assert_eq!((swap(key, key), swap(key, key)), (None, Some(key)));
            }
            for round in 0..3 {
                for key in (0..KEYS).filter(|key| chosen(*key)) {
                    assert_eq!(swap(key, key + round + 1), Some(key + round));
                }
            }
            assert_values(&map, |key| Some(if chosen(key) { key + 3 } else { key }));
        }
    }
    with_each_hash!(F, with);
}

/// `LoadAndDelete`: gives the value once, then none; then all is put in again.
pub fn load_and_delete_in_turn<F: Family>() {
    fn with<F: Family, S: HashState>() {
        removed_in_turn::<F, S>(|map, key| {
            assert_eq!(map.remove_then(&key, |value| *value), Some(key));
            assert_eq!(map.remove_then(&key, |value| *value), None);
        });
    }
    with_each_hash!(F, with);
}

/// `Clear`: on one thread, nothing is left and all can be put in again.
pub fn clear_in_turn<F: Family>() {
    fn with<F: Family, S: HashState>() {
        let map = filled::<F, S>();
        for _ in 0..3 {
            map.clear();
            assert_values(&map, |_| None);
            assert_eq!(map.len(), 0);
            for key in 0..KEYS {
                assert!(map.insert(key, key));
            }
            assert_values(&map, Some);
        }
    }
    with_each_hash!(F, with);
}

/// `Iterate`: removing what an iteration offers, inside it where the map allows that, empties the map.
pub fn iterate_and_remove<F: Family>() {
    fn with<F: Family, S: HashState>() {
        let map = filled::<F, S>();
        let works = <MapOf<F, u64, u64, S>>::GUARANTEES.reentrancy == Reentrancy::Works;
        if works {
            map.for_each(|key, value| {
                let removed = map.remove_if(key, |held| held == value);
                assert!(removed, "key {key} is offered and not there");
            });
        }
        while !map.is_empty() {
            assert!(!works, "an iteration leaves something out");
            let offered = map.try_for_each(|key, value| ControlFlow::Break((*key, *value)));
            let ControlFlow::Break((key, value)) = offered else { panic!("nothing is offered") };
            assert_eq!(map.remove_then(&key, |value| *value), Some(value));
        }
        assert_values(&map, |_| None);
    }
    with_each_hash!(F, with);
}

/// `ConcurrentUnsharedKeys`: a thread finds the keys that nobody else has as it left them, through every operation.
pub fn unshared_keys_in_shared_chains<F: Family>() {
    fn with<F: Family, S: HashState>() {
        rounds(SPELL, |_| {
            let map = empty::<F, String, u64, S>();
            team(2 * THREADS, |member| {
                for n in 0..32_u64 {
                    let key = format!("{n}-{member}");
                    let known = || unreachable!("the key is present");
                    assert_eq!(map.get_or_insert_with(key.clone(), || n, |value| *value), n);
                    assert_eq!(map.get_or_insert_with(key.clone(), known, |value| *value), n);
                    assert_eq!(map.compare_exchange(key.as_str(), &n, n + 1), Ok(()));
                    assert_eq!(map.insert_then(key, n + 2, |old| old.copied()), Some(n + 1));
                }
                for n in 0..32_u64 {
                    assert_eq!(map.get(format!("{n}-{member}").as_str()), Some(n + 2));
                }
            });
            assert_eq!(map.len(), 2 * THREADS * 32);
        });
    }
    with_each_hash!(F, with);
}

/// `ConcurrentUnsharedKeysWithDelete`: the same with removals in between, by value and by key.
pub fn unshared_keys_with_removal<F: Family>() {
    fn with<F: Family, S: HashState>() {
        rounds(SPELL, |_| {
            let map = empty::<F, String, u64, S>();
            team(2 * THREADS, |member| {
                for n in 0..32_u64 {
                    let key = format!("{n}-{member}");
                    let asked = key.as_str();
                    assert!(map.insert(key.clone(), n));
                    assert!(map.remove_if(asked, |value| *value == n));
                    let gone = map.compare_exchange(asked, &n, n + 1);
                    assert_eq!(gone, Err(CompareExchangeError::Absent(n + 1)));
                    assert!(!map.remove_if(asked, |_| true));
                    assert_eq!(map.insert_then(key.clone(), n + 2, |old| old.copied()), None);
                    assert_eq!(map.remove_then(asked, |value| *value), Some(n + 2));
                    assert_eq!((map.get(asked), map.remove(asked)), (None, false));
                    assert!(n % 2 == 0 || map.insert(key, n));
                }
            });
            assert_eq!(map.len(), 2 * THREADS * 16);
        });
    }
    with_each_hash!(F, with);
}

/// `ConcurrentSharedKeys`: threads do one thing with all keys. After its own attempt each finds that it is done, and
/// one of the attempts on each key has done it.
fn shared_keys<F: Family, S: HashState>(
    after: fn(u64) -> Option<u64>,
    attempt: fn(&MapOf<F, u64, u64, S>, u64) -> bool,
) {
    rounds(SPELL, |_| {
        let map = filled::<F, S>();
        let done = team(THREADS, |_| {
            let attempt = |key: &u64| {
                let done = attempt(&map, *key);
                assert_eq!(map.get(key), after(*key), "key {key} after an attempt on it");
                done
            };
            let done = (0..KEYS).filter(attempt).collect::<Vec<_>>();
            assert_values(&map, after);
            done
        });
        let mut done = done.concat();
        done.sort_unstable();
        assert!(done.into_iter().eq(0..KEYS), "each key is changed by one attempt");
    });
}

/// `ConcurrentSharedKeys` of `CompareAndSwap`.
pub fn shared_keys_are_exchanged_once<F: Family>() {
    fn with<F: Family, S: HashState>() {
        shared_keys::<F, S>(
            |key| Some(key + 1),
            |map, key| {
                assert!(map.compare_exchange(&key, &u64::MAX, 0).is_err());
                map.compare_exchange(&key, &key, key + 1).is_ok()
            },
        );
    }
    with_each_hash!(F, with);
}

/// `ConcurrentSharedKeys` of `Swap`.
pub fn shared_keys_are_swapped_once<F: Family>() {
    fn with<F: Family, S: HashState>() {
        shared_keys::<F, S>(
            |key| Some(key + 1),
            |map, key| map.insert_then(key, key + 1, |old| old == Some(&key)),
        );
    }
    with_each_hash!(F, with);
}

/// `ConcurrentSharedKeys` of `LoadAndDelete`.
pub fn shared_keys_are_removed_once<F: Family>() {
    fn with<F: Family, S: HashState>() {
        shared_keys::<F, S>(|_| None, |map, key| map.remove_then(&key, |_| ()).is_some());
    }
    with_each_hash!(F, with);
}

/// `ConcurrentSharedKeys` of `CompareAndDelete`.
pub fn shared_keys_are_removed_by_value_once<F: Family>() {
    fn with<F: Family, S: HashState>() {
        shared_keys::<F, S>(
            |_| None,
            |map, key| {
                assert!(!map.remove_if(&key, |value| *value == u64::MAX));
                map.remove_if(&key, |value| *value == key)
            },
        );
    }
    with_each_hash!(F, with);
}

/// `Clear` beside exchanges that may succeed and removals that cannot: what nobody has written since is gone, and after
/// a last one all is.
pub fn clear_beside_exchanges<F: Family>() {
    fn with<F: Family, S: HashState>() {
        rounds(SPELL, |_| {
            let map = filled::<F, S>();
            team(THREADS, |member| {
                for key in 0..KEYS {
                    if member == 0 && key % 32 == 0 {
                        map.clear();
                    }
                    assert!(!map.remove_if(&key, |value| *value == u64::MAX));
                    _ = map.compare_exchange(&key, &key, key + 1);
                }
            });
            for key in 0..KEYS {
                let left = map.get(&key);
                assert!(left.is_none_or(|value| value == key + 1), "key {key}: {left:?}");
            }
            map.clear();
            assert_values(&map, |_| None);
            assert_eq!(map.len(), 0);
        });
    }
    with_each_hash!(F, with);
}

/// `TestConcurrentCache`: a cache of shared objects, replaced when dead and removed when stale. Two
/// gets in a row give the same object, and of an exchange and a removal of one value never both
/// succeed.
pub fn concurrent_cache<F: Family>() {
    rounds(6 * SPELL, |round| {
        let map = empty::<F, u64, Arc<u64>, Mixed>();
        let made_and_discarded = team(4, |member| {
            let mut random = Random::new(round * 4 + member as u64);
            let (mut made, mut discarded) = (0, Vec::new());
            for n in 0..scaled(300) {
                let key = random.below(8);
                // Each object has a number of its own.
                let fresh = Arc::new(n * 4 + member as u64);
                let mine = map.get_or_insert_with(key, || Arc::clone(&fresh), Arc::clone);
                made += usize::from(Arc::ptr_eq(&mine, &fresh));
                let gone = match random.below(3) {
                    0 => {
                        let new = Arc::new(u64::MAX - *fresh);
                        let exchanged = map.compare_exchange(&key, &mine, new).is_ok();
                        made += usize::from(exchanged);
                        exchanged
                    }
                    1 => map.remove_if(&key, |value| Arc::ptr_eq(value, &mine)),
                    _ => false,
                };
                discarded.extend(gone.then_some(*mine));
            }
            (made, discarded)
        });
        let made: usize = made_and_discarded.iter().map(|(made, _)| made).sum();
        let mut discarded: Vec<u64> =
            made_and_discarded.into_iter().flat_map(|(_, discarded)| discarded).collect();
        assert_eq!(made - discarded.len(), map.len(), "objects made less objects discarded");
        let all = discarded.len();
        discarded.sort_unstable();
        discarded.dedup();
        assert_eq!(discarded.len(), all, "an object was discarded by two threads");
    });
}

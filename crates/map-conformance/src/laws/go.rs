//! The properties that Go tests its `sync.Map` for, in the words of this contract.
//!
//! The equivalence of random sequences with a plain map is the group `sequential`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use map_core::{CompareExchangeError, ConcurrentMap, Reentrancy};

use crate::family::{Family, HashState, MapOf, empty};
use crate::harness::{Random, beside, rounds, team};
use crate::hashers::{Collide, HighConstant, Mixed};

/// `TestConcurrentRange`: every iteration sees every key once, with a value that it had.
pub fn concurrent_range<F: Family>() {
    const KEYS: u64 = 512;
    let map = empty::<F, u64, u64, Mixed>();
    map.insert_many((1..=KEYS).map(|key| (key, key)));
    rounds(150, |round| {
        beside(
            3,
            1,
            |member| {
                let mut random = Random::new(round * 4 + member as u64);
                for key in 1..=KEYS {
                    if random.below(16) == 0 {
                        map.insert(key, key * random.below(1000));
                    } else {
                        assert!(map.contains_key(&key));
                    }
                }
            },
            |_| {
                let mut seen = BTreeSet::new();
                map.for_each(|key, value| {
                    assert_eq!(value % key, 0, "a value that key {key} never had");
                    assert!(seen.insert(*key), "key {key} twice");
                });
                assert_eq!(seen.len() as u64, KEYS);
            },
        );
    });
}

/// `TestMapRangeNestedCall`: everything is allowed inside an iteration, where the map says so.
pub fn nested_range<F: Family>() {
    type M<F> = MapOf<F, u64, u64, Mixed>;
    if <M<F> as ConcurrentMap<u64, u64>>::GUARANTEES.reentrancy != Reentrancy::Works {
        return;
    }
    let map = empty::<F, u64, u64, Mixed>();
    map.insert_many((0..3).map(|key| (key, key * 7)));
    map.for_each(|key, value| {
        map.for_each(|inner, value| {
            if *inner < 3 {
                assert_eq!(map.get(inner), Some(*value), "an offered key");
            }
            assert!(map.try_insert(42, 1).is_ok());
            assert_eq!(map.insert_then(42, 2, |old| old.copied()), Some(1));
            assert_eq!(map.remove_then(&42, |value| *value), Some(2));
        });
        assert_eq!(map.remove_then(key, |value| *value), Some(*value));
    });
    assert!(map.is_empty());
}

/// `TestCompareAndSwap_NonExistingKey` and its kin: one attempt after the other, on all keys.
pub fn compare_and_swap_in_turn<F: Family>() {
    fn with<F: Family, S: HashState>() {
        let map = empty::<F, u64, u64, S>();
        for key in 0..128 {
            assert_eq!(map.compare_exchange(&key, &0, 1), Err(CompareExchangeError::Absent(1)));
            assert!(map.insert(key, key));
        }
        for round in 0..3 {
            for key in 0..128 {
                let value = key + round;
                let wrong = map.compare_exchange(&key, &u64::MAX, 0);
                assert_eq!(wrong, Err(CompareExchangeError::Mismatch(0)));
                assert!(!map.remove_if(&key, |value| *value == u64::MAX));
                assert_eq!(map.compare_exchange(&key, &value, value + 1), Ok(()));
                let again = map.compare_exchange(&key, &value, value + 1);
                assert_eq!(again, Err(CompareExchangeError::Mismatch(value + 1)));
            }
        }
        for key in 0..128 {
            assert!(map.remove_if(&key, |value| *value == key + 3));
            assert!(!map.remove_if(&key, |_| true) && map.get(&key).is_none());
        }
        assert!(map.is_empty());
    }
    with::<F, Mixed>();
    with::<F, Collide>();
    with::<F, HighConstant>();
}

/// Removing what an iteration offers empties the map.
pub fn iterate_and_remove<F: Family>() {
    let map = empty::<F, u64, u64, HighConstant>();
    map.insert_many((0..128).map(|key| (key, key)));
    while !map.is_empty() {
        let offered = map.try_for_each(|key, value| ControlFlow::Break((*key, *value)));
        let ControlFlow::Break((key, value)) = offered else { panic!("nothing is offered") };
        assert_eq!(map.remove_then(&key, |value| *value), Some(value));
        assert!(!map.remove(&key));
    }
}

/// `TestConcurrentClear`: beside writers and readers; after a last one nothing is left.
pub fn concurrent_clear<F: Family>() {
    rounds(100, |_| {
        let map = empty::<F, u64, u64, Mixed>();
        team(6, |member| {
            for key in 0..100 {
                match member % 3 {
                    0 => _ = map.insert(key, key * 10),
                    1 => assert!(map.get(&key).is_none_or(|value| value == key * 10)),
                    _ if key % 10 == 0 => map.clear(),
                    _ => _ = map.compare_exchange(&key, &(key * 10), key * 10),
                }
            }
        });
        map.clear();
        map.for_each(|key, _| panic!("key {key} is left"));
        assert_eq!(map.len(), 0);
    });
}

/// `TestConcurrentCache`: a cache of shared objects, replaced when dead and removed when stale. Two
/// gets in a row give the same object, and of an exchange and a removal of one value never both
/// succeed.
pub fn concurrent_cache<F: Family>() {
    rounds(150, |round| {
        let map = empty::<F, u64, Arc<u64>, Mixed>();
        let made_and_discarded = team(4, |member| {
            let mut random = Random::new(round * 4 + member as u64);
            let (mut made, mut discarded) = (0, Vec::new());
            for n in 0..300_u64 {
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

/// `LoadOrStore` and `LoadAndDelete` on few keys from many threads, all with the same intent: each
/// finds the key as it left it when nobody else has that key.
pub fn unshared_keys_in_shared_chains<F: Family>() {
    fn with<F: Family, S: HashState>() {
        rounds(30, |_| {
            let map = empty::<F, String, u64, S>();
            team(8, |member| {
                for n in 0..32_u64 {
                    let key = format!("{n}-{member}");
                    assert_eq!(map.get_or_insert_with(key.clone(), || n, |value| *value), n);
                    let known = || unreachable!("the key is present");
                    assert_eq!(map.get_or_insert_with(key.clone(), known, |value| *value), n);
                    assert_eq!(map.compare_exchange(key.as_str(), &n, n + 1), Ok(()));
                    assert_eq!(map.remove_then(key.as_str(), |value| *value), Some(n + 1));
                    assert_eq!(map.get(key.as_str()), None);
                    assert!(map.insert(key, n));
                }
            });
            assert_eq!(map.len(), 8 * 32);
        });
    }
    with::<F, Mixed>();
    with::<F, Collide>();
    with::<F, HighConstant>();
}

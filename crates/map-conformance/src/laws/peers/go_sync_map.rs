//! The properties that Go tests its `sync.Map` for (`map_test.go`).

use std::collections::{BTreeSet, HashMap};

use map_core::{CompareExchangeError, ConcurrentMap, Reentrancy};

use super::SPELL;
use crate::family::{Family, HashState, MapOf, empty};
use crate::harness::{Random, beside, rounds, scaled, team};
use crate::hashers::{Collide, HighConstant, Mixed};
use crate::token::{Ledger, Token};

/// A word of up to two letters, so that words meet.
fn word(random: &mut Random) -> String {
    (0..random.below(3)).map(|_| char::from(b'a' + random.below(5) as u8)).collect()
}

/// What a call of Go's interface answers: a value, and whether it did or found something.
type Answer = (Option<String>, bool);

/// One call on the map and on the model. An exchange that succeeds is followed by a removal, a conditional removal by
/// a look-up.
fn both(
    map: &impl ConcurrentMap<String, String>,
    model: &mut HashMap<String, String>,
    random: &mut Random,
) -> (Answer, Answer) {
    let (key, value) = (word(random), word(random));
    let held = model.get(&key).cloned();
    let expected = match held.clone().filter(|_| random.below(2) == 0) {
        Some(right) => right,
        None => word(random),
    };
    let is_right = held.as_ref() == Some(&expected);
    let found = held.is_some();
    match random.below(33) {
        0..=3 => ((map.get(key.as_str()), true), (held, true)),
        4..=7 => {
            model.insert(key.clone(), value.clone());
            ((None, map.insert(key, value)), (None, !found))
        }
        8..=11 => {
            let kept = model.entry(key.clone()).or_insert_with(|| value.clone()).clone();
            let mut made = false;
            let make = || {
                made = true;
                value
            };
            let seen = map.get_or_insert_with(key, make, String::clone);
            ((Some(seen), made), (Some(kept), !found))
        }
        12..=15 => {
            model.remove(&key);
            let old = map.remove_then(key.as_str(), String::clone);
            ((old.clone(), old.is_some()), (held, found))
        }
        16..=19 => {
            model.remove(&key);
            ((None, map.remove(key.as_str())), (None, found))
        }
        20..=23 => {
            model.insert(key.clone(), value.clone());
            ((map.insert_then(key, value, |old| old.cloned()), true), (held, true))
        }
        24..=27 => {
            let exchanged = map.compare_exchange(key.as_str(), &expected, value).is_ok();
            let removed = exchanged && map.remove(key.as_str());
            if is_right {
                model.remove(&key);
            }
            ((None, removed), (None, is_right))
        }
        28..=31 => {
            let removed = map.remove_if(key.as_str(), |value| *value == expected);
            let gone = removed && map.get(key.as_str()).is_none();
            if is_right {
                model.remove(&key);
            }
            ((None, gone), (None, is_right))
        }
        _ => {
            map.clear();
            model.clear();
            ((None, map.is_empty()), (None, true))
        }
    }
}

/// `TestMapMatchesRWMutex` and its kin: random sequences of nine operations on short words answer as a plain map does.
pub fn sequences_agree<F: Family>() {
    fn with<F: Family, S: HashState>(stream: u64) {
        rounds(SPELL, |round| {
            let mut random = Random::new(round * 4 + stream);
            let map = empty::<F, String, String, S>();
            let mut model = HashMap::new();
            for step in 0..scaled(200) {
                let (seen, expected) = both(&map, &mut model, &mut random);
                assert_eq!(seen, expected, "the answer of step {step}");
            }
            let mut contents = HashMap::new();
            map.for_each(|key, value| _ = contents.insert(key.clone(), value.clone()));
            assert_eq!(contents, model, "the contents at the end");
        });
    }
    with::<F, Mixed>(0);
    with::<F, HighConstant>(1);
}

/// `TestConcurrentRange`: every iteration sees every key once, with a value that it had.
pub fn concurrent_range<F: Family>() {
    let keys = scaled(512);
    let map = empty::<F, u64, u64, Mixed>();
    map.insert_many((1..=keys).map(|key| (key, key)));
    rounds(4 * SPELL, |round| {
        beside(
            3,
            1,
            |member| {
                let mut random = Random::new(round * 4 + member as u64);
                for key in 1..=keys {
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
                assert_eq!(seen.len() as u64, keys);
            },
        );
    });
}

/// `TestIssue40999`: keys that come and go are let go while the map lives, and their values too.
pub fn keys_are_released<F: Family>() {
    const MOST: u64 = 4096;
    let ledger = Ledger::open();
    let token = |number| Token::new(ledger, number);
    let map = empty::<F, Token, Token, Mixed>();
    map.insert(token(0), token(0));
    let released = (1..=MOST).any(|number| {
        map.insert(token(number), token(number));
        assert!(map.remove(&token(number)));
        // Fewer are alive than keys, or values, have come and gone.
        number % 64 == 0 && (ledger.alive() as u64) < number
    });
    assert!(released, "of {MOST} removed entries, keys or values are all kept");
    assert!(map.contains_key(&token(0)));
}

/// `TestMapRangeNestedCall`: inside an iteration inside an iteration everything is allowed that the map allows.
pub fn nested_range<F: Family>() {
    type M<F> = MapOf<F, u64, u64, Mixed>;
    let map = empty::<F, u64, u64, Mixed>();
    map.insert_many((0..3).map(|key| (key, key * 7)));
    match <M<F> as ConcurrentMap<u64, u64>>::GUARANTEES.reentrancy {
        Reentrancy::Works => {
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
        Reentrancy::ReadsInReads => {
            let mut visits = 0;
            map.for_each(|_, _| {
                map.for_each(|inner, value| {
                    visits += 1;
                    assert_eq!(map.get(inner), Some(*value), "an offered key");
                });
            });
            assert_eq!(visits, 9);
        }
        _ => {}
    }
}

/// `TestCompareAndSwap_NonExistingKey`: an absent key is not exchanged, not even for a value that stands for none.
pub fn absent_keys_are_not_exchanged<F: Family>() {
    let map = empty::<F, u64, Option<u64>, Mixed>();
    map.insert(1, Some(1));
    for key in [0, 2] {
        let refused = map.compare_exchange(&key, &None, Some(42));
        assert_eq!(refused, Err(CompareExchangeError::Absent(Some(42))));
        assert!(!map.remove_if(&key, Option::is_none));
        assert_eq!(map.get(&key), None, "nothing was put in");
    }
    map.insert(0, None);
    assert_eq!(map.compare_exchange(&0, &None, Some(42)), Ok(()));
    assert_eq!((map.get(&0), map.len()), (Some(Some(42)), 2));
}

/// `TestConcurrentClear`: beside writers and readers; after a last one nothing is left.
pub fn concurrent_clear<F: Family>() {
    rounds(4 * SPELL, |_| {
        let map = empty::<F, u64, u64, Mixed>();
        team(6, |member| {
            for key in 0..scaled(100) {
                match member % 3 {
                    0 => _ = map.insert(key, key * 10),
                    1 => assert!(map.get(&key).is_none_or(|value| value == key * 10)),
                    _ if key % 10 == 0 => map.clear(),
                    _ => {}
                }
            }
        });
        map.clear();
        map.for_each(|key, _| panic!("key {key} is left"));
        assert_eq!(map.len(), 0);
    });
}

/// Round trips by one key after the other, of an empty map too: put in, found, removed or cleared, not found, put in
/// again.
pub fn round_trips<F: Family>() {
    fn with<F: Family, S: HashState>() {
        let map = empty::<F, u64, u64, S>();
        let nothing = |map: &MapOf<F, u64, u64, S>| {
            map.for_each(|key, _| panic!("key {key} is in an empty map"));
            assert!(map.is_empty());
        };
        nothing(&map);
        map.clear();
        nothing(&map);
        for key in 0..scaled(100) {
            assert!(map.insert(key, 1) && map.get(&key) == Some(1));
            assert!(map.remove(&key) && map.get(&key).is_none());
            assert!(map.insert(key, 2) && map.get(&key) == Some(2));
            map.clear();
            assert_eq!(map.get(&key), None, "after `clear`");
            nothing(&map);
        }
    }
    with::<F, Mixed>();
    with::<F, Collide>();
}

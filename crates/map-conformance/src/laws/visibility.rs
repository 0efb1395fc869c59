//! What is present is found, whole and alive, whatever others do; what was written is seen.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use map_core::{Action, ConcurrentMap, Outcome, PinMap};

use super::concurrent::{SPELL, numbers};
use crate::family::{Family, HashState, empty};
use crate::harness::{Random, beside, rounds, team};
use crate::hashers::{HighConstant, Mixed};
use crate::token::{Ledger, Token};
use crate::types::Large;

/// A key that is present is found at every moment of the map's growth.
pub fn growth_hides_nothing<F: Family>() {
    fn with<F: Family, S: HashState>(keys: u64) {
        rounds(SPELL, |_| {
            let map = empty::<F, u64, u64, S>();
            map.insert_many((0..8).map(|key| (key, key)));
            let filled = AtomicU64::new(8);
            beside(
                1,
                3,
                |_| {
                    for key in 8..keys {
                        map.insert(key, key);
                        filled.store(key + 1, Ordering::Release);
                    }
                },
                |checker| {
                    let mut random = Random::new(checker as u64);
                    for _ in 0..50 {
                        let key = random.below(filled.load(Ordering::Acquire));
                        assert_eq!(map.get(&key), Some(key), "a present key");
                        assert!(map.try_insert(key, 0).is_err(), "a present key is not inserted");
                        assert!(!map.contains_key(&(keys + key)), "an absent key");
                    }
                },
            );
            assert_eq!(map.len() as u64, keys);
        });
    }
    with::<F, Mixed>(4000);
    with::<F, HighConstant>(600);
}

/// A key that is overwritten, by any operation, is never absent in between, and its value never goes
/// back.
pub fn overwriting_hides_nothing<F: Family>() {
    for readers in [1, 3] {
        rounds(SPELL, |_| {
            let map = numbers::<F>();
            map.insert_many((0..4).map(|key| (key, 0)));
            beside(
                1,
                readers,
                |_| {
                    for n in 1..500_u64 {
                        for key in 0..4 {
                            let done = match (n + key) % 5 {
                                0 => !map.insert(key, n),
                                1 => map.update(&key, |_| n),
                                2 => map.compare_exchange(&key, &(n - 1), n).is_ok(),
                                3 => map.compute(key, |_| Action::Put(n)) == Outcome::Replaced,
                                _ => map.insert_then(key, n, |old| *old.unwrap_or(&n)) == n - 1,
                            };
                            assert!(done, "overwriting key {key} for the {n}th time");
                        }
                    }
                },
                |_| {
                    let mut newest = [0; 4];
                    let pin = map.pin();
                    for n in 0..200_u64 {
                        let key = n % 4;
                        let found = if n % 8 < 4 { map.get(&key) } else { pin.get(&key) };
                        let Some(value) = found else { panic!("key {key} is hidden") };
                        let newest = &mut newest[usize::try_from(key).unwrap_or(0)];
                        assert!(value >= *newest, "key {key} goes back: {newest}, then {value}");
                        *newest = value;
                    }
                },
            );
        });
    }
}

/// A pin sees what other threads have written since it was taken.
pub fn pins_see_new_writes<F: Family>() {
    let map = numbers::<F>();
    let turn = AtomicU64::new(0);
    let missed = team(2, |member| {
        let mut pin = map.pin();
        let mut missed = Vec::new();
        for round in 0..300_u64 {
            while turn.load(Ordering::Acquire) != 2 * round + member as u64 {
                std::thread::yield_now();
            }
            if member == 0 {
                if round % 3 == 0 {
                    pin.remove(&1)
                } else {
                    pin.insert(1, round)
                };
                pin.insert(1000 + round, round);
            } else {
                let seen = (pin.get(&1), pin.get(&(1000 + round)));
                let expected = ((round % 3 != 0).then_some(round), Some(round));
                // Not checked at once: the other thread waits for this one.
                missed.extend((seen != expected).then_some((round, seen, expected)));
            }
            if round % 50 == 49 {
                map.refresh(&mut pin);
            }
            turn.store(2 * round + member as u64 + 1, Ordering::Release);
        }
        missed
    });
    let missed: Vec<_> = missed.into_iter().flatten().collect();
    assert!(missed.is_empty(), "(round, seen, expected): {missed:?}");
}

/// Values are whole, and what was written before a value was put in is seen by who finds the value.
pub fn values_are_whole_and_published<F: Family>() {
    let map = empty::<F, u64, Large, Mixed>();
    let written: Vec<AtomicU64> = (0..100_000).map(|_| AtomicU64::new(0)).collect();
    let next = AtomicUsize::new(1);
    rounds(2 * SPELL, |_| {
        beside(
            2,
            2,
            |_| {
                for _ in 0..300 {
                    let number = next.fetch_add(1, Ordering::Relaxed) % written.len();
                    written[number].store(1, Ordering::Relaxed);
                    let value = [number as u64; 128];
                    if number.is_multiple_of(2) || !map.update(&(number as u64 % 4), |_| value) {
                        map.insert(number as u64 % 4, value);
                    }
                }
            },
            |_| {
                for key in 0..4_u64 {
                    map.read(&key, |value| {
                        let first = value[0];
                        std::thread::yield_now();
                        assert!(value.iter().all(|word| *word == first), "a value is torn");
                        let index = usize::try_from(first).unwrap_or(0);
                        assert_eq!(written[index].load(Ordering::Relaxed), 1, "unpublished");
                    });
                }
            },
        );
    });
}

/// A value that is lent stays alive until the closure returns, whatever others remove or overwrite.
pub fn lent_values_stay_alive<F: Family>() {
    rounds(3 * SPELL, |round| {
        let ledger = Ledger::open();
        let map = empty::<F, Token, Token, Mixed>();
        let token = |number| Token::new(ledger, number);
        beside(
            2,
            2,
            |member| {
                let mut random = Random::new(round * 4 + member as u64);
                for n in 0..300 {
                    let key = token(random.below(3));
                    match random.below(4) {
                        0 => _ = map.insert_then(key, token(n), |old| old.map(Token::number)),
                        1 => _ = map.remove_then(&key, Token::number),
                        2 => _ = map.update(&key, |old| token(old.number() + 1)),
                        _ => _ = map.get_or_insert_with(key, || token(n), Token::number),
                    }
                }
            },
            |checker| {
                let look = |value: &Token| {
                    let number = value.number();
                    std::thread::yield_now();
                    assert_eq!(value.number(), number, "a lent value changes");
                };
                for key in 0..3 {
                    map.read(&token(key), look);
                }
                if checker == 0 {
                    map.for_each(|key, value| {
                        look(key);
                        look(value);
                    });
                }
            },
        );
        drop(map);
        ledger.assert_settled("after lending");
    });
}

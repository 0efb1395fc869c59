//! Threads that use one map at once see each operation on a key as one instant.
//!
//! Each law has one exact outcome, whatever the schedule. Teams are of two and four threads, and of
//! eight, more than most of the machines that run this have cores.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use map_core::{Action, ConcurrentMap, Outcome, PinMap};

use crate::family::{Family, HashState, MapOf, empty};
use crate::harness::{Random, TEAMS, rounds, team};
use crate::hashers::{HighConstant, Mixed};
use crate::model::{Model, Op, apply_beside_others};
use crate::token::{Ledger, Token};
use crate::types::Large;

/// About how long a law runs with each team, in milliseconds.
const SPELL: u64 = 50;

/// How many keys threads race for in a round.
const KEYS: u64 = 32;

fn numbers<F: Family>() -> MapOf<F, u64, u64, Mixed> {
    empty::<F, u64, u64, Mixed>()
}

/// A thread that has some keys to itself sees on them exactly what it did, in the same chains,
/// shards and tables as others.
pub fn disjoint_keys<F: Family>() {
    fn with<F: Family, S: HashState>(threads: usize) {
        rounds(SPELL / 2, |round| {
            let map = empty::<F, u64, u64, S>();
            let models = team(threads, |member| {
                let mut random = Random::new(round * 16 + member as u64);
                let mut model = Model::new();
                for _ in 0..400 {
                    let key = random.below(20) * threads as u64 + member as u64;
                    let (value, other) = (random.below(3), random.below(3));
                    let op = match random.below(12) {
                        0 => Op::Get(key),
                        1 => Op::Insert(key, value),
                        2 => Op::InsertThen(key, value),
                        3 => Op::TryInsert(key, value),
                        4 => Op::GetOrInsertWith(key, value),
                        5 => Op::RemoveThen(key),
                        6 => Op::RemoveIf(key, value),
                        7 => Op::Update(key, value),
                        8 => Op::Compute(key, Action::Put(value)),
                        9 => Op::Compute(key, Action::Remove),
                        10 => Op::ComputeIfPresent(key, Action::Put(value)),
                        _ => Op::CompareExchange(key, value, other),
                    };
                    apply_beside_others(&map, &mut model, &op);
                }
                model
            });
            crate::model::agree(&map, &models.into_iter().flatten().collect());
        });
    }
    for threads in TEAMS {
        with::<F, Mixed>(threads);
        with::<F, HighConstant>(threads);
    }
}

/// Of those who try to insert an absent key, one succeeds; its value stays, and the others get theirs
/// back.
pub fn try_insert_has_one_winner<F: Family>() {
    each_key_has_one_winner::<F>(false, |map, key, member| match map.try_insert(key, member) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!((error.key, error.value), (key, member), "what is given back");
            false
        }
    });
}

/// Of those who insert an absent key, one is told that it was new: by each way to insert.
pub fn insert_has_one_winner<F: Family>() {
    each_key_has_one_winner::<F>(false, |map, key, member| match (key + member) % 4 {
        0 => map.insert(key, member),
        1 => map.insert_then(key, member, |old| old.is_none()),
        2 => map.insert_many([(key, member)]) == 1,
        _ => map.compute(key, |_| Action::Put(member)) == Outcome::Inserted,
    });
}

/// Of those who remove a present key, one succeeds: by each way to remove.
pub fn remove_has_one_winner<F: Family>() {
    each_key_has_one_winner::<F>(true, |map, key, member| match (key + member) % 5 {
        0 => map.remove(&key),
        1 => map.remove_then(&key, |_| ()).is_some(),
        2 => map.remove_if(&key, |_| true),
        3 => map.compute(key, |_| Action::Remove) == Outcome::Removed,
        _ => map.compute_if_present(&key, |_| Action::Remove) == Outcome::Removed,
    });
}

/// Of those who exchange the same value for another, one succeeds, or removes it first.
pub fn compare_exchange_has_one_winner<F: Family>() {
    each_key_has_one_winner::<F>(true, |map, key, member| {
        if member % 2 == 0 {
            map.compare_exchange(&key, &u64::MAX, member).is_ok()
        } else {
            map.remove_if(&key, |value| *value == u64::MAX)
        }
    });
}

fn each_key_has_one_winner<F: Family>(
    present: bool,
    attempt: fn(&MapOf<F, u64, u64, Mixed>, u64, u64) -> bool,
) {
    for threads in TEAMS {
        rounds(SPELL, |_| {
            let map = numbers::<F>();
            if present {
                map.insert_many((0..KEYS).map(|key| (key, u64::MAX)));
            }
            let wins = team(threads, |member| {
                (0..KEYS).filter(|key| attempt(&map, *key, member as u64)).collect::<Vec<_>>()
            });
            let mut winners: Vec<u64> = wins.iter().flatten().copied().collect();
            winners.sort_unstable();
            assert_eq!(winners, (0..KEYS).collect::<Vec<_>>(), "each key has one winner");
        });
    }
}

/// A value that is given to the map comes back once: as a replaced one, a removed one, or at the end.
pub fn each_value_comes_back_once<F: Family>() {
    for threads in TEAMS {
        rounds(SPELL, |round| {
            let map = numbers::<F>();
            let returned = team(threads, |member| {
                let mut random = Random::new(round * 16 + member as u64);
                let mut returned = Vec::new();
                for n in 0..200 {
                    let (key, value) = (random.below(3), n * threads as u64 + member as u64);
                    match map.insert_then(key, value, |old| old.copied()) {
                        Some(old) => returned.push(old),
                        None => returned.extend(map.remove_then(&key, |old| *old)),
                    }
                }
                returned
            });
            let mut returned: Vec<u64> = returned.into_iter().flatten().collect();
            map.for_each(|_, value| returned.push(*value));
            returned.sort_unstable();
            let expected: Vec<u64> = (0..200 * threads as u64).collect();
            assert_eq!(returned, expected, "each value comes back once");
        });
    }
}

/// Insertions that were new less removals that found something is what is there.
pub fn insertions_and_removals_balance<F: Family>() {
    for threads in TEAMS {
        rounds(SPELL, |round| {
            let map = numbers::<F>();
            let balances = team(threads, |member| {
                let mut random = Random::new(round * 16 + member as u64);
                let mut balance = [0_i64; 4];
                for _ in 0..300 {
                    let key = random.below(4);
                    balance[usize::try_from(key).unwrap_or(0)] += match random.below(6) {
                        0 => i64::from(map.insert(key, 1)),
                        1 => i64::from(map.try_insert(key, 2).is_ok()),
                        2 => -i64::from(map.remove(&key)),
                        3 => -i64::from(map.remove_if(&key, |value| *value == 1)),
                        4 => match map.compute(key, |old| match old {
                            Some(_) => Action::Remove,
                            None => Action::Put(3),
                        }) {
                            Outcome::Inserted => 1,
                            Outcome::Removed => -1,
                            outcome => panic!("compute neither inserts nor removes: {outcome:?}"),
                        },
                        _ => {
                            map.update(&key, |value| value % 2 + 1);
                            0
                        }
                    };
                }
                balance
            });
            let mut present = 0;
            for key in 0..4 {
                let index = usize::try_from(key).unwrap_or(0);
                let sum: i64 = balances.iter().map(|balance| balance[index]).sum();
                assert_eq!(sum, i64::from(map.contains_key(&key)), "the balance of key {key}");
                present += usize::from(map.contains_key(&key));
            }
            assert_eq!(map.len(), present, "len when all is quiet");
        });
    }
}

/// Counters that are updated lose no step: by `update`, `compute`, `compute_if_present` and loops of
/// `compare_exchange` at once.
pub fn counters_lose_nothing<F: Family>() {
    for threads in TEAMS {
        rounds(SPELL, |_| {
            let map = numbers::<F>();
            team(threads, |member| {
                for n in 0..200 {
                    let key = n % 3;
                    match (n / 3 + member as u64) % 4 {
                        0 if map.update(&key, |value| value + 1) => {}
                        1 => {
                            if map.compute_if_present(&key, |value| Action::Put(value + 1))
                                == Outcome::Absent
                            {
                                add_by_compute(&map, key);
                            }
                        }
                        2 => add_by_compare_exchange(&map, key),
                        _ => add_by_compute(&map, key),
                    }
                }
            });
            let sum: u64 = (0..3).filter_map(|key| map.get(&key)).sum();
            assert_eq!(sum, 200 * threads as u64, "the sum of the counters");
        });
    }
}

fn add_by_compute(map: &impl ConcurrentMap<u64, u64>, key: u64) {
    let outcome = map.compute(key, |value| Action::Put(value.map_or(1, |value| value + 1)));
    assert!(matches!(outcome, Outcome::Inserted | Outcome::Replaced), "{outcome:?}");
}

fn add_by_compare_exchange(map: &impl ConcurrentMap<u64, u64>, key: u64) {
    loop {
        let added = match map.get(&key) {
            Some(value) => map.compare_exchange(&key, &value, value + 1).is_ok(),
            None => map.try_insert(key, 1).is_ok(),
        };
        if added {
            return;
        }
    }
}

/// All who race in `get_or_insert_with` for a key see one value, made by one of them; where a single
/// flight is promised, by the only one.
pub fn get_or_insert_with_agrees<F: Family>() {
    let single = <MapOf<F, u64, u64, Mixed> as ConcurrentMap<u64, u64>>::GUARANTEES.single_flight;
    for threads in TEAMS {
        rounds(SPELL, |_| {
            let map = numbers::<F>();
            let runs: Vec<AtomicUsize> = (0..KEYS).map(|_| AtomicUsize::new(0)).collect();
            let seen = team(threads, |member| {
                let one = |key: u64| {
                    let make = || {
                        runs[usize::try_from(key).unwrap_or(0)].fetch_add(1, Ordering::Relaxed);
                        std::thread::yield_now();
                        member as u64
                    };
                    map.get_or_insert_with(key, make, |value| *value)
                };
                (0..KEYS).map(one).collect::<Vec<_>>()
            });
            assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "all see the same: {seen:?}");
            for (key, runs) in runs.into_iter().enumerate() {
                let runs = runs.into_inner();
                assert!(runs >= 1 && runs <= if single { 1 } else { threads }, "{runs} runs");
                assert_eq!(map.get(&(key as u64)), Some(seen[0][key]), "what was seen stays");
            }
        });
    }
}

/// Where it is promised that a deciding closure runs once in a call, it does, in any race.
pub fn closures_run_once_where_promised<F: Family>() {
    if !<MapOf<F, u64, u64, Mixed> as ConcurrentMap<u64, u64>>::GUARANTEES.closures_run_once {
        return;
    }
    for threads in TEAMS {
        rounds(SPELL, |_| {
            let map = numbers::<F>();
            map.insert(0, 0);
            team(threads, |member| {
                for n in 0..200 {
                    let mut runs = 0;
                    match (n + member) % 4 {
                        0 => {
                            map.update(&0, |value| {
                                runs += 1;
                                value + 1
                            });
                        }
                        1 => {
                            map.compute(0, |_| {
                                runs += 1;
                                Action::Put(1)
                            });
                        }
                        2 => {
                            map.compute_if_present(&0, |_| {
                                runs += 1;
                                Action::Put(2)
                            });
                        }
                        _ => {
                            map.remove_if(&0, |_| {
                                runs += 1;
                                false
                            });
                        }
                    }
                    assert_eq!(runs, 1, "runs of a closure");
                }
            });
        });
    }
}

/// Runs `work` on threads while `check` runs on others, again and again until `work` has ended.
pub(crate) fn beside(
    workers: usize,
    checkers: usize,
    work: impl Fn(usize) + Sync,
    check: impl Fn(usize) + Sync,
) {
    /// Counts a worker off, also when it panics: the checkers must end.
    struct Off<'a>(&'a AtomicUsize);

    impl Drop for Off<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Release);
        }
    }

    let working = AtomicUsize::new(workers);
    team(workers + checkers, |member| {
        if member < workers {
            let _off = Off(&working);
            work(member);
        } else {
            loop {
                let last = working.load(Ordering::Acquire) == 0;
                check(member - workers);
                if last {
                    break;
                }
            }
        }
    });
}

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
                        assert!(!map.try_insert(key, 0).is_ok(), "a present key is not inserted");
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
    team(2, |member| {
        let mut pin = map.pin();
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
                assert_eq!(pin.get(&1), (round % 3 != 0).then_some(round), "in round {round}");
                assert_eq!(pin.get(&(1000 + round)), Some(round), "in round {round}");
            }
            if round % 50 == 49 {
                map.refresh(&mut pin);
            }
            turn.store(2 * round + member as u64 + 1, Ordering::Release);
        }
    });
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
                    if number % 2 == 0 || !map.update(&(number as u64 % 4), |_| value) {
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
            let saved = (0..60).filter(|key| (key + member as u64) % 2 == 0);
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
                for key in 0..200 {
                    assert!(!map.contains_key(&key), "key {key} survives clear");
                }
                cleared.store(true, Ordering::Release);
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
                } else if key % 50 == 0 {
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

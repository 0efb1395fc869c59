//! Threads that use one map at once see each operation on a key as one instant.
//!
//! Each law has one exact outcome, whatever the schedule. Teams are of two and four threads, and of
//! eight, more than most of the machines that run this have cores.

use std::sync::atomic::{AtomicUsize, Ordering};

use map_core::{Action, ConcurrentMap, Outcome};

use crate::family::{Family, HashState, MapOf, empty};
use crate::harness::{Random, TEAMS, rounds, team};
use crate::hashers::{HighConstant, Mixed};
use crate::model::{Model, Op, apply_beside_others};

/// About how long a law runs with each team, in milliseconds.
pub(super) const SPELL: u64 = 50;

/// How many keys threads race for in a round.
const KEYS: u64 = 32;

pub(super) fn numbers<F: Family>() -> MapOf<F, u64, u64, Mixed> {
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
    attempt: impl Fn(&MapOf<F, u64, u64, Mixed>, u64, u64) -> bool + Sync,
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

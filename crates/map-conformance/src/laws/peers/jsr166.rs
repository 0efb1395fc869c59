//! The tests of Java's `ConcurrentHashMap`, by the expert group of JSR-166 and by the JDK.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use map_core::{Action, CompareExchangeError, ConcurrentMap, Outcome};

use super::{SPELL, shuffled, teams};
use crate::family::{Family, HashState, MapOf, empty};
use crate::harness::{Random, beside, rounds, scaled, team};
use crate::hashers::{Collide, HighConstant, Mixed};

type Words<F> = MapOf<F, u64, &'static str, Mixed>;

/// The map of five entries that most of the unit tests begin with.
fn five<F: Family>() -> Words<F> {
    let map = empty::<F, u64, &'static str, Mixed>();
    assert!(map.is_empty());
    for (key, value) in (1..).zip(["A", "B", "C", "D", "E"]) {
        assert!(map.insert(key, value));
    }
    assert_eq!((map.is_empty(), map.len()), (false, 5));
    map
}

/// `ConcurrentHashMapTest`: look-ups, `putIfAbsent`, `replace`, `remove`, `size` and `clear` on five entries, where the
/// key is present and where it is not.
pub fn unit_cases<F: Family>() {
    let map = five::<F>();
    assert_eq!((map.get(&1), map.get(&0)), (Some("A"), None));
    assert!(map.contains_key(&1) && !map.contains_key(&0));
    assert!(map.try_insert(6, "Z").is_ok() && map.contains_key(&6));
    assert!(map.try_insert(1, "Z").is_err() && map.get(&1) == Some("A"));
    // `replace` with one value, and with two.
    assert!(!map.update(&7, |_| "Z") && !map.contains_key(&7));
    assert!(map.update(&1, |_| "Z") && map.get(&1) == Some("Z"));
    assert_eq!(map.compare_exchange(&2, &"Z", "Y"), Err(CompareExchangeError::Mismatch("Y")));
    assert_eq!(map.compare_exchange(&2, &"B", "Y"), Ok(()));
    assert_eq!(map.get(&2), Some("Y"));
    // `remove` of a key, and of a key with a value.
    assert!(map.remove(&5) && !map.contains_key(&5) && !map.remove(&5));
    assert!(!map.remove_if(&4, |value| *value == "A") && map.contains_key(&4));
    assert!(map.remove_if(&4, |value| *value == "D") && !map.contains_key(&4));
    assert_eq!(map.len(), 4);
    map.clear();
    assert_eq!((map.len(), map.get(&1)), (0, None));
}

/// `ConcurrentHashMap8Test`: `computeIfAbsent`, `computeIfPresent`, `compute` and `merge`, where the key is present and
/// where it is not, with a function that gives a value and with one that gives none.
pub fn computing_cases<F: Family>() {
    let value = |old: Option<&&'static str>| old.map_or(Action::Put("new"), |_| Action::Put("Z"));
    let nothing = |_: Option<&&'static str>| Action::Remove;
    let map = five::<F>();
    assert_eq!(map.get_or_insert_with(6, || "Z", |value| *value), "Z");
    assert_eq!(map.get_or_insert_with(1, || unreachable!("1 is there"), |value| *value), "A");
    assert_eq!(map.compute_if_present(&7, |_| Action::Put("Z")), Outcome::Absent);
    assert_eq!(map.compute_if_present(&1, |_| Action::Put("Z")), Outcome::Replaced);
    assert_eq!((map.get(&7), map.get(&1)), (None, Some("Z")));
    assert_eq!(map.compute(7, nothing), Outcome::Absent);
    assert_eq!(map.compute(7, value), Outcome::Inserted);
    assert_eq!(map.compute(7, value), Outcome::Replaced);
    assert_eq!(map.get(&7), Some("Z"));
    assert_eq!(map.compute(7, nothing), Outcome::Removed);
    assert_eq!(map.compute(7, |_| Action::Keep), Outcome::Absent);
    assert_eq!(map.compute(1, |_| Action::Keep), Outcome::Kept);
    assert_eq!((map.get(&7), map.len()), (None, 6));
}

/// `testReplaceAll`, `testForEach`, `testSearch`, `testReduce`: what is done with all entries is done with each once.
pub fn bulk_cases<F: Family>() {
    let map = empty::<F, u64, u64, Mixed>();
    let keys = scaled(500);
    assert_eq!(map.insert_many((0..keys).map(|key| (key, 2 * key))) as u64, keys);
    let (mut sum_of_keys, mut sum_of_values) = (0, 0);
    map.for_each(|key, value| {
        sum_of_keys += key;
        sum_of_values += value;
    });
    let sum = keys * (keys - 1) / 2;
    assert_eq!((sum_of_keys, sum_of_values), (sum, 2 * sum));
    let search = |wanted: u64| {
        map.try_for_each(|key, value| {
            use core::ops::ControlFlow::{Break, Continue};
            if *value == wanted { Break(*key) } else { Continue(()) }
        })
    };
    assert_eq!(search(keys).break_value(), Some(keys / 2));
    assert_eq!(search(1).break_value(), None);
    for key in 0..keys {
        assert!(map.update(&key, |value| if key > 3 { 0 } else { *value }));
    }
    sum_of_values = 0;
    map.for_each(|_, value| sum_of_values += value);
    assert_eq!(sum_of_values, 2 * (1 + 2 + 3));
}

/// `testBug8210280`: all that one map holds is put into another, which keeps what it had.
pub fn put_all_keeps_the_others<F: Family>() {
    rounds(SPELL, |round| {
        let mut random = Random::new(round);
        let (one, other) = (empty::<F, u64, u64, Mixed>(), empty::<F, u64, u64, Mixed>());
        let sizes = (random.below(scaled(32)), random.below(scaled(128)));
        for n in 0..sizes.0 {
            assert!(one.insert(1024 * n + random.below(1024), n));
        }
        for n in 0..sizes.1 {
            assert!(other.insert(1 << 32 | (1024 * n + random.below(1024)), n));
        }
        let mut before = Vec::new();
        one.for_each(|key, value| before.push((*key, *value)));
        let mut added = Vec::new();
        other.for_each(|key, value| added.push((*key, *value)));
        assert_eq!(one.insert_many(added.clone()) as u64, sizes.1, "how many are new");
        for (key, value) in before.into_iter().chain(added) {
            assert_eq!(one.get(&key), Some(value), "key {key}");
        }
        assert_eq!(one.len() as u64, sizes.0 + sizes.1);
    });
}

/// `testBug8186171`: one entry gets another value and all others are removed, in maps small and large, with good and
/// poor hashes.
pub fn one_of_many_is_spared<F: Family>() {
    fn with<F: Family, S: HashState>() {
        for size in 1..25 {
            for spared in [0, size / 2, size - 1] {
                let map = empty::<F, u64, u64, S>();
                map.insert_many((0..size).map(|key| (key, 1)));
                assert!(map.update(&spared, |_| 2));
                map.retain(|_, value| *value == 2);
                assert_eq!((map.get(&spared), map.len()), (Some(2), 1), "of {size} entries");
            }
        }
    }
    with::<F, Mixed>();
    with::<F, Collide>();
}

/// `testComparableFamily`, `testGenericComparable`, `testMixedComparable`: keys of which hundreds share a hash are all
/// found, offered once, and overwritten where they are. That they may be compared changes nothing.
pub fn keys_that_share_a_hash<F: Family>() {
    fn with<F: Family, S: HashState>(keys: u64) {
        let map = empty::<F, String, u64, S>();
        for key in 0..keys {
            assert!(map.insert(key.to_string(), key));
        }
        let mut seen = BTreeSet::new();
        map.for_each(|key, value| {
            assert_eq!(*key, value.to_string());
            assert!(seen.insert(*value), "key {key} twice");
        });
        assert_eq!((seen.len() as u64, map.len() as u64), (keys, keys));
        for key in 0..keys {
            let old = map.insert_then(key.to_string(), key, |old| old.copied());
            assert_eq!(old, Some(key));
        }
    }
    with::<F, Collide>(scaled(200));
    with::<F, HighConstant>(scaled(600));
}

/// `MapCheck`: thousands of keys in a random order, some absent, are put in, looked up, removed, half of them put in
/// again, offered and cleared; each time as many as should.
pub fn map_check<F: Family>() {
    let size = scaled(2000);
    let mut random = Random::new(0);
    let numbers = shuffled(3 * size, &mut random);
    let (present, absent) = numbers.split_at(size as usize);
    let map = empty::<F, u64, u64, Mixed>();
    let put = || present.iter().filter(|key| map.insert(**key, 7)).count();
    let count = |keys: &[u64]| {
        let found = keys.iter().filter(|key| map.get(*key).is_some()).count();
        assert_eq!(keys.iter().filter(|key| map.contains_key(*key)).count(), found);
        found
    };
    let half = present.len() / 2;
    assert_eq!((put(), put()), (present.len(), 0), "absent, then present");
    assert_eq!((count(present), count(absent)), (present.len(), 0));
    assert_eq!(absent.iter().filter(|key| map.remove(*key)).count(), 0);
    let removed = present.iter().rev().step_by(2).filter(|key| map.remove(*key)).count();
    assert_eq!((removed, map.len()), (half, half), "every second is removed");
    assert_eq!((count(present), put()), (half, half), "half are present, half are put in");
    let mut offered = 0;
    map.for_each(|_, value| offered += usize::from(*value == 7));
    assert_eq!(offered, present.len());
    map.clear();
    assert_eq!((map.len(), count(present)), (0, 0));
}

/// `MapLoops`: threads walk at random over keys that lie together, insert what is absent and remove what is present now
/// and then. What is found is right, and what was inserted less what was removed is there.
pub fn map_loops<F: Family>() {
    teams(|threads, round| {
        let keys = scaled(100);
        let map = empty::<F, u64, u64, Mixed>();
        let balances = team(threads, |member| {
            let mut random = Random::new(round * 16 + member as u64);
            let (mut position, mut balance) = (keys / 2, 0_i64);
            for _ in 0..scaled(500) {
                position = (position + keys + random.below(8) - 3) % keys;
                let percent = random.below(100);
                match map.get(&position) {
                    Some(value) => {
                        assert_eq!(value, position, "a value of another key");
                        if percent < 20 && map.remove(&position) {
                            balance -= 1;
                            position = random.below(keys);
                        }
                    }
                    None if percent < 60 => balance += i64::from(map.insert(position, position)),
                    None => {}
                }
            }
            balance
        });
        assert_eq!(balances.iter().sum::<i64>(), map.len() as i64, "insertions less removals");
    });
}

/// `ConcurrentAssociateTest`: what a thread has put in is there, by whichever operation, though the hashes are few.
pub fn associations_are_found<F: Family>() {
    teams(|threads, round| {
        let map = empty::<F, u64, u64, HighConstant>();
        let each = scaled(64);
        team(threads, |member| {
            for n in 0..each {
                let key = n * threads as u64 + member as u64;
                let new = match (round + n) % 5 {
                    0 => map.insert(key, key),
                    1 => map.compute(key, |_| Action::Put(key)) == Outcome::Inserted,
                    2 => map.get_or_insert_with(key, || key, |value| *value == key),
                    3 => map.insert_many([(key, key)]) == 1,
                    _ => map.try_insert(key, key).is_ok(),
                };
                assert!(new && map.contains_key(&key), "key {key} was put in");
            }
        });
        assert_eq!(map.len() as u64, each * threads as u64);
    });
}

/// `ToArray`: while keys are only put in, each iteration shows at least what the one before it has shown.
pub fn iterations_only_grow<F: Family>() {
    for workers in [1, 3] {
        rounds(2 * SPELL, |_| {
            let map = empty::<F, u64, u64, Mixed>();
            let (each, shown) = (scaled(400), AtomicU64::new(0));
            let most = each * workers as u64;
            beside(
                workers,
                1,
                |member| {
                    for n in 0..each {
                        map.insert(member as u64 * each + n, n);
                    }
                },
                |_| {
                    let mut now = 0;
                    map.for_each(|_, _| now += 1);
                    let before = shown.swap(now, Ordering::Relaxed);
                    assert!((before..=most).contains(&now), "{before}, then {now} of {most}");
                },
            );
            assert_eq!(shown.into_inner(), most, "the last iteration");
        });
    }
}

/// `testConcurrentAccess`: increments by `compute` and by `computeIfPresent` add up to the calls that made them, and a
/// function runs once for each, where that is promised.
pub fn computations_add_up<F: Family>() {
    type M<F> = MapOf<F, u64, u64, Mixed>;
    let once = <M<F> as ConcurrentMap<u64, u64>>::GUARANTEES.closures_run_once;
    teams(|threads, round| {
        let map: M<F> = empty::<F, u64, u64, Mixed>();
        let counts = team(threads, |member| {
            let mut random = Random::new(round * 16 + member as u64);
            let (mut done, mut runs) = (0, 0);
            for _ in 0..scaled(200) {
                let key = 3 * random.below(10);
                let outcome = if (member as u64 + round).is_multiple_of(2) {
                    map.compute(key, |value| {
                        runs += 1;
                        Action::Put(value.map_or(1, |value| value + 1))
                    })
                } else {
                    map.compute_if_present(&key, |value| {
                        runs += 1;
                        Action::Put(value + 1)
                    })
                };
                done += u64::from(outcome != Outcome::Absent);
            }
            assert!(runs == done || (!once && runs > done), "{runs} runs for {done} increments");
            done
        });
        let mut sum = 0;
        map.for_each(|_, value| sum += value);
        assert_eq!(sum, counts.iter().sum::<u64>(), "the increments");
    });
}

//! The stress tests of papaya (`tests/stress.rs`).
//!
//! Its threads hold a guard throughout; here some work on the map and others on a pin. `everything` there is the
//! `MapCheck` of JSR-166, `cuckoo` the stress tests of libcuckoo.

use core::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use map_core::{Action, ConcurrentMap, Outcome, PinMap};

use super::{mapped_or_pinned, shuffled, teams};
use crate::family::{Family, MapOf, empty};
use crate::harness::{Random, scaled, team};
use crate::hashers::Mixed;

/// How many threads the scenarios have that need some in two roles.
const THREADS: usize = 5;

type Numbers<F> = MapOf<F, u64, u64, Mixed>;

fn numbers<F: Family>() -> Numbers<F> {
    empty::<F, u64, u64, Mixed>()
}

fn filled<F: Family>(keys: u64, value: u64) -> Numbers<F> {
    let map = numbers::<F>();
    map.insert_many((0..keys).map(|key| (key, value)));
    map
}

/// Every key so many times, in a random order.
fn visits(keys: u64, times: u64, stream: u64) -> impl Iterator<Item = u64> {
    shuffled(keys * times, &mut Random::new(stream)).into_iter().map(move |n| n % keys)
}

/// Adds to the counter of a key.
fn add(map: &impl ConcurrentMap<u64, u64>, key: u64, by: u64) {
    let outcome = map.compute(key, |old| Action::Put(old.map_or(by, |old| old + by)));
    assert!(matches!(outcome, Outcome::Inserted | Outcome::Replaced), "{outcome:?}");
}

/// Asserts that the first keys have a value, those behind them another, and that there are no more.
fn assert_holds(
    map: &impl ConcurrentMap<u64, u64>,
    (first, value): (u64, Option<u64>),
    (others, other): (Range<u64>, u64),
) {
    for key in 0..first {
        assert_eq!(map.get(&key), value, "key {key}");
    }
    for key in others.clone() {
        assert_eq!(map.get(&key), Some(other), "key {key}, which was put in meanwhile");
    }
    let present = if value.is_some() { first } else { 0 } + (others.end - others.start);
    assert_eq!(map.len() as u64, present, "len when all is quiet");
}

/// `contains_key_stress`: threads find all keys of a map that nobody changes.
pub fn present_keys_are_contained<F: Family>() {
    teams(|threads, _| {
        let keys = scaled(500);
        let map = filled::<F>(keys, 0);
        team(threads, |member| {
            mapped_or_pinned!(map, member, |map| {
                assert!((0..keys).all(|key| map.contains_key(&key)));
            });
        });
    });
}

/// `insert_stress`: each thread puts in keys of its own and finds each of them at once.
pub fn insertions_are_found<F: Family>() {
    teams(|threads, round| {
        let (map, each) = (numbers::<F>(), scaled(200));
        team(threads, |member| {
            let stream = round * 16 + member as u64;
            mapped_or_pinned!(map, member, |map| {
                for n in shuffled(each, &mut Random::new(stream)) {
                    // Keys that are far from each other.
                    let key =
                        (n * threads as u64 + member as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    assert!(map.insert(key, key) && map.contains_key(&key));
                }
            });
        });
        assert_eq!(map.len(), each as usize * threads);
    });
}

/// `insert_overwrite_stress`: threads overwrite few keys with values that come once; each value is replaced once, or is
/// the last.
pub fn overwritten_values_come_back<F: Family>() {
    const KEYS: u64 = 16;
    teams(|threads, round| {
        let (map, times) = (numbers::<F>(), scaled(20));
        let counters = [const { AtomicU64::new(0) }; KEYS as usize];
        let replaced = team(threads, |member| {
            let mut replaced = Vec::new();
            mapped_or_pinned!(map, member, |map| {
                for key in visits(KEYS, times, round * 16 + member as u64) {
                    let value = counters[key as usize].fetch_add(1, Ordering::Relaxed);
                    let old = map.insert_then(key, value, |old| old.copied());
                    replaced.extend(old.map(|old| (key, old)));
                    assert!(map.contains_key(&key));
                }
            });
            replaced
        });
        let mut seen = replaced.concat();
        map.for_each(|key, value| seen.push((*key, *value)));
        seen.sort_unstable();
        let all = |key| (0..times * threads as u64).map(move |value| (key, value));
        assert!(seen.into_iter().eq((0..KEYS).flat_map(all)), "each value comes back once");
        assert_eq!(map.len() as u64, KEYS);
    });
}

/// `update_stress`: updates of few keys by many threads are all counted.
pub fn updates_are_counted<F: Family>() {
    const KEYS: u64 = 16;
    teams(|threads, round| {
        let (map, times) = (filled::<F>(KEYS, 0), scaled(20));
        team(threads, |member| {
            mapped_or_pinned!(map, member, |map| {
                for key in visits(KEYS, times, round * 16 + member as u64) {
                    assert!(map.update(&key, |value| value + 1), "key {key} is there");
                }
            });
        });
        assert_holds(&map, (KEYS, Some(times * threads as u64)), (KEYS..KEYS, 0));
    });
}

/// `update_insert_stress`: the same while another thread makes the map grow.
pub fn updates_beside_growth<F: Family>() {
    teams(|threads, round| {
        let keys = scaled(256);
        let map = filled::<F>(keys, 0);
        team(threads + 1, |member| {
            mapped_or_pinned!(map, member as u64 + round, |map| {
                if member == 0 {
                    (keys..4 * keys).for_each(|key| _ = map.insert(key, u64::MAX));
                } else {
                    (0..keys).for_each(|key| assert!(map.update(&key, |value| value + 1)));
                }
            });
        });
        assert_holds(&map, (keys, Some(threads as u64)), (keys..4 * keys, u64::MAX));
    });
}

/// `update_or_insert_stress`: the first addition to a key puts it in, and none is lost between that and the next.
pub fn additions_are_counted<F: Family>() {
    const KEYS: u64 = 16;
    teams(|threads, round| {
        let (map, times) = (numbers::<F>(), scaled(20));
        team(threads, |member| {
            mapped_or_pinned!(map, member, |map| {
                visits(KEYS, times, round * 16 + member as u64).for_each(|key| add(&map, key, 1));
            });
        });
        assert_holds(&map, (KEYS, Some(times * threads as u64)), (KEYS..KEYS, 0));
    });
}

/// Threads add to counters while others take counters out and add what they took, and one makes the map grow. Nothing
/// is lost of the counts.
fn counts_are_put_back<F: Family>(take: fn(&Numbers<F>, u64) -> Option<u64>) {
    const KEYS: u64 = 16;
    teams(|_, round| {
        let (map, times) = (numbers::<F>(), scaled(20));
        let others = KEYS..KEYS + scaled(300);
        team(THREADS, |member| {
            let visits = visits(KEYS, times, round * 16 + member as u64);
            match member {
                0 => others.clone().for_each(|key| _ = map.insert(key, u64::MAX)),
                1 | 2 => {
                    mapped_or_pinned!(map, member, |map| visits.for_each(|key| add(&map, key, 1)))
                }
                _ => visits.for_each(|key| {
                    if let Some(taken) = take(&map, key) {
                        add(&map, key, taken);
                    }
                }),
            }
        });
        assert_holds(&map, (KEYS, Some(2 * times)), (others, u64::MAX));
    });
}

/// `remove_update_or_insert_stress`: counts that are removed by key.
pub fn removed_counts_are_put_back<F: Family>() {
    counts_are_put_back::<F>(|map, key| map.pin().remove_then(&key, |value| *value));
}

/// `conditional_remove_update_or_insert_stress`: counts that `compute` removes if they are even.
pub fn counts_removed_by_compute_are_put_back<F: Family>() {
    counts_are_put_back::<F>(|map, key| {
        let mut taken = 0;
        let outcome = map.compute(key, |value| match value {
            Some(value) if value.is_multiple_of(2) => {
                taken = *value;
                Action::Remove
            }
            _ => Action::Keep,
        });
        (outcome == Outcome::Removed).then_some(taken)
    });
}

/// `remove_if_update_or_insert_stress`: counts that `remove_if` removes if they are even.
pub fn counts_removed_by_remove_if_are_put_back<F: Family>() {
    counts_are_put_back::<F>(|map, key| {
        let mut taken = 0;
        let removed = map.remove_if(&key, |value| {
            taken = *value;
            value.is_multiple_of(2)
        });
        removed.then_some(taken)
    });
}

/// `insert_remove_stress`: what threads put in and others remove and put in again is there in the end.
pub fn reinserted_keys_stay<F: Family>() {
    teams(|threads, round| {
        let (map, keys, times) = (numbers::<F>(), scaled(64), 6);
        team(threads, |member| {
            mapped_or_pinned!(map, round + member as u64 / 2, |map| {
                for key in visits(keys, times, round * 16 + member as u64) {
                    if member % 2 == 0 || map.remove(&key) {
                        map.insert(key, key);
                    }
                }
            });
        });
        assert_eq!(map.len() as u64, keys);
        assert!((0..keys).all(|key| map.get(&key) == Some(key)));
    });
}

/// `remove_mixed_stress`: keys that are removed while threads update them and others are put in stay away.
pub fn updates_do_not_bring_back<F: Family>() {
    teams(|_, round| {
        let keys = scaled(256);
        let map = filled::<F>(keys, 0);
        let removed = AtomicBool::new(false);
        team(THREADS, |member| {
            mapped_or_pinned!(map, member as u64 + round, |map| match member {
                0 => (keys..2 * keys).for_each(|key| _ = map.insert(key, u64::MAX)),
                1 => {
                    (0..keys).for_each(|key| _ = map.remove(&key));
                    // Before the check: the others wait for it.
                    removed.store(true, Ordering::Release);
                    assert!((0..keys).all(|key| map.get(&key).is_none()), "a removed key is back");
                }
                _ => loop {
                    let last = removed.load(Ordering::Acquire);
                    let updated = visits(keys, 1, round * 16 + member as u64)
                        .filter(|key| map.update(key, |value| value + 1))
                        .count();
                    if last {
                        assert_eq!(updated, 0, "removed keys are updated");
                        break;
                    }
                },
            });
        });
        assert_holds(&map, (keys, None), (keys..2 * keys, u64::MAX));
    });
}

/// Each thread does the same with keys of its own, and iteration shows nothing but what some thread may have put in.
fn chunks<F: Family>(left: Option<u64>, work: impl Fn(&Numbers<F>, usize, Range<u64>) + Sync) {
    teams(|threads, _| {
        let (map, each) = (numbers::<F>(), scaled(100));
        let all = each * threads as u64;
        team(threads, |member| {
            let chunk = each * member as u64..each * (member as u64 + 1);
            work(&map, member, chunk);
            map.for_each(|key, value| {
                assert!(*key < all && value.wrapping_sub(*key) <= 2, "{key} with {value}");
            });
        });
        let mut entries = Vec::new();
        map.for_each(|key, value| entries.push((*key, *value)));
        entries.sort_unstable();
        let expected = (0..all).filter_map(|key| left.map(|more| (key, key + more)));
        assert!(entries.into_iter().eq(expected), "what is left");
        assert_eq!(map.len() as u64, if left.is_some() { all } else { 0 });
    });
}

fn chunk_in_and_out(map: &impl ConcurrentMap<u64, u64>, chunk: Range<u64>) {
    for key in chunk.clone() {
        assert!(map.insert(key, key), "key {key} is new");
    }
    for key in chunk.clone() {
        assert_eq!(map.get(&key), Some(key));
    }
    for key in chunk.clone() {
        assert_eq!(map.remove_then(&key, |value| *value), Some(key));
    }
    for key in chunk {
        assert_eq!(map.get(&key), None);
    }
}

/// `insert_remove_chunk_stress`: keys of a thread's own go in, are found, and go out.
pub fn chunks_go_in_and_out<F: Family>() {
    chunks::<F>(None, |map, member, chunk| {
        mapped_or_pinned!(*map, member, |map| chunk_in_and_out(map, chunk));
    });
}

fn chunk_updated(map: &impl ConcurrentMap<u64, u64>, chunk: Range<u64>) {
    for key in chunk.clone() {
        assert!(map.insert(key, key + 1), "key {key} is new");
    }
    for key in chunk.clone() {
        assert!(map.get(&key) == Some(key + 1) && map.update(&key, |value| value - 1));
    }
    for key in chunk.clone() {
        assert_eq!(map.remove_then(&key, |value| *value), Some(key));
    }
    for key in chunk.clone() {
        assert!(map.get(&key).is_none() && map.insert(key, key + 1));
    }
    for key in chunk {
        assert_eq!(map.get(&key), Some(key + 1));
    }
}

/// `mixed_chunk_stress`: keys of a thread's own go in, are updated, go out and in again.
pub fn chunks_are_updated<F: Family>() {
    chunks::<F>(Some(1), |map, member, chunk| {
        mapped_or_pinned!(*map, member, |map| chunk_updated(map, chunk));
    });
}

fn one_by_one(map: &impl ConcurrentMap<u64, u64>, chunk: Range<u64>) {
    for key in chunk {
        for _ in 0..8 {
            assert!(map.insert(key, key + 1));
            assert_eq!(map.get(&key), Some(key + 1));
            assert!(map.update(&key, |value| value + 1));
            assert_eq!(map.remove_then(&key, |value| *value), Some(key + 2));
            assert_eq!(map.get(&key), None);
            assert!(!map.update(&key, |value| value + 1));
        }
    }
}

/// `mixed_entry_stress`: one key of a thread's own after the other comes and goes, many times.
pub fn single_entries_come_and_go<F: Family>() {
    chunks::<F>(None, |map, member, chunk| {
        mapped_or_pinned!(*map, member, |map| one_by_one(map, chunk));
    });
}

/// `clear_stress`: beside threads that put keys in; after a last one nothing is left.
pub fn clear_beside_insertions<F: Family>() {
    teams(|threads, _| {
        let (map, each) = (numbers::<F>(), scaled(300));
        team(threads + 1, |member| {
            mapped_or_pinned!(map, member, |map| {
                if member == threads {
                    (0..20).for_each(|_| map.clear());
                } else {
                    let first = each * member as u64;
                    (first..first + each).for_each(|key| _ = map.insert(key, key));
                }
            });
        });
        map.clear();
        map.for_each(|key, _| panic!("key {key} is left"));
        assert_eq!(map.len(), 0);
    });
}

/// `retain_stress`: a `retain` that keeps all loses nothing that threads put in meanwhile.
pub fn retain_beside_insertions<F: Family>() {
    teams(|threads, _| {
        let (map, each) = (numbers::<F>(), scaled(200));
        team(threads + 1, |member| {
            mapped_or_pinned!(map, member, |map| {
                if member == threads {
                    for _ in 0..20 {
                        map.retain(|key, value| {
                            assert_eq!(key, value, "a value of another key");
                            true
                        });
                    }
                } else {
                    let first = each * member as u64;
                    for key in first..first + each {
                        assert!(map.insert(key, key) && map.contains_key(&key));
                    }
                }
            });
        });
        let mut visits = 0;
        map.for_each(|_, _| visits += 1);
        assert_eq!((visits, map.len()), (each as usize * threads, each as usize * threads));
    });
}

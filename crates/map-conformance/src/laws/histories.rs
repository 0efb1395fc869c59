//! Random histories of a few operations on one key have an order that explains them.
//!
//! Threads call operations at random and note, on one clock, when each call began and ended and what
//! it returned. Then an order is looked for that keeps each call between its own two instants and in
//! which a single cell gives the same answers (the algorithm of Wing and Gong, with the states that
//! have failed remembered, after Lowe). Keys are independent, so each has a history of its own.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use map_core::{Action, CompareExchangeError, ConcurrentMap};

use crate::family::{Family, HashState, empty};
use crate::harness::{Random, rounds, team};
use crate::hashers::{Collide, Mixed};

/// What a call did to the cell or saw of it.
#[derive(Clone, Copy, Debug)]
enum Did {
    Saw(Option<u64>),
    Set { new: u64, old: Option<u64> },
    Removed(Option<u64>),
    TriedToInsert { new: u64, done: bool },
    GotOrInserted { new: u64, seen: u64 },
    Exchanged { expected: u64, new: u64, found: Found },
    Added { to: Option<u64> },
}

#[derive(Clone, Copy, Debug)]
enum Found {
    Absent,
    Different,
    Equal,
}

/// A call with the instants of its beginning and its end.
#[derive(Clone, Copy, Debug)]
struct Record {
    began: u64,
    ended: u64,
    did: Did,
}

/// The cell after a call, or `None` if the call cannot have met this cell.
fn step(cell: Option<u64>, did: Did) -> Option<Option<u64>> {
    match did {
        Did::Saw(seen) => (seen == cell).then_some(cell),
        Did::Set { new, old } => (old == cell).then_some(Some(new)),
        Did::Removed(old) => (old == cell).then_some(None),
        Did::TriedToInsert { new, done } => {
            (done == cell.is_none()).then_some(Some(cell.unwrap_or(new)))
        }
        Did::GotOrInserted { new, seen } => {
            let after = cell.unwrap_or(new);
            (seen == after).then_some(Some(after))
        }
        Did::Exchanged { expected, new, found } => match (found, cell) {
            (Found::Absent, None) => Some(None),
            (Found::Different, Some(value)) if value != expected => Some(cell),
            (Found::Equal, Some(value)) if value == expected => Some(Some(new)),
            _ => None,
        },
        Did::Added { to } => (to == cell).then_some(cell.map(|value| value + 1)),
    }
}

/// Whether some order explains the records. At most 64 of them.
fn explained(records: &[Record]) -> bool {
    fn search(
        records: &[Record],
        done: u64,
        cell: Option<u64>,
        failed: &mut HashSet<(u64, Option<u64>)>,
    ) -> bool {
        let open = |i: &usize| done & (1 << i) == 0;
        let Some(horizon) = (0..records.len()).filter(open).map(|i| records[i].ended).min() else {
            return true;
        };
        if failed.contains(&(done, cell)) {
            return false;
        }
        // Next can only be a call that began before every open one ended.
        for i in (0..records.len()).filter(open).filter(|i| records[*i].began < horizon) {
            let next = step(cell, records[i].did);
            if next.is_some_and(|next| search(records, done | (1 << i), next, failed)) {
                return true;
            }
        }
        failed.insert((done, cell));
        false
    }
    search(records, 0, None, &mut HashSet::new())
}

fn call(map: &impl ConcurrentMap<u64, u64>, key: u64, new: u64, random: &mut Random) -> Did {
    match random.below(10) {
        0 | 1 => Did::Saw(map.get(&key)),
        2 => Did::Set { new, old: map.insert_then(key, new, |old| old.copied()) },
        3 => Did::Removed(map.remove_then(&key, |old| *old)),
        4 => Did::TriedToInsert { new, done: map.try_insert(key, new).is_ok() },
        5 => {
            let seen = map.get_or_insert_with(key, || new, |value| *value);
            Did::GotOrInserted { new, seen }
        }
        6 | 7 => {
            let expected = map.get(&key).unwrap_or(0);
            let found = match map.compare_exchange(&key, &expected, new) {
                Ok(()) => Found::Equal,
                Err(CompareExchangeError::Absent(_)) => Found::Absent,
                Err(CompareExchangeError::Mismatch(_)) => Found::Different,
            };
            Did::Exchanged { expected, new, found }
        }
        8 => {
            let mut to = None;
            let added = map.update(&key, |value| {
                to = Some(*value);
                value + 1
            });
            // A run whose result was not taken may have come before the key was removed.
            Did::Added { to: to.filter(|_| added) }
        }
        _ => {
            let mut old = None;
            map.compute(key, |value| {
                old = value.copied();
                Action::Remove
            });
            Did::Removed(old)
        }
    }
}

/// Histories of three threads with twelve calls each and of six with five, on three keys at once.
pub fn have_an_explanation<F: Family>() {
    fn with<F: Family, S: HashState>(threads: usize, calls: u64) {
        rounds(120, |round| {
            let map = empty::<F, u64, u64, S>();
            let clock = AtomicU64::new(0);
            let records = team(threads, |member| {
                let mut random = Random::new(round * 16 + member as u64);
                let mut records = Vec::new();
                for n in 0..calls {
                    for key in 0..3 {
                        // Each new value is unique, with room for additions.
                        let new = (1 + n * threads as u64 + member as u64) * 1000;
                        let began = clock.fetch_add(1, Ordering::SeqCst);
                        let did = call(&map, key, new, &mut random);
                        let ended = clock.fetch_add(1, Ordering::SeqCst);
                        records.push((key, Record { began, ended, did }));
                    }
                }
                records
            });
            for key in 0..3 {
                let of_key = records.iter().flatten().filter(|(k, _)| *k == key);
                let mut history: Vec<Record> = of_key.map(|(_, record)| *record).collect();
                history.sort_by_key(|record| record.began);
                assert!(explained(&history), "no order explains this history: {history:#?}");
            }
        });
    }
    with::<F, Mixed>(3, 12);
    with::<F, Mixed>(6, 5);
    with::<F, Collide>(3, 12);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(began: u64, ended: u64, did: Did) -> Record {
        Record { began, ended, did }
    }

    #[test]
    fn overlap_may_be_ordered_either_way() {
        let set = record(0, 3, Did::Set { new: 1, old: None });
        assert!(explained(&[set, record(1, 2, Did::Saw(None))]));
        assert!(explained(&[set, record(1, 2, Did::Saw(Some(1)))]));
    }

    #[test]
    fn a_stale_read_has_no_explanation() {
        let set = record(0, 1, Did::Set { new: 1, old: None });
        assert!(!explained(&[set, record(2, 3, Did::Saw(None))]));
    }

    #[test]
    fn two_winners_have_no_explanation() {
        let won = |new| Did::TriedToInsert { new, done: true };
        assert!(!explained(&[record(0, 2, won(1)), record(1, 3, won(2))]));
    }
}

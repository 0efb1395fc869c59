//! Histories are made: threads call operations at random and note what they saw.

use core::borrow::Borrow;
use std::sync::atomic::{AtomicU64, Ordering};

use map_core::{Action, CompareExchangeError, ConcurrentMap, Outcome, PinMap};

use super::Disturbances;
use super::check::{Event, Left, Saw};
use crate::harness::{Random, team};
use crate::types::{TestKey, TestValue};

/// The first key that is in no history.
const FILLERS: u64 = 1000;

/// How a history is made, by its seed.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    seed: u64,
    /// Threads whose calls are recorded.
    pub threads: usize,
    /// Keys, each with a history of its own.
    pub keys: u64,
    /// Calls of each thread.
    pub calls: u64,
    /// Whether the threads work on pins of the map.
    pub pinned: bool,
    /// Steps of the thread that disturbs.
    pub steps: u64,
    /// Entries of other keys that are there at the beginning.
    pub fillers: u64,
    /// After one call of so many the thread yields.
    yields: u64,
}

impl Plan {
    /// The plan that belongs to a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::seeded(seed);
        let mut pick = |choices: &[u64]| choices[random.below(choices.len() as u64) as usize];
        let threads = pick(&[2, 2, 3, 3, 4, 4, 8]);
        let keys = pick(&[1, 1, 2, 3, 4]);
        // Up to about 120 calls on each key, fewer where many threads make the search long.
        let calls = pick(&[8, 15, 30]) * keys * 4 / (threads + 1);
        Self {
            seed,
            threads: threads as usize,
            keys,
            calls,
            pinned: pick(&[0, 0, 1]) == 1,
            steps: pick(&[0, 1, 4, 16]),
            fillers: pick(&[0, 0, 0, 3, 25, 60]),
            yields: pick(&[2, 8, 64, 1 << 32]),
        }
    }
}

/// A thread with its notes.
struct Scribe<'a> {
    clock: &'a AtomicU64,
    thread: usize,
    random: Random,
    /// The value that the thread knew of each key.
    known: [u64; 4],
    notes: Vec<(u64, Event)>,
}

/// Makes a history: the events of each key.
pub(super) fn record<K, V, M>(
    map: &M,
    plan: &Plan,
    disturbances: Disturbances<'_, M>,
) -> Vec<Vec<Event>>
where
    K: TestKey,
    V: TestValue,
    M: ConcurrentMap<K, V> + PinMap<K, V> + Sync,
{
    for filler in 0..plan.fillers {
        map.insert(K::make(FILLERS + filler), V::make(0));
    }
    let clock = AtomicU64::new(0);
    let disturber = usize::from(plan.steps > 0);
    let notes = team(plan.threads + disturber, |thread| {
        let mut random = Random::seeded(plan.seed);
        let stream = (0..=thread).fold(0, |_, _| random.draw());
        let random = Random::seeded(stream);
        if thread == plan.threads {
            disturb(map, plan, random, disturbances);
            return Vec::new();
        }
        let mut scribe = Scribe { clock: &clock, thread, random, known: [0; 4], notes: Vec::new() };
        if plan.pinned {
            scribe.work(&map.pin(), plan);
        } else {
            scribe.work(map, plan);
        }
        scribe.notes
    });
    let mut histories = vec![Vec::new(); plan.keys as usize];
    for (key, event) in notes.into_iter().flatten() {
        histories[key as usize].push(event);
    }
    histories
}

/// Makes the map grow and give memory back, by entries that are in no history.
fn disturb<K: TestKey, V: TestValue, M: ConcurrentMap<K, V>>(
    map: &M,
    plan: &Plan,
    mut random: Random,
    disturbances: Disturbances<'_, M>,
) {
    let mut next = FILLERS + 100;
    for _ in 0..plan.steps {
        match random.below(8) {
            0 => map.retain(|key, _| key.number() < FILLERS),
            1 if !disturbances.is_empty() => {
                disturbances[random.below(disturbances.len() as u64) as usize](map);
            }
            _ => {
                let more = 1 + random.below(40);
                for filler in next..next + more {
                    map.insert(K::make(filler), V::make(0));
                }
                next += more;
            }
        }
        if random.below(4) == 0 {
            std::thread::yield_now();
        }
    }
}

impl Scribe<'_> {
    fn work<K: TestKey, V: TestValue>(&mut self, map: &impl ConcurrentMap<K, V>, plan: &Plan) {
        for call in 0..plan.calls {
            // Unique among the values of the history.
            let new = 1 + call * plan.threads as u64 + self.thread as u64;
            let key = self.random.below(plan.keys);
            self.call(map, plan, key, new);
            if self.random.below(plan.yields) == 0 {
                std::thread::yield_now();
            }
        }
    }

    /// Notes a call on one key.
    fn note(&mut self, key: u64, call: &'static str, f: impl FnOnce(&mut Random) -> (Saw, Left)) {
        let began = self.clock.fetch_add(1, Ordering::SeqCst);
        let (saw, left) = f(&mut self.random);
        let ended = self.clock.fetch_add(1, Ordering::SeqCst);
        if let Saw::Value(Some(value)) = saw {
            self.known[key as usize] = value;
        }
        if let Left::Put(value) = left {
            self.known[key as usize] = value;
        }
        self.notes.push((key, Event { call, thread: self.thread, began, ended, saw, left }));
    }

    fn call<K: TestKey, V: TestValue>(
        &mut self,
        map: &impl ConcurrentMap<K, V>,
        plan: &Plan,
        key: u64,
        new: u64,
    ) {
        let own = K::make(key);
        let asked = own.borrow();
        let known = self.known[key as usize];
        match self.random.below(24) {
            0..=2 => {
                self.note(key, "get", |_| (Saw::Value(V::look_up(map, asked)), Left::Same));
            }
            3 => self
                .note(key, "contains_key", |_| (Saw::Present(map.contains_key(asked)), Left::Same)),
            4 => self.note(key, "insert", |_| {
                let present = !map.insert(K::make(key), V::make(new));
                (Saw::Present(present), Left::Put(new))
            }),
            5 | 6 => self.note(key, "insert_then", |_| {
                let old = map.insert_then(K::make(key), V::make(new), |old| old.map(V::number));
                (Saw::Value(old), Left::Put(new))
            }),
            7 => self.note(key, "remove", |_| (Saw::Present(map.remove(asked)), Left::Gone)),
            8 | 9 => self.note(key, "remove_then", |_| {
                (Saw::Value(map.remove_then(asked, V::number)), Left::Gone)
            }),
            10 | 11 => {
                self.note(key, "try_insert", |_| match map.try_insert(K::make(key), V::make(new)) {
                    Ok(()) => (Saw::Value(None), Left::Put(new)),
                    Err(error) => {
                        assert_eq!((error.key.number(), error.value.number()), (key, new));
                        (Saw::Present(true), Left::Same)
                    }
                })
            }
            12 => self.note(key, "get_or_insert_with", |_| {
                let make = || V::make(new);
                match map.get_or_insert_with(K::make(key), make, V::number) {
                    seen if seen == new => (Saw::Value(None), Left::Put(new)),
                    seen => (Saw::Value(Some(seen)), Left::Same),
                }
            }),
            13 | 14 => self.note(key, "compare_exchange", |_| {
                match map.compare_exchange(asked, &V::make(known), V::make(new)) {
                    Ok(()) => (Saw::Value(Some(known)), Left::Put(new)),
                    Err(CompareExchangeError::Absent(_)) => (Saw::Value(None), Left::Same),
                    Err(CompareExchangeError::Mismatch(_)) => (Saw::Not(known), Left::Same),
                }
            }),
            15 => self.note(key, "update", |_| {
                let mut last = None;
                let updated = map.update(asked, |value| {
                    last = Some(value.number());
                    V::make(new)
                });
                // A run whose result was not taken may have come before the key was removed.
                if updated {
                    (Saw::Value(last), Left::Put(new))
                } else {
                    (Saw::Value(None), Left::Same)
                }
            }),
            16 => self.note(key, "remove_if", |random| {
                let odd = random.below(2);
                let mut last = None;
                let removed = map.remove_if(asked, |value| {
                    last = Some(value.number());
                    value.number() % 2 == odd
                });
                match last {
                    Some(_) if removed => (Saw::Value(last), Left::Gone),
                    Some(value) if value % 2 != odd => (Saw::Value(last), Left::Same),
                    _ => (Saw::Value(None), Left::Same),
                }
            }),
            17 | 18 => self.note(key, "compute", |random| {
                let choice = random.below(3);
                let mut last = None;
                let outcome = map.compute(K::make(key), |value| {
                    last = value.map(V::number);
                    action(choice, new)
                });
                (Saw::Value(last), left(outcome, last, new))
            }),
            19 => self.note(key, "compute_if_present", |random| {
                let choice = random.below(3);
                let mut last = None;
                let outcome = map.compute_if_present(asked, |value| {
                    last = Some(value.number());
                    action(choice, new)
                });
                let last = last.filter(|_| outcome != Outcome::Absent);
                (Saw::Value(last), left(outcome, last, new))
            }),
            20 => self.get_many(map, plan),
            21 => self.for_each(map),
            22 => self.retain(map),
            _ => self.insert_many(map, plan, new),
        }
    }

    /// Looks up all keys behind keys that are not there, so that a map which works in groups has more than one.
    fn get_many<K: TestKey, V: TestValue>(&mut self, map: &impl ConcurrentMap<K, V>, plan: &Plan) {
        let strange = (0..20).map(|n| 2 * FILLERS * FILLERS + n);
        let keys: Vec<K> = strange.chain(0..plan.keys).map(K::make).collect();
        let mut seen = vec![None; keys.len()];
        let began = self.clock.fetch_add(1, Ordering::SeqCst);
        map.get_many(keys.iter().map(Borrow::borrow), |index, value| {
            seen[index] = value.map(V::number);
        });
        let ended = self.clock.fetch_add(1, Ordering::SeqCst);
        let event = Event {
            call: "get_many",
            thread: self.thread,
            began,
            ended,
            saw: Saw::Any,
            left: Left::Same,
        };
        let seen = seen[20..].iter().zip(0..);
        self.notes.extend(seen.map(|(seen, key)| (key, Event { saw: Saw::Value(*seen), ..event })));
    }

    /// Each visited value was its key's at an instant.
    fn for_each<K: TestKey, V: TestValue>(&mut self, map: &impl ConcurrentMap<K, V>) {
        let mut seen = [None; 4];
        let began = self.clock.fetch_add(1, Ordering::SeqCst);
        map.for_each(|key, value| {
            if let Some(seen) = seen.get_mut(key.number() as usize) {
                assert_eq!(seen.replace(value.number()), None, "a key is visited twice");
            }
        });
        self.note_visits("for_each", began, seen.map(|value| (value, Left::Same)));
    }

    /// The test and the removal of each entry are one step.
    fn retain<K: TestKey, V: TestValue, M: ConcurrentMap<K, V>>(&mut self, map: &M) {
        let odd = self.random.below(2);
        let mut seen = [None; 4];
        let began = self.clock.fetch_add(1, Ordering::SeqCst);
        map.retain(|key, value| {
            let seen = seen.get_mut(key.number() as usize);
            seen.is_none_or(|seen| seen.insert(value.number()).is_multiple_of(2) == (odd == 1))
        });
        let gone = if M::GUARANTEES.closures_run_once { Left::Gone } else { Left::GoneOrSame };
        let left = |value: u64| if value % 2 == odd { gone } else { Left::Same };
        self.note_visits("retain", began, seen.map(|seen| (seen, seen.map_or(gone, left))));
    }

    /// Notes a call that has visited some keys.
    fn note_visits(&mut self, call: &'static str, began: u64, seen: [(Option<u64>, Left); 4]) {
        let (ended, thread) = (self.clock.fetch_add(1, Ordering::SeqCst), self.thread);
        for (key, (value, left)) in (0..).zip(seen) {
            if value.is_some() {
                let event = Event { call, thread, began, ended, saw: Saw::Value(value), left };
                self.notes.push((key, event));
            }
        }
    }

    fn insert_many<K: TestKey, V: TestValue>(
        &mut self,
        map: &impl ConcurrentMap<K, V>,
        plan: &Plan,
        new: u64,
    ) {
        let entries: Vec<(K, V)> = (0..plan.keys).map(|key| (K::make(key), V::make(new))).collect();
        let began = self.clock.fetch_add(1, Ordering::SeqCst);
        let inserted = map.insert_many(entries);
        let ended = self.clock.fetch_add(1, Ordering::SeqCst);
        // The number says of each key only whether it was there if it was so of all of them.
        let saw = match inserted as u64 {
            0 => Saw::Present(true),
            all if all == plan.keys => Saw::Present(false),
            _ => Saw::Any,
        };
        let (call, thread, left) = ("insert_many", self.thread, Left::Put(new));
        let event = Event { call, thread, began, ended, saw, left };
        self.notes.extend((0..plan.keys).map(|key| (key, event)));
    }
}

fn action<V: TestValue>(choice: u64, new: u64) -> Action<V> {
    match choice {
        0 => Action::Keep,
        1 => Action::Put(V::make(new)),
        _ => Action::Remove,
    }
}

/// What a computation left, whose last run saw `last`.
fn left(outcome: Outcome, last: Option<u64>, new: u64) -> Left {
    let present = !matches!(outcome, Outcome::Absent | Outcome::Inserted);
    assert_eq!(present, last.is_some(), "{outcome:?}, but the closure saw {last:?}");
    match outcome {
        Outcome::Absent | Outcome::Kept => Left::Same,
        Outcome::Inserted | Outcome::Replaced => Left::Put(new),
        Outcome::Removed => Left::Gone,
    }
}

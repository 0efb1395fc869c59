//! Histories are made: threads call operations at random and note what they saw.

use core::borrow::Borrow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use map_core::{Action, CompareExchangeError, ConcurrentMap, Outcome, PinMap};

use super::Disturbances;
use super::check::{Event, Left, Saw};
use super::count::{Act, Change, Claim};
use crate::harness::{Random, team};
use crate::types::{TestKey, TestValue};

/// The first key that is in no history.
const FILLERS: u64 = 1000;

/// How often a thread calls `clear` at the most: the search tells eight threads' calls apart by the bits of a number.
const CLEARS: u64 = 4;

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
    /// The calls come in so many parts, after each of which all is quiet for a moment.
    pub acts: u64,
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
            acts: pick(&[1, 1, 2, 3]),
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
    /// How many calls it has made.
    calls: u64,
    /// How often it may still call `clear`.
    clears: u64,
    /// The first key that it has not yet used as a filler.
    filler: u64,
    notes: Vec<(u64, Event)>,
    /// What the present act is judged by, beside the events.
    act: Act,
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
    let mut streams = Random::seeded(plan.seed);
    let mut scribe = |thread| {
        Mutex::new(Scribe {
            clock: &clock,
            thread,
            random: Random::seeded(streams.draw()),
            known: [0; 4],
            calls: 0,
            clears: CLEARS,
            filler: FILLERS + 100,
            notes: Vec::new(),
            act: Act::default(),
        })
    };
    let threads = plan.threads + usize::from(plan.steps > 0);
    let scribes: Vec<_> = (0..threads).map(&mut scribe).collect();
    let mut witness = scribe(threads);
    let witness = witness.get_mut().unwrap_or_else(PoisonError::into_inner);
    let mut histories = vec![Vec::new(); plan.keys as usize];
    let mut entries = plan.fillers;
    for _ in 0..plan.acts {
        team(threads, |thread| {
            let mut scribe = scribes[thread].lock().unwrap_or_else(PoisonError::into_inner);
            if thread == plan.threads {
                scribe.disturb(map, plan, disturbances);
            } else if plan.pinned {
                scribe.work(&map.pin(), plan);
            } else {
                scribe.work(map, plan);
            }
        });
        let mut act = Act { entries, ..Act::default() };
        for scribe in &scribes {
            let mut scribe = scribe.lock().unwrap_or_else(PoisonError::into_inner);
            let Act { changes, claims, cleared, .. } = core::mem::take(&mut scribe.act);
            act.changes.extend(changes);
            act.changes.extend(scribe.notes.iter().filter_map(|(_, event)| Change::of(event)));
            act.claims.extend(claims);
            act.cleared = act.cleared.into_iter().chain(cleared).min();
            for (key, event) in scribe.notes.drain(..) {
                histories[key as usize].push(event);
            }
        }
        act.judge();
        entries = witness.look(map, plan);
        for (key, event) in witness.notes.drain(..) {
            histories[key as usize].push(event);
        }
    }
    histories
}

impl Scribe<'_> {
    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// Looks at the map while all is quiet: iteration shows each entry, and `len` says how many there are.
    fn look<K: TestKey, V: TestValue>(
        &mut self,
        map: &impl ConcurrentMap<K, V>,
        plan: &Plan,
    ) -> u64 {
        let began = self.now();
        let mut seen = HashMap::new();
        map.for_each(|key, value| {
            let twice = seen.insert(key.number(), value.number());
            assert_eq!(twice, None, "key {} is visited twice", key.number());
        });
        let (said, empty) = (map.len(), map.is_empty());
        assert_eq!((said, empty), (seen.len(), seen.is_empty()), "`len`, when all is quiet");
        let visits = core::array::from_fn(|key| (seen.get(&(key as u64)).copied(), Left::Same));
        self.note_visits("quiet", plan, began, visits);
        said as u64
    }

    /// Makes the map grow and give memory back, by entries that are in no history.
    fn disturb<K: TestKey, V: TestValue, M: ConcurrentMap<K, V>>(
        &mut self,
        map: &M,
        plan: &Plan,
        disturbances: Disturbances<'_, M>,
    ) {
        for _ in 0..plan.steps {
            match self.random.below(8) {
                0 => {
                    let (began, mut refused) = (self.now(), 0);
                    map.retain(|key, _| {
                        let kept = key.number() < FILLERS;
                        refused += i64::from(!kept);
                        kept
                    });
                    let ended = self.now();
                    let most = if M::GUARANTEES.closures_run_once { -refused } else { 0 };
                    self.act.changes.push(Change { began, ended, least: -refused, most });
                }
                1 if !disturbances.is_empty() => {
                    let which = self.random.below(disturbances.len() as u64);
                    disturbances[which as usize](map);
                }
                _ => {
                    for _ in 0..=self.random.below(40) {
                        let (began, filler) = (self.now(), self.filler);
                        let by = i64::from(map.insert(K::make(filler), V::make(0)));
                        let ended = self.now();
                        self.act.changes.push(Change { began, ended, least: by, most: by });
                        self.filler += 1;
                    }
                }
            }
            if self.random.below(4) == 0 {
                std::thread::yield_now();
            }
        }
    }
}

impl Scribe<'_> {
    fn work<K: TestKey, V: TestValue>(&mut self, map: &impl ConcurrentMap<K, V>, plan: &Plan) {
        for _ in 0..plan.calls.div_ceil(plan.acts) {
            // Unique among the values of the history.
            let new = 1 + self.calls * plan.threads as u64 + self.thread as u64;
            self.calls += 1;
            let key = self.random.below(plan.keys);
            self.call(map, plan, key, new);
            if self.random.below(plan.yields) == 0 {
                std::thread::yield_now();
            }
        }
    }

    /// Notes a call on one key.
    fn note(&mut self, key: u64, call: &'static str, f: impl FnOnce(&mut Random) -> (Saw, Left)) {
        let began = self.now();
        let (saw, left) = f(&mut self.random);
        let ended = self.now();
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
        match self.random.below(26) {
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
            21 => self.for_each(map, plan),
            22 => self.retain(map, plan),
            23 => self.insert_many(map, plan, new),
            24 if self.clears > 0 => self.clear(map, plan),
            _ => self.len(map),
        }
    }

    /// Looks up all keys behind keys that are not there, so that a map which works in groups has more than one.
    fn get_many<K: TestKey, V: TestValue>(&mut self, map: &impl ConcurrentMap<K, V>, plan: &Plan) {
        let strange = (0..20).map(|n| 2 * FILLERS * FILLERS + n);
        let keys: Vec<K> = strange.chain(0..plan.keys).map(K::make).collect();
        let mut seen = vec![None; keys.len()];
        let began = self.now();
        map.get_many(keys.iter().map(Borrow::borrow), |index, value| {
            seen[index] = value.map(V::number);
        });
        let ended = self.now();
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

    /// Each visited value was its key's at an instant, and a key that is not visited was absent at one.
    fn for_each<K: TestKey, V: TestValue>(&mut self, map: &impl ConcurrentMap<K, V>, plan: &Plan) {
        let mut seen = HashMap::new();
        let began = self.now();
        map.for_each(|key, value| {
            let twice = seen.insert(key.number(), value.number());
            assert_eq!(twice, None, "key {} is visited twice", key.number());
        });
        let visits = core::array::from_fn(|key| (seen.get(&(key as u64)).copied(), Left::Same));
        self.note_visits("for_each", plan, began, visits);
    }

    /// The test and the removal of each entry are one step; a key that is not tested was absent at an instant.
    fn retain<K, V, M>(&mut self, map: &M, plan: &Plan)
    where
        K: TestKey,
        V: TestValue,
        M: ConcurrentMap<K, V>,
    {
        let odd = self.random.below(2);
        let mut seen = [None; 4];
        let began = self.now();
        map.retain(|key, value| {
            let seen = seen.get_mut(key.number() as usize);
            seen.is_none_or(|seen| seen.insert(value.number()).is_multiple_of(2) == (odd == 1))
        });
        let gone = if M::GUARANTEES.closures_run_once { Left::Gone } else { Left::GoneOrSame };
        let left = |value: u64| if value % 2 == odd { gone } else { Left::Same };
        self.note_visits(
            "retain",
            plan,
            began,
            seen.map(|seen| (seen, seen.map_or(Left::Same, left))),
        );
    }

    /// Notes a call that visits all keys which are there.
    fn note_visits(
        &mut self,
        call: &'static str,
        plan: &Plan,
        began: u64,
        seen: [(Option<u64>, Left); 4],
    ) {
        let (ended, thread) = (self.now(), self.thread);
        for (key, (value, left)) in (0..plan.keys).zip(seen) {
            let event = Event { call, thread, began, ended, saw: Saw::Value(value), left };
            self.notes.push((key, event));
        }
    }

    fn clear<K: TestKey, V: TestValue>(&mut self, map: &impl ConcurrentMap<K, V>, plan: &Plan) {
        self.clears -= 1;
        let began = self.now();
        map.clear();
        let (ended, thread) = (self.now(), self.thread);
        self.act.cleared.get_or_insert(began);
        let (saw, left) = (Saw::Any, Left::Cleared);
        let event = Event { call: "clear", thread, began, ended, saw, left };
        self.notes.extend((0..plan.keys).map(|key| (key, event)));
    }

    fn len<K: TestKey, V: TestValue>(&mut self, map: &impl ConcurrentMap<K, V>) {
        let began = self.now();
        let (least, most) = if self.random.below(4) > 0 {
            let said = map.len() as u64;
            (said, said)
        } else if map.is_empty() {
            (0, 0)
        } else {
            (1, i64::MAX as u64)
        };
        let ended = self.now();
        self.act.claims.push(Claim { began, ended, least, most });
    }

    fn insert_many<K: TestKey, V: TestValue>(
        &mut self,
        map: &impl ConcurrentMap<K, V>,
        plan: &Plan,
        new: u64,
    ) {
        let entries: Vec<(K, V)> = (0..plan.keys).map(|key| (K::make(key), V::make(new))).collect();
        let began = self.now();
        let inserted = map.insert_many(entries);
        let ended = self.now();
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

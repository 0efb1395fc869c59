//! One thread's calls, after each of which everything that the mutex guards is counted anew.

use std::collections::BTreeMap;

use map_sync::contention;
use map_sync::shim::Mutex;

use super::super::filter::mix;
use super::super::levels::{self, Levels};
use super::super::linked::Linked;
use super::*;

type Kind = Linked<u64, u64>;
type Core = levels::Core<Kind, ()>;
type Table = <Kind as Levels>::Table;

static TEST: Section = Section::exclusive("test", "test");

/// Spreads keys over the filter's words, too.
fn hash(key: u64) -> u64 {
    mix(mix(key)) >> 7
}

/// A map, and what is to be in it.
struct Checked {
    core: Core,
    model: BTreeMap<u64, u64>,
}

impl Checked {
    fn new() -> Self {
        let core = Core::with_capacity(0, ()).expect("a little room");
        Self { core, model: BTreeMap::new() }
    }

    fn insert(&mut self, key: u64, value: u64) {
        let pin = self.core.pin();
        let before = self.model.insert(key, value);
        match pin.look(hash(key), &key, &TEST) {
            Some(seen) => {
                assert_eq!(seen.value().copied(), before);
                assert!(pin.put(&seen, value).is_ok());
            }
            None => {
                assert_eq!(before, None);
                assert!(pin.insert_new(hash(key), key, value, &TEST).is_ok());
            }
        }
    }

    fn remove(&mut self, key: u64) {
        let pin = self.core.pin();
        let before = self.model.remove(&key);
        let seen = pin.look(hash(key), &key, &TEST);
        assert_eq!(seen.as_ref().and_then(|seen| seen.value().copied()), before);
        if before.is_some() {
            assert!(pin.take(&seen.expect("there is an entry")));
        }
    }

    fn get(&self, key: u64) {
        let pin = self.core.pin();
        let seen = pin.look(hash(key), &key, &TEST);
        assert_eq!(seen.and_then(|seen| seen.value().copied()), self.model.get(&key).copied());
    }

    /// Returns whether entries are being moved.
    fn check(&self) -> bool {
        let pin = self.core.pin();
        let state = contention::lock(&self.core.parts.state);
        let table = pin.table();
        let old = pin.old(table);
        assert_eq!(state.entries, entries_in(table, 0));
        assert_eq!(state.filled, table.filled());
        assert_eq!(state.pending, old.map_or(0, |old| entries_in(old, state.moved)));
        let taken = state.filled + state.pending;
        assert!(taken <= Kind::limit(table.slots()), "the table is too full");
        assert!(state.dirty.len() <= DIRTY_MAX);
        assert_eq!(pin.len(), self.model.len());
        assert!(pin.capacity() >= self.model.len());
        if let Some(old) = old {
            assert!(old.slots() > AT_ONCE, "a small table is moved at once");
            let rest = old.slots() - state.moved;
            assert!(rest > 0, "the emptied table is still there");
            assert!(
                state.rate * (Kind::limit(table.slots()) - taken) >= rest,
                "it fills up too early"
            );
        }
        for key in self.model.keys() {
            let in_dirty = state.dirty.find(hash(*key), |known| known == key).is_some();
            assert!(!in_dirty || pin.filter().load(hash(*key)).may_hold(hash(*key)));
            let has = |table: &Table| {
                // SAFETY: the table was reached under the pin.
                unsafe { table.find(hash(*key), |known| known == key) }
                    .is_some_and(|entry| entry.load().is_live())
            };
            let found = [in_dirty, has(table), old.is_some_and(has)];
            assert!(found.contains(&true), "key {key} is lost");
            assert!(!(in_dirty && (found[1] || found[2])), "key {key} is there twice");
        }
        old.is_some()
    }
}

fn entries_in(table: &Table, from: usize) -> usize {
    (from..table.slots()).filter(|&index| table.entry(index).is_some()).count()
}

#[test]
fn the_books_are_right_after_each_call() {
    let mut map = Checked::new();
    let mut state = 1_u64;
    let mut moving = 0;
    for round in 0..6_000_u64 {
        state = mix(state + round);
        // First it grows, then it is emptied and filled again.
        let keys = if round % 3_000 < 2_000 { 700 } else { 60 };
        let key = (state >> 32) % keys;
        match state >> 20 & 15 {
            0..=6 => map.insert(key, round),
            7..=9 => map.remove(key),
            10..=13 => map.get(key),
            14 => map.get(key + 10_000),
            _ if round % 40 == 0 => map.core.pin().shrink(&TEST),
            _ if round % 30 == 0 => {
                let room = (state >> 50) as usize % 200;
                let pin = map.core.pin();
                pin.reserve(room, &TEST).expect("a little room");
                assert!(pin.capacity() >= map.model.len() + room);
            }
            _ if round % 20 == 0 => map.core.pin().sweep_all(&TEST),
            _ => map.insert(key + 5_000, round),
        }
        moving += u32::from(map.check());
    }
    assert!(moving > 30, "entries were being moved after {moving} of the calls");
}

#[test]
fn the_dirty_level_is_promoted_when_it_is_full_or_has_been_asked_as_often_as_it_is_long() {
    let mut map = Checked::new();
    let dirty = |map: &Checked| contention::lock(&map.core.parts.state).dirty.len();
    // To insert a key asks for it, but a key that is not there is seldom asked for under the mutex.
    for key in 0..DIRTY_MAX as u64 {
        let pin = map.core.pin();
        let inserted = pin.insert_new(hash(key), key, key, &TEST);
        assert!(inserted.is_ok_and(|seen| seen.value() == Some(&key)));
        map.model.insert(key, key);
        assert_eq!(dirty(&map), key as usize + 1);
    }
    let more = DIRTY_MAX as u64;
    assert!(map.core.pin().insert_new(hash(more), more, more, &TEST).is_ok());
    map.model.insert(more, more);
    assert_eq!(dirty(&map), 1);
    for key in more + 1..more + 10 {
        assert!(map.core.pin().insert_new(hash(key), key, key, &TEST).is_ok());
        map.model.insert(key, key);
    }
    for asked in 0..10 {
        assert_eq!((dirty(&map), contention::lock(&map.core.parts.state).misses), (10, asked));
        map.get(more);
    }
    assert_eq!((dirty(&map), contention::lock(&map.core.parts.state).misses), (0, 0));
    assert!((0..more + 10).all(|key| !map.core.pin().filter().load(hash(key)).may_hold(hash(key))));
    map.check();
}

/// A table of which `absent` of `entries` keys are removed, with nothing under way.
fn with_absent(entries: u64, absent: u64) -> Checked {
    let mut map = Checked::new();
    (0..entries).for_each(|key| map.insert(key, key));
    map.core.pin().settled(&TEST, |_| ());
    map.core.pin().sweep_all(&TEST);
    for key in 0..absent {
        let pin = map.core.pin();
        let seen = pin.look(hash(key), &key, &TEST).expect("present");
        assert!(pin.take(&seen));
        map.model.remove(&key);
    }
    map.check();
    map
}

fn known(map: &Checked) -> usize {
    contention::lock(&map.core.parts.state).entries
}

#[test]
fn absent_entries_are_swept_when_they_take_more_than_an_eighth_of_the_table() {
    let map = with_absent(300, 0);
    let slots = map.core.pin().table().slots();
    assert_eq!(slots, 512);
    for (absent, stay) in [(63, 300), (64, 300), (65, 235)] {
        let map = with_absent(300, 0);
        let pin = map.core.pin();
        for key in 0..absent {
            let seen = pin.look(hash(key), &key, &TEST).expect("present");
            // The count of removals asks for a sweep now and then, but not of those that are too few.
            assert!(pin.take(&seen));
        }
        pin.sweep_if_due();
        assert_eq!(known(&map), stay, "{absent} of 300 are absent");
    }
}

#[test]
fn nothing_is_swept_beside_an_iteration() {
    let map = with_absent(300, 100);
    map.core.pin().sweep_all(&TEST);
    assert_eq!(known(&map), 200);
    let pin = map.core.pin();
    for key in 100..200 {
        let seen = pin.look(hash(key), &key, &TEST).expect("present");
        let walk = pin.walk(&TEST);
        assert!(pin.take(&seen));
        pin.sweep_all(&TEST);
        assert!(pin.look(hash(key), &key, &TEST).is_some_and(|seen| seen.value().is_none()));
        drop(walk);
    }
    pin.sweep_all(&TEST);
    assert_eq!(known(&map), 100);
}

#[test]
fn a_search_in_the_old_table_helps_to_empty_it() {
    let mut map = Checked::new();
    (0..400).for_each(|key| map.insert(key, key));
    map.core.pin().settled(&TEST, |_| ());
    map.core.pin().reserve(1_000, &TEST).expect("a little room");
    let moved = || contention::lock(&map.core.parts.state).moved;
    assert!(map.check() && moved() == 0, "nothing has been moved yet");
    map.get(100_000);
    assert_eq!(moved(), HELP);
    let held: &Mutex<_> = &map.core.parts.state;
    let state = held.lock();
    map.get(100_001);
    assert_eq!(state.moved, HELP, "who finds the mutex taken goes on");
    drop(state);
    while map.check() {
        map.get(100_002);
    }
}

#[test]
fn a_table_shrinks_to_what_its_entries_need() {
    for entries in [0, 1, 5, 6, 40, 41, 320, 321] {
        let mut map = Checked::new();
        map.core.pin().reserve(2_000, &TEST).expect("a little room");
        (0..entries).for_each(|key| map.insert(key, key));
        map.core.pin().shrink(&TEST);
        let slots = map.core.pin().table().slots();
        assert_eq!(slots, Kind::slots_for(entries as usize).expect("few"), "{entries} entries");
        assert!(!map.check(), "no second table is left");
        let small: *const _ = map.core.pin().table();
        map.core.pin().shrink(&TEST);
        assert!(std::ptr::eq(map.core.pin().table(), small), "it is as small as can be");
    }
}

/// As many entries as given, all of them in a table.
fn settled(entries: u64) -> Checked {
    let mut map = Checked::new();
    (0..entries).for_each(|key| map.insert(key, key));
    map.core.pin().settled(&TEST, |_| ());
    map.check();
    map
}

fn slots(map: &Checked) -> usize {
    map.core.pin().table().slots()
}

#[test]
fn a_table_that_is_full_is_replaced_by_one_with_room_for_half_as_many_again() {
    for (entries, before, more, after) in [(5, 8, 1, 16), (40, 64, 1, 128), (80, 128, 64, 512)] {
        let mut map = settled(entries);
        map.core.pin().shrink(&TEST);
        assert_eq!(slots(&map), before, "{entries} entries");
        for key in entries..entries + more {
            assert!(map.core.pin().insert_new(hash(key), key, key, &TEST).is_ok());
            map.model.insert(key, key);
        }
        map.core.pin().settled(&TEST, |_| ());
        assert_eq!(slots(&map), after, "{entries} entries and {more}");
        map.check();
    }
}

/// A table of 512 slots of which 300 are taken, all but one by keys that have been swept.
fn swept() -> Core {
    let core = Core::with_capacity(300, ()).expect("a little room");
    let pin = core.pin();
    (0..300).for_each(|key| assert!(pin.insert_new(0, key, key, &TEST).is_ok()));
    pin.settled(&TEST, |_| ());
    // All but the last of the run are removed, which keeps the slots before it from being empty.
    let last = pin.table().entry(299).expect("it is one run");
    // SAFETY: entries in slots are alive.
    let last = unsafe { &*last }.key;
    for key in (0..300).filter(|key| *key != last) {
        let seen = pin.look(0, &key, &TEST).expect("present");
        assert!(pin.take(&seen));
    }
    pin.sweep_all(&TEST);
    let state = contention::lock(&core.parts.state);
    assert_eq!((pin.table().slots(), state.entries, state.filled), (512, 1, 300));
    drop(state);
    drop(pin);
    core
}

#[test]
fn a_table_that_is_full_of_swept_slots_is_replaced_by_one_of_a_quarter() {
    let core = swept();
    let pin = core.pin();
    pin.reserve(20, &TEST).expect("a little room");
    assert_eq!(pin.table().slots(), 512, "there is room for as many");
    pin.reserve(21, &TEST).expect("a little room");
    assert_eq!(pin.table().slots(), 128);
    let core = swept();
    let pin = core.pin();
    (0..21).for_each(|key| assert!(pin.insert_new(hash(key), 1000 + key, key, &TEST).is_ok()));
    pin.settled(&TEST, |_| ());
    assert_eq!(pin.table().slots(), 128);
}

/// Entries, and the rate at which a table of 512 slots is moved into one of the same size.
#[test]
fn slots_are_moved_so_fast_that_the_old_table_is_empty_before_the_new_one_is_full() {
    for (entries, rate) in [(300, 513), (240, 33), (150, 8)] {
        let mut map = Checked::new();
        map.core.pin().reserve(300, &TEST).expect("a little room");
        (0..entries).for_each(|key| map.insert(key, key));
        map.core.pin().settled(&TEST, |_| ());
        assert_eq!(slots(&map), 512);
        let pin = map.core.pin();
        let mut state = contention::lock(&map.core.parts.state);
        assert!(pin.begin_growth(&mut state, 512).is_ok());
        assert_eq!((state.rate, state.moved, state.pending), (rate, 0, entries as usize));
        drop(state);
        for key in 1_000..1_010 {
            assert!(pin.insert_new(hash(key), key, key, &TEST).is_ok());
            map.model.insert(key, key);
        }
        let mut state = contention::lock(&map.core.parts.state);
        let promoted = state.dirty.len();
        assert!(promoted > 5 && pin.promote(&mut state).is_ok());
        let all = promoted * rate >= 512;
        assert_eq!(pin.old(pin.table()).is_none(), all);
        assert_eq!(state.moved, (promoted * rate).min(512), "{entries} entries");
        drop(state);
        drop(pin);
        map.check();
    }
}

#[test]
fn a_table_stays_as_long_as_there_is_room() {
    let map = Checked::new();
    let pin = map.core.pin();
    let first: *const _ = pin.table();
    (0..5).for_each(|key| assert!(pin.insert_new(hash(key), key, key, &TEST).is_ok()));
    pin.settled(&TEST, |_| ());
    assert!(std::ptr::eq(pin.table(), first), "five of eight slots may be taken");
    assert!(pin.insert_new(hash(5), 5, 5, &TEST).is_ok());
    pin.settled(&TEST, |_| ());
    assert!(!std::ptr::eq(pin.table(), first));
}

#[test]
fn absent_entries_of_the_dirty_level_count_as_well() {
    let mut map = with_absent(300, 56);
    for key in 1_000..1_020 {
        assert!(map.core.pin().insert_new(hash(key), key, key, &TEST).is_ok());
        map.model.insert(key, key);
    }
    (1_000..1_009).for_each(|key| map.remove(key));
    map.core.pin().sweep_if_due();
    assert_eq!(known(&map), 244, "of 320 entries 65 are absent, 56 of them in the table");
}

#[test]
fn room_is_made_beside_entries_that_are_still_to_be_moved() {
    let map = settled(400);
    let pin = map.core.pin();
    for (more, after) in [(1_000, 4_096), (2_160, 4_096), (2_161, 8_192)] {
        pin.reserve(more, &TEST).expect("a little room");
        assert_eq!(slots(&map), after, "400 entries and room for {more}");
        assert!(map.check(), "none of them has been moved");
    }
}

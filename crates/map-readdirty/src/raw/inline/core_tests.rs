//! One thread's calls, after each of which everything that the mutex guards is counted anew; and steps of several threads, one
//! after the other on one thread.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::Hasher;

use super::super::super::filter::mix;
use super::super::super::levels::{self, Moves};
use super::super::slot::{ABSENT, DEAD, MOVED};
use super::*;

static TEST: Section = Section::exclusive("test", "test");

type Map = levels::Core<Inline<u64, u64>, Spread>;
type Pin<'a> = levels::Pinned<'a, Inline<u64, u64>, Spread>;

thread_local! {
    /// After how many hashes of this thread one panics.
    static PANIC: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Hashes that are the same each time.
#[derive(Clone, Copy, Default)]
struct Spread(u64);

impl BuildHasher for Spread {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        match PANIC.get() {
            0 => panic!("no hash"),
            usize::MAX => {}
            left => PANIC.set(left - 1),
        }
        *self
    }
}

impl Hasher for Spread {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers");
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = mix(mix(key)) >> 7;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

fn empty() -> Map {
    Map::with_capacity(0, Spread::default()).expect("a little room")
}

fn look<'p>(pin: &'p Pin<'_>, key: u64) -> Option<Seen<'p, u64, u64>> {
    pin.look(pin.hash(&key), &key, &TEST)
}

fn insert(pin: &Pin<'_>, key: u64, value: u64) {
    let stored = pin.insert_new(pin.hash(&key), key, value, &TEST);
    assert!(stored.is_ok_and(|seen| (seen.key(), seen.value()) == (&key, Some(&value))));
}

fn value(pin: &Pin<'_>, key: u64) -> Option<u64> {
    look(pin, key).and_then(|seen| seen.value().copied())
}

fn settle(pin: &Pin<'_>) {
    pin.settled(&TEST, |_| ());
}

/// Starts to move all entries into a table of `slots`.
fn grow(pin: &Pin<'_>, slots: usize) {
    settle(pin);
    pin.locked(&TEST, |state| {
        assert!(pin.begin_growth(state, slots).is_ok());
        assert!(pin.old(pin.table()).is_some(), "a small table is moved at once");
    });
}

/// Moves the slots of `old` one by one until that of `key` has been moved.
fn move_up_to(pin: &Pin<'_>, key: u64) {
    pin.locked(&TEST, |state| {
        let old = pin.old(pin.table()).expect("it grows");
        let is_here = |look: &Look| look.key == key;
        let index = (0..old.slots()).find(|&index| old.look(index).as_ref().is_some_and(is_here));
        let end = index.expect("the key is in the old table") + 1;
        while state.moved < end {
            Inline::move_slot(pin, state, old, state.moved, pin.table());
            state.moved += 1;
        }
    });
}

/// A map, and what is to be in it.
#[derive(Default)]
struct Model(BTreeMap<u64, u64>);

impl Model {
    fn insert(&mut self, pin: &Pin<'_>, key: u64, value: u64) {
        let before = self.0.insert(key, value);
        match look(pin, key) {
            Some(seen) => {
                assert_eq!(seen.value().copied(), before);
                assert!(pin.put(&seen, value).is_ok());
            }
            None => {
                assert_eq!(before, None);
                insert(pin, key, value);
            }
        }
    }

    fn remove(&mut self, pin: &Pin<'_>, key: u64) {
        let before = self.0.remove(&key);
        let seen = look(pin, key);
        assert_eq!(seen.as_ref().and_then(|seen| seen.value().copied()), before);
        if before.is_some() {
            assert!(pin.take(&seen.expect("it has a value")));
        }
    }

    /// Counts everything, and moves nothing. Returns whether entries are being moved.
    fn count(&self, pin: &Pin<'_>) -> bool {
        let table = pin.table();
        let old = pin.old(table);
        pin.locked(&TEST, |state| {
            let in_use = |table: &Table<u64, u64>, from: usize| {
                (from..table.slots()).filter(|&index| table.look(index).is_some()).count()
            };
            assert_eq!(state.entries, in_use(table, 0));
            assert_eq!(state.filled, table.filled());
            assert_eq!(state.pending, old.map_or(0, |old| in_use(old, state.moved)));
            let taken = state.filled + state.pending;
            assert!(taken <= table::limit(table.slots()), "the table is too full");
            assert!(state.dirty.len() <= DIRTY_MAX);
            let places = (0..table.slots()).filter_map(|index| table.look(index));
            assert!(
                places.into_iter().all(|look| matches!(look.held, Held::Present | Held::Absent))
            );
            let moved = old.into_iter().flat_map(|old| {
                (0..old.slots()).filter_map(|index| Some((index, old.look(index)?.held)))
            });
            for (index, held) in moved {
                assert_eq!(held == Held::Moved, index < state.moved);
            }
            for (key, kept) in self.0.iter().filter(|(key, _)| mark_of::<u64, u64>(key).is_none()) {
                let found = pin.find_locked(state, pin.hash(key), key);
                assert_eq!(found.and_then(|seen| seen.value().copied()), Some(*kept));
            }
        });
        assert_eq!(pin.len(), self.0.len());
        assert!(pin.capacity() >= self.0.len());
        old.is_some()
    }

    /// Looks at everything as a user does, which ends what is under way.
    fn check(&self, pin: &Pin<'_>) {
        self.count(pin);
        for (key, kept) in &self.0 {
            assert_eq!(value(pin, *key), Some(*kept));
        }
        let mut walked: Vec<_> =
            pin.walk(&TEST).map(|seen| (*seen.key(), seen.value().copied())).collect();
        walked.sort_unstable();
        assert!(walked.into_iter().eq(self.0.iter().map(|(key, value)| (*key, Some(*value)))));
    }
}

#[test]
fn the_books_are_right_after_each_call() {
    let map = empty();
    let mut model = Model::default();
    let mut state = 1_u64;
    let mut moving = 0;
    for round in 0..9_000_u64 {
        state = mix(state + round);
        let pin = map.pin();
        // First it grows, then it is emptied and filled again.
        let keys = if round % 4_500 < 3_500 { 2_500 } else { 60 };
        let key = (state >> 32) % keys;
        match state >> 20 & 15 {
            0..=6 => model.insert(&pin, key, round),
            7..=9 => model.remove(&pin, key),
            10..=12 => assert_eq!(value(&pin, key), model.0.get(&key).copied()),
            13 => model.insert(&pin, ABSENT + key % 3, round),
            14 => model.remove(&pin, ABSENT + key % 3),
            _ if round % 40 == 0 => pin.shrink(&TEST),
            _ if round % 30 == 0 => {
                let room = (state >> 50) as usize % 200;
                pin.reserve(room, &TEST).expect("a little room");
                assert!(pin.capacity() >= model.0.len().saturating_sub(3) + room);
            }
            _ if round % 20 == 0 => pin.sweep_all(&TEST),
            _ => model.insert(&pin, key + 5_000, round),
        }
        moving += u32::from(model.count(&pin));
        if round % 100 == 0 {
            model.check(&pin);
        }
    }
    assert!(moving > 30, "entries were being moved after {moving} of the calls");
}

#[test]
fn a_change_of_what_another_thread_has_changed_is_refused() {
    let map = empty();
    let pin = map.pin();
    insert(&pin, 1, 10);
    settle(&pin);
    let (old, older) = (look(&pin, 1).expect("present"), look(&pin, 1).expect("present"));
    let stored = pin.put(&old, 20).ok().expect("nobody else is here");
    assert_eq!((stored.value(), older.value()), (Some(&20), Some(&10)));
    assert_eq!(pin.put(&older, 30).err(), Some(30));
    assert!(!pin.take(&older), "it has changed");
    assert_eq!((pin.again(&older, &TEST).expect("present").value(), pin.len()), (Some(&20), 1));
    assert!(pin.take(&stored) && !pin.take(&stored));
    let absent = pin.again(&stored, &TEST).expect("it has a place");
    assert_eq!((absent.value(), pin.len(), value(&pin, 1)), (None, 0, None));
    assert!(pin.put(&absent, 40).is_ok() && pin.put(&absent, 50).is_err());
    assert_eq!((value(&pin, 1), pin.len()), (Some(40), 1));
}

#[test]
fn of_two_insertions_of_a_key_the_later_one_gets_both_back() {
    let map = empty();
    let pin = map.pin();
    insert(&pin, 1, 10);
    let again = || pin.insert_new(pin.hash(&1_u64), 1, 20, &TEST).err();
    assert_eq!(again(), Some((1, 20)), "it is in the dirty level");
    settle(&pin);
    assert_eq!(again(), Some((1, 20)), "it is in the table");
    (2..20).for_each(|key| insert(&pin, key, 10));
    grow(&pin, 64);
    assert_eq!(again(), Some((1, 20)), "it is in the old table");
    move_up_to(&pin, 1);
    assert_eq!(again(), Some((1, 20)), "it has been moved");
    assert_eq!((value(&pin, 1), pin.len()), (Some(10), 19));
}

/// What was seen before a move is out of date after it, in each of its states.
#[test]
fn who_has_seen_an_entry_before_it_was_moved_has_to_look_again() {
    let map = empty();
    let pin = map.pin();
    (0..20).for_each(|key| insert(&pin, key, key));
    let in_dirty = look(&pin, 3).expect("present");
    settle(&pin);
    assert!(pin.put(&in_dirty, 100).is_err() && !pin.take(&in_dirty), "it has been promoted");
    let in_table = look(&pin, 3).expect("present");
    let removed = look(&pin, 4).expect("present");
    assert!(pin.take(&removed));
    let absent = look(&pin, 4).expect("it has a place");
    grow(&pin, 64);
    let stored = pin.put(&in_table, 101).ok().expect("not moved yet");
    move_up_to(&pin, 3);
    move_up_to(&pin, 4);
    assert!(pin.put(&stored, 102).is_err() && !pin.take(&stored), "it has been moved");
    assert!(pin.put(&absent, 103).is_err(), "it has died");
    assert_eq!((value(&pin, 3), value(&pin, 4), pin.len()), (Some(101), None, 19));
    let moved = pin.again(&stored, &TEST).expect("present");
    assert!(pin.put(&moved, 104).is_ok());
    assert!(pin.again(&absent, &TEST).is_none(), "a key that was absent has no place any more");
    insert(&pin, 4, 105);
    assert!(pin.put(&absent, 106).is_err());
    settle(&pin);
    assert_eq!((value(&pin, 3), value(&pin, 4), pin.len()), (Some(104), Some(105), 20));
}

/// Beside an iteration the table is replaced: what was moved is visited where it was.
#[test]
fn an_iteration_finds_what_was_moved_meanwhile_once() {
    let map = empty();
    let pin = map.pin();
    (0..20).for_each(|key| insert(&pin, key, key));
    let mut walk = pin.walk(&TEST);
    let first = walk.next().map(|seen| *seen.key()).expect("twenty entries");
    let gone = (first + 1) % 20;
    let changed = (first + 2) % 20;
    let back = (first + 3) % 20;
    for key in [gone, back] {
        assert!(pin.take(&look(&pin, key).expect("present")));
    }
    grow(&pin, 64);
    settle(&pin);
    grow(&pin, 128);
    assert!(pin.put(&look(&pin, changed).expect("present"), 100).is_ok());
    insert(&pin, back, 200);
    insert(&pin, 50, 300);
    let mut rest: Vec<_> = walk.map(|seen| (*seen.key(), seen.value().copied())).collect();
    rest.sort_unstable();
    let value_of = |key| {
        if key == changed {
            100
        } else if key == back {
            200
        } else {
            key
        }
    };
    let expected = (0..20).filter(|key| ![first, gone].contains(key));
    assert!(rest.into_iter().eq(expected.map(|key| (key, Some(value_of(key))))));
    settle(&pin);
    assert_eq!((pin.len(), value(&pin, 50)), (20, Some(300)));
}

#[test]
fn keys_that_look_like_marks_are_keys_like_others() {
    let map = empty();
    let pin = map.pin();
    let mut model = Model::default();
    for round in 0..3 {
        for key in [ABSENT, MOVED, DEAD] {
            assert_eq!(value(&pin, key), None);
            model.insert(&pin, key, key);
            model.insert(&pin, key, round);
            let seen = look(&pin, key).expect("present");
            assert_eq!((seen.key(), seen.value()), (&key, Some(&round)));
            assert!(pin.put(&seen, round + 1).is_ok() && pin.put(&seen, 0).is_err());
            model.0.insert(key, round + 1);
        }
        model.insert(&pin, round, ABSENT + round);
        model.check(&pin);
        for key in [ABSENT, MOVED, DEAD] {
            model.remove(&pin, key);
            assert!(look(&pin, key).is_some_and(|seen| seen.value().is_none()));
        }
        model.check(&pin);
    }
}

#[test]
fn a_panic_of_a_hash_while_entries_are_moved_loses_nothing() {
    let map = empty();
    let mut model = Model::default();
    (0..200).for_each(|key| model.insert(&map.pin(), key, key));
    for (slots, after) in [(512, 0), (1024, 1), (2048, 5), (4096, 100)] {
        grow(&map.pin(), slots);
        PANIC.set(after);
        let moved = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| settle(&map.pin())));
        PANIC.set(usize::MAX);
        assert!(moved.is_err() && map.pin().old(map.pin().table()).is_some());
        model.check(&map.pin());
    }
}

#[test]
fn a_map_gives_its_entries_out_wherever_they_are() {
    let mut map = empty();
    let all = [ABSENT, DEAD].into_iter().chain(0..40);
    for key in all.clone().take(22).chain([ABSENT + 1]) {
        match look(&map.pin(), key) {
            Some(seen) => assert!(map.pin().put(&seen, key ^ 1).is_ok()),
            None => insert(&map.pin(), key, key ^ 1),
        }
    }
    grow(&map.pin(), 64);
    move_up_to(&map.pin(), 7);
    (20..40).for_each(|key| insert(&map.pin(), key, key ^ 1));
    for key in [ABSENT + 1, 3, 7, 12, 30] {
        let pin = map.pin();
        assert!(pin.take(&look(&pin, key).expect("present")));
    }
    let mut position = 0;
    let mut taken = Vec::new();
    while let Some((key, value)) = map.take_next(&mut position) {
        assert_eq!(value, key ^ 1);
        taken.push(key);
    }
    taken.sort_unstable();
    let mut expected: Vec<_> = all.filter(|key| ![3, 7, 12, 30].contains(key)).collect();
    expected.sort_unstable();
    assert_eq!(taken, expected);
    assert_eq!(map.take_next(&mut position), None);
}

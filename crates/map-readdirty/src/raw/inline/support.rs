//! What the tests of this kind of levels share: a hasher, single steps, and a model of what a map is to hold.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};

use map_sync::reentrancy::Section;

use super::super::filter::mix;
use super::super::levels::{self, Array, Moves, Waiting};
use super::super::moves::DIRTY_MAX;
use super::core::Inline;
use super::slot::{Held, Look, Seen, mark_of};
use super::table::{self, Table};

pub(super) static TEST: Section = Section::exclusive("test", "test");

pub(super) type Map = levels::Core<Inline<u64, u64>, Spread>;
pub(super) type Pin<'a> = levels::Pinned<'a, Inline<u64, u64>, Spread>;

thread_local! {
    /// After how many hashes of this thread one panics.
    pub(super) static PANIC: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Hashes that are the same each time.
#[derive(Clone, Copy, Default)]
pub(super) struct Spread(u64);

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

pub(super) fn empty() -> Map {
    Map::with_capacity(0, Spread::default()).expect("a little room")
}

pub(super) fn look<'p>(pin: &'p Pin<'_>, key: u64) -> Option<Seen<'p, u64, u64>> {
    pin.look(pin.hash(&key), &key, &TEST)
}

pub(super) fn insert(pin: &Pin<'_>, key: u64, value: u64) {
    let stored = pin.insert_new(pin.hash(&key), key, value, &TEST);
    assert!(stored.is_ok_and(|seen| (seen.key(), seen.value()) == (&key, Some(&value))));
}

pub(super) fn value(pin: &Pin<'_>, key: u64) -> Option<u64> {
    look(pin, key).and_then(|seen| seen.value().copied())
}

pub(super) fn settle(pin: &Pin<'_>) {
    pin.settled(&TEST, |_| ());
}

/// Starts to move all entries into a table of `slots`.
pub(super) fn grow(pin: &Pin<'_>, slots: usize) {
    settle(pin);
    pin.locked(&TEST, |state| {
        assert!(pin.begin_growth(state, slots).is_ok());
        assert!(pin.old(pin.table()).is_some(), "a small table is moved at once");
    });
}

/// Moves the slots of `old` one by one until that of `key` has been moved.
pub(super) fn move_up_to(pin: &Pin<'_>, key: u64) {
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
pub(super) struct Model(pub(super) BTreeMap<u64, u64>);

impl Model {
    pub(super) fn insert(&mut self, pin: &Pin<'_>, key: u64, value: u64) {
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

    pub(super) fn remove(&mut self, pin: &Pin<'_>, key: u64) {
        let before = self.0.remove(&key);
        let seen = look(pin, key);
        assert_eq!(seen.as_ref().and_then(|seen| seen.value().copied()), before);
        if before.is_some() {
            assert!(pin.take(&seen.expect("it has a value")));
        }
    }

    /// Counts everything, and moves nothing. Returns whether entries are being moved.
    pub(super) fn count(&self, pin: &Pin<'_>) -> bool {
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
    pub(super) fn check(&self, pin: &Pin<'_>) {
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

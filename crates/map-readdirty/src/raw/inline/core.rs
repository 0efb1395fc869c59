//! Both levels together, of entries that lie in the array: search, insertion, changes of a value.
//!
//! **Search**: (1) load the filter's word for the hash; (2) load the table; (3) load its `old`; (4) search `old` if there is
//! one; (5) search the table; if the key was moved out of it, too, begin anew; (6) if the word of step 1 has the hash's bits, take the
//! mutex, search again and then the dirty level. Otherwise the key is absent.
//!
//! An entry has no identity but its place, and moving it is copying. The place that counts is the first one on the way of a search
//! that holds the key and does not say *moved*:
//!
//! ```text
//!   search:   old ──(moved, or not there)──> table ──(not there)──> dirty level, under the mutex
//!
//!   growth:   copy the pair from old to the table, where nobody looks for it yet;  exchange the pair in old for MOVED.
//!             If that fails the pair has changed: copy it again, or take the copy back if the key is absent now.
//!   promotion: exchange the pair in the dirty level for MOVED;  put it into the table.   Who looks for it meanwhile waits for the mutex.
//! ```
//!
//! **Invariants** (with C1, C3 and C4 of `levels`, I1 and I2 of `slot`, T1-T5 of `table`, D1 of `filter`): (N1) a key that was put into a table
//! stays in a place of it, until it is swept, which happens only while it is absent, or until the table is retired.
//! A copy that nobody has been sent to yet does not count. (N2) In `old`, a place that says *moved* was copied before, unless the key was absent.
//!
//! **Why a search that says "absent" is right.** Suppose the key was present during the whole search. At step 1 it is in the dirty
//! level, so the bits are set (D1), and step 6 takes the mutex; under it nothing moves, and it is found. Or it is in `old` or the table of
//! step 1, or in those that were published since: a search meets it in the one, or the mark that it was moved; then it is in
//! the next one (N2), which is the table if the mark was in `old`, and a later table if the mark was in the table; then the search begins
//! anew. It cannot have been swept, since it was never absent. So the key was absent at some instant of the search: that is its
//! linearization point. The filter must be read *first*, or a promotion after the search could carry the entry past the reader.
//!
//! **Linearization of writes**: a change of a known key at its successful exchange, which fails if the entry was moved or has died;
//! an insertion of a new key at the push into the dirty level, before which the filter's bits are set: who has seen the same words in
//! that slot before may change them at once. Of growth: the exchange for *moved* hands over from the one place to the other, with the same value in both.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

use map_core::ReserveError;
use map_sync::contention;
use map_sync::reentrancy::Section;

use super::super::bits::{bits_of, from_bits};
use super::super::levels::{Array, Core, Levels, Parts, Payload, Pinned, State, Waiting};
use super::super::walk::Walk;
use super::dirty::{Beside, Dirty};
use super::slot::{Held, Look, MARKS, Seen, mark_of};
use super::table::{self, Found, NotTold, Table};

/// Levels whose published array holds the entries.
pub(crate) struct Inline<K, V>(PhantomData<(K, V)>);

impl<K, V> Levels for Inline<K, V> {
    type Table = Table<K, V>;
    type Dirty = Dirty;
    type Beside = Beside;

    fn limit(slots: usize) -> usize {
        table::limit(slots)
    }

    fn slots_for(entries: usize) -> Result<usize, ReserveError> {
        table::slots_for(entries)
    }

    fn drop_entries(_: &mut Parts<Self>) -> Result<(), Payload> {
        // Plain data have no destructors.
        Ok(())
    }
}

impl<K, V> Parts<Inline<K, V>> {
    /// What the place with this number holds, if it is in use; nothing at all after the last place.
    fn place(&mut self, number: usize) -> Option<Option<Look>> {
        let waiting = self.state.get_mut().dirty.len();
        if let Some(slot) = self.beside.marks.get(number) {
            return Some(Some(slot.look_at_mark(number)));
        }
        let mut index = number - MARKS;
        if index < waiting {
            return Some(Some(self.beside.dirty()[index].look()));
        }
        index -= waiting;
        let (table, old) = self.tables();
        if index < table.slots() {
            return Some(table.look(index));
        }
        index -= table.slots();
        old.filter(|old| index < old.slots()).map(|old| old.look(index))
    }
}

impl<K, V, S> Core<Inline<K, V>, S> {
    /// Copies the next entry whose key is present; `position` is 0 at the first call.
    pub(crate) fn take_next(&mut self, position: &mut usize) -> Option<(K, V)> {
        loop {
            let look = self.parts.place(*position)?;
            *position += 1;
            if let Some((key, value)) = look.and_then(|look| Some((look.key, look.value()?))) {
                // SAFETY: by I1 of `slot` the bits are those of a key.
                let key = unsafe { from_bits(key) };
                // SAFETY: the key is present, so these are the bits of its value.
                return Some((key, unsafe { from_bits(value) }));
            }
        }
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> Pinned<'_, Inline<K, V>, S> {
    /// Copies the value of a key, if that takes but a short look: nothing is being moved, and the dirty level need not be asked.
    #[inline(always)]
    pub(crate) fn copy<Q>(&self, hash: u64, key: &Q) -> Result<Option<V>, NotTold>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let word = self.filter().load(hash);
        let table = self.table();
        if self.old(table).is_some() {
            return Err(NotTold);
        }
        match table.copy(hash, key)? {
            // A key that is a mark is in no table.
            None if word.may_hold(hash) || mark_of::<K, Q>(key).is_some() => Err(NotTold),
            copied => Ok(copied),
        }
    }

    /// Finds what the map holds under `key`; `None` if it has no place for it.
    #[inline(always)]
    pub(crate) fn look<Q>(
        &self,
        hash: u64,
        key: &Q,
        section: &'static Section,
    ) -> Option<Seen<'_, K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        if let Some(mark) = mark_of::<K, Q>(key) {
            return Some(self.look_at_mark(mark));
        }
        let word = self.filter().load(hash);
        let table = self.table();
        if self.old(table).is_none() {
            match table.find(hash, key) {
                Found::Here(seen) => return Some(seen),
                Found::Nothing if !word.may_hold(hash) => return None,
                Found::Nothing | Found::Moved => {}
            }
        }
        self.look_further(hash, key, section)
    }

    #[cold]
    #[inline(never)]
    fn look_at_mark(&self, mark: usize) -> Seen<'_, K, V> {
        let slot = &self.core.parts.beside.marks[mark];
        Seen::new(slot, slot.look_at_mark(mark))
    }

    /// The whole search.
    #[cold]
    #[inline(never)]
    fn look_further<Q>(
        &self,
        hash: u64,
        key: &Q,
        section: &'static Section,
    ) -> Option<Seen<'_, K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        loop {
            let word = self.filter().load(hash);
            let table = self.table();
            if let Some(old) = self.old(table) {
                self.help(section);
                if let Found::Here(seen) = old.find(hash, key) {
                    return Some(seen);
                }
            }
            match table.find(hash, key) {
                Found::Here(seen) => return Some(seen),
                Found::Moved => continue,
                Found::Nothing if !word.may_hold(hash) => return None,
                Found::Nothing => {}
            }
            return self.locked(section, |state| {
                // First, for what it promotes is then seen in its new place.
                self.missed(state);
                self.find_locked(state, hash, key)
            });
        }
    }

    /// Finds the place of `key` in either level, under the mutex.
    pub(super) fn find_locked<Q>(
        &self,
        state: &State<Inline<K, V>>,
        hash: u64,
        key: &Q,
    ) -> Option<Seen<'_, K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let table = self.table();
        for table in self.old(table).into_iter().chain([table]) {
            if let Found::Here(seen) = table.find(hash, key) {
                return Some(seen);
            }
        }
        if !self.filter().load(hash).may_hold(hash) {
            return None;
        }
        state.dirty.find(self.core.parts.beside.dirty(), hash, key)
    }

    /// Looks at the same key again.
    pub(crate) fn again<'p>(
        &'p self,
        seen: &Seen<'p, K, V>,
        section: &'static Section,
    ) -> Option<Seen<'p, K, V>> {
        let key = seen.key();
        self.look(self.hash(key), key, section)
    }

    /// Inserts a key that a search did not find.
    ///
    /// If there is a place for it by now, gives back the key and the value.
    pub(crate) fn insert_new(
        &self,
        hash: u64,
        key: K,
        value: V,
        section: &'static Section,
    ) -> Result<Seen<'_, K, V>, (K, V)> {
        let inserted = self.locked(section, |state| {
            if self.find_locked(state, hash, &key).is_some() {
                return Err((key, value));
            }
            self.make_room(state);
            let slots = self.core.parts.beside.dirty();
            state.dirty.reserve();
            self.filter().set(hash);
            Ok(state.dirty.push(slots, hash, bits_of(key), bits_of(value)))
        });
        match &inserted {
            Ok(_) => self.core.tally.inserted(),
            Err(_) => contention::retry(),
        }
        inserted
    }

    /// Gives the key a new value if it still has what was seen; otherwise hands the value back.
    #[inline]
    pub(crate) fn put<'p>(&'p self, seen: &Seen<'p, K, V>, value: V) -> Result<Seen<'p, K, V>, V> {
        let stored = seen.put(value);
        if contention::exchanged(stored.is_ok()) {
            if seen.look.held == Held::Absent {
                self.core.tally.inserted();
            }
        } else {
            contention::retry();
        }
        stored
    }

    /// Makes the key absent if it still has the value that was seen.
    #[inline]
    pub(crate) fn take(&self, seen: &Seen<'_, K, V>) -> bool {
        if !contention::exchanged(seen.slot.take(seen.look)) {
            contention::retry();
            return false;
        }
        if self.core.tally.removed() {
            self.sweep_if_due();
        }
        true
    }
}

impl<'p, K: Hash + Eq, V, S: BuildHasher> Iterator for Walk<'p, Inline<K, V>, S> {
    type Item = Seen<'p, K, V>;

    /// The next entry whose key is present.
    fn next(&mut self) -> Option<Self::Item> {
        let marks = &self.pin.core.parts.beside.marks;
        while self.index < self.table.slots() {
            self.index += 1;
            let index = self.index - 1;
            let Some(look) = self.table.look(index) else { continue };
            let seen = match look.held {
                Held::Present => Some(Seen::new(self.table.slot(index), look)),
                Held::Moved => {
                    // SAFETY: by I1 of `slot` the bits are those of a key.
                    let key: K = unsafe { from_bits(look.key) };
                    self.pin.look(self.pin.hash(&key), &key, self.section)
                }
                Held::Absent | Held::Dead => None,
            };
            if let Some(seen) = seen.filter(|seen| seen.value().is_some()) {
                return Some(seen);
            }
        }
        while let Some(slot) = marks.get(self.index - self.table.slots()) {
            let mark = self.index - self.table.slots();
            self.index += 1;
            let seen = Seen::new(slot, slot.look_at_mark(mark));
            if seen.value().is_some() {
                return Some(seen);
            }
        }
        None
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;

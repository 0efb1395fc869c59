//! Both levels together: search, insertion, changes of a value.
//!
//! **Search**: (1) load the filter's word for the hash; (2) load the table; (3) load its `old`; (4)
//! search the table; (5) search `old` if there is one; (6) if the word of step 1 has the hash's bits,
//! take the mutex, search the table again and then the dirty level. Otherwise the key is absent.
//!
//! **Invariants** (with I1-I4 of `entry`, T1-T5 of `table`, D1 of `dirty`):
//!
//! - (C1) A key has at most one entry that is not dead. It lies in the dirty level, in the table, or,
//!   while entries are being moved, in the table's `old`; once in the table or in `old` it stays
//!   reachable there until it dies. Only the holder of the mutex adds entries or moves them.
//! - (C2) An entry is killed only under the mutex, and its slot is swept before the mutex is released.
//! - (C3) There are at most two tables, and none of them has an `old` whose entries are not all live in
//!   it or still in `old` itself.
//! - (C4) Entries, values and tables are retired to the map's own domain, after the last
//!   reference to them has been overwritten.
//!
//! **Why a search that says "absent" is right.** Suppose the key had a live entry during the whole
//! search. At step 1 that entry is in the dirty level, so the bits are set (D1) and step 6 takes the
//! mutex; under it nothing moves, and C1 finds the entry in one of the two levels. Or it is in the
//! published level at step 1, and stays reachable from every table loaded at step 2 or later: if
//! `old` was null at step 3, all entries had been moved into the table before, so step 4 finds it; if
//! not, the entry is in the table before step 4 or in `old`, whose slots never lose a live entry
//! (T3), and step 5 finds it. So the key was absent at some instant of the search: that is its
//! linearization point. Note that a mutex alone would not do here: the filter must be read *first*,
//! or a promotion between steps 4 and 6 could carry the entry past the reader.
//!
//! **Why a dead entry may be read as "absent".** It was killed under the mutex, in a state in which
//! its key was absent, and no entry for the key can be added before its slot is swept (C2). Who found
//! it read the slot before that, in a table that was current during the search; so either the entry
//! died during the search or the key was absent when the search began.
//!
//! **Linearization of writes**: a change of a known key at its successful compare-and-swap of the
//! value word, which fails if the entry has died (I1), so no write into an entry that is being
//! swept away can be lost; an insertion of a new key at the push into the dirty level, or at the
//! setting of the filter bits after it, if they were not set.

use std::borrow::Borrow;
use std::marker::PhantomData;
use std::ptr;

use map_core::ReserveError;
use map_sync::contention;
use map_sync::pad::CachePadded;
use map_sync::reclaim::{Domain, Guard};
use map_sync::reentrancy::{self, Section};
use map_sync::shim::Mutex;
use map_sync::shim::atomic::{AtomicPtr, Ordering::SeqCst};

use super::dirty::{DIRTY_MAX, Dirty, Filter, FilterWord};
use super::entry::{self, Content, Entry, Owned};
use super::table::{self, Table, slots_for};
use crate::tally::Tally;

/// Both levels of a map.
pub(crate) struct Core<K, V> {
    table: AtomicPtr<Table<K, V>>,
    domain: Domain,
    tally: Tally,
    filter: Filter,
    pub(super) state: CachePadded<Mutex<State<K, V>>>,
    _entries: PhantomData<(K, V)>,
}

/// What the mutex guards, beside the right to write slots.
pub(crate) struct State<K, V> {
    pub(super) dirty: Dirty<K, V>,
    /// Look-ups that had to take the mutex since the last promotion.
    pub(super) misses: usize,
    /// Entries in the table.
    pub(super) entries: usize,
    /// Slots of the table that are not empty.
    pub(super) filled: usize,
    /// Entries in `old` that have not been moved yet.
    pub(super) pending: usize,
    /// Slots of `old` from which entries have been moved.
    pub(super) moved: usize,
    /// Slots of `old` to move per promoted entry.
    pub(super) rate: usize,
    /// The slot of the table at which sweeping goes on.
    pub(super) sweeper: usize,
    /// Iterations under way; the table is not swept meanwhile.
    pub(super) walkers: usize,
}

/// What a look-up found in an entry: its value, or that the key is absent.
pub(crate) struct Seen<'p, K, V> {
    entry: &'p Entry<K, V>,
    content: Content<V>,
}

impl<'p, K, V> Seen<'p, K, V> {
    /// What `entry` holds; `None` if it is dead. The thread must be pinned for `'p`.
    #[inline]
    pub(super) fn of(entry: &'p Entry<K, V>) -> Option<Self> {
        let content = entry.load();
        (!content.is_dead()).then_some(Self { entry, content })
    }

    /// Looks at the same entry again.
    pub(crate) fn again(&self) -> Option<Self> {
        Self::of(self.entry)
    }

    /// The value, unless the key was absent.
    #[inline]
    pub(crate) fn value(&self) -> Option<&V> {
        // SAFETY: a value with an address was in the entry's word while the thread was pinned, for
        // `'p` at least, and is retired only after it has left the word (C4).
        unsafe { self.content.value() }
    }
}

impl<K, V> Core<K, V> {
    pub(crate) fn with_capacity(capacity: usize) -> Result<Self, ReserveError> {
        let table = Table::new(slots_for(capacity)?)?;
        Ok(Self {
            table: AtomicPtr::new(Box::into_raw(table)),
            domain: Domain::new(),
            tally: Tally::new(),
            filter: Filter::new(),
            state: CachePadded::new(Mutex::new(State {
                dirty: Dirty::new(),
                misses: 0,
                entries: 0,
                filled: 0,
                pending: 0,
                moved: 0,
                rate: 0,
                sweeper: 0,
                walkers: 0,
            })),
            _entries: PhantomData,
        })
    }

    #[inline]
    pub(crate) fn pin(&self) -> Pinned<'_, K, V> {
        Pinned { core: self, guard: self.domain.enter() }
    }

    pub(crate) fn len(&self) -> usize {
        self.tally.len()
    }

    /// Takes out any entry; `position` is 0 at the first call.
    pub(crate) fn take_next(&mut self, position: &mut usize) -> Option<Owned<K, V>> {
        let state = self.state.get_mut();
        let entry = state.dirty.pop().or_else(|| {
            // SAFETY: the table is valid, and `&mut self` means that nobody else uses it.
            let table = unsafe { &mut **self.table.get_mut() };
            take_from(table, position, state.moved)
        })?;
        // SAFETY: the entry has been taken out of the one place from which it is reached here:
        // slots of `old` below `moved`, which may point to it too, are not looked at.
        Some(unsafe { Owned::from_raw(entry) })
    }
}

/// Takes the next entry out of the table, or then out of the unmoved part of its `old`.
fn take_from<K, V>(
    table: &mut Table<K, V>,
    position: &mut usize,
    moved: usize,
) -> Option<*mut Entry<K, V>> {
    let slots = table.slots();
    while *position < slots {
        *position += 1;
        if let Some(entry) = table.take(*position - 1) {
            return Some(entry);
        }
    }
    // SAFETY: `old` is null or valid, and the caller has the table to itself.
    let old = unsafe { table.old.get_mut().as_mut() }?;
    *position = (*position).max(slots + moved);
    while *position - slots < old.slots() {
        *position += 1;
        if let Some(entry) = old.take(*position - slots - 1) {
            return Some(entry);
        }
    }
    None
}

impl<K, V> Drop for Core<K, V> {
    fn drop(&mut self) {
        let mut position = 0;
        let mut panic = None;
        while let Some(entry) = self.take_next(&mut position) {
            if let Err(payload) = entry::contain(|| drop(entry)) {
                panic.get_or_insert(payload);
            }
        }
        // SAFETY: the table came from a box and nobody else uses it.
        let mut table = unsafe { Box::from_raw(*self.table.get_mut()) };
        let old = *table.old.get_mut();
        if !old.is_null() {
            // SAFETY: as for the table.
            drop(unsafe { Box::from_raw(old) });
        }
        if let Some(payload) = panic {
            if !map_sync::shim::thread::panicking() {
                std::panic::resume_unwind(payload);
            }
        }
    }
}

/// A thread's right to follow the map's pointers.
pub(crate) struct Pinned<'a, K, V> {
    pub(super) core: &'a Core<K, V>,
    guard: Guard<'a>,
}

impl<'a, K, V> Pinned<'a, K, V> {
    /// Lets go of what has been protected so far.
    pub(crate) fn refresh(&mut self) {
        self.guard.refresh();
    }

    /// The current table.
    #[inline]
    pub(super) fn table(&self) -> &Table<K, V> {
        // SAFETY: the pointer is never null, and a table that is no longer reachable is retired (C4),
        // so it stays valid while `self` pins the thread.
        unsafe { &*self.core.table.load(SeqCst) }
    }

    /// Makes `table` the current one, whose `old` is the present one. Needs the mutex.
    pub(super) fn publish(&self, table: Box<Table<K, V>>) {
        table.old.store(self.core.table.load(SeqCst), SeqCst);
        self.core.table.store(Box::into_raw(table), SeqCst);
    }

    /// Returns the table from which entries are still being moved into `table`.
    #[inline]
    pub(super) fn old(&self, table: &Table<K, V>) -> Option<&Table<K, V>> {
        // SAFETY: as for `table`.
        unsafe { table.old.load(SeqCst).as_ref() }
    }

    /// Takes the emptied table off `table`. Needs the mutex.
    pub(super) fn drop_old(&self, table: &Table<K, V>) {
        let old = table.old.swap(ptr::null_mut(), SeqCst);
        // SAFETY: the table came from a box and can no longer be reached (C3, C4). It does not own the
        // entries that its slots point to.
        unsafe { self.guard.retire(old.cast(), table::free::<K, V>) };
        // A table is too large to wait until the batch is full.
        self.guard.flush();
    }

    /// Retires an entry that has been killed and whose slots have been swept (C2).
    pub(super) fn retire_entry(&self, entry: *mut Entry<K, V>) {
        // SAFETY: a dead entry that is in no slot cannot be reached any more (C4).
        unsafe { self.guard.retire(entry.cast(), entry::free::<K, V>) };
    }

    fn retire_value(&self, entry: &Entry<K, V>, content: &Content<V>) {
        let Some(value) = content.address() else { return };
        // SAFETY: all entries are made by `Entry::allocate`.
        if !unsafe { Entry::is_first(entry, value) } {
            // SAFETY: the value was swapped out of the word by the caller, who thus owns it (I2).
            unsafe { self.guard.retire(value.cast(), entry::free_value::<V>) };
        }
    }

    pub(super) fn filter(&self) -> &Filter {
        &self.core.filter
    }

    pub(super) fn len(&self) -> usize {
        self.core.tally.len()
    }

    /// Runs `f` under the mutex.
    ///
    /// User code runs in there only as a key's `Eq`. If that calls the map in a way that needs the
    /// mutex, it is refused with a panic.
    pub(super) fn locked<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(&mut State<K, V>) -> R,
    ) -> R {
        reentrancy::enter(self.core, section, |_| f(&mut contention::lock(&self.core.state)))
    }

    /// Finds what the map holds under `key`; `None` if it has no entry for it.
    #[inline]
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
        let word = self.core.filter.load(hash);
        let table = self.table();
        let old = self.old(table);
        // SAFETY: the table was reached under this pin.
        let entry = match unsafe { table.find(hash, |known| known.borrow() == key) } {
            Some(entry) => entry,
            None if old.is_none() && !word.may_hold(hash) => return None,
            None => self.look_further(old, word, hash, key, section)?,
        };
        Seen::of(entry)
    }

    /// Steps 5 and 6 of the search.
    #[cold]
    #[inline(never)]
    fn look_further<'p, Q>(
        &'p self,
        old: Option<&'p Table<K, V>>,
        word: FilterWord,
        hash: u64,
        key: &Q,
        section: &'static Section,
    ) -> Option<&'p Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        if let Some(old) = old {
            self.help();
            // SAFETY: `old` was reached under this pin.
            let found = unsafe { old.find(hash, |known| known.borrow() == key) };
            if found.is_some() {
                return found;
            }
        }
        if !word.may_hold(hash) {
            return None;
        }
        self.locked(section, |state| {
            let found = self.find_locked(state, hash, key);
            self.missed(state);
            found
        })
    }

    /// Finds the entry of `key` in either level, under the mutex.
    fn find_locked<Q>(&self, state: &State<K, V>, hash: u64, key: &Q) -> Option<&Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let is_key = |known: &K| known.borrow() == key;
        let table = self.table();
        // SAFETY: the table was reached under this pin.
        if let Some(entry) = unsafe { table.find(hash, is_key) } {
            return Some(entry);
        }
        if let Some(old) = self.old(table) {
            // SAFETY: as above.
            if let Some(entry) = unsafe { old.find(hash, is_key) } {
                return Some(entry);
            }
        }
        if !self.core.filter.load(hash).may_hold(hash) {
            return None;
        }
        let entry = state.dirty.find(hash, is_key)?;
        // SAFETY: the entry is alive, and retired only after this pin was taken.
        Some(unsafe { &*entry })
    }

    /// Inserts a key that a search did not find.
    ///
    /// If there is an entry by now, gives back the key and the value.
    pub(crate) fn insert_new(
        &self,
        hash: u64,
        key: K,
        value: V,
        section: &'static Section,
    ) -> Result<Seen<'_, K, V>, (K, V)>
    where
        K: Eq,
    {
        let entry = Owned::new(hash, key, value);
        let inserted = self.locked(section, |state| {
            if self.find_locked(state, hash, entry.key()).is_some() {
                return Err(entry);
            }
            if state.dirty.len() == DIRTY_MAX {
                if let Err(error) = self.promote(state) {
                    panic!("{error}");
                }
            }
            state.dirty.reserve();
            let entry = entry.into_raw();
            state.dirty.push(hash, entry);
            self.core.filter.set(hash);
            // SAFETY: the entry has just been made, and can be retired only after this pin.
            Ok(Seen::of(unsafe { &*entry }))
        });
        match inserted {
            Ok(seen) => {
                self.core.tally.inserted();
                // Nobody can have changed the entry while this thread held the mutex.
                Ok(seen.unwrap_or_else(|| unreachable!()))
            }
            Err(entry) => {
                contention::retry();
                match entry.into_parts() {
                    (key, Some(value)) => Err((key, value)),
                    (_, None) => unreachable!("an entry that is not shared keeps its value"),
                }
            }
        }
    }

    /// Gives the entry a new value if it still holds what was seen; otherwise hands the value back.
    #[inline]
    pub(crate) fn put<'p>(&'p self, seen: &Seen<'p, K, V>, value: V) -> Result<Seen<'p, K, V>, V> {
        let content = seen.entry.put(seen.content, value).inspect_err(|_| contention::retry())?;
        if seen.content.is_live() {
            self.retire_value(seen.entry, &seen.content);
        } else {
            self.core.tally.inserted();
        }
        // Who replaces the value from now on retires it after this pin was taken.
        Ok(Seen { entry: seen.entry, content })
    }

    /// Makes the key absent if its entry still holds the value that was seen.
    pub(crate) fn take(&self, seen: &Seen<'_, K, V>) -> bool {
        if !seen.entry.take(seen.content) {
            contention::retry();
            return false;
        }
        self.retire_value(seen.entry, &seen.content);
        if self.core.tally.removed() {
            self.sweep_if_due();
        }
        true
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;

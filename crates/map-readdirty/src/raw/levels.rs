//! Both levels, whatever an entry is: who owns them, and who may write them.
//!
//! There are two kinds of levels with the same rules: [`Linked`](super::linked::Linked), whose published array points to entries, and
//! [`Inline`](super::inline::Inline), whose array holds them. A map is of one kind throughout its life.
//!
//! **Invariants** of both:
//!
//! - (C1) A key has at most one entry that counts. It lies in the dirty level, in the table, or,
//!   while entries are being moved, in the table's `old`. Only the holder of the mutex adds entries or moves them.
//! - (C3) There are at most two tables, and none of them has an `old` whose entries are not all
//!   in it or still in `old` itself.
//! - (C4) Tables, and what is allocated for an entry, are retired to the map's own domain, after the last
//!   reference to them has been overwritten.

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::ptr;

use map_core::ReserveError;
use map_sync::contention;
use map_sync::pad::CachePadded;
use map_sync::reclaim::{Domain, Guard};
use map_sync::reentrancy::{self, Section};
use map_sync::shim::atomic::{AtomicPtr, Ordering::SeqCst};
use map_sync::shim::{Mutex, thread::panicking};

use super::filter::Filter;
use crate::tally::Tally;

/// A panic's payload.
pub(crate) type Payload = Box<dyn Any + Send>;

/// A published array.
pub(crate) trait Array: Sized {
    /// Makes an empty one of `slots`, a power of two that [`Levels::slots_for`] gave.
    fn new(slots: usize) -> Result<Box<Self>, ReserveError>;

    fn slots(&self) -> usize;

    /// The table that this one replaces, while entries are still being moved out of it.
    fn old(&self) -> &AtomicPtr<Self>;
}

/// The entries that wait for promotion. Lives under the mutex.
pub(crate) trait Waiting: Default {
    fn len(&self) -> usize;
}

/// A kind of levels.
pub(crate) trait Levels: Sized {
    type Table: Array;
    type Dirty: Waiting;
    /// What a map of this kind has besides.
    type Beside: Default;

    /// How many slots of a table may be taken.
    fn limit(slots: usize) -> usize;

    /// The smallest table that may hold `entries`.
    fn slots_for(entries: usize) -> Result<usize, ReserveError>;

    /// Drops all entries of a map that ends. If a destructor panics, the others run, and the first panic is handed back.
    fn drop_entries(core: &mut Parts<Self>) -> Result<(), Payload>;
}

/// How entries of a kind are moved. What is called `state` is what the mutex guards, so the caller holds it.
pub(crate) trait Moves<S>: Levels {
    /// Puts the newest entry of the dirty level into the table, or drops it if its key is absent.
    fn promote_last(pin: &Pinned<'_, Self, S>, state: &mut State<Self>, table: &Self::Table);

    /// Puts the entry in a slot of `old`, if there is one, into the table, or drops it if its key is absent.
    fn move_slot(
        pin: &Pinned<'_, Self, S>,
        state: &mut State<Self>,
        old: &Self::Table,
        index: usize,
        table: &Self::Table,
    );

    /// Drops the entry in a slot, if there is one and its key is absent.
    fn sweep_slot(
        pin: &Pinned<'_, Self, S>,
        state: &mut State<Self>,
        table: &Self::Table,
        index: usize,
    );
}

/// The levels of a map, without its hasher.
pub(crate) struct Parts<L: Levels> {
    pub(super) table: AtomicPtr<L::Table>,
    pub(super) state: CachePadded<Mutex<State<L>>>,
    pub(super) beside: L::Beside,
    _entries: PhantomData<L>,
}

/// What the mutex guards, beside the right to write slots.
pub(crate) struct State<L: Levels> {
    pub(super) dirty: L::Dirty,
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

/// Both levels of a map, and what it needs beside them.
///
/// In this order, so that the domain is at one place in maps of either kind, and entering it needs no case distinction.
#[repr(C)]
pub(crate) struct Core<L: Levels, S> {
    domain: Domain,
    pub(super) parts: Parts<L>,
    pub(super) tally: Tally,
    pub(super) filter: Filter,
    hasher: S,
}

impl<L: Levels, S> Core<L, S> {
    pub(crate) fn with_capacity(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        let table = L::Table::new(L::slots_for(capacity)?)?;
        let state = State {
            dirty: L::Dirty::default(),
            misses: 0,
            entries: 0,
            filled: 0,
            pending: 0,
            moved: 0,
            rate: 0,
            sweeper: 0,
            walkers: 0,
        };
        let parts = Parts {
            table: AtomicPtr::new(Box::into_raw(table)),
            state: CachePadded::new(Mutex::new(state)),
            beside: L::Beside::default(),
            _entries: PhantomData,
        };
        Ok(Self {
            parts,
            domain: Domain::new(),
            tally: Tally::new(),
            filter: Filter::new(),
            hasher,
        })
    }

    #[inline(always)]
    pub(crate) fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The right of a thread that has entered the domain.
    #[inline(always)]
    pub(crate) fn pinned<'a>(&'a self, guard: Guard<'a>) -> Pinned<'a, L, S> {
        Pinned { core: self, guard }
    }

    #[cfg(test)]
    pub(crate) fn pin(&self) -> Pinned<'_, L, S> {
        self.pinned(self.domain.enter())
    }

    pub(crate) fn len(&self) -> usize {
        self.tally.len()
    }

    pub(crate) fn hasher(&self) -> &S {
        &self.hasher
    }
}

impl<L: Levels> Parts<L> {
    /// The current table and the one that it replaces, of a map that is no longer shared.
    pub(super) fn tables(&mut self) -> (&mut L::Table, Option<&mut L::Table>) {
        // SAFETY: the table is valid, and `&mut self` means that nobody else uses it.
        let table = unsafe { &mut **self.table.get_mut() };
        // SAFETY: `old` is null or valid, and nobody else uses it either; it is not part of the table's memory.
        let old = unsafe { table.old().load(SeqCst).as_mut() };
        (table, old)
    }
}

impl<L: Levels> Drop for Parts<L> {
    fn drop(&mut self) {
        let ended = L::drop_entries(self);
        // SAFETY: the table came from a box and nobody else uses it.
        let table = unsafe { Box::from_raw(*self.table.get_mut()) };
        let old = table.old().load(SeqCst);
        if !old.is_null() {
            // SAFETY: as for the table.
            drop(unsafe { Box::from_raw(old) });
        }
        if let (Err(payload), false) = (ended, panicking()) {
            std::panic::resume_unwind(payload);
        }
    }
}

/// A thread's right to follow the map's pointers.
pub(crate) struct Pinned<'a, L: Levels, S> {
    pub(super) core: &'a Core<L, S>,
    pub(super) guard: Guard<'a>,
}

impl<L: Levels, S> Pinned<'_, L, S> {
    /// Lets go of what has been protected so far.
    pub(crate) fn refresh(&mut self) {
        self.guard.refresh();
    }

    #[inline]
    pub(crate) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64
    where
        S: BuildHasher,
    {
        self.core.hasher.hash_one(key)
    }

    /// The current table.
    #[inline]
    pub(super) fn table(&self) -> &L::Table {
        // SAFETY: the pointer is never null, and a table that is no longer reachable is retired (C4),
        // so it stays valid while `self` pins the thread.
        unsafe { &*self.core.parts.table.load(SeqCst) }
    }

    /// Makes `table` the current one, whose `old` is the present one. Needs the mutex.
    pub(super) fn publish(&self, table: Box<L::Table>) {
        table.old().store(self.core.parts.table.load(SeqCst), SeqCst);
        self.core.parts.table.store(Box::into_raw(table), SeqCst);
    }

    /// Returns the table from which entries are still being moved into `table`.
    #[inline]
    pub(super) fn old(&self, table: &L::Table) -> Option<&L::Table> {
        // SAFETY: as for `table`.
        unsafe { table.old().load(SeqCst).as_ref() }
    }

    /// Takes the emptied table off `table`. Needs the mutex.
    pub(super) fn drop_old(&self, table: &L::Table) {
        let old = table.old().swap(ptr::null_mut(), SeqCst);
        // SAFETY: the table came from a box and can no longer be reached (C3, C4). It does not own
        // entries that its slots point to.
        unsafe { self.guard.retire(old.cast(), free::<L::Table>) };
        // A table is too large to wait until the batch is full.
        self.guard.flush();
    }

    pub(super) fn filter(&self) -> &Filter {
        &self.core.filter
    }

    pub(super) fn len(&self) -> usize {
        self.core.tally.len()
    }

    /// Runs `f` under the mutex.
    ///
    /// User code runs in there only as a key's `Eq` or `Hash`, and the hasher. If that calls the map in a way that needs the
    /// mutex, it is refused with a panic.
    pub(super) fn locked<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(&mut State<L>) -> R,
    ) -> R {
        reentrancy::enter(self.core, section, |_| f(&mut contention::lock(&self.core.parts.state)))
    }

    /// As [`locked`](Self::locked), if the mutex is free.
    pub(super) fn try_locked(&self, section: &'static Section, f: impl FnOnce(&mut State<L>)) {
        if let Some(mut state) = self.core.parts.state.try_lock() {
            reentrancy::enter(self.core, section, |_| f(&mut state));
        }
    }
}

/// Frees a retired table; entries that its slots point to are not its own.
///
/// # Safety
///
/// `table` must come from the box of a `T` and nobody may use it any more.
unsafe fn free<T>(table: *mut ()) {
    // SAFETY: passed on to the caller.
    drop(unsafe { Box::from_raw(table.cast::<T>()) });
}

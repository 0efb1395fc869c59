//! A table, its lock and its count.
//!
//! **Invariant**: whenever the lock is not held exclusively, the count is the table's length: the exclusive guard stores it before
//! it lets go, on unwinding too.

use core::ops::{Deref, DerefMut};

use map_sync::biased::{BiasedReadGuard, BiasedRwLock, BiasedWriteGuard};
use map_sync::reentrancy::Nesting;
use map_sync::shim::atomic::{AtomicUsize, Ordering};
use map_table::Table;

/// A table, its lock, and how many entries it had when the lock was last let go.
pub(crate) struct Shard<K, V> {
    table: BiasedRwLock<Table<K, V>>,
    len: AtomicUsize,
}

/// A shard's table, held exclusively.
pub(crate) struct Exclusive<'map, K, V> {
    table: BiasedWriteGuard<'map, Table<K, V>>,
    len: &'map AtomicUsize,
}

impl<K, V> Deref for Exclusive<'_, K, V> {
    type Target = Table<K, V>;

    #[inline]
    fn deref(&self) -> &Table<K, V> {
        &self.table
    }
}

impl<K, V> DerefMut for Exclusive<'_, K, V> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Table<K, V> {
        &mut self.table
    }
}

impl<K, V> Drop for Exclusive<'_, K, V> {
    #[inline]
    fn drop(&mut self) {
        // Relaxed: written only under the lock. Release pairs with the Acquire in `Tables::count`. Only if it must, since whoever waits for
        // the lock is looking at this line.
        if self.len.load(Ordering::Relaxed) != self.table.len() {
            self.len.store(self.table.len(), Ordering::Release);
        }
    }
}

impl<K, V> Shard<K, V> {
    pub(super) fn new(table: Table<K, V>) -> Self {
        let len = AtomicUsize::new(table.len());
        Self { table: BiasedRwLock::new(table), len }
    }

    pub(super) fn into_table(self) -> Table<K, V> {
        self.table.into_inner()
    }

    #[inline]
    pub(super) fn lock(&self) -> &BiasedRwLock<Table<K, V>> {
        &self.table
    }

    #[inline]
    pub(super) fn len(&self, order: Ordering) -> usize {
        self.len.load(order)
    }

    /// Takes the lock shared. Only inside a section of the map.
    #[inline]
    pub(crate) fn lock_shared(&self, nesting: Nesting) -> BiasedReadGuard<'_, Table<K, V>> {
        match nesting {
            Nesting::Outermost => self.table.read(),
            Nesting::Nested => self.table.read_recursive(),
        }
    }

    /// Takes the lock exclusively. Only inside a section of the map.
    #[inline]
    pub(crate) fn lock_exclusive(&self) -> Exclusive<'_, K, V> {
        Exclusive { table: self.table.write(), len: &self.len }
    }

    /// Takes the lock exclusively if nobody holds it. Only inside a section of the map.
    pub(crate) fn try_lock_exclusive(&self) -> Option<Exclusive<'_, K, V>> {
        Some(Exclusive { table: self.table.try_write()?, len: &self.len })
    }
}

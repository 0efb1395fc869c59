//! The map: layout, locking, memory.
//!
//! **Algorithm**: a table without synchronisation (`map-table`) under a reader-writer lock.
//!
//! **Source**: the lock is parking_lot's, a word that readers count in and writers set a bit of (Amanieu
//! d'Antras, after WebKit's `WTF::ParkingLot`).
//!
//! **Layout**: the lock, the table's header and the count share a pair of cache lines, so that taking the
//! lock brings the header along. The hasher lies on other lines, since it is read before the lock and
//! must not wait for them.
//!
//! ```text
//! RwLockMap { guarded: CachePadded{ lock word, Table header, len }, hasher }
//! ```
//!
//! **Invariants**: (I1) the lock is taken only inside a `reentrancy` section of this map, so a thread that
//! takes it exclusively holds it in no other way, and one that takes it shared beside itself does so
//! without queueing. (I2) whenever the lock is not held exclusively, `len` is the table's length: the
//! exclusive guard stores it before it lets go, on unwinding too. (I3) nothing of the user's is dropped
//! under the lock by the map itself: it is given out of the section and dropped there.
//!
//! **Linearization**: an operation takes effect while it holds the lock, at any point of that time.
//! `len` takes effect at its load.
//!
//! **Ordering**: the lock orders all else; `len` is stored relaxed inside the lock and loaded relaxed, for
//! it publishes nothing, and a caller who is ordered after a write by other means sees that write's
//! store by coherence.

use core::hash::{BuildHasher, Hash};
use core::ops::{Deref, DerefMut};

use map_core::{BuildMap, CapacityMap, DefaultHashBuilder, PinMap, ReserveError, ShrinkMap};
use map_sync::biased::{
    BiasedReadGuard, BiasedRwLock, BiasedWriteGuard, read_outermost, read_unbiased,
};
use map_sync::pad::CachePadded;
use map_sync::reentrancy::{self, Nesting, Section};
use map_sync::shim::atomic::{AtomicUsize, Ordering::Relaxed};
use map_table::Table;

/// A concurrent hash map: one table under one reader-writer lock.
///
/// See the [crate documentation](crate) for when to choose it.
pub struct RwLockMap<K, V, S = DefaultHashBuilder> {
    guarded: CachePadded<Guarded<K, V>>,
    hasher: S,
}

struct Guarded<K, V> {
    table: BiasedRwLock<Table<K, V>>,
    len: AtomicUsize,
}

/// The table, held exclusively.
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
        // Relaxed: pairs with nothing, see the module's documentation. Only if it must, since whoever waits for the lock is looking
        // at this line.
        if self.len.load(Relaxed) != self.table.len() {
            self.len.store(self.table.len(), Relaxed);
        }
    }
}

impl<K, V, S> RwLockMap<K, V, S> {
    /// Returns the hasher.
    pub fn hasher(&self) -> &S {
        &self.hasher
    }

    /// Gives back the memory that the present entries do not need.
    ///
    /// Linear in the number of entries, in steps of at most 256 of them, between which the lock is free.
    pub fn shrink_to_fit(&self)
    where
        K: Eq + Hash,
        S: BuildHasher,
    {
        ShrinkMap::shrink_to_fit(self);
    }

    pub(crate) fn count(&self) -> usize {
        // Relaxed: pairs with nothing, see the module's documentation.
        self.guarded.len.load(Relaxed)
    }

    pub(crate) fn into_table(self) -> Table<K, V> {
        self.guarded.into_inner().table.into_inner()
    }

    /// Takes the lock shared. Only inside a section of this map, by I1.
    #[inline]
    pub(crate) fn lock_shared(&self, nesting: Nesting) -> BiasedReadGuard<'_, Table<K, V>> {
        match nesting {
            Nesting::Outermost => self.guarded.table.read(),
            Nesting::Nested => self.guarded.table.read_recursive(),
        }
    }

    /// Takes the lock exclusively. Only inside a section of this map, by I1.
    #[inline]
    pub(crate) fn lock_exclusive(&self) -> Exclusive<'_, K, V> {
        Exclusive { table: self.guarded.table.write(), len: &self.guarded.len }
    }

    /// Runs `f` with the table held shared, inside `section`.
    #[inline]
    pub(crate) fn shared<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(&Table<K, V>) -> R,
    ) -> R {
        if let Some(table) = read_outermost(&self.guarded.table) {
            return f(&table);
        }
        match read_unbiased(&self.guarded.table) {
            Some(table) => f(&table),
            None => self.shared_in_section(section, f),
        }
    }

    #[inline(never)]
    fn shared_in_section<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(&Table<K, V>) -> R,
    ) -> R {
        self.enter(section, |nesting| f(&self.lock_shared(nesting)))
    }

    /// Runs `f` inside `section` of this map.
    #[inline]
    pub(crate) fn enter<R>(&self, section: &'static Section, f: impl FnOnce(Nesting) -> R) -> R {
        reentrancy::enter(&self.guarded, section, f)
    }

    /// Runs `f` with the table held exclusively, inside `section`.
    #[inline]
    pub(crate) fn exclusive<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(&mut Table<K, V>) -> R,
    ) -> R {
        self.enter(section, |_| f(&mut self.lock_exclusive()))
    }
}

impl<K, V, S: BuildHasher> RwLockMap<K, V, S> {
    #[inline]
    pub(crate) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key)
    }
}

impl<K, V, S: BuildHasher> BuildMap<S> for RwLockMap<K, V, S> {
    fn try_with_capacity_and_hasher(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        let table = BiasedRwLock::new(Table::try_with_capacity(capacity)?);
        let guarded = CachePadded::new(Guarded { table, len: AtomicUsize::new(0) });
        Ok(Self { guarded, hasher })
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> CapacityMap for RwLockMap<K, V, S> {
    fn capacity(&self) -> usize {
        static CAPACITY: Section = Section::shared("RwLockMap", "capacity");
        self.shared(&CAPACITY, Table::capacity)
    }

    fn try_reserve(&self, additional: usize) -> Result<(), ReserveError> {
        static RESERVE: Section = Section::exclusive("RwLockMap", "reserve");
        self.exclusive(&RESERVE, |table| table.try_reserve(additional, |known| self.hash(known)))
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> ShrinkMap for RwLockMap<K, V, S> {
    fn shrink_to_fit(&self) {
        static SHRINK: Section = Section::exclusive("RwLockMap", "shrink_to_fit");
        let mut begun = false;
        let mut step =
            |table: &mut Table<K, V>| table.shrink_step(&mut begun, |known| self.hash(known));
        while self.exclusive(&SHRINK, &mut step) {}
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> PinMap<K, V> for RwLockMap<K, V, S> {
    type Pin<'map>
        = &'map Self
    where
        Self: 'map;

    #[inline]
    fn pin(&self) -> &Self {
        self
    }

    #[inline]
    fn refresh<'map>(&'map self, _pin: &mut &'map Self) {}
}

map_core::std_traits!(RwLockMap, where [K: Eq + Hash]);

map_core::inherent_methods!(
    impl[K, V, S] RwLockMap<K, V, S>,
    where [K: Eq + Hash, S: BuildHasher],
    example "map_rwlock" "RwLockMap"
);

map_core::locked_methods!(
    impl[K, V, S] RwLockMap<K, V, S>,
    where [K: Eq + Hash, S: BuildHasher],
    example "map_rwlock" "RwLockMap"
);

impl<K: Eq + Hash, V, S: BuildHasher> RwLockMap<K, V, S> {
    /// Returns the pin: the map itself, since this design has no cost to pay once.
    #[inline]
    pub fn pin(&self) -> &Self {
        self
    }
}

//! The map: layout, locking, memory.
//!
//! **Algorithm**: a power of two of shards, each a table without synchronisation (`map-table`) under a
//! reader-writer lock of its own. The hash of a key picks its shard (module `shards`).
//!
//! **Source**: lock striping as in the first `ConcurrentHashMap` (Doug Lea, Java 5); one table and one
//! lock per pair of cache lines as in dashmap. The lock is parking_lot's.
//!
//! **Layout**: a shard's lock, its table's header and its count are 56 bytes in one cache line, padded
//! to two, so that a look-up touches one line of the shard and no line of another.
//!
//! ```text
//! ShardedMap { shards ──> [CachePadded{ lock word, Table header, len }], selector, hasher }
//! ```
//!
//! **Invariants**: (I1) a lock is taken only inside a `reentrancy` section of this map, so a thread that
//! takes one exclusively holds no other of the map, and one that takes a lock shared beside others does
//! so without queueing; an operation itself never holds two. No two threads can therefore wait for each
//! other. (I2) whenever a shard's lock is not held exclusively, its `len` is its table's length: the
//! exclusive guard stores it before it lets go, on unwinding too. (I3) nothing of the user's is dropped
//! under a lock by the map itself: it is given out of the section and dropped there. (I4) a key is only
//! ever in the shard that its hash picks.
//!
//! **Linearization**: an operation on one key takes effect while it holds its shard's lock, at any point
//! of that time. Operations on all keys go through the shards one by one.
//!
//! **Ordering**: the locks order all else; `len` is stored relaxed inside the lock and loaded relaxed, for
//! it publishes nothing, and a caller who is ordered after a write by other means sees that write's
//! store by coherence.

use core::hash::{BuildHasher, Hash};
use core::ops::{Deref, DerefMut};

use map_core::{BuildMap, CapacityMap, DefaultHashBuilder, PinMap, ReserveError, ShrinkMap};
use map_sync::biased::{BiasedReadGuard, BiasedRwLock, BiasedWriteGuard, read_outermost};
use map_sync::pad::CachePadded;
use map_sync::reentrancy::{self, Nesting, Section};
use map_sync::shim::atomic::{AtomicUsize, Ordering::Relaxed};
use map_table::Table;

use crate::shards::{self, Selector};

/// A concurrent hash map of many shards, each under a lock of its own.
///
/// See the [crate documentation](crate) for when to choose it.
pub struct ShardedMap<K, V, S = DefaultHashBuilder> {
    shards: Box<[CachePadded<Shard<K, V>>]>,
    selector: Selector,
    hasher: S,
}

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
        // Relaxed: pairs with nothing, see the module's documentation.
        self.len.store(self.table.len(), Relaxed);
    }
}

impl<K, V> Shard<K, V> {
    fn try_with_capacity(capacity: usize) -> Result<Self, ReserveError> {
        let table = BiasedRwLock::new(Table::try_with_capacity(capacity)?);
        Ok(Self { table, len: AtomicUsize::new(0) })
    }

    /// Takes the lock shared. Only inside a section of this map, by I1.
    #[inline]
    pub(crate) fn lock_shared(&self, nesting: Nesting) -> BiasedReadGuard<'_, Table<K, V>> {
        match nesting {
            Nesting::Outermost => self.table.read(),
            Nesting::Nested => self.table.read_recursive(),
        }
    }

    /// Takes the lock exclusively. Only inside a section of this map, by I1.
    #[inline]
    pub(crate) fn lock_exclusive(&self) -> Exclusive<'_, K, V> {
        Exclusive { table: self.table.write(), len: &self.len }
    }
}

impl<K, V, S> ShardedMap<K, V, S> {
    /// Makes an empty map with a given number of shards and room for `capacity` entries.
    ///
    /// `shards` is rounded up to a power of two, and 256 are the most. Without this constructor a map
    /// has four for each hardware thread. Fewer make a small map smaller: an empty shard takes 128
    /// bytes.
    ///
    /// # Errors
    ///
    /// If the room cannot be had.
    pub fn try_with_shards_and_hasher(
        shards: usize,
        capacity: usize,
        hasher: S,
    ) -> Result<Self, ReserveError> {
        let shards = shards::round(shards);
        let room = shards::room_for(capacity.div_ceil(shards));
        let selector = Selector::new(shards);
        let shards = (0..shards)
            .map(|_| Shard::try_with_capacity(room).map(CachePadded::new))
            .collect::<Result<_, _>>()?;
        Ok(Self { shards, selector, hasher })
    }

    /// As [`try_with_shards_and_hasher`](Self::try_with_shards_and_hasher), without an error.
    ///
    /// # Panics
    ///
    /// If the room cannot be had.
    pub fn with_shards_and_hasher(shards: usize, capacity: usize, hasher: S) -> Self {
        match Self::try_with_shards_and_hasher(shards, capacity, hasher) {
            Ok(map) => map,
            Err(error) => panic!("{error}"),
        }
    }

    /// Returns the number of shards.
    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Returns the hasher.
    pub fn hasher(&self) -> &S {
        &self.hasher
    }

    /// Gives back the memory that the present entries do not need.
    ///
    /// Shard by shard; linear in the number of a shard's entries, under its lock.
    pub fn shrink_to_fit(&self)
    where
        K: Eq + Hash,
        S: BuildHasher,
    {
        ShrinkMap::shrink_to_fit(self);
    }

    pub(crate) fn count(&self) -> usize {
        // Relaxed: pairs with nothing, see the module's documentation.
        self.shards.iter().map(|shard| shard.len.load(Relaxed)).sum()
    }

    pub(crate) fn into_tables(self) -> impl Iterator<Item = Table<K, V>> {
        self.shards.into_vec().into_iter().map(|shard| shard.into_inner().table.into_inner())
    }

    /// Returns the number of the shard that a hash belongs to.
    #[inline]
    pub(crate) fn shard_of(&self, hash: u64) -> usize {
        self.selector.shard(hash)
    }

    #[inline]
    pub(crate) fn shard(&self, number: usize) -> &Shard<K, V> {
        &self.shards[number]
    }

    /// Runs `f` with the table of a shard held shared, inside `section`.
    #[inline]
    pub(crate) fn shared<R>(
        &self,
        section: &'static Section,
        shard: usize,
        f: impl FnOnce(&Table<K, V>) -> R,
    ) -> R {
        let shard = self.shard(shard);
        match read_outermost(&shard.table) {
            Some(table) => f(&table),
            None => self.shared_in_section(section, shard, f),
        }
    }

    #[inline(never)]
    fn shared_in_section<R>(
        &self,
        section: &'static Section,
        shard: &Shard<K, V>,
        f: impl FnOnce(&Table<K, V>) -> R,
    ) -> R {
        self.enter(section, |nesting| f(&shard.lock_shared(nesting)))
    }

    /// Runs `f` inside `section` of this map.
    #[inline]
    pub(crate) fn enter<R>(&self, section: &'static Section, f: impl FnOnce(Nesting) -> R) -> R {
        reentrancy::enter(&*self.shards, section, f)
    }

    /// Runs `f` with the table of a shard held exclusively, inside `section`.
    #[inline]
    pub(crate) fn exclusive<R>(
        &self,
        section: &'static Section,
        shard: usize,
        f: impl FnOnce(&mut Table<K, V>) -> R,
    ) -> R {
        let shard = self.shard(shard);
        self.enter(section, |_| f(&mut shard.lock_exclusive()))
    }
}

impl<K, V, S: BuildHasher> ShardedMap<K, V, S> {
    #[inline]
    pub(crate) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key)
    }
}

impl<K, V, S: BuildHasher> BuildMap<S> for ShardedMap<K, V, S> {
    fn try_with_capacity_and_hasher(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        Self::try_with_shards_and_hasher(shards::default_shards(), capacity, hasher)
    }
}

/// Room is a matter of shards here: what is promised holds for keys that the hasher spreads evenly, up
/// to four standard deviations.
impl<K: Eq + Hash, V, S: BuildHasher> CapacityMap for ShardedMap<K, V, S> {
    fn capacity(&self) -> usize {
        static CAPACITY: Section = Section::shared("ShardedMap", "capacity");
        let capacities = (0..self.shards()).map(|n| self.shared(&CAPACITY, n, Table::capacity));
        let mean = shards::mean_for(capacities.min().unwrap_or(0));
        mean.saturating_mul(self.shards()).max(self.count())
    }

    fn try_reserve(&self, additional: usize) -> Result<(), ReserveError> {
        static RESERVE: Section = Section::exclusive("ShardedMap", "reserve");
        let total = self.count().checked_add(additional).ok_or(ReserveError::CapacityOverflow)?;
        let room = shards::room_for(total.div_ceil(self.shards()));
        (0..self.shards()).try_for_each(|number| {
            self.exclusive(&RESERVE, number, |table| {
                table.try_reserve(room.saturating_sub(table.len()), |known| self.hash(known))
            })
        })
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> ShrinkMap for ShardedMap<K, V, S> {
    fn shrink_to_fit(&self) {
        static SHRINK: Section = Section::exclusive("ShardedMap", "shrink_to_fit");
        for number in 0..self.shards() {
            self.exclusive(&SHRINK, number, |table| table.shrink_to_fit(|known| self.hash(known)));
        }
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> PinMap<K, V> for ShardedMap<K, V, S> {
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

map_core::std_traits!(ShardedMap, where [K: Eq + Hash]);

map_core::inherent_methods!(
    impl[K, V, S] ShardedMap<K, V, S>,
    where [K: Eq + Hash, S: BuildHasher],
    example "map_sharded" "ShardedMap"
);

impl<K: Eq + Hash, V, S: BuildHasher> ShardedMap<K, V, S> {
    /// Returns the pin: the map itself, since this design has no cost to pay once.
    #[inline]
    pub fn pin(&self) -> &Self {
        self
    }
}

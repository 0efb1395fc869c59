//! The map: layout, locking, memory.
//!
//! **Algorithm**: a table (`map-buckets`) whose buckets are the shards: a power of two of them, each of up to 32 entries with a
//! lock of its own. How a shard's lock is used depends on the entries:
//!
//! | entries | a read | a write |
//! |---|---|---|
//! | plain (numbers, `bool`, `char`, `()`) | copies beside the writer, stores nothing in the shard | the shard's sequence lock |
//! | all others | the shard's lock shared, lends a reference | the shard's lock exclusively |
//!
//! Around all operations stands a reader-biased lock of the map, which they hold shared; exclusively it is held only to free
//! the memory of shards (`shrink_to_fit`).
//!
//! **Source**: lock striping as in the first `ConcurrentHashMap` (Doug Lea, Java 5), driven to a lock for each bucket as in
//! libcuckoo and `scc`; sequence locks beside which readers copy as in MassTree and CLHT; linear hashing.
//!
//! **Layout**: a shard's lock, depth and tags are one cache line, its entries follow. The map's lock is on lines of its own
//! that only `shrink_to_fit` writes.
//!
//! ```text
//! ShardedMap { table: CachePadded{ lock, BucketTable }, hasher }
//! ```
//!
//! **Invariants**: (I1) a lock is taken only inside a `reentrancy` section of this map, so a thread that
//! takes a shard's lock exclusively holds no other of the map, and one that takes it shared beside others does
//! so without queueing; an operation itself never holds two, but to split a shard, of which the new half is known to
//! nobody. No two threads can therefore wait for each other. (I2) nothing of the user's is dropped
//! under a shard's lock by the map itself: it is given out and dropped there. (I3) a key is only
//! ever in the shard that its hash picks.
//!
//! **Linearization**: a read of a plain value at the instant that its shard's sequence lock confirms; any other operation
//! on one key while it holds its shard's lock, at any point of that time. Operations on all keys go through the shards one by one.
//!
//! **Ordering**: the locks order all else.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use map_buckets::{BucketTable, ByBucket, Writer};
use map_core::{BuildMap, CapacityMap, DefaultHashBuilder, PinMap, ReserveError, ShrinkMap};
use map_sync::biased::{BiasedRwLock, RawBiasedRwLock, read_first, write_section};
use map_sync::pad::CachePadded;
use map_sync::reentrancy::{self, Nesting, Section};

/// A concurrent hash map of many shards, each under a lock of its own.
///
/// See the [crate documentation](crate) for when to choose it.
pub struct ShardedMap<K, V, S = DefaultHashBuilder> {
    table: CachePadded<BiasedRwLock<BucketTable<K, V>>>,
    hasher: S,
}

/// A table that the thread works on, and whether it does so already in a read further out.
pub(crate) struct Entered<'table, K, V> {
    table: &'table BucketTable<K, V>,
    nested: bool,
}

impl<K, V> Entered<'_, K, V> {
    /// Looks up a key and lends its value, or a copy, to `f`.
    #[inline(always)]
    pub(crate) fn look_up<Q, R>(&self, hash: u64, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        if BucketTable::<K, V>::is_plain() {
            self.table.copy(hash, key).as_ref().map(f)
        } else {
            self.table.read(hash, key, self.nested, f)
        }
    }

    pub(crate) fn table(&self) -> &BucketTable<K, V> {
        self.table
    }

    pub(crate) fn is_nested(&self) -> bool {
        self.nested
    }
}

impl<K, V, S> ShardedMap<K, V, S> {
    /// Returns the hasher.
    pub fn hasher(&self) -> &S {
        &self.hasher
    }

    /// Returns the number of shards at this time: 0 while the map has never had an entry, and a power of two otherwise,
    /// which grows with the number of entries.
    pub fn shards(&self) -> usize {
        self.table.read_recursive().buckets()
    }

    /// Gives back the memory that the present entries do not need.
    ///
    /// Waits for all operations on the map, and they for it; linear in the number of shards.
    pub fn shrink_to_fit(&self)
    where
        K: Eq + Hash,
        S: BuildHasher,
    {
        ShrinkMap::shrink_to_fit(self);
    }

    pub(crate) fn count(&self) -> usize {
        // Outside any section: a closure of a write may ask, which holds the map's lock shared.
        self.table.read_recursive().len()
    }

    /// The table and its lock, for the shortest way to a plain value.
    #[inline(always)]
    pub(crate) fn table(&self) -> &BiasedRwLock<BucketTable<K, V>> {
        &self.table
    }

    pub(crate) fn into_table(self) -> BucketTable<K, V> {
        self.table.into_inner().into_inner()
    }

    /// Runs `f` with the table, inside the reading `section`.
    #[inline(always)]
    pub(crate) fn shared<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(Entered<'_, K, V>) -> R,
    ) -> R {
        match read_first(&self.table) {
            Some(table) => f(Entered { table: &table, nested: false }),
            None => self.shared_in_section(section, f),
        }
    }

    #[inline(never)]
    fn shared_in_section<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(Entered<'_, K, V>) -> R,
    ) -> R {
        reentrancy::enter(&self.table, section, |nesting| match nesting {
            Nesting::Outermost => f(Entered { table: &self.table.read(), nested: false }),
            Nesting::Nested => f(Entered { table: &self.table.read_recursive(), nested: true }),
        })
    }

    /// Runs `f` with the table, inside the writing `section`.
    #[inline(always)]
    pub(crate) fn enter<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(Entered<'_, K, V>) -> R,
    ) -> R {
        match write_section(&self.table, section) {
            Some(table) => f(Entered { table: &table, nested: false }),
            None => self.enter_section(section, f),
        }
    }

    #[inline(never)]
    fn enter_section<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(Entered<'_, K, V>) -> R,
    ) -> R {
        reentrancy::enter(&self.table, section, |_| {
            f(Entered { table: &self.table.read(), nested: false })
        })
    }

    /// Runs `f` with the right to write, inside the writing `section`.
    #[inline(always)]
    pub(crate) fn exclusive<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(&Writer<'_, K, V, ByBucket>) -> R,
    ) -> R {
        self.enter(section, |entered| f(&entered.table.writer()))
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
        let table = BucketTable::try_with_capacity(capacity)?;
        let table = BiasedRwLock::from_raw(RawBiasedRwLock::always_biased(), table);
        Ok(Self { table: CachePadded::new(table), hasher })
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> CapacityMap for ShardedMap<K, V, S> {
    fn capacity(&self) -> usize {
        static CAPACITY: Section = Section::shared("ShardedMap", "capacity");
        self.shared(&CAPACITY, |entered| entered.table().capacity())
    }

    fn try_reserve(&self, additional: usize) -> Result<(), ReserveError> {
        static RESERVE: Section = Section::exclusive("ShardedMap", "reserve");
        self.exclusive(&RESERVE, |table| table.try_reserve(additional, |known| self.hash(known)))
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> ShrinkMap for ShardedMap<K, V, S> {
    fn shrink_to_fit(&self) {
        static SHRINK: Section = Section::exclusive("ShardedMap", "shrink_to_fit");
        reentrancy::enter(&self.table, &SHRINK, |_| self.table.write().shrink_to_fit());
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

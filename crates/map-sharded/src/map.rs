//! The map: layout, locking, memory.
//!
//! **Algorithm**: a power of two of shards, each with a lock of its own; the hash of a key picks its shard. What a shard is
//! depends on the entries, and is decided when the map is compiled for them:
//!
//! | entries | a shard | a read | a write |
//! |---|---|---|---|
//! | plain (numbers, `bool`, `char`, `()`) | a bucket of up to 32 entries (`map-buckets`); their number grows with the map | copies beside the writer, stores nothing in the shard | the bucket's sequence lock |
//! | all others | a table (`map-table`); one at first, then four for each hardware thread | the shard's lock shared, lends a reference | the shard's lock exclusively |
//!
//! **Source**: lock striping as in the first `ConcurrentHashMap` (Doug Lea, Java 5). For plain entries it is driven to a lock
//! for each bucket, as in `scc` and libcuckoo, with sequence locks beside which readers copy, as in MassTree and CLHT; for all
//! others it is one table and one lock per pair of cache lines as in dashmap, with reader-biased locks (`map_sync::biased`).
//!
//! **Layout**
//!
//! ```text
//! ShardedMap { buckets: CachePadded{ lock, BucketTable }, tables: { first: CachePadded{ lock, Table, len }, many ──> [as first] }, hasher }
//! ```
//!
//! One of `buckets` and `tables` is empty; of the tables either `first` or `many` (module `tables`). A bucket's lock and tags are one cache line. A table's lock, header and count are 64 bytes, padded to
//! two lines, so that a look-up touches one line of the shard and no line of another. The lock around the buckets, which all
//! operations hold shared, keeps their memory: exclusively it is held only by the steps of `shrink_to_fit`.
//!
//! **Invariants**: (I1) a lock is taken only inside a `reentrancy` section of this map, so a thread that
//! waits for a shard's lock exclusively holds no other of the map, and one that takes it shared beside others does
//! so without queueing. An operation itself holds two only to split a bucket, of which the new half is known to
//! nobody, as are the tables that the first one is divided into, and in module `locked`, where it is shown why nobody waits for it for ever. No two threads can therefore wait for
//! each other. (I2) whenever a table's lock is not held exclusively, its `len` is
//! the table's length: the exclusive guard stores it before it lets go, on unwinding too. (I3) nothing of the user's is dropped
//! under a lock by the map itself: it is given out of the section and dropped there. (I4) a key is only
//! ever in the shard that its hash picks.
//!
//! **Linearization**: a read of a plain value at the instant that its bucket's sequence lock confirms; any other operation
//! on one key while it holds its shard's lock, at any point of that time. Operations on all keys go through the shards one by one.
//!
//! **Ordering**: the locks order all else; for `len` see module `tables`.

use core::hash::{BuildHasher, Hash};

use map_buckets::{BucketTable, Shrinking, Writer};
use map_core::{BuildMap, CapacityMap, DefaultHashBuilder, PinMap, ReserveError, ShrinkMap};
use map_sync::biased::{
    BiasedRwLock, BiasedWriteGuard, RawBiasedRwLock, read_first, write_section,
};
use map_sync::pad::CachePadded;
use map_sync::reentrancy::{self, Nesting, Section};
use map_table::Table;

use crate::shards;
use crate::tables::Tables;

/// A concurrent hash map of many shards, each under a lock of its own.
///
/// See the [crate documentation](crate) for when to choose it.
pub struct ShardedMap<K, V, S = DefaultHashBuilder> {
    buckets: CachePadded<BiasedRwLock<BucketTable<K, V>>>,
    tables: Tables<K, V>,
    hasher: S,
}

impl<K, V, S> ShardedMap<K, V, S> {
    /// Returns the hasher.
    pub fn hasher(&self) -> &S {
        &self.hasher
    }

    /// Returns the number of shards at this time, a power of two.
    ///
    /// With plain entries (numbers, `bool`, `char`, `()`) it is 0 at first and grows with the map; otherwise it is 1 at first, and
    /// about four for each hardware thread once the map has 32 entries or a write has waited for another operation.
    pub fn shards(&self) -> usize {
        if Self::is_plain() {
            self.buckets.read_recursive().buckets()
        } else {
            self.tables.in_use()
        }
    }

    /// Gives back the memory that the present entries do not need.
    ///
    /// Plain entries: linear in the number of shards, in steps of at most 64 pairs of them. Each step waits for the operations under way,
    /// and what comes then for the step; between two steps all go on. If insertions fill the map meanwhile, it grows again, and this call
    /// ends. Others: linear in the number of entries, in steps of at most 256 of a shard, between which its lock is free.
    pub fn shrink_to_fit(&self)
    where
        K: Eq + Hash,
        S: BuildHasher,
    {
        ShrinkMap::shrink_to_fit(self);
    }

    /// Whether the shards are buckets. The compiler decides it when it optimises.
    #[inline(always)]
    pub(crate) fn is_plain() -> bool {
        BucketTable::<K, V>::is_plain()
    }

    pub(crate) fn count(&self) -> usize {
        if Self::is_plain() {
            // Outside any section: a closure of a write may ask, which holds the lock shared.
            return self.buckets.read_recursive().len();
        }
        self.tables.count()
    }

    pub(crate) fn from_parts(buckets: BucketTable<K, V>, tables: Tables<K, V>, hasher: S) -> Self {
        let buckets = BiasedRwLock::from_raw(RawBiasedRwLock::always_biased(), buckets);
        Self { buckets: CachePadded::new(buckets), tables, hasher }
    }

    pub(crate) fn into_parts(self) -> (BucketTable<K, V>, Vec<Table<K, V>>) {
        (self.buckets.into_inner().into_inner(), self.tables.into_tables())
    }
}

/// Plain entries.
impl<K, V, S> ShardedMap<K, V, S> {
    /// The buckets and their lock, for the shortest way to a value.
    #[inline(always)]
    pub(crate) fn buckets(&self) -> &BiasedRwLock<BucketTable<K, V>> {
        &self.buckets
    }

    /// Runs `f` with the buckets, inside the reading `section`.
    #[inline(always)]
    pub(crate) fn read_buckets<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(&BucketTable<K, V>) -> R,
    ) -> R {
        match read_first(&self.buckets) {
            Some(buckets) => f(&buckets),
            None => self.read_buckets_in_section(section, f),
        }
    }

    #[inline(never)]
    fn read_buckets_in_section<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(&BucketTable<K, V>) -> R,
    ) -> R {
        reentrancy::enter(&self.buckets, section, |nesting| match nesting {
            Nesting::Outermost => f(&self.buckets.read()),
            Nesting::Nested => f(&self.buckets.read_recursive()),
        })
    }

    /// Runs `f` with the buckets, inside the writing `section`.
    #[inline(always)]
    pub(crate) fn enter_buckets<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(&BucketTable<K, V>) -> R,
    ) -> R {
        match write_section(&self.buckets, section) {
            Some(buckets) => f(&buckets),
            None => self.enter_buckets_in_section(section, f),
        }
    }

    #[inline(never)]
    fn enter_buckets_in_section<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(&BucketTable<K, V>) -> R,
    ) -> R {
        reentrancy::enter(&self.buckets, section, |_| f(&self.buckets.read()))
    }

    /// Runs `f` with the writes of the buckets, inside the writing `section`.
    #[inline(always)]
    pub(crate) fn write_buckets<R>(
        &self,
        section: &'static Section,
        f: impl FnOnce(Writer<'_, K, V>) -> R,
    ) -> R {
        self.enter_buckets(section, |buckets| f(buckets.writer()))
    }
}

/// All other entries.
impl<K, V, S> ShardedMap<K, V, S> {
    #[inline]
    pub(crate) fn tables(&self) -> &Tables<K, V> {
        &self.tables
    }
}

impl<K: Hash, V, S: BuildHasher> ShardedMap<K, V, S> {
    /// Runs `f` with the table for the keys of this hash, held exclusively inside `section`.
    #[inline]
    pub(crate) fn exclusive<R>(
        &self,
        section: &'static Section,
        hash: u64,
        f: impl FnOnce(&mut Table<K, V>) -> R,
    ) -> R {
        let number = self.tables.shard_of(hash);
        self.tables.exclusive(section, number, |known| self.hash(known), f)
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
        let (buckets, tables) = if Self::is_plain() { (capacity, 0) } else { (0, capacity) };
        let buckets = BucketTable::try_with_capacity(buckets)?;
        let tables = Tables::try_with_capacity(tables, shards::default_shards())?;
        Ok(Self::from_parts(buckets, tables, hasher))
    }
}

/// Room is a matter of shards here: what is promised holds for keys that the hasher spreads evenly, up
/// to four standard deviations.
impl<K: Eq + Hash, V, S: BuildHasher> CapacityMap for ShardedMap<K, V, S> {
    fn capacity(&self) -> usize {
        static CAPACITY: Section = Section::shared("ShardedMap", "capacity");
        if Self::is_plain() {
            return self.read_buckets(&CAPACITY, BucketTable::capacity);
        }
        self.tables.capacity(&CAPACITY)
    }

    fn try_reserve(&self, additional: usize) -> Result<(), ReserveError> {
        static RESERVE: Section = Section::exclusive("ShardedMap", "reserve");
        let rehash = |known: &K| self.hash(known);
        if Self::is_plain() {
            return self.write_buckets(&RESERVE, |table| table.try_reserve(additional, rehash));
        }
        let total = self.count().checked_add(additional).ok_or(ReserveError::CapacityOverflow)?;
        self.tables.try_reserve(&RESERVE, total, rehash)
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> ShrinkMap for ShardedMap<K, V, S> {
    fn shrink_to_fit(&self) {
        static SHRINK: Section = Section::exclusive("ShardedMap", "shrink_to_fit");
        if Self::is_plain() {
            let mut shrinking = Shrinking::default();
            let mut step = || {
                let mut buckets = self.buckets.write();
                let more = buckets.shrink_step(&mut shrinking);
                // Else this thread would have it again before those that wait are awake.
                BiasedWriteGuard::unlock_fair(buckets);
                more
            };
            while reentrancy::enter(&self.buckets, &SHRINK, |_| step()) {}
        } else {
            self.tables.shrink_to_fit(&SHRINK, |known| self.hash(known));
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

map_core::locked_methods!(
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

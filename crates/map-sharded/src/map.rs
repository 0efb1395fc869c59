//! The map: layout, locking, memory.
//!
//! **Algorithm**: a power of two of shards, each with a lock of its own; the hash of a key picks its shard. What a shard is
//! depends on the entries, and is decided when the map is compiled for them:
//!
//! | entries | a shard | a read | a write |
//! |---|---|---|---|
//! | plain (numbers, `bool`, `char`, `()`) | a bucket of up to 32 entries (`map-buckets`); their number grows with the map | copies beside the writer, stores nothing in the shard | the bucket's sequence lock |
//! | all others | a table (`map-table`); four for each hardware thread | the shard's lock shared, lends a reference | the shard's lock exclusively |
//!
//! **Source**: lock striping as in the first `ConcurrentHashMap` (Doug Lea, Java 5). For plain entries it is driven to a lock
//! for each bucket, as in `scc` and libcuckoo, with sequence locks beside which readers copy, as in MassTree and CLHT; for all
//! others it is one table and one lock per pair of cache lines as in dashmap, with reader-biased locks (`map_sync::biased`).
//!
//! **Layout**
//!
//! ```text
//! ShardedMap { buckets: CachePadded{ lock, BucketTable }, tables ──> [CachePadded{ lock, Table, len }], selector, hasher }
//! ```
//!
//! One of the two is empty. A bucket's lock and tags are one cache line. A table's lock, header and count are 64 bytes, padded to
//! two lines, so that a look-up touches one line of the shard and no line of another. The lock around the buckets, which all
//! operations hold shared, keeps their memory: exclusively it is held only by the steps of `shrink_to_fit`.
//!
//! **Invariants**: (I1) a lock is taken only inside a `reentrancy` section of this map, so a thread that
//! waits for a shard's lock exclusively holds no other of the map, and one that takes it shared beside others does
//! so without queueing. An operation itself holds two only to split a bucket, of which the new half is known to
//! nobody, and in module `locked`, where it is shown why nobody waits for it for ever. No two threads can therefore wait for
//! each other. (I2) whenever a table's lock is not held exclusively, its `len` is
//! the table's length: the exclusive guard stores it before it lets go, on unwinding too. (I3) nothing of the user's is dropped
//! under a lock by the map itself: it is given out of the section and dropped there. (I4) a key is only
//! ever in the shard that its hash picks.
//!
//! **Linearization**: a read of a plain value at the instant that its bucket's sequence lock confirms; any other operation
//! on one key while it holds its shard's lock, at any point of that time. Operations on all keys go through the shards one by one.
//!
//! **Ordering**: the locks order all else; `len` is stored relaxed inside the lock and loaded relaxed, for
//! it publishes nothing, and a caller who is ordered after a write by other means sees that write's
//! store by coherence.

use core::hash::{BuildHasher, Hash};
use core::ops::{Deref, DerefMut};

use map_buckets::{BucketTable, Shrinking, Writer};
use map_core::{BuildMap, CapacityMap, DefaultHashBuilder, PinMap, ReserveError, ShrinkMap};
use map_sync::biased::{
    BiasedReadGuard, BiasedRwLock, BiasedWriteGuard, RawBiasedRwLock, read_first, read_outermost,
    read_unbiased, write_section,
};
use map_sync::pad::CachePadded;
use map_sync::reentrancy::{self, Nesting, Section};
use map_sync::shim::atomic::{AtomicUsize, Ordering::Relaxed};
use map_table::Table;

use crate::shards::{self, Selector};

/// A concurrent hash map of many shards, each under a lock of its own.
///
/// See the [crate documentation](crate) for when to choose it.
pub struct ShardedMap<K, V, S = DefaultHashBuilder> {
    buckets: CachePadded<BiasedRwLock<BucketTable<K, V>>>,
    tables: Box<[CachePadded<Shard<K, V>>]>,
    selector: Selector,
    hasher: S,
}

/// A shard of entries that are not plain.
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
        // Relaxed: pairs with nothing, see the module's documentation. Only if it must, since whoever waits for the lock is looking
        // at this line.
        if self.len.load(Relaxed) != self.table.len() {
            self.len.store(self.table.len(), Relaxed);
        }
    }
}

impl<K, V> Shard<K, V> {
    fn new(table: Table<K, V>) -> Self {
        let len = AtomicUsize::new(table.len());
        Self { table: BiasedRwLock::new(table), len }
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

    /// Takes the lock exclusively if nobody holds it. Only inside a section of this map, by I1.
    pub(crate) fn try_lock_exclusive(&self) -> Option<Exclusive<'_, K, V>> {
        Some(Exclusive { table: self.table.try_write()?, len: &self.len })
    }
}

impl<K, V, S> ShardedMap<K, V, S> {
    /// Returns the hasher.
    pub fn hasher(&self) -> &S {
        &self.hasher
    }

    /// Returns the number of shards at this time, a power of two.
    ///
    /// With plain entries (numbers, `bool`, `char`, `()`) it is 0 at first and grows with the map; otherwise it is about four
    /// for each hardware thread.
    pub fn shards(&self) -> usize {
        if Self::is_plain() { self.buckets.read_recursive().buckets() } else { self.tables.len() }
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
        // Relaxed: pairs with nothing, see the module's documentation.
        self.tables.iter().map(|shard| shard.len.load(Relaxed)).sum()
    }

    /// Puts a map together: buckets if the entries are plain, otherwise a power of two of tables.
    pub(crate) fn from_parts(
        buckets: BucketTable<K, V>,
        tables: impl Iterator<Item = Table<K, V>>,
        hasher: S,
    ) -> Self {
        let buckets = BiasedRwLock::from_raw(RawBiasedRwLock::always_biased(), buckets);
        let tables: Box<[_]> = tables.map(Shard::new).map(CachePadded::new).collect();
        let selector = Selector::new(tables.len().max(1));
        Self { buckets: CachePadded::new(buckets), tables, selector, hasher }
    }

    pub(crate) fn into_parts(self) -> (BucketTable<K, V>, impl Iterator<Item = Table<K, V>>) {
        let tables = self.tables.into_vec().into_iter();
        let tables = tables.map(|shard| shard.into_inner().table.into_inner());
        (self.buckets.into_inner().into_inner(), tables)
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
    pub(crate) fn tables(&self) -> usize {
        self.tables.len()
    }

    /// Returns the number of the shard that a hash belongs to.
    #[inline]
    pub(crate) fn shard_of(&self, hash: u64) -> usize {
        self.selector.shard(hash)
    }

    #[inline]
    pub(crate) fn shard(&self, number: usize) -> &Shard<K, V> {
        &self.tables[number]
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
        if let Some(table) = read_outermost(&shard.table) {
            return f(&table);
        }
        match read_unbiased(&shard.table) {
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
        reentrancy::enter(&*self.tables, section, f)
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
        let (buckets, tables) =
            if Self::is_plain() { (capacity, 0) } else { (0, shards::default_shards()) };
        let room = shards::room_for(capacity.div_ceil(tables.max(1)));
        let buckets = if Self::is_plain() {
            BucketTable::try_with_capacity(buckets)?
        } else {
            BucketTable::new()
        };
        let tables =
            (0..tables).map(|_| Table::try_with_capacity(room)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::from_parts(buckets, tables.into_iter(), hasher))
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
        let capacities = (0..self.tables()).map(|n| self.shared(&CAPACITY, n, Table::capacity));
        let mean = shards::mean_for(capacities.min().unwrap_or(0));
        mean.saturating_mul(self.tables()).max(self.count())
    }

    fn try_reserve(&self, additional: usize) -> Result<(), ReserveError> {
        static RESERVE: Section = Section::exclusive("ShardedMap", "reserve");
        let rehash = |known: &K| self.hash(known);
        if Self::is_plain() {
            return self.write_buckets(&RESERVE, |table| table.try_reserve(additional, rehash));
        }
        let total = self.count().checked_add(additional).ok_or(ReserveError::CapacityOverflow)?;
        let room = shards::room_for(total.div_ceil(self.tables()));
        (0..self.tables()).try_for_each(|number| {
            self.exclusive(&RESERVE, number, |table| {
                table.try_reserve(room.saturating_sub(table.len()), rehash)
            })
        })
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
        }
        for number in 0..self.tables() {
            let mut begun = false;
            let mut step =
                |table: &mut Table<K, V>| table.shrink_step(&mut begun, |known| self.hash(known));
            while self.exclusive(&SHRINK, number, &mut step) {}
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

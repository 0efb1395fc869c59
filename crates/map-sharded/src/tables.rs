//! The shards of entries that are not plain: one table at first, many when they are worth it.
//!
//! **Algorithm**: a map begins with one table, `first`, which lies in the map itself. The first write that finds [`FIRST_MOST`] entries in it,
//! or that finds it in use, makes the others and divides the entries among them; from then on `first` is empty
//! and not used. So a small map that threads do not contend for takes the memory of one table, and the work of dividing is
//! bounded: it moves as many entries as `first` may hold, which is [`FIRST_MOST`] and those of one call that stores several.
//!
//! **Invariants**: (I1) `many` is set once, by a thread that holds `first` exclusively, with all entries in their places; `first`
//! is empty before that hold ends. (I2) Whoever holds `first` and finds `many` not set sees all entries of the map in `first`, for
//! as long as it holds it; whoever finds `many` set never needs `first`. (I3) A thread takes `first` only while it holds no shard
//! of `many`: it has not seen them yet.
//!
//! **Ordering**: `many` is published by its `OnceLock`. A count is stored when a shard is let go, with Release, and that of `first` is loaded
//! with Acquire: who reads there that the entries are gone sees where they went. The counts of `many` are loaded relaxed:
//! they publish nothing, and a caller who is ordered after a write by other means sees that write's store by coherence.
//!
//! **Panics**: if `Hash` panics while the map is to be divided, that write has not taken effect, nothing has moved, and it is not tried
//! again before `first` is twice as full, so that a key that always panics spoils few of them. The same if there is no memory, but then the write goes on.

mod shard;

use core::ptr;

use map_core::ReserveError;
use map_sync::biased::{BiasedReadGuard, read_outermost, read_unbiased};
use map_sync::pad::CachePadded;
use map_sync::reentrancy::{self, Nesting, Section};
use map_sync::shim::atomic::{AtomicUsize, Ordering::Acquire, Ordering::Relaxed};
use map_sync::shim::{MODEL, OnceLock};
use map_table::Table;

use crate::shards::{self, Selector};

pub(crate) use shard::{Exclusive, Shard};

/// So many entries in one table are not divided while nobody waits for it.
pub(crate) const FIRST_MOST: usize = if MODEL { 2 } else { 32 };

/// The tables of a map, and their locks.
pub(crate) struct Tables<K, V> {
    first: CachePadded<Shard<K, V>>,
    many: OnceLock<Many<K, V>>,
    /// For the number of tables that `many` has or will have.
    selector: Selector,
    /// With so many entries in `first` it is divided.
    divide_at: AtomicUsize,
}

type Many<K, V> = Box<[CachePadded<Shard<K, V>>]>;

impl<K, V> Tables<K, V> {
    /// One table with room for `capacity` entries if these are few, otherwise `shards` with room for their shares.
    pub(crate) fn try_with_capacity(capacity: usize, shards: usize) -> Result<Self, ReserveError> {
        if capacity <= FIRST_MOST {
            return Ok(Self::with_first(Table::try_with_capacity(capacity)?, shards));
        }
        let room = shards::room_for(capacity.div_ceil(shards));
        let tables = (0..shards).map(|_| Table::try_with_capacity(room));
        Ok(Self::from_many(tables.collect::<Result<Vec<_>, _>>()?))
    }

    /// One table, to be divided into `shards`.
    pub(crate) fn with_first(table: Table<K, V>, shards: usize) -> Self {
        Self {
            first: CachePadded::new(Shard::new(table)),
            many: OnceLock::new(),
            selector: Selector::new(shards),
            divide_at: AtomicUsize::new(FIRST_MOST),
        }
    }

    /// A power of two of tables, with the entries that belong into each.
    pub(crate) fn from_many(tables: Vec<Table<K, V>>) -> Self {
        let this = Self::with_first(Table::new(), tables.len());
        this.set_many(tables);
        this
    }

    fn set_many(&self, tables: Vec<Table<K, V>>) {
        let many = tables.into_iter().map(Shard::new).map(CachePadded::new).collect();
        let set = self.many.set(many);
        debug_assert!(set.is_ok(), "only the holder of the first table divides, and once");
    }

    pub(crate) fn into_tables(self) -> Vec<Table<K, V>> {
        let shards = match self.many.into_inner() {
            Some(many) => many.into_vec(),
            None => vec![self.first],
        };
        shards.into_iter().map(|shard| shard.into_inner().into_table()).collect()
    }

    /// The tables but the first, empty if there are none yet.
    #[inline]
    pub(crate) fn many(&self) -> &[CachePadded<Shard<K, V>>] {
        self.many.get().map_or(&[], |many| many)
    }

    /// Returns how many tables are in use.
    pub(crate) fn in_use(&self) -> usize {
        self.many().len().max(1)
    }

    pub(crate) fn count(&self) -> usize {
        if self.many.get().is_none() {
            // Acquire pairs with the Release of `Exclusive`: if the entries have left the first table, the others are seen below.
            let len = self.first.len(Acquire);
            if self.many.get().is_none() {
                return len;
            }
        }
        // Relaxed: pairs with nothing, see the module's documentation.
        self.many().iter().map(|shard| shard.len(Relaxed)).sum()
    }

    /// Returns the number of the shard, among many, that a hash belongs to.
    #[inline]
    pub(crate) fn shard_of(&self, hash: u64) -> usize {
        self.selector.shard(hash)
    }

    /// Runs `f` inside `section` of this map.
    #[inline]
    pub(crate) fn enter<R>(&self, section: &'static Section, f: impl FnOnce(Nesting) -> R) -> R {
        reentrancy::enter_either(&*self.first, || self.many.get().map(|many| &**many), section, f)
    }
}

/// Shared holds.
impl<K, V> Tables<K, V> {
    /// Runs `f` with the table that has the entries of shard `number`, held shared inside `section`.
    #[inline]
    pub(crate) fn shared<R>(
        &self,
        section: &'static Section,
        number: usize,
        f: impl FnOnce(&Table<K, V>) -> R,
    ) -> R {
        let shard = self.many.get().map_or(&*self.first, |many| &many[number]);
        if let Some(table) = read_outermost(shard.lock()) {
            if self.is_in_use(shard) {
                return f(&table);
            }
        } else if let Some(table) = read_unbiased(shard.lock()) {
            if self.is_in_use(shard) {
                return f(&table);
            }
        }
        self.shared_in_section(section, number, f)
    }

    /// Whether `shard`, which the caller holds, was the right one to take.
    #[inline(always)]
    fn is_in_use(&self, shard: &Shard<K, V>) -> bool {
        !ptr::eq(shard, &*self.first) || self.many.get().is_none()
    }

    #[inline(never)]
    fn shared_in_section<R>(
        &self,
        section: &'static Section,
        number: usize,
        f: impl FnOnce(&Table<K, V>) -> R,
    ) -> R {
        self.enter(section, |nesting| f(&self.lock_shared(number, nesting)))
    }

    /// Takes the table that has the entries of shard `number` shared. Only inside a section of the map.
    #[inline]
    pub(crate) fn lock_shared(
        &self,
        number: usize,
        nesting: Nesting,
    ) -> BiasedReadGuard<'_, Table<K, V>> {
        self.lock_first_shared(nesting).unwrap_or_else(|| self.many()[number].lock_shared(nesting))
    }

    /// Takes the first table shared, if it is the only one. Only inside a section of the map.
    #[inline]
    pub(crate) fn lock_first_shared(
        &self,
        nesting: Nesting,
    ) -> Option<BiasedReadGuard<'_, Table<K, V>>> {
        if self.many.get().is_some() {
            return None;
        }
        let first = self.first.lock_shared(nesting);
        self.many.get().is_none().then_some(first)
    }

    /// Runs `f` with each table in use, one after the other, held shared inside `section`, until it returns something.
    pub(crate) fn shared_each<R>(
        &self,
        section: &'static Section,
        mut f: impl FnMut(&Table<K, V>) -> Option<R>,
    ) -> Option<R> {
        let first =
            self.enter(section, |nesting| self.lock_first_shared(nesting).map(|table| f(&table)));
        if let Some(end) = first {
            return end;
        }
        (0..self.many().len()).find_map(|number| self.shared(section, number, &mut f))
    }
}

/// Exclusive holds. Each may divide the first table, for which it needs the hashes of the keys.
impl<K, V> Tables<K, V> {
    /// Runs `f` with the table that has, or is to have, the entries of shard `number`, held exclusively inside `section`.
    #[inline]
    pub(crate) fn exclusive<R>(
        &self,
        section: &'static Section,
        number: usize,
        rehash: impl Fn(&K) -> u64,
        f: impl FnOnce(&mut Table<K, V>) -> R,
    ) -> R {
        self.enter(section, |_| f(&mut self.lock_exclusive(number, rehash)))
    }

    /// Takes the table that has, or is to have, the entries of shard `number`. Only inside a section of the map.
    #[inline]
    pub(crate) fn lock_exclusive(
        &self,
        number: usize,
        rehash: impl Fn(&K) -> u64,
    ) -> Exclusive<'_, K, V> {
        match self.many.get() {
            Some(many) => many[number].lock_exclusive(),
            None => self
                .lock_first_exclusive(rehash)
                .unwrap_or_else(|| self.many()[number].lock_exclusive()),
        }
    }

    /// Takes the first table exclusively, if it is the only one and may stay so. Only inside a section of the map.
    #[inline(never)]
    pub(crate) fn lock_first_exclusive(
        &self,
        rehash: impl Fn(&K) -> u64,
    ) -> Option<Exclusive<'_, K, V>> {
        if self.many.get().is_some() {
            return None;
        }
        let (mut first, contended) = match self.first.try_lock_exclusive() {
            Some(first) => (first, false),
            None => (self.first.lock_exclusive(), true),
        };
        if self.many.get().is_none() {
            // Relaxed, here and below: written only under the lock of the first table.
            let at = self.divide_at.load(Relaxed);
            if first.len() >= at || (contended && at == FIRST_MOST) {
                let capacity = if contended { first.capacity().min(FIRST_MOST) } else { 0 };
                // Without the memory the one table goes on growing.
                let _ = self.divide(&mut first, capacity, rehash);
            }
        }
        self.many.get().is_none().then_some(first)
    }

    /// Divides the first table, which the caller holds, into tables with room for `capacity` entries.
    #[cold]
    #[inline(never)]
    fn divide(
        &self,
        first: &mut Table<K, V>,
        capacity: usize,
        rehash: impl Fn(&K) -> u64,
    ) -> Result<(), ReserveError> {
        self.divide_at.store(2 * first.len().max(FIRST_MOST), Relaxed);
        let shards = self.selector.shards();
        let room = shards::room_for(capacity.div_ceil(shards));
        let tables = first.divide(shards, room, |hash| self.shard_of(hash), rehash)?;
        self.set_many(tables);
        Ok(())
    }

    /// Runs `f` with each table in use, one after the other, held exclusively inside `section`; `after` gets what it returned when
    /// the lock is free again.
    pub(crate) fn exclusive_each<R>(
        &self,
        section: &'static Section,
        rehash: impl Fn(&K) -> u64,
        mut f: impl FnMut(&mut Table<K, V>) -> R,
        mut after: impl FnMut(R),
    ) {
        let first = self
            .enter(section, |_| self.lock_first_exclusive(rehash).map(|mut table| f(&mut table)));
        match first {
            Some(result) => after(result),
            None => {
                for shard in self.many() {
                    after(self.enter(section, |_| f(&mut shard.lock_exclusive())));
                }
            }
        }
    }

    /// Returns how many entries there is room for.
    pub(crate) fn capacity(&self, section: &'static Section) -> usize {
        // Asked first: should the map be divided meanwhile, too little is said and not too much.
        let shards = self.many().len();
        let mut least = usize::MAX;
        self.shared_each(section, |table| {
            least = least.min(table.capacity());
            None::<()>
        });
        let room = match shards {
            0 => least.min(FIRST_MOST),
            shards => shards::mean_for(least).saturating_mul(shards),
        };
        room.max(self.count())
    }

    /// Makes room for `total` entries in all.
    pub(crate) fn try_reserve(
        &self,
        section: &'static Section,
        total: usize,
        rehash: impl Fn(&K) -> u64,
    ) -> Result<(), ReserveError> {
        let done = self.enter(section, |_| {
            let Some(mut first) = self.lock_first_exclusive(&rehash) else { return Ok(false) };
            if total > FIRST_MOST {
                return self.divide(&mut first, total, &rehash).map(|()| true);
            }
            let additional = total.saturating_sub(first.len());
            first.try_reserve(additional, &rehash).map(|()| true)
        })?;
        if done {
            return Ok(());
        }
        let room = shards::room_for(total.div_ceil(self.many().len()));
        self.many().iter().try_for_each(|shard| {
            self.enter(section, |_| {
                let mut table = shard.lock_exclusive();
                let additional = room.saturating_sub(table.len());
                table.try_reserve(additional, &rehash)
            })
        })
    }

    /// Gives back the memory that the present entries do not need, in steps of at most 256 of a table.
    pub(crate) fn shrink_to_fit(&self, section: &'static Section, rehash: impl Fn(&K) -> u64) {
        let first = self.enter(section, |_| {
            self.lock_first_exclusive(&rehash).map(|mut table| {
                let mut begun = false;
                while table.shrink_step(&mut begun, &rehash) {}
            })
        });
        if first.is_some() {
            return;
        }
        for shard in self.many() {
            let mut begun = false;
            let mut step = || shard.lock_exclusive().shrink_step(&mut begun, &rehash);
            while self.enter(section, |_| step()) {}
        }
    }
}

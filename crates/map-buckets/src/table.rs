//! The tables: what a map holds, and who may do what to it.

use core::borrow::Borrow;
use core::fmt;

use map_core::ReserveError;
use map_sync::counter::StripedCounter;
use map_sync::shim::OnceLock;

use crate::growth::Growth;
use crate::raw::bits::Bits;
use crate::raw::bucket::{Bucket, Shape};
use crate::raw::chain::Spare;
use crate::raw::hold::{ByBucket, Held};
use crate::raw::index::Index;
use crate::raw::read::Contended;
use crate::shrink::Shrinking;
use crate::writer::Writer;

/// How many entries a thread adds until it looks at all threads' counts, whose lines others write to.
const LOOK_EVERY: usize = 64;

/// What a table is made of.
pub(crate) struct Core<K, V> {
    pub(crate) index: Index<K, V>,
    pub(crate) spare: Spare<K, V>,
    pub(crate) growth: Growth,
    /// The number of entries; none while there is one bucket, whose tags tell it.
    pub(crate) count: OnceLock<StripedCounter>,
}

impl<K, V> Core<K, V> {
    const fn new() -> Self {
        Self {
            index: Index::new(),
            spare: Spare::new(),
            growth: Growth::new(),
            count: OnceLock::new(),
        }
    }

    fn with_capacity(capacity: usize) -> Result<Self, ReserveError> {
        let mut core = Self::new();
        core.build(capacity)?;
        Ok(core)
    }

    /// Counts an entry that comes. The caller holds its bucket. Returns whether it is time to see whether the table is full.
    #[inline(always)]
    pub(crate) fn count_new(&self) -> bool {
        match self.count.get() {
            Some(count) => count.add(1) % LOOK_EVERY == 0,
            None => true,
        }
    }

    /// Counts an entry that goes. The caller holds its bucket.
    #[inline(always)]
    pub(crate) fn count_gone(&self) {
        if let Some(count) = self.count.get() {
            count.add(-1);
        }
    }

    pub(crate) fn len(&self) -> usize {
        loop {
            if let Some(count) = self.count.get() {
                return count.sum();
            }
            let Some(first) = self.index.bucket(0) else { return 0 };
            match first.count() {
                // Nothing was split off meanwhile.
                Some(entries) if self.count.get().is_none() => return entries,
                Some(_) => {}
                // Its entries are on their way into a larger one.
                None => map_sync::shim::thread::yield_now(),
            }
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        let level = self.index.state().level();
        let capacity = if level > 0 {
            Shape::<K, V>::MOST << level
        } else {
            let slots = self.index.bucket(0).map_or(0, Bucket::slots);
            slots.min(Shape::<K, V>::MOST)
        };
        capacity.max(self.len())
    }
}

/// A table of which each bucket has its own lock, for *plain* entries: numbers, `bool`, `char` and `()`.
///
/// Operations on different buckets do not wait for each other, and reads for nobody. A table of other entries can be made, which
/// allocates nothing, and does nothing.
///
/// # Panics
///
/// Every method but [`new`](Self::new), [`len`](Self::len), [`capacity`](Self::capacity) and
/// [`is_plain`](Self::is_plain), if the entries are not plain.
pub struct BucketTable<K, V> {
    pub(crate) core: Core<K, V>,
}

impl<K, V> BucketTable<K, V> {
    /// Makes an empty table, which has allocated nothing.
    pub const fn new() -> Self {
        Self { core: Core::new() }
    }

    /// Makes an empty table with room for `capacity` entries.
    ///
    /// # Errors
    ///
    /// If the room cannot be had.
    pub fn try_with_capacity(capacity: usize) -> Result<Self, ReserveError> {
        Ok(Self { core: Core::with_capacity(capacity)? })
    }

    /// Whether the entries are plain: numbers, `bool`, `char` or `()`, of which a reader may take a copy
    /// while a writer is at work.
    #[inline(always)]
    #[must_use]
    pub fn is_plain() -> bool {
        Shape::<K, V>::is_plain()
    }

    /// Returns the number of entries, exact if nobody writes. Takes no lock; while a small first bucket is replaced
    /// by a larger one, it looks again.
    #[inline]
    pub fn len(&self) -> usize {
        self.core.len()
    }

    /// Returns whether there is no entry.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many entries fit before the table grows, at the least.
    pub fn capacity(&self) -> usize {
        self.core.capacity()
    }

    /// Does a bounded part of giving back the memory that the present entries do not need; returns whether there is more to do.
    ///
    /// `shrinking` is new for the first call of a series, and the table's business in between. Other operations may come between two
    /// calls, also such that make the table grow again, which ends the series; it may also be left off at any time. No code of the
    /// user's runs.
    pub fn shrink_step(&mut self, shrinking: &mut Shrinking) -> bool {
        self.core.shrink_step(shrinking)
    }

    /// Gives back the memory that the present entries do not need.
    ///
    /// All [steps](Self::shrink_step) in a row, linear in the number of buckets; no code of the user's runs.
    pub fn shrink_to_fit(&mut self) {
        let mut shrinking = Shrinking::default();
        while self.shrink_step(&mut shrinking) {}
    }

    /// Returns the entries, owned.
    pub(crate) fn into_core(self) -> Core<K, V> {
        self.core
    }

    /// The writes; each holds the bucket of its key.
    #[inline(always)]
    pub fn writer(&self) -> Writer<'_, K, V> {
        Writer::new(self.core())
    }

    /// Copies the value of a key, beside writers; takes no lock.
    ///
    /// # Errors
    ///
    /// If writers were at work on the key's bucket each of many times; then ask [`copy`](Self::copy).
    #[inline(always)]
    pub fn try_copy<Q>(&self, hash: u64, key: &Q) -> Result<Option<V>, Contended>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.core().try_copy(Bits::of(hash), key)
    }

    /// Copies the value of a key, beside writers; takes its bucket's lock after many vain attempts.
    #[inline]
    pub fn copy<Q>(&self, hash: u64, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let bits = Bits::of(hash);
        self.core().copy(bits, key).unwrap_or_else(|Contended| self.copy_locked(bits, key))
    }

    #[cold]
    fn copy_locked<Q>(&self, bits: Bits, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        loop {
            let _held = Held::new(&self.core, ByBucket, bits)?;
            // Nobody writes to a held bucket.
            if let Ok(copy) = self.core.copy(bits, key) {
                return copy;
            }
        }
    }

    /// Returns the number of buckets, without those that a growth under way has yet to fill.
    pub fn buckets(&self) -> usize {
        let level = self.core.index.state().level();
        self.core.index.bucket(0).map_or(0, |_| 1 << level)
    }

    /// The table, of plain entries.
    #[inline(always)]
    pub(crate) fn core(&self) -> &Core<K, V> {
        assert!(Self::is_plain(), "entries of a bucket table are plain");
        &self.core
    }
}

impl<K, V> Default for BucketTable<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> fmt::Debug for BucketTable<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketTable")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

impl<K, V> fmt::Debug for Writer<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

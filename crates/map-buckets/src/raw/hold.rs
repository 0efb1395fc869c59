//! Holding a bucket exclusively, as a type: whoever has a [`Held`] may change the bucket.
//!
//! Others are kept out by the lock of the bucket ([`ByBucket`]), or because the caller has the table to himself
//! ([`Whole`]). The entry that a search has found is held together with its bucket ([`Found`]), so that
//! it cannot be used after the bucket was changed or let go.

use map_core::ReserveError;
use map_sync::contention;
use map_sync::shim::atomic::{Ordering, fence};

use super::bits::{Bits, Depth};
use super::bucket::{Bucket, Header, Place, Shape};
use super::index::Index;
use super::plain;
use crate::table::Core;

/// How a writer keeps others out of a bucket.
pub(crate) trait Exclude: Copy {
    /// Locks a bucket.
    fn lock(&self, header: &Header);

    /// Unlocks a bucket, ending a write that has begun.
    ///
    /// # Safety
    ///
    /// It was locked by this thread in this way.
    unsafe fn unlock(&self, header: &Header);
}

/// By the lock of the bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByBucket;

/// By a `&mut` of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole;

impl Exclude for ByBucket {
    #[inline(always)]
    fn lock(&self, header: &Header) {
        header.seq().lock();
    }

    #[inline(always)]
    unsafe fn unlock(&self, header: &Header) {
        // SAFETY: the caller's.
        unsafe { header.seq().unlock() };
    }
}

impl Exclude for Whole {
    #[inline(always)]
    fn lock(&self, _: &Header) {}

    #[inline(always)]
    unsafe fn unlock(&self, header: &Header) {
        header.seq().end_write();
    }
}

/// A bucket that the calling thread holds exclusively.
///
/// Two words, which the compiler keeps in registers. A third would have it written to memory wherever it is passed on, and read
/// back wider than it was written, which the processor answers with a wait as long as the whole operation.
pub(crate) struct Held<'table, K, V, X: Exclude> {
    core: &'table Core<K, V>,
    bucket: Bucket<K, V>,
    exclude: X,
}

/// An entry in a held bucket.
pub(crate) struct Found<'held, 'table, K, V, X: Exclude> {
    held: &'held mut Held<'table, K, V, X>,
    place: Place<K, V>,
}

impl<'table, K, V, X: Exclude> Held<'table, K, V, X> {
    /// Holds the bucket that a hash belongs to, if the table has a bucket at all.
    #[inline(always)]
    pub(crate) fn new(core: &'table Core<K, V>, exclude: X, bits: Bits) -> Option<Self> {
        let index = core.index.guess(bits);
        if let Some(bucket) = core.index.bucket(index) {
            let held = Self::at(core, exclude, bucket);
            if held.header().depth().is_right(bits, index) {
                return Some(held);
            }
        }
        Self::search(core, exclude, bits, index)
    }

    /// As [`new`](Self::new), after a first guess that was wrong.
    #[cold]
    #[inline(never)]
    fn search(core: &'table Core<K, V>, exclude: X, bits: Bits, mut index: usize) -> Option<Self> {
        loop {
            let mut depth = Depth::NONE;
            if let Some(bucket) = core.index.bucket(index) {
                let held = Self::at(core, exclude, bucket);
                depth = held.header().depth();
                if depth.is_right(bits, index) {
                    return Some(held);
                }
            } else if index == 0 {
                return None;
            }
            index = Index::<K, V>::redirect(bits, index, depth);
        }
    }

    /// Holds a bucket, whatever belongs in it.
    #[inline(always)]
    pub(crate) fn at(core: &'table Core<K, V>, exclude: X, bucket: Bucket<K, V>) -> Self {
        exclude.lock(bucket.header());
        Self { core, bucket, exclude }
    }

    pub(crate) fn bucket(&self) -> Bucket<K, V> {
        self.bucket
    }

    #[inline(always)]
    pub(crate) fn header(&self) -> &'table Header {
        self.bucket.header()
    }

    /// Finds an entry by its tag and key.
    #[inline(always)]
    pub(crate) fn find(
        &mut self,
        tag: u8,
        is: impl Fn(&K) -> bool,
    ) -> Option<Found<'_, 'table, K, V, X>> {
        // SAFETY: the bucket is held, and the reference ends with the comparison.
        let is = |entry: *const (K, V)| is(unsafe { &(*entry).0 });
        let place = self.bucket.find(tag, is, || true)?;
        Some(Found { held: self, place })
    }

    /// The entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &(K, V)> {
        // SAFETY: the bucket is held, and not changed while `self` is borrowed.
        self.bucket.places().map(|place| unsafe { place.get() })
    }

    /// Says that the bucket is about to change.
    #[inline(always)]
    pub(super) fn begin_write(&self) {
        self.header().seq().begin_write();
    }

    fn end_write(&self) {
        self.header().seq().end_write();
    }

    /// Adds an entry whose key is not in the bucket. Returns whether it is time to see whether the table is full.
    #[inline(always)]
    pub(crate) fn put(&mut self, tag: u8, entry: (K, V)) -> bool {
        let hint = self.core.count_new();
        self.put_at(tag, entry).is_chained() || hint
    }

    /// Adds an entry whose key is not in the bucket, and finds it.
    pub(crate) fn put_and_find(&mut self, tag: u8, entry: (K, V)) -> Found<'_, 'table, K, V, X> {
        self.core.count_new();
        let place = self.put_at(tag, entry);
        self.end_write();
        Found { held: self, place }
    }

    #[inline(always)]
    fn put_at(&mut self, tag: u8, entry: (K, V)) -> Place<K, V> {
        self.begin_write();
        // SAFETY: held, and the write is announced.
        match unsafe { self.bucket.put(tag, entry) } {
            Ok(place) => place,
            Err(entry) => self.put_in_full(tag, entry),
        }
    }

    /// As [`put`](Self::put), where the slots are full.
    #[cold]
    #[inline(never)]
    fn put_in_full(&mut self, tag: u8, entry: (K, V)) -> Place<K, V> {
        let slots = self.slots();
        let put = if slots < Shape::<K, V>::SLOTS && self.enlarge(2 * slots).is_ok() {
            // SAFETY: the larger bucket is held, and its write begun.
            unsafe { self.bucket.put(tag, entry) }
        } else {
            Err(entry)
        };
        // SAFETY: held, and the write is announced.
        put.unwrap_or_else(|entry| unsafe {
            self.bucket.put_in_chain(tag, entry, &self.core.spare)
        })
    }

    /// The number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.bucket.slots()
    }

    /// Puts a bucket with so many slots in the place of this one, which is the first; holds that one afterwards, with its
    /// write begun.
    pub(crate) fn enlarge(&mut self, slots: usize) -> Result<(), ReserveError> {
        let (core, exclude) = (self.core, self.exclude);
        let mut larger = None;
        core.index.replace_first(slots, |new| {
            let held = Held::at(core, exclude, new);
            held.begin_write();
            self.move_to(new, |_| true);
            larger = Some(held);
        })?;
        if let Some(larger) = larger {
            *self = larger;
        }
        Ok(())
    }

    /// Removes the entries for which `keep` returns `false`.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        for place in self.bucket.places() {
            // SAFETY: held; the reference ends before the entry is taken.
            let (key, value) = unsafe { place.get() };
            if !keep(key, value) {
                self.begin_write();
                self.core.count_gone();
                // SAFETY: held, announced, and a place that was found in this bucket.
                unsafe { place.take(self.bucket) };
                // The next `keep` is the user's and may take its time.
                self.end_write();
            }
        }
        self.tidy();
    }

    /// Lends every value to `f`, to be changed.
    pub(crate) fn for_each_mut(&mut self, mut f: impl FnMut(&K, &mut V)) {
        for place in self.bucket.places() {
            // SAFETY: held; the reference ends with the copies.
            let (key, value) = unsafe { place.get() };
            let (key, value) = (plain::copy(key), plain::copy(value));
            let mut value = scopeguard::guard(value, |value| {
                self.begin_write();
                // SAFETY: held, announced, and nobody has a reference to the entry.
                unsafe { place.replace(value) };
                // The next `f` is the user's and may take its time.
                self.end_write();
            });
            f(&key, &mut value);
        }
    }

    /// Moves the entries that `goes` picks to `to`; it gets their positions in the order of [`entries`](Self::entries).
    ///
    /// What stays moves out of the chain as far as the slots have room. `to` is in no way reachable yet, or held.
    pub(crate) fn move_to(&mut self, to: Bucket<K, V>, mut goes: impl FnMut(usize) -> bool) {
        self.begin_write();
        // Pairs with the fence in `Bucket::count`.
        fence(Ordering::Release);
        for (position, place) in self.bucket.places().enumerate() {
            let target = if goes(position) {
                to
            } else if place.is_chained() && self.bucket.header().used() < self.bucket.slots() {
                self.bucket
            } else {
                continue;
            };
            let tag = self.bucket.tag(&place);
            // SAFETY: held, announced, and a place that was found in this bucket.
            let entry = unsafe { place.take(self.bucket) };
            contention::moved();
            // SAFETY: this bucket is held, and `to` is the caller's.
            if let Err(entry) = unsafe { target.put(tag, entry) } {
                // SAFETY: as above.
                unsafe { target.put_in_chain(tag, entry, &self.core.spare) };
            }
        }
        self.tidy();
    }

    /// Takes empty nodes out of the chain.
    #[inline]
    fn tidy(&mut self) {
        if self.bucket.has_chain() {
            self.begin_write();
            // SAFETY: held and announced; no place is kept.
            unsafe { self.bucket.tidy_chain(&self.core.spare) };
        }
    }
}

impl<K, V, X: Exclude> Drop for Held<'_, K, V, X> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: locked in `at`, by the same thread: a held bucket is not `Send`, it has a raw pointer.
        unsafe { self.exclude.unlock(self.bucket.header()) };
    }
}

impl<K, V, X: Exclude> Found<'_, '_, K, V, X> {
    /// The value.
    #[inline(always)]
    pub(crate) fn value(&self) -> &V {
        // SAFETY: the bucket is held, and not changed while `self` is borrowed.
        &unsafe { self.place.get() }.1
    }

    /// Exchanges the value.
    #[inline(always)]
    pub(crate) fn replace(self, value: V) -> V {
        self.held.begin_write();
        // SAFETY: held, announced, and no reference to the entry outlives a borrow of `self`.
        unsafe { self.place.replace(value) }
    }

    /// Exchanges the value with `other`.
    pub(crate) fn swap(self, other: &mut V) {
        *other = self.replace(plain::copy(other));
    }

    /// Removes the entry.
    #[inline(always)]
    pub(crate) fn take(self) -> (K, V) {
        self.held.begin_write();
        self.held.core.count_gone();
        // SAFETY: as above; the place was found in this bucket.
        let entry = unsafe { self.place.take(self.held.bucket) };
        if self.place.is_chained() {
            self.held.tidy();
        }
        entry
    }
}

#[cfg(test)]
#[path = "hold_tests.rs"]
mod tests;

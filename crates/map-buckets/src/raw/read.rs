//! Reading: plain entries beside writers, all others under a lock.

use core::borrow::Borrow;
use core::cell::Cell;

use lock_api::{RawRwLock as _, RawRwLockRecursive as _};

use super::bucket::{Bucket, Header, Shape};
use super::index::{Bits, Depth, Index};
use super::plain;
use crate::table::Core;

/// How often a reader tries again beside writers before it takes their lock.
const ATTEMPTS: u32 = 64;

/// Writers were at work on the bucket each time that a reader looked.
#[derive(Debug)]
pub struct Contended;

impl<K, V> Core<K, V> {
    /// Copies the value of a key, beside writers, if the first guess is right and nobody writes.
    ///
    /// # Panics
    ///
    /// If the entries are not plain.
    #[inline(always)]
    pub(crate) fn try_copy<Q>(&self, bits: Bits, key: &Q) -> Result<Option<V>, Contended>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        assert!(Shape::<K, V>::is_plain());
        let index = self.index.guess(bits);
        let bucket = self.index.bucket(index).ok_or(Contended)?;
        copy_from(bucket, index, bits, key).map_err(|_| Contended)
    }

    /// Copies the value of a key, beside writers.
    ///
    /// # Panics
    ///
    /// If the entries are not plain.
    pub(crate) fn copy<Q>(&self, bits: Bits, key: &Q) -> Result<Option<V>, Contended>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        assert!(Shape::<K, V>::is_plain());
        let mut index = self.index.guess(bits);
        for _ in 0..ATTEMPTS {
            let mut wrong = Some(Depth::NONE);
            if let Some(bucket) = self.index.bucket(index) {
                match copy_from(bucket, index, bits, key) {
                    Ok(copy) => return Ok(copy),
                    Err(depth) => wrong = depth,
                }
            } else if index == 0 {
                return Ok(None);
            }
            match wrong {
                Some(depth) => index = Index::<K, V>::redirect(bits, index, depth),
                None => core::hint::spin_loop(),
            }
        }
        Err(Contended)
    }

    /// Copies all entries of a bucket at one instant, beside writers.
    ///
    /// `into` is empty afterwards if this fails. Returns the depth of the bucket at that instant.
    ///
    /// # Panics
    ///
    /// If the entries are not plain.
    pub(crate) fn copy_all(
        &self,
        bucket: Bucket<K, V>,
        into: &mut Vec<(K, V)>,
    ) -> Result<Depth, Contended> {
        assert!(Shape::<K, V>::is_plain());
        let seq = bucket.header().seq();
        for _ in 0..ATTEMPTS {
            into.clear();
            let Some(version) = seq.begin_read() else {
                core::hint::spin_loop();
                continue;
            };
            let depth = bucket.header().depth();
            let mut whole = true;
            for place in bucket.places() {
                // SAFETY: in bounds of the slot.
                let key = unsafe { &raw const (*place.entry).0 };
                // SAFETY: as in `copy`.
                into.push((unsafe { plain::load(key) }, copy_value(place.entry)));
                if place.is_chained() && !seq.is_unchanged(version) {
                    whole = false;
                    break;
                }
            }
            // Both: the version is the old one again if a holder only looked.
            if whole && seq.is_unchanged(version) {
                return Ok(depth);
            }
        }
        into.clear();
        Err(Contended)
    }

    /// Holds the bucket of a hash shared, if there is a bucket.
    ///
    /// `nested` says that the thread may hold it already: it then does not queue behind writers.
    #[inline(always)]
    pub(crate) fn share(&self, bits: Bits, nested: bool) -> Option<SharedBucket<'_, K, V>> {
        let mut index = self.index.guess(bits);
        loop {
            let mut depth = Depth::NONE;
            if let Some(bucket) = self.index.bucket(index) {
                let shared = SharedBucket::new(bucket, nested);
                depth = bucket.header().depth();
                if depth.is_right(bits, index) {
                    return Some(shared);
                }
            } else if index == 0 {
                return None;
            }
            index = Index::<K, V>::redirect(bits, index, depth);
        }
    }
}

/// Copies a value from the bucket at `index`, if that is the right one and nobody writes.
///
/// The error is the depth of a bucket that is not the right one, or nothing if somebody writes.
#[inline(always)]
fn copy_from<K, V, Q>(
    bucket: Bucket<K, V>,
    index: usize,
    bits: Bits,
    key: &Q,
) -> Result<Option<V>, Option<Depth>>
where
    K: Borrow<Q>,
    Q: Eq + ?Sized,
{
    let seq = bucket.header().seq();
    let version = seq.begin_read().ok_or(None)?;
    let depth = bucket.header().depth();
    if !depth.is_right(bits, index) {
        return Err(Some(depth));
    }
    let is = |entry: *const (K, V)| {
        // SAFETY: in bounds of the slot.
        let place = unsafe { &raw const (*entry).0 };
        // SAFETY: `copy` has asked whether entries are plain; a slot of a bucket or node, to which only
        // `plain::store` writes, and which lives.
        let known: K = unsafe { plain::load(place) };
        known.borrow() == key
    };
    let value = match bucket.find_in_slots(bits.tag(), is) {
        Some(entry) => Some(copy_value(entry)),
        None if bucket.has_chain() => {
            let broken_off = Cell::new(false);
            let go_on = || {
                broken_off.set(!seq.is_unchanged(version));
                !broken_off.get()
            };
            let place = bucket.find(bits.tag(), is, go_on);
            // The version may be the old one again below, if a holder only looked.
            if broken_off.get() {
                return Err(None);
            }
            place.map(|place| copy_value(place.entry))
        }
        None => None,
    };
    if seq.is_unchanged(version) { Ok(value) } else { Err(None) }
}

#[inline(always)]
fn copy_value<K, V>(entry: *const (K, V)) -> V {
    // SAFETY: in bounds of the slot.
    let value = unsafe { &raw const (*entry).1 };
    // SAFETY: only called for plain entries; otherwise as in `copy`.
    unsafe { plain::load(value) }
}

/// # Safety
///
/// Nobody changes the bucket while the value is borrowed.
#[inline(always)]
unsafe fn look_up<'held, K, V, Q>(bucket: Bucket<K, V>, bits: Bits, key: &Q) -> Option<&'held V>
where
    K: Borrow<Q> + 'held,
    Q: Eq + ?Sized,
{
    // SAFETY: a slot in use, by its tag; nobody changes it.
    let is = |entry: *const (K, V)| unsafe { &(*entry).0 }.borrow() == key;
    let place = bucket.find(bits.tag(), is, || true)?;
    // SAFETY: nobody changes the entry.
    Some(&unsafe { place.get() }.1)
}

/// A bucket of entries that are not plain, held shared.
pub(crate) struct SharedBucket<'table, K, V> {
    bucket: Bucket<K, V>,
    header: &'table Header,
}

impl<'table, K, V> SharedBucket<'table, K, V> {
    /// Locks a bucket shared.
    #[inline(always)]
    pub(crate) fn new(bucket: Bucket<K, V>, nested: bool) -> Self {
        assert!(!Shape::<K, V>::is_plain());
        let header: &'table Header = bucket.header();
        if nested {
            header.rw().lock_shared_recursive();
        } else {
            header.rw().lock_shared();
        }
        Self { bucket, header }
    }

    pub(crate) fn depth(&self) -> Depth {
        self.header.depth()
    }

    /// Looks up a key.
    #[inline(always)]
    pub(crate) fn get<Q>(&self, bits: Bits, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        // SAFETY: held shared while `self` is borrowed.
        unsafe { look_up(self.bucket, bits, key) }
    }

    /// The entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &(K, V)> {
        // SAFETY: held shared while `self` is borrowed.
        self.bucket.places().map(|place| unsafe { place.get() })
    }
}

impl<K, V> Drop for SharedBucket<'_, K, V> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: locked in `new` by the same thread: the value is not `Send`, it has a raw pointer.
        unsafe { self.header.rw().unlock_shared() };
    }
}

//! Reading: entries are copied beside writers, and the copy is thrown away if it may be torn.

use core::array;
use core::borrow::Borrow;
use core::cell::Cell;

use map_sync::contention;
use map_sync::seqlock::RawSeqLock;
use map_sync::shim::hint;

use super::bits::{Bits, Depth};
use super::bucket::Bucket;
use super::index::Index;
use super::plain;
use crate::table::Core;

/// How often a reader tries again beside writers before it takes their lock.
const ATTEMPTS: u32 = 64;

/// What a reader saw of a key.
struct Copied<'table, V> {
    value: Option<V>,
    /// The bucket's lock and its version; none if there was no bucket at all.
    version: Option<(&'table RawSeqLock, u64)>,
}

/// Writers were at work on the bucket each time that a reader looked.
#[derive(Debug)]
pub struct Contended;

impl<K, V> Core<K, V> {
    /// Copies the value of a key, beside writers: the short way if the first guess is right, nobody writes and no chain
    /// has to be searched.
    #[inline(always)]
    pub(crate) fn try_copy<Q>(&self, bits: Bits, key: &Q) -> Result<Option<V>, Contended>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let index = self.index.guess(bits);
        if let Some(bucket) = self.index.bucket(index) {
            if let Ok(copy) = copy_from_slots(bucket, index, bits, key) {
                return Ok(copy);
            }
        }
        self.copy_the_long_way(bits, key)
    }

    /// Not inlined, so that the short way needs few registers and no place in memory.
    #[cold]
    #[inline(never)]
    fn copy_the_long_way<Q>(&self, bits: Bits, key: &Q) -> Result<Option<V>, Contended>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.copy(bits, key)
    }

    /// Copies the value of a key, beside writers.
    pub(crate) fn copy<Q>(&self, bits: Bits, key: &Q) -> Result<Option<V>, Contended>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.copy_with_version(bits, key).map(|copied| copied.value)
    }

    /// Copies the values that several keys have at one instant, beside writers.
    pub(crate) fn copy_many<Q, const N: usize>(
        &self,
        bits: [Bits; N],
        keys: [&Q; N],
    ) -> Result<[Option<V>; N], Contended>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let is_unchanged = |copied: &Result<Copied<'_, V>, Contended>| match copied {
            Err(Contended) => false,
            Ok(Copied { version: Some((seq, version)), .. }) => seq.is_unchanged(*version),
            Ok(Copied { version: None, .. }) => self.index.bucket(0).is_none(),
        };
        for _ in 0..ATTEMPTS {
            let copied = array::from_fn(|n| self.copy_with_version(bits[n], keys[n]));
            if copied.iter().all(is_unchanged) {
                return Ok(copied.map(|copied| copied.ok().and_then(|copied| copied.value)));
            }
            contention::retry();
        }
        Err(Contended)
    }

    #[inline(always)]
    fn copy_with_version<Q>(&self, bits: Bits, key: &Q) -> Result<Copied<'_, V>, Contended>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mut index = self.index.guess(bits);
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                contention::retry();
            }
            let mut wrong = Some(Depth::NONE);
            if let Some(bucket) = self.index.bucket(index) {
                match copy_from(bucket, index, bits, key) {
                    Ok(copied) => return Ok(copied),
                    Err(depth) => wrong = depth,
                }
            } else if index == 0 {
                return Ok(Copied { value: None, version: None });
            }
            match wrong {
                Some(depth) => index = Index::<K, V>::redirect(bits, index, depth),
                None => hint::spin_loop(),
            }
        }
        Err(Contended)
    }

    /// Copies all entries of a bucket at one instant, beside writers.
    ///
    /// `into` is empty afterwards if this fails. Returns the depth of the bucket at that instant.
    pub(crate) fn copy_all(
        &self,
        bucket: Bucket<K, V>,
        into: &mut Vec<(K, V)>,
    ) -> Result<Depth, Contended> {
        let seq = bucket.header().seq();
        for _ in 0..ATTEMPTS {
            into.clear();
            let Some(version) = seq.begin_read() else {
                hint::spin_loop();
                continue;
            };
            let depth = bucket.header().depth();
            let mut whole = true;
            for place in bucket.places() {
                // SAFETY: in bounds of the slot.
                let key = unsafe { &raw const (*place.entry).0 };
                // SAFETY: as in `holds`.
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
}

/// A key that is not in the slots may be in the chain, or somebody writes, or the bucket is not the right one.
struct NotTold;

/// Copies a value from the slots of the bucket at `index`, if that tells all.
#[inline(always)]
fn copy_from_slots<K, V, Q>(
    bucket: Bucket<K, V>,
    index: usize,
    bits: Bits,
    key: &Q,
) -> Result<Option<V>, NotTold>
where
    K: Borrow<Q>,
    Q: Eq + ?Sized,
{
    let seq = bucket.header().seq();
    let version = seq.begin_read().ok_or(NotTold)?;
    if !bucket.header().depth().is_right(bits, index) {
        return Err(NotTold);
    }
    let value = match bucket.find_in_slots(bits.tag(), |entry| holds(entry, key)) {
        Some(entry) => Some(copy_value(entry)),
        None if bucket.has_chain() => return Err(NotTold),
        None => None,
    };
    if seq.is_unchanged(version) { Ok(value) } else { Err(NotTold) }
}

/// Copies a value from the bucket at `index`, if that is the right one and nobody writes.
///
/// The error is the depth of a bucket that is not the right one, or nothing if somebody writes.
fn copy_from<'table, K, V, Q>(
    bucket: Bucket<K, V>,
    index: usize,
    bits: Bits,
    key: &Q,
) -> Result<Copied<'table, V>, Option<Depth>>
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
    let broken_off = Cell::new(false);
    let go_on = || {
        broken_off.set(!seq.is_unchanged(version));
        !broken_off.get()
    };
    let place = bucket.find(bits.tag(), |entry| holds(entry, key), go_on);
    // The version may be the old one again below, if a holder only looked.
    if broken_off.get() {
        return Err(None);
    }
    let value = place.map(|place| copy_value(place.entry));
    let copied = Copied { value, version: Some((seq, version)) };
    if seq.is_unchanged(version) { Ok(copied) } else { Err(None) }
}

/// Whether a slot holds this key, or did when it was loaded.
#[inline(always)]
fn holds<K, V, Q>(entry: *const (K, V), key: &Q) -> bool
where
    K: Borrow<Q>,
    Q: Eq + ?Sized,
{
    // SAFETY: in bounds of the slot.
    let place = unsafe { &raw const (*entry).0 };
    // SAFETY: plain, as `Core` has checked; a slot of a bucket or node, to which only `plain::store` writes, and
    // which lives.
    let known: K = unsafe { plain::load(place) };
    known.borrow() == key
}

#[inline(always)]
fn copy_value<K, V>(entry: *const (K, V)) -> V {
    // SAFETY: in bounds of the slot.
    let value = unsafe { &raw const (*entry).1 };
    // SAFETY: as in `holds`.
    unsafe { plain::load(value) }
}

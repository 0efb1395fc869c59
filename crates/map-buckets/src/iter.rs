//! Going through all entries: lent, while buckets may split, and owned.
//!
//! **Source**: the cursor of Redis' `SCAN` (Pieter Noordhuis): indices are counted up with their bits reversed. A bucket of depth
//! `d` then stands for an interval of the reversed hashes, a split halves that interval, and what has been
//! passed is always a beginning of the whole. So each entry that is there throughout is met exactly once, whatever splits.
//! Merges need `&mut`, hence never happen beside a cursor, only between two walks.

use core::fmt;
use core::iter::FusedIterator;
use core::ops::ControlFlow;
use std::vec;

use crate::raw::bits::{Bits, Depth};
use crate::raw::hold::{ByBucket, Held, Whole};
use crate::raw::index::Index;
use crate::table::{BucketTable, Core};

/// How far a walk over the buckets has come.
pub(crate) struct Cursor {
    /// The bits of the next bucket's keys, or `None` at the end.
    next: Option<usize>,
}

impl Cursor {
    pub(crate) const START: Self = Self { next: Some(0) };

    /// Bits that belong into the next bucket.
    pub(crate) fn bits(&self) -> Option<Bits> {
        self.next.map(Bits::from_low)
    }

    /// Passes the bucket that the cursor stands at, which has this depth.
    pub(crate) fn pass(&mut self, depth: Depth) {
        let Some(now) = self.next else { return };
        self.next = match depth.level() {
            None | Some(0) => None,
            Some(bits) => {
                let reversed = now.reverse_bits() >> (usize::BITS - bits);
                let next = reversed + 1;
                (next >> bits == 0).then(|| next.reverse_bits() >> (usize::BITS - bits))
            }
        };
    }
}

impl<K, V> BucketTable<K, V> {
    /// Lends every entry to `f` until it breaks.
    ///
    /// Each bucket is seen at one instant. Entries are copied, and nothing is locked while `f` runs.
    pub fn try_for_each<B>(&self, mut f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        let core = self.core();
        let mut cursor = Cursor::START;
        let mut copies = Vec::new();
        while let Some(bits) = cursor.bits() {
            let Some(depth) = core.copy_right(bits, &mut copies) else { break };
            cursor.pass(depth);
            copies.iter().try_for_each(|(key, value)| f(key, value))?;
        }
        ControlFlow::Continue(())
    }
}

impl<K, V> Core<K, V> {
    /// Copies all entries of the bucket that `bits` belong to; returns its depth.
    fn copy_right(&self, bits: Bits, into: &mut Vec<(K, V)>) -> Option<Depth> {
        let mut index = self.index.guess(bits);
        loop {
            let Some(bucket) = self.index.bucket(index) else {
                if index == 0 {
                    return None;
                }
                index = Index::<K, V>::redirect(bits, index, Depth::NONE);
                continue;
            };
            let depth = self.copy_all(bucket, into).unwrap_or_else(|_| {
                let held = Held::at(self, ByBucket, bucket);
                // Nobody writes to a held bucket.
                let _ = self.copy_all(bucket, into);
                held.header().depth()
            });
            if depth.is_right(bits, index) {
                return Some(depth);
            }
            index = Index::<K, V>::redirect(bits, index, depth);
        }
    }

    /// Takes all entries out of the bucket that `cursor` stands at, and passes it.
    fn take_bucket(&mut self, cursor: &mut Cursor) -> Option<Vec<(K, V)>> {
        let bits = cursor.bits()?;
        let mut held = Held::new(self, Whole, bits)?;
        cursor.pass(held.header().depth());
        let mut entries = Vec::new();
        self.copy_all(held.bucket(), &mut entries).ok()?;
        held.retain(|_, _| false);
        Some(entries)
    }

    /// Empties the bucket that `cursor` stands at if it has a chain, and passes it.
    fn empty_chained(&mut self, cursor: &mut Cursor) -> Option<()> {
        let mut held = Held::new(self, Whole, cursor.bits()?)?;
        cursor.pass(held.header().depth());
        if held.bucket().has_chain() {
            held.retain(|_, _| false);
        }
        Some(())
    }
}

/// The entries of a table, owned, in no particular order.
pub struct IntoIter<K, V> {
    core: Core<K, V>,
    cursor: Cursor,
    bucket: vec::IntoIter<(K, V)>,
}

impl<K, V> IntoIter<K, V> {
    fn new(core: Core<K, V>) -> Self {
        Self { core, cursor: Cursor::START, bucket: Vec::new().into_iter() }
    }
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    #[inline]
    fn next(&mut self) -> Option<(K, V)> {
        loop {
            if let Some(entry) = self.bucket.next() {
                return Some(entry);
            }
            self.bucket = self.core.take_bucket(&mut self.cursor)?.into_iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.core.len() + self.bucket.len();
        (len, Some(len))
    }
}

impl<K, V> ExactSizeIterator for IntoIter<K, V> {}
impl<K, V> FusedIterator for IntoIter<K, V> {}

impl<K, V> fmt::Debug for IntoIter<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<K, V> IntoIterator for BucketTable<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> IntoIter<K, V> {
        IntoIter::new(self.into_core())
    }
}

/// Empties the buckets that have chains, which gives back the nodes to be freed with the spare ones. Plain entries need no more.
impl<K, V> Drop for Core<K, V> {
    fn drop(&mut self) {
        let mut cursor = Cursor::START;
        while self.spare.is_in_use() && self.empty_chained(&mut cursor).is_some() {}
    }
}

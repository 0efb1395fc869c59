//! Several look-ups in a row.
//!
//! **Algorithm**: in a table that is larger than the processor's caches the line of the bucket is fetched [`AHEAD`] keys before it is looked into, and
//! the entry, for which the bucket must be there, [`NEAR`] keys before. Neither is waited for, nor does a wrong guess matter. In a smaller
//! table the processor comes as far by running ahead on its own.
//!
//! **Source**: group prefetching and its rolling form (Chen and others, ICDE 2004, for hash joins).
//!
//! **Measured**, one thread, 64 keys in a call, against the same keys one by one: 0.4 times the time with 4 million entries, 0.55 with a million, 0.7 with
//! 500,000, the same with 250,000; it would be 1.3 with 100,000. With the first stage alone 0.72 with 4 million; with half the distances 0.55.

use core::borrow::Borrow;

use crate::raw::bits::Bits;
use crate::raw::bucket::Shape;
use crate::table::BucketTable;

/// How many keys ahead of the one at work their buckets are fetched.
const AHEAD: usize = 16;

/// How many keys ahead their entries are.
const NEAR: usize = 8;

/// Buckets of so many bytes are more than the caches hold; with debug assertions fewer, so that tests come here.
const LARGE: usize = if cfg!(debug_assertions) { 1 << 12 } else { 1 << 22 };

impl<K, V> BucketTable<K, V> {
    /// Looks up keys in turn, each with a number and its hash; `f` gets the number and a copy of what was found.
    #[inline]
    pub fn copy_each<'key, Q>(
        &self,
        keys: impl Iterator<Item = (usize, u64, &'key Q)> + Clone,
        mut f: impl FnMut(usize, Option<&V>),
    ) where
        K: Borrow<Q>,
        Q: Eq + ?Sized + 'key,
    {
        if self.buckets() * Shape::<K, V>::STRIDE < LARGE {
            keys.for_each(|(number, hash, key)| f(number, self.copy_soon(hash, key).as_ref()));
            return;
        }
        let index = &self.core().index;
        let mut ahead = keys.clone().map(|(_, hash, _)| Bits::of(hash));
        let mut near = ahead.clone();
        ahead.by_ref().take(AHEAD).for_each(|bits| index.prefetch(bits));
        near.by_ref().take(NEAR).for_each(|bits| index.prefetch_entry(bits));
        for (number, hash, key) in keys {
            if let Some(bits) = ahead.next() {
                index.prefetch(bits);
            }
            if let Some(bits) = near.next() {
                index.prefetch_entry(bits);
            }
            f(number, self.copy_soon(hash, key).as_ref());
        }
    }

    /// As [`copy`](Self::copy), in line as far as there is nothing in the way.
    #[inline(always)]
    fn copy_soon<Q>(&self, hash: u64, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.try_copy(hash, key).unwrap_or_else(|_| self.copy(hash, key))
    }
}

//! Several look-ups in a row.
//!
//! **Algorithm**: in a table that is larger than the processor's caches the entries of the next [`AHEAD`] keys are fetched while one
//! is looked at. What can be fetched without being waited for is the entry: to know where it is, its control bytes
//! must be read. In a small table the second search is only work.
//!
//! **Measured**, one thread, 64 keys in a call: strings and values of 128 bytes 0.85 times the time with 300,000 entries and with a million, the same
//! with 100,000; numbers 0.75 times the time of single look-ups with a million and with 4 million entries, the same with 500,000, and 1.45 with 250,000, had it been
//! done there. A string's characters, to which only the key knows the way, remain.

use core::borrow::Borrow;

use map_sync::prefetch::prefetch;

use crate::Table;

/// How many keys ahead of the one at work their entries are fetched.
const AHEAD: usize = 8;

/// A table of so many bytes is more than the caches hold; with debug assertions less, so that tests come here.
const LARGE: usize = if cfg!(debug_assertions) { 1 << 12 } else { 1 << 24 };

impl<K, V> Table<K, V> {
    /// Looks up keys in turn, each with a number and its hash; `f` gets the number and what was found.
    #[inline]
    pub fn find_each<'key, Q>(
        &self,
        keys: impl Iterator<Item = (usize, u64, &'key Q)> + Clone,
        mut f: impl FnMut(usize, Option<&V>),
    ) where
        K: Borrow<Q>,
        Q: Eq + ?Sized + 'key,
    {
        if self.live.allocation_size() < LARGE {
            keys.for_each(|(number, hash, key)| f(number, self.find(hash, key)));
            return;
        }
        let mut ahead = keys.clone().map(|(_, hash, _)| hash);
        ahead.by_ref().take(AHEAD).for_each(|hash| self.prefetch(hash));
        for (number, hash, key) in keys {
            if let Some(hash) = ahead.next() {
                self.prefetch(hash);
            }
            f(number, self.find(hash, key));
        }
    }

    /// Fetches the entry that this is most likely the hash of.
    #[inline]
    fn prefetch(&self, hash: u64) {
        if let Some(entry) = self.live.iter_hash(hash).next() {
            prefetch(entry);
        }
    }
}

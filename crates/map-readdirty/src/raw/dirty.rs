//! The dirty level: entries that are not in the published array yet, and the filter before it.
//!
//! **Layout**: at most [`DIRTY_MAX`] entries in the order of their insertion, their hashes beside
//! them; a search compares hashes one by one. The filter is one cache line of 8 words; a hash sets
//! two bits of one word. With 64 entries a lookup of an absent key takes the mutex in some 5 % of
//! cases, with few entries hardly ever.
//!
//! **Invariant** (D1): while an entry is in the dirty level, the bits of its hash are set.
//!
//! **Ordering**: `SeqCst`. A reader loads its word *before* it searches the published array. If the
//! bits are not set then, the key was not in the dirty level at that instant, and a later promotion
//! cannot have carried it past the reader. The bits are cleared only after the promoted entries are
//! in the array: who sees them cleared sees the entries there.

use map_sync::shim::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

use super::entry::Entry;
use super::table::mix;

/// The most entries that wait for promotion.
pub(crate) const DIRTY_MAX: usize = 64;

const WORDS: usize = 8;

/// A Bloom filter over the dirty level, on a cache line of its own.
#[repr(align(64))]
pub(crate) struct Filter {
    words: [AtomicU64; WORDS],
}

/// The two bits of a hash in its word.
#[inline]
fn bits(hash: u64) -> u64 {
    let mixed = mix(hash);
    1 << (mixed >> 58) | 1 << (mixed >> 52 & 63)
}

/// A word of the filter, as it was at one instant.
#[derive(Clone, Copy)]
pub(crate) struct FilterWord(u64);

impl FilterWord {
    /// Returns whether the dirty level may have held an entry with this hash at that instant.
    #[inline]
    pub(crate) fn may_hold(self, hash: u64) -> bool {
        self.0 != 0 && self.0 & bits(hash) == bits(hash)
    }
}

impl Filter {
    pub(crate) fn new() -> Self {
        Self { words: [const { AtomicU64::new(0) }; WORDS] }
    }

    #[inline]
    fn word(&self, hash: u64) -> &AtomicU64 {
        &self.words[hash as usize % WORDS]
    }

    #[inline]
    pub(crate) fn load(&self, hash: u64) -> FilterWord {
        FilterWord(self.word(hash).load(SeqCst))
    }

    /// Sets the bits of `hash`. Only the holder of the mutex may call it.
    pub(crate) fn set(&self, hash: u64) {
        self.word(hash).fetch_or(bits(hash), SeqCst);
    }

    /// Clears all bits. Only the holder of the mutex may call it.
    pub(crate) fn clear(&self) {
        for word in &self.words {
            // Relaxed: under the mutex nobody else writes the word.
            if word.load(Relaxed) != 0 {
                word.store(0, SeqCst);
            }
        }
    }
}

/// The entries that wait for promotion. Lives under the mutex.
pub(crate) struct Dirty<K, V> {
    hashes: Vec<u64>,
    entries: Vec<*mut Entry<K, V>>,
}

// SAFETY: the pointers own entries of `K` and `V` and are used as such, under the map's mutex.
unsafe impl<K: Send, V: Send> Send for Dirty<K, V> {}

impl<K, V> Dirty<K, V> {
    pub(crate) const fn new() -> Self {
        Self { hashes: Vec::new(), entries: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Finds the entry with this hash for which `is_key` holds. Never removes an entry, so the
    /// pointer is good for as long as the caller holds the mutex, or has been pinned meanwhile.
    pub(crate) fn find(
        &self,
        hash: u64,
        mut is_key: impl FnMut(&K) -> bool,
    ) -> Option<*mut Entry<K, V>> {
        let with_hash = self.hashes.iter().zip(&self.entries).filter(|(known, _)| **known == hash);
        with_hash.map(|(_, entry)| *entry).find(|&entry| {
            // SAFETY: entries in the list are alive.
            is_key(unsafe { &(*entry).key })
        })
    }

    /// Makes room for one more entry, so that the next `push` cannot fail.
    pub(crate) fn reserve(&mut self) {
        self.hashes.reserve(1);
        self.entries.reserve(1);
    }

    pub(crate) fn push(&mut self, hash: u64, entry: *mut Entry<K, V>) {
        self.hashes.push(hash);
        self.entries.push(entry);
    }

    /// Takes the newest entry out.
    pub(crate) fn pop(&mut self) -> Option<*mut Entry<K, V>> {
        self.hashes.pop();
        self.entries.pop()
    }
}

#[cfg(test)]
#[path = "dirty_tests.rs"]
mod tests;

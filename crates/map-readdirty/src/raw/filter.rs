//! The filter before the dirty level.
//!
//! **Layout**: one cache line of 8 words; a hash sets
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

/// Spreads what a hash has in any of its bits over the upper ones.
#[inline]
pub(super) fn mix(hash: u64) -> u64 {
    hash.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

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

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;

//! A pointer-sized word and 64 bits beside it that change together.
//!
//! **Algorithm**: on x86-64 one instruction, `cmpxchg16b`, compares and exchanges both. Who looks loads the word, the bits and
//! the word again, and looks once more if the word has changed meanwhile; the users of a pair never store the same word twice
//! (see `entry`), so an unchanged word means that the bits belong to it.
//!
//! **Progress**: lock-free; a look is repeated only if somebody has exchanged the pair.
//!
//! **Without the instruction** (the very first x86-64 processors) exchanges take turns under one lock of the process, and set the word to
//! [`CHANGING`] meanwhile. On other processors there are no pairs, only words, and
//! neither in a model, which does not see what the instruction does: [`HAVE_PAIRS`].
//!
//! **Ordering**: `SeqCst` loads of both parts; the instruction is a full fence.

use std::ptr;

use map_sync::shim::MODEL;
use map_sync::shim::atomic::{AtomicPtr, AtomicU64, Ordering::SeqCst};

#[cfg(all(target_arch = "x86_64", not(any(atlas_loom, atlas_shuttle))))]
use map_sync::wide::exchange_at;

/// Whether both parts can be exchanged at once.
pub(crate) const HAVE_PAIRS: bool = cfg!(target_arch = "x86_64") && !MODEL;

/// A word that says that the pair is being exchanged; no other word may be equal.
pub(crate) const CHANGING: usize = 3;

/// A word and bits. On most processors the word alone is used.
#[derive(Debug)]
#[repr(C, align(16))]
pub(crate) struct Pair<T> {
    word: AtomicPtr<T>,
    bits: AtomicU64,
}

/// What a pair was seen to hold at one instant.
#[derive(Debug)]
pub(crate) struct Seen<T> {
    pub(crate) word: *mut T,
    pub(crate) bits: u64,
}

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Seen<T> {}

impl<T> Pair<T> {
    pub(crate) const fn new(word: *mut T, bits: u64) -> Self {
        Self { word: AtomicPtr::new(word), bits: AtomicU64::new(bits) }
    }

    /// The word alone.
    #[inline(always)]
    pub(crate) fn word(&self) -> &AtomicPtr<T> {
        &self.word
    }

    /// Both parts at one instant.
    #[inline(always)]
    pub(crate) fn load(&self) -> Seen<T> {
        loop {
            let word = self.word.load(SeqCst);
            let bits = self.bits.load(SeqCst);
            if self.word.load(SeqCst) == word && word.addr() != CHANGING {
                return Seen { word, bits };
            }
            std::hint::spin_loop();
        }
    }

    /// Exchanges both parts if they are as they were seen; returns whether they were.
    #[inline]
    pub(crate) fn exchange(&self, seen: Seen<T>, new: Seen<T>) -> bool {
        #[cfg(all(target_arch = "x86_64", not(any(atlas_loom, atlas_shuttle))))]
        if std::arch::is_x86_feature_detected!("cmpxchg16b") {
            let both = |pair: Seen<T>| [pair.word.addr() as u64, pair.bits];
            // SAFETY: 16 aligned bytes of atomics; the processor has the instruction. Words that come with bits are no addresses.
            return unsafe { exchange_at(ptr::from_ref(self).cast(), both(seen), both(new)) };
        }
        self.exchange_in_turn(seen, new)
    }

    #[cold]
    fn exchange_in_turn(&self, seen: Seen<T>, new: Seen<T>) -> bool {
        static TURN: map_sync::shim::Mutex<()> = map_sync::shim::Mutex::new(());
        let _turn = TURN.lock();
        let now = self.load();
        if now.word != seen.word || now.bits != seen.bits {
            return false;
        }
        self.word.store(ptr::without_provenance_mut(CHANGING), SeqCst);
        self.bits.store(new.bits, SeqCst);
        self.word.store(new.word, SeqCst);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Way = fn(&Pair<u64>, Seen<u64>, Seen<u64>) -> bool;

    /// The bits that belong to a word.
    fn bits(word: usize) -> u64 {
        (word as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn of(word: usize) -> Seen<u64> {
        Seen { word: ptr::without_provenance_mut(word), bits: bits(word) }
    }

    fn both_parts_change_together(exchange: Way) {
        const EACH: usize = 20_000;
        let pair = Pair::new(of(4).word, bits(4));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut done = 0;
                    while done < EACH {
                        let seen = pair.load();
                        assert_eq!(seen.bits, bits(seen.word.addr()), "a torn pair");
                        done += usize::from(exchange(&pair, seen, of(seen.word.addr() + 4)));
                    }
                });
            }
        });
        assert_eq!(pair.load().word.addr(), 4 + 4 * 3 * EACH);
        let wrong = Seen { bits: 1, ..pair.load() };
        assert!(!exchange(&pair, wrong, of(8)), "the bits are compared, too");
    }

    #[test]
    fn both_parts_change_together_in_turn() {
        both_parts_change_together(Pair::exchange_in_turn);
    }

    #[test]
    fn both_parts_change_together_at_once() {
        if HAVE_PAIRS {
            both_parts_change_together(Pair::exchange);
        }
    }
}

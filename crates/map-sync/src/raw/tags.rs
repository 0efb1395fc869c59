//! Bytes of hashes, compared many at a time. What they are for: [`crate::tags`].

use crate::shim::atomic::{AtomicU64, Ordering::Relaxed};

/// Slots, as the bits of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots(pub u32);

impl Iterator for Slots {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let slot = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(slot)
    }
}

/// The tags of eight slots. All are zero at first, and zeroed memory is such.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Eight(AtomicU64);

impl Eight {
    /// The slots with this tag.
    #[inline(always)]
    #[must_use]
    pub fn equal_to(&self, tag: u8) -> Slots {
        Slots(equal_in_word(self.0.load(Relaxed), tag))
    }

    /// Sets a tag. For the one writer only.
    #[inline(always)]
    pub fn set(&self, slot: usize, tag: u8) {
        let shift = 8 * (slot as u32 & 7);
        let word = self.0.load(Relaxed);
        self.0.store(word & !(0xFF << shift) | u64::from(tag) << shift, Relaxed);
    }

    /// The tag of a slot.
    #[inline]
    #[must_use]
    pub fn get(&self, slot: usize) -> u8 {
        (self.0.load(Relaxed) >> (8 * (slot & 7))) as u8
    }
}

/// The tags of 32 slots. All are zero at first, and zeroed memory is such.
#[derive(Debug, Default)]
#[repr(C, align(16))]
pub struct Tags([Eight; 4]);

impl Tags {
    /// The slots with this tag.
    #[inline(always)]
    #[must_use]
    pub fn equal_to(&self, tag: u8) -> Slots {
        Slots(wide::equal(&self.0, tag))
    }

    /// Sets a tag. For the one writer only.
    #[inline(always)]
    pub fn set(&self, slot: usize, tag: u8) {
        self.0[slot >> 3 & 3].set(slot, tag);
    }

    /// The tag of a slot.
    #[inline]
    #[must_use]
    pub fn get(&self, slot: usize) -> u8 {
        self.0[slot >> 3 & 3].get(slot)
    }
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * LOW;

/// Gathers the highest bit of each byte.
#[inline(always)]
fn gather(highs: u64) -> u32 {
    ((highs >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

#[inline(always)]
fn equal_in_word(word: u64, tag: u8) -> u32 {
    let x = word ^ (u64::from(tag) * LOW);
    // Exactly the bytes that are zero: no carry leaves a byte.
    gather(!(((x & !HIGH) + !HIGH) | x) & HIGH)
}

/// The tags of 32 slots on x86-64. Not under a model checker, which would not see the load.
#[cfg(all(target_arch = "x86_64", not(any(atlas_loom, atlas_shuttle))))]
mod wide {
    use core::arch::asm;
    use core::arch::x86_64::{__m128i, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set1_epi8};

    use super::Eight;

    /// Loads sixteen tags, each by itself like a relaxed atomic byte.
    ///
    /// There is no such load in the language. To the compiler the instruction is opaque; the processor gives each aligned word of
    /// the vector whole. Whoever reads beside a writer asks afterwards whether the tags belong together.
    #[inline(always)]
    fn load(first: *const Eight) -> __m128i {
        let tags: __m128i;
        // SAFETY: reads 16 bytes of words, the two at `first` in the `Tags`, whose alignment is 16.
        unsafe {
            asm!(
                "movdqa {tags}, xmmword ptr [{first}]",
                tags = out(xmm_reg) tags,
                first = in(reg) first,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        tags
    }

    #[inline(always)]
    fn compare(tags: __m128i, tag: u8) -> u32 {
        // The compiler that the workspace promises to build with calls these intrinsics unsafe, newer ones do not.
        #[allow(unused_unsafe, reason = "safe in newer compilers")]
        #[allow(clippy::multiple_unsafe_ops_per_block, reason = "one expression over registers")]
        // SAFETY: SSE2 is part of x86-64.
        unsafe {
            _mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8(tag as i8))) as u32
        }
    }

    #[inline(always)]
    pub(super) fn equal(words: &[Eight; 4], tag: u8) -> u32 {
        let first = words.as_ptr();
        compare(load(first), tag) | compare(load(first.wrapping_add(2)), tag) << 16
    }
}

/// The tags of 32 slots on other processors.
#[cfg(any(not(target_arch = "x86_64"), atlas_loom, atlas_shuttle))]
mod wide {
    use super::{Eight, Relaxed};

    #[inline(always)]
    pub(super) fn equal(words: &[Eight; 4], tag: u8) -> u32 {
        let [a, b, c, d] =
            words.each_ref().map(|word| super::equal_in_word(word.0.load(Relaxed), tag));
        a | b << 8 | c << 16 | d << 24
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_compare_agree_with_a_loop() {
        let tags = Tags([const { Eight(AtomicU64::new(0)) }; 4]);
        let mut state = 1_u64;
        for _ in 0..2000 {
            let mut bytes = [0; 32];
            for (slot, byte) in bytes.iter_mut().enumerate() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte =
                    [0, 1, 2, 0x7F, 0x80, 0x81, 0xFF, (state >> 40) as u8][(state >> 61) as usize];
                tags.set(slot, *byte);
            }
            for tag in [0, 1, 2, 0x7F, 0x80, 0x81, 0xFF, (state >> 33) as u8] {
                let slots = (0..32).filter(|&slot| bytes[slot] == tag);
                let expected = slots.fold(0, |bits, slot| bits | 1 << slot);
                assert_eq!(tags.equal_to(tag), Slots(expected));
                for (index, eight) in tags.0.iter().enumerate() {
                    assert_eq!(eight.equal_to(tag).0, expected >> (8 * index) & 0xFF);
                }
            }
            assert!((0..32).all(|slot| tags.get(slot) == bytes[slot]));
        }
    }
}

//! Hashes, and what an index makes of them: levels, depths, masks.

/// The highest level: an index has 31 bits.
pub(crate) const MAX_LEVEL: u32 = 31;

/// Set in the state while buckets are being split; the rest is the mask of the level.
pub(super) const GROWING: usize = 1 << 32;

/// Set beside [`GROWING`] while split buckets are being merged.
pub(super) const SHRINKING: usize = 1 << 33;

/// A bit above those of any index. It is set in all `Bits`, so that [`Depth::NONE`] is right for none.
const UNUSED: u32 = 1 << MAX_LEVEL;

/// A hash, mixed so that any bits of it may be used: for the index, and for the tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bits {
    pub(super) index: u32,
    tag: u8,
}

impl Bits {
    /// The upper half of a product depends on all bits of the hash, so that identity hashers, and hashers with constant
    /// low or high bits, spread the keys too; turning the bytes brings it to where indices are taken from.
    #[inline(always)]
    pub(crate) fn of(hash: u64) -> Self {
        let product = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self { index: product.swap_bytes() as u32 | UNUSED, tag: (product >> 24) as u8 }
    }

    /// Bits that begin so, and go on with zeros; without a tag.
    pub(crate) fn from_low(low: usize) -> Self {
        Self { index: low as u32 | UNUSED, tag: 0 }
    }

    /// The low bits: the index at a level.
    #[inline(always)]
    pub(crate) fn low(self, level: u32) -> usize {
        self.index as usize & mask(level)
    }

    /// Where the hash stands among all, in an order in which the keys of a bucket are neighbours, whatever its depth.
    pub(crate) fn rank(self) -> u32 {
        self.index.reverse_bits()
    }

    /// The tag, from bits that no index uses.
    #[inline(always)]
    pub(crate) fn tag(self) -> u8 {
        self.tag
    }
}

/// How many low bits of a hash a bucket's keys share with its index: the complement of their mask, so that zeroed memory is
/// a bucket that is right for no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Depth(pub(super) u32);

impl Depth {
    /// That of a bucket that is not in use.
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn of_level(level: u32) -> Self {
        Self(!(((1_u64 << level) - 1) as u32))
    }

    /// The level, if the bucket is in use.
    pub(crate) fn level(self) -> Option<u32> {
        (self != Self::NONE).then(|| self.0.trailing_zeros())
    }

    /// Whether two hashes belong in the same bucket, one of which belongs in a bucket of this depth.
    pub(crate) fn joins(self, one: Bits, other: Bits) -> bool {
        (one.index ^ other.index) & !self.0 == 0
    }

    /// Whether a bucket of this index is the right one for a hash.
    #[inline(always)]
    pub(crate) fn is_right(self, bits: Bits, index: usize) -> bool {
        bits.index & !self.0 == index as u32
    }
}

/// What a reader sees of the index at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State(pub(super) usize);

impl State {
    pub(crate) fn level(self) -> u32 {
        (self.0 as u32).count_ones()
    }

    #[inline(always)]
    pub(crate) fn is_growing(self) -> bool {
        self.0 & GROWING != 0
    }

    /// Whether what looks like a growth is the contrary.
    pub(crate) fn is_shrinking(self) -> bool {
        self.0 & SHRINKING != 0
    }
}

/// The mask of a level.
#[inline(always)]
pub(super) fn mask(level: u32) -> usize {
    (1 << level) - 1
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn hashes() -> impl Iterator<Item = u64> {
        (0..2000_u64).flat_map(|n| [n, n << 52, n.wrapping_mul(0xBF58_476D_1CE4_E5B9)])
    }

    #[test]
    fn a_bucket_that_is_not_in_use_is_right_for_no_hash() {
        for bits in hashes().map(Bits::of).chain((0..64).map(Bits::from_low)) {
            for index in (0..=MAX_LEVEL).map(|level| bits.low(level)) {
                assert!(!Depth::NONE.is_right(bits, index), "{bits:?} in {index}");
            }
        }
    }

    #[test]
    fn tags_differ_as_far_as_a_byte_can() {
        let tags: HashSet<u8> = hashes().map(|hash| Bits::of(hash).tag()).collect();
        assert_eq!(tags.len(), 256);
    }
}

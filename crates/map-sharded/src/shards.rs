//! Which shard a key belongs to, how many shards there are, and what each must have room for.

use map_sync::shim::Static;
use map_sync::shim::atomic::{AtomicUsize, Ordering::Relaxed};

/// The most shards a map can have: a shard's number fits a byte.
pub(crate) const MAX_SHARDS: usize = 256;

/// How many keys `get_many` and `insert_many` group by shard at a time.
pub(crate) const CHUNK: usize = 64;

/// Shards for each hardware thread. An operation then finds its shard in use by one of `n - 1` other
/// running threads with a chance below 1 in 4, even if those did nothing else.
const SHARDS_PER_THREAD: usize = 4;

/// Returns the number of shards of a map that is not told one.
pub(crate) fn default_shards() -> usize {
    static SHARDS: Static<AtomicUsize> = Static::new(AtomicUsize::new(0));
    // Relaxed: pairs with nothing; threads that race here store the same number.
    match SHARDS.load(Relaxed) {
        0 => {
            let threads = map_sync::shim::thread::available_parallelism().map_or(4, usize::from);
            let shards = round(threads.saturating_mul(SHARDS_PER_THREAD));
            SHARDS.store(shards, Relaxed);
            shards
        }
        shards => shards,
    }
}

/// Makes a number of shards a power of two within the limits.
pub(crate) fn round(shards: usize) -> usize {
    shards.clamp(1, MAX_SHARDS).next_power_of_two()
}

/// Picks the shard of a hash.
///
/// hashbrown takes the bucket from the low bits of the hash and a tag from its top seven. Were the shard
/// any of these, all keys of a shard would agree in them. It is therefore taken from the top of a
/// product with 2^64 divided by the golden ratio, to which every bit of the hash contributes: keys
/// are spread also by a hasher that returns the key itself, or leaves its low or high bits constant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selector {
    shift: u32,
}

impl Selector {
    /// For a number of shards that is a power of two.
    pub(crate) fn new(shards: usize) -> Self {
        Self { shift: 63 - shards.trailing_zeros() }
    }

    /// Returns the number of shards.
    pub(crate) fn shards(self) -> usize {
        1 << (63 - self.shift)
    }

    #[inline]
    pub(crate) fn shard(self, hash: u64) -> usize {
        // In two shifts, since there is no shift by 64 for a single shard.
        (hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1 >> self.shift) as usize
    }
}

/// Returns the room that each shard needs so that an evenly spread map has room for `mean` per shard.
///
/// Keys fall into shards at random, so that a shard holds `mean` give or take a standard deviation of
/// `sqrt(mean)`. Four of them, and a little for small means, make it unlikely that a shard grows early.
pub(crate) fn room_for(mean: usize) -> usize {
    if mean == 0 { 0 } else { mean.saturating_add(4 * mean.isqrt() + 2) }
}

/// The inverse of [`room_for`]: the largest mean that `room` is enough for.
pub(crate) fn mean_for(room: usize) -> usize {
    let mut mean = room.saturating_sub(4 * room.isqrt() + 2);
    while room_for(mean + 1) <= room {
        mean += 1;
    }
    mean
}

/// Lists of the positions in a chunk that belong to the same shard.
#[derive(Debug)]
pub(crate) struct Groups {
    first: [u8; MAX_SHARDS],
    next: [u8; CHUNK],
}

const END: u8 = u8::MAX;

impl Groups {
    /// Groups the positions of `shards`, at most [`CHUNK`] of them.
    #[inline]
    pub(crate) fn new(shards: impl DoubleEndedIterator<Item = usize> + ExactSizeIterator) -> Self {
        let mut groups = Self { first: [END; MAX_SHARDS], next: [END; CHUNK] };
        // From the back, so that each list runs forwards: of two writes of a key the later one wins.
        for (position, shard) in shards.enumerate().rev() {
            groups.next[position] = groups.first[shard];
            groups.first[shard] = position as u8;
        }
        groups
    }

    /// Returns whether the group of `shard` begins at `position`.
    #[inline]
    pub(crate) fn begins_at(&self, position: usize, shard: usize) -> bool {
        usize::from(self.first[shard]) == position
    }

    /// Returns the positions of the group of `shard`, in their order.
    #[inline]
    pub(crate) fn of(&self, shard: usize) -> impl Iterator<Item = usize> + Clone + '_ {
        let known = |position: u8| (position != END).then_some(usize::from(position));
        core::iter::successors(known(self.first[shard]), move |&at| known(self.next[at]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shard_gets_its_share_whatever_the_hasher() {
        type Hash = fn(u64) -> u64;
        let patterns: [(&str, Hash); 5] = [
            ("identity", |n| n),
            ("low 32 bits constant", |n| n << 32),
            ("only the top 10 bits", |n| n << 54),
            ("multiples of 4096", |n| n * 4096),
            ("high 32 bits constant", |n| n.wrapping_mul(0x9E37_79B9) & 0xFFFF_FFFF),
        ];
        for shards in [1, 2, 8, 64, 256] {
            let selector = Selector::new(shards);
            assert_eq!(selector.shards(), shards);
            for (name, hash) in patterns {
                let mut counts = vec![0_usize; shards];
                for n in 0..1024 {
                    counts[selector.shard(hash(n))] += 1;
                }
                let most = counts.iter().max().copied().unwrap_or(0);
                // What chance would do: the mean and a few standard deviations.
                assert!(
                    most <= room_for(1024 / shards),
                    "{name}: {most} of 1024 in one of {shards}"
                );
            }
        }
    }

    #[test]
    fn room_and_mean_are_inverse() {
        for mean in (0..2000).chain([1 << 20, 1 << 40]) {
            assert_eq!(mean_for(room_for(mean)), mean);
        }
        for room in 0..2000 {
            assert!(room_for(mean_for(room)) <= room);
        }
        assert_eq!(room_for(usize::MAX), usize::MAX);
    }

    #[test]
    fn groups_are_complete_and_in_order() {
        let shards = [3, 1, 3, 255, 1, 3];
        let groups = Groups::new(shards.iter().copied());
        assert_eq!(groups.of(3).collect::<Vec<_>>(), [0, 2, 5]);
        assert_eq!(groups.of(1).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(groups.of(255).collect::<Vec<_>>(), [3]);
        assert_eq!(groups.of(0).count(), 0);
        let begins = |position: &usize| groups.begins_at(*position, shards[*position]);
        assert_eq!((0..6).filter(begins).collect::<Vec<_>>(), [0, 1, 3]);
    }

    #[test]
    fn counts_of_shards_are_powers_of_two_within_limits() {
        assert_eq!([0, 1, 3, 8, 200, 257].map(round), [1, 1, 4, 8, 256, 256]);
        assert!(default_shards().is_power_of_two());
    }
}

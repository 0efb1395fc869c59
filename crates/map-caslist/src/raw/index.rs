//! The index: where the sentinel of each bucket is.
//!
//! **Layout**: at level `b` there are `2^b` buckets, and the bucket of an order is its `b` highest
//! bits. The first sentinel of bucket `p` at level `b` is that of bucket `p * 2^k` at level `b + k`,
//! so a sentinel belongs to the lowest level that has it: with `z` trailing zeros in `p`, to level
//! `b - z`, where its position is odd. Level `BASE_LEVEL` and those below it share one array;
//! every level above has a segment of its own with its odd positions in order. Raising the level
//! adds a segment and moves nothing.
//!
//! ```text
//! level  buckets   segment
//!  ≤ 4   0..16     base, inline
//!    5   16 new    1, 3, 5 .. 31
//!    6   32 new    1, 3, 5 .. 63
//! ```
//!
//! A sentinel is one word, its link; its order follows from its address.
//!
//! **Invariants**: (I1) the level only rises. (I2) The segments of all levels up to the current one
//! are there, and none is freed or replaced before the index is. (I3) All base sentinels are in the
//! list from the start.
//!
//! **Ordering**: a segment is published by the release of its compare-and-swap and of the level's
//! rise after it; loads of both are acquires.

use core::alloc::Layout;
use core::ptr::{self, NonNull};
use std::alloc::{alloc_zeroed, dealloc};

use map_core::ReserveError;
use map_sync::contention;
use map_sync::shim::atomic::{
    AtomicPtr, AtomicU32,
    Ordering::{AcqRel, Acquire, Release},
};

use super::link::{Link, Tagged};

const BASE_LEVEL: u32 = 4;
const BASE_LEN: usize = 1 << BASE_LEVEL;
/// The highest level: more buckets than memory can hold entries for.
const MAX_LEVEL: u32 = if usize::BITS >= 64 { 44 } else { 26 };
const SEGMENTS: usize = (MAX_LEVEL - BASE_LEVEL) as usize;

/// How many entries a bucket has on average before the level rises.
const LOAD: usize = 1;

pub(super) struct Index {
    level: AtomicU32,
    base: [Link; BASE_LEN],
    segments: [AtomicPtr<Link>; SEGMENTS],
}

impl Index {
    /// An index whose sentinels are in no list: see [`join_base`](Self::join_base).
    pub(super) fn new() -> Self {
        Self {
            level: AtomicU32::new(BASE_LEVEL),
            base: [const { Link::new(Tagged::END) }; BASE_LEN],
            segments: [const { AtomicPtr::new(ptr::null_mut()) }; SEGMENTS],
        }
    }

    /// Makes the empty list of the base sentinels. The index must not move any more.
    pub(super) fn join_base(&self) {
        for pair in self.base.windows(2) {
            pair[0].store(Tagged::sentinel(&pair[1]));
        }
    }

    /// The sentinel before everything else.
    pub(super) fn first(&self) -> &Link {
        &self.base[0]
    }

    #[inline]
    pub(super) fn level(&self) -> u32 {
        self.level.load(Acquire)
    }

    /// The bucket of `order` at `level`.
    #[inline]
    pub(super) fn bucket(order: u64, level: u32) -> u64 {
        order >> (64 - level)
    }

    /// The sentinel of a bucket, which may not be in the list yet.
    #[inline]
    pub(super) fn sentinel(&self, level: u32, bucket: u64) -> &Link {
        let zeros = bucket.trailing_zeros();
        if zeros + BASE_LEVEL >= level {
            return &self.base[(bucket >> (level - BASE_LEVEL)) as usize & (BASE_LEN - 1)];
        }
        let segment = self.segments[(level - zeros - BASE_LEVEL - 1) as usize].load(Acquire);
        let place = (bucket >> zeros >> 1) as usize;
        // SAFETY: by I2 the segment is there, since `level` was read from the index; a bucket of
        // `level` bits with that many trailing zeros has a place within it.
        let sentinel = unsafe { segment.add(place) };
        // SAFETY: by I2 segments live as long as the index; all bytes are initialised links.
        unsafe { &*sentinel }
    }

    /// The lowest order that belongs behind a sentinel of this index.
    #[cold]
    pub(super) fn order(&self, sentinel: Tagged) -> u64 {
        let address = sentinel.address().addr();
        let place = |start: *const Link, len: usize| {
            let offset = address.wrapping_sub(start.addr()) / size_of::<Link>();
            (offset < len).then_some(offset as u64)
        };
        if let Some(place) = place(self.base.as_ptr(), BASE_LEN) {
            return place << (64 - BASE_LEVEL);
        }
        for level in BASE_LEVEL + 1..=MAX_LEVEL {
            let segment = self.segments[segment_of(level)].load(Acquire);
            let len = if segment.is_null() { 0 } else { segment_len(level) };
            if let Some(place) = place(segment, len) {
                return (place * 2 + 1) << (64 - level);
            }
        }
        unreachable!("a sentinel is in one of the segments")
    }

    /// How many entries fit before the level rises.
    pub(super) fn capacity(&self) -> usize {
        capacity_at(self.level())
    }

    /// Makes room for `entries`.
    pub(super) fn reserve(&self, entries: usize) -> Result<(), ReserveError> {
        let mut goal = BASE_LEVEL;
        while capacity_at(goal) < entries {
            goal += 1;
            if goal > MAX_LEVEL {
                return Err(ReserveError::CapacityOverflow);
            }
        }
        // The largest first, and none is published before all are there: a refusal changes nothing.
        let mut fresh = Vec::new();
        for level in (self.level() + 1..=goal).rev() {
            if self.segments[segment_of(level)].load(Acquire).is_null() {
                fresh.push(Segment::allocate(level)?);
            }
        }
        for segment in fresh {
            segment.publish(self);
        }
        self.raise(goal);
        Ok(())
    }

    /// Doubles the number of buckets if there are more than `entries` are due. Does nothing if
    /// memory cannot be had: the list only gets slower.
    #[cold]
    pub(super) fn grow(&self, entries: usize) {
        let level = self.level();
        if entries <= capacity_at(level) || level == MAX_LEVEL {
            return;
        }
        if self.segments[segment_of(level + 1)].load(Acquire).is_null() {
            let Ok(segment) = Segment::allocate(level + 1) else { return };
            segment.publish(self);
        }
        self.raise(level + 1);
    }

    /// Raises the level to `goal`, whose segments and those below it are there.
    fn raise(&self, goal: u32) {
        // Release: whoever reads the new level finds its segments (partner: `level`).
        self.level.fetch_max(goal, Release);
    }
}

fn capacity_at(level: u32) -> usize {
    LOAD << level
}

/// Where the segment of a level above the base is kept.
fn segment_of(level: u32) -> usize {
    (level - BASE_LEVEL - 1) as usize
}

/// How many sentinels belong to a level above the base.
fn segment_len(level: u32) -> usize {
    1 << (level - 1)
}

fn segment_layout(level: u32) -> Result<Layout, ReserveError> {
    Layout::array::<Link>(segment_len(level)).map_err(|_| ReserveError::CapacityOverflow)
}

/// A segment that no index has yet.
struct Segment {
    level: u32,
    links: NonNull<Link>,
}

impl Segment {
    fn allocate(level: u32) -> Result<Self, ReserveError> {
        let layout = segment_layout(level)?;
        // SAFETY: a segment has at least one link, so the size is not zero.
        let links = unsafe { alloc_zeroed(layout) };
        let links = NonNull::new(links.cast()).ok_or(ReserveError::AllocError)?;
        Ok(Self { level, links })
    }

    /// Gives the segment to `index`, unless another thread was first.
    fn publish(self, index: &Index) {
        let place = &index.segments[segment_of(self.level)];
        // AcqRel, Acquire: partner of every load of a segment.
        if place.compare_exchange(ptr::null_mut(), self.links.as_ptr(), AcqRel, Acquire).is_ok() {
            contention::indexed();
            core::mem::forget(self);
        }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if let Ok(layout) = segment_layout(self.level) {
            // SAFETY: the links were allocated with this layout, and no index has them.
            unsafe { dealloc(self.links.as_ptr().cast(), layout) };
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        for level in BASE_LEVEL + 1..=MAX_LEVEL {
            if let Some(links) = NonNull::new(*self.segments[segment_of(level)].get_mut()) {
                drop(Segment { level, links });
            }
        }
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;

//! Growth in bounded steps, by those who insert.
//!
//! **Algorithm**: when the buckets hold more than [`MOST`](Shape::MOST) entries each on average, every insertion first splits the next bucket that is not split yet: it
//! goes through its entries and moves the half whose hash says so. After as many insertions as there are buckets, a 26th of the
//! entries, growth has ended. Look-ups meanwhile find their way by the depths of the buckets (module `raw::index`), and each looks
//! into one bucket.
//!
//! **Stragglers**: a bucket to split is claimed from a counter, so that helpers rarely meet, but the claim is a hint: a bucket is split
//! by whoever holds it while it has the depth of the level. A thread may be stopped after its claim for as long as others insert a hundred
//! thousand entries. Those then look for buckets not yet split, a few each, and split them in its stead, or wait for the lock if it
//! holds that.
//!
//! **The bound**: an insertion splits one bucket, of which there are at most 32 slots and a chain; a chain is
//! long only if the hasher fails to spread, for the mean of 26 leaves one bucket in twenty with a chain at all.
//!
//! **Panics**: all hashes of a bucket are computed before anything moves. If one panics, the bucket stays as it is, and is
//! tried again by later insertions, more and more seldom until one succeeds, so that a key that always panics spoils few of them. Until
//! all have succeeded the table does not grow further, and chains take what comes.
//!
//! **Out of memory**: if a chunk or a directory cannot be had, chains take what comes, and it is tried again.

use std::collections::VecDeque;
use std::mem;

use map_core::ReserveError;
use map_sync::counter::StripedCounter;
use map_sync::shim::Mutex;
use map_sync::shim::atomic::{AtomicUsize, Ordering};

use crate::raw::bits::{Bits, Depth, MAX_LEVEL};
use crate::raw::bucket::Shape;
use crate::raw::hold::{Exclude, Held};
use crate::shrink::Merges;
use crate::table::Core;

/// The state of growth beside the index.
pub(crate) struct Growth {
    /// Held by who begins a growth.
    begin: Mutex<()>,
    /// Buckets split in the growth under way.
    done: AtomicUsize,
    /// Buckets whose split was given up: by a panic, or for want of memory.
    again: Mutex<VecDeque<usize>>,
    /// How often somebody came to see whether there is one.
    visits: AtomicUsize,
    /// The shrinking under way.
    pub(crate) merges: Merges,
}

impl Growth {
    pub(crate) const fn new() -> Self {
        Self {
            begin: Mutex::new(()),
            done: AtomicUsize::new(0),
            again: Mutex::new(VecDeque::new()),
            visits: AtomicUsize::new(0),
            merges: Merges::NONE,
        }
    }

    /// How many buckets are split, while some are and some are not.
    pub(crate) fn splits(&mut self) -> &mut usize {
        self.done.get_mut()
    }

    /// The buckets whose split was given up.
    pub(crate) fn given_up(&mut self) -> &mut VecDeque<usize> {
        self.again.get_mut()
    }
}

/// How many insertions come to help after all buckets were claimed until they look for stragglers.
const PATIENCE: usize = 64;

/// How many buckets such an insertion looks at.
const LOOKED_AT: usize = 4;

/// Which entries of a bucket move, by their position.
#[derive(Default)]
struct Picks {
    first: u64,
    rest: Vec<bool>,
}

impl Picks {
    fn gather(picks: impl Iterator<Item = bool>) -> Self {
        let mut gathered = Self::default();
        for (position, pick) in picks.enumerate() {
            if position < 64 {
                gathered.first |= u64::from(pick) << position;
            } else {
                gathered.rest.push(pick);
            }
        }
        gathered
    }

    fn has(&self, position: usize) -> bool {
        if position < 64 { self.first >> position & 1 != 0 } else { self.rest[position - 64] }
    }
}

/// Puts a bucket back among those to be split if its split is left by a panic.
struct Unsplit<'table> {
    growth: &'table Growth,
    bucket: usize,
}

impl Drop for Unsplit<'_> {
    fn drop(&mut self) {
        self.growth.again.lock().push_back(self.bucket);
    }
}

/// The level at which so many entries fit.
pub(crate) fn level_for<K, V>(entries: usize) -> Result<u32, ReserveError> {
    let buckets = entries.div_ceil(Shape::<K, V>::MOST).max(1);
    let level = buckets.checked_next_power_of_two().map(usize::trailing_zeros);
    level.filter(|&level| level <= MAX_LEVEL).ok_or(ReserveError::CapacityOverflow)
}

/// The slots of a first bucket for so many entries: all that there can be if they need more than one bucket.
pub(crate) fn first_slots<K, V>(entries: usize) -> usize {
    let most = Shape::<K, V>::SLOTS;
    entries.min(most).next_power_of_two().max(most / 8)
}

impl<K, V> Core<K, V> {
    /// Does an insertion's share of a growth under way.
    #[inline(always)]
    pub(crate) fn help(&self, exclude: impl Exclude, rehash: &impl Fn(&K) -> u64) {
        if self.index.state().is_growing() {
            self.help_growing(exclude, rehash);
        }
    }

    #[cold]
    #[inline(never)]
    fn help_growing(&self, exclude: impl Exclude, rehash: &impl Fn(&K) -> u64) {
        if self.index.state().is_shrinking() {
            return;
        }
        let (level, bucket) = self.index.claim();
        if let Some(bucket) = bucket {
            self.split(exclude, rehash, level, bucket);
            return;
        }
        // Relaxed: a hint.
        let visits = self.growth.visits.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        if visits.is_power_of_two() {
            self.split_again(exclude, rehash);
        } else if visits > PATIENCE {
            self.split_straggler(exclude, rehash, visits.wrapping_mul(LOOKED_AT));
        }
    }

    /// Ends the growth if all is split; else splits a bucket that somebody claimed and did not get to, if it is one of the few from
    /// `start` on.
    #[cold]
    fn split_straggler(&self, exclude: impl Exclude, rehash: &impl Fn(&K) -> u64, start: usize) {
        let state = self.index.state();
        let level = state.level();
        if !state.is_growing() {
            return;
        }
        // Acquire pairs with the AcqRel in `split`.
        if self.growth.done.load(Ordering::Acquire) == 1 << level {
            self.index.end_growth(level);
            return;
        }
        // What a panic or want of memory left is tried more and more seldom.
        if !self.growth.again.lock().is_empty() {
            return;
        }
        let mut looked_at = (start..start + LOOKED_AT).map(|bucket| bucket & ((1 << level) - 1));
        let is_left = |bucket: &usize| {
            let left = Depth::of_level(level);
            self.index.bucket(*bucket).is_some_and(|bucket| bucket.header().depth() == left)
        };
        if let Some(bucket) = looked_at.find(is_left) {
            self.split(exclude, rehash, level, bucket);
        }
    }

    /// Splits the bucket that has waited longest since its split was given up; returns whether there was one.
    fn split_again(&self, exclude: impl Exclude, rehash: &impl Fn(&K) -> u64) -> bool {
        let again = self.growth.again.lock().pop_front();
        let state = self.index.state();
        // Two may have given up one bucket, and a third have ended the growth.
        if let Some(bucket) = again.filter(|_| state.is_growing()) {
            if self.split(exclude, rehash, state.level(), bucket) {
                // What was in the way may be gone: the next one comes along for another.
                self.growth.visits.store(0, Ordering::Relaxed);
            }
        }
        again.is_some()
    }

    /// Splits a bucket of this level unless somebody has; returns `false` if there is no memory.
    fn split(
        &self,
        exclude: impl Exclude,
        rehash: &impl Fn(&K) -> u64,
        level: u32,
        bucket: usize,
    ) -> bool {
        let unsplit = Unsplit { growth: &self.growth, bucket };
        let (Some(from), Ok(to)) =
            (self.index.bucket(bucket), self.index.make_bucket(bucket + (1 << level)))
        else {
            return false;
        };
        let mut from = Held::at(self, exclude, from);
        if from.header().depth() != Depth::of_level(level) {
            mem::forget(unsplit);
            return true;
        }
        let goes = |key: &K| Bits::of(rehash(key)).low(level + 1) != bucket;
        if let Some(picked) = from.pick(goes) {
            mem::forget(unsplit);
            from.move_slots(to, picked);
        } else {
            let picks = Picks::gather(from.entries().map(|(key, _)| goes(key)));
            mem::forget(unsplit);
            from.move_to(to, |position| picks.has(position));
        }
        // In this order: who finds the old bucket deeper goes to the new one.
        to.header().set_depth(Depth::of_level(level + 1));
        // Before the old bucket looks split, so that who waits for this thread finds something to wait for. AcqRel: the end of the
        // growth comes after all splits.
        let done = self.growth.done.fetch_add(1, Ordering::AcqRel) + 1;
        from.header().set_depth(Depth::of_level(level + 1));
        drop(from);
        if done == 1 << level {
            self.index.end_growth(level);
        }
        true
    }

    /// Begins to grow if the table is full. `hint` says that it may be.
    #[inline(always)]
    pub(crate) fn grow_if_full(&self, exclude: impl Exclude, hint: bool) {
        if hint {
            self.grow_if_really_full(exclude);
        }
    }

    fn is_full(&self) -> bool {
        let state = self.index.state();
        let most = Shape::<K, V>::MOST << state.level();
        (!state.is_growing() || state.is_shrinking()) && self.len() > most
    }

    #[inline(never)]
    fn grow_if_really_full(&self, exclude: impl Exclude) {
        if self.is_full() {
            self.end_shrinking();
            // If there is no memory now, the next one tries again.
            let _ = self.begin_growth(exclude);
        }
    }

    /// Makes a growth of a shrinking that is under way.
    fn end_shrinking(&self) {
        let state = self.index.state();
        if state.is_shrinking() {
            self.index.turn_to_growth(state.level());
        }
    }

    /// Begins to grow to the next level, unless somebody else does.
    #[cold]
    fn begin_growth(&self, exclude: impl Exclude) -> Result<(), ReserveError> {
        // One in whose way it is soon is enough, unless that one is stopped and the chains get long.
        let most = Shape::<K, V>::MOST << self.index.state().level();
        let beginning = self.growth.begin.try_lock();
        let waits = || (self.len() > most + most / 2).then(|| self.growth.begin.lock());
        let Some(_beginning) = beginning.or_else(waits) else { return Ok(()) };
        let state = self.index.state();
        if state.is_growing() {
            return Ok(());
        }
        // It is still a small one, with a chain, if there was no memory for a larger one. Such a bucket is no chunk.
        self.enlarge_first(exclude, Shape::<K, V>::SLOTS)?;
        self.index.reach(state.level() + 1)?;
        if let (None, Some(first)) = (self.count.get(), self.index.bucket(0)) {
            // Whoever changes the number of entries holds the one bucket that there is.
            let first = Held::at(self, exclude, first);
            self.count.get_or_init(|| StripedCounter::starting_at(first.entries().count()));
        }
        // Relaxed: published by the state.
        self.growth.done.store(0, Ordering::Relaxed);
        self.growth.visits.store(0, Ordering::Relaxed);
        self.index.begin_growth();
        Ok(())
    }

    /// Grows until `additional` more entries fit.
    pub(crate) fn try_reserve(
        &self,
        exclude: impl Exclude,
        additional: usize,
        rehash: &impl Fn(&K) -> u64,
    ) -> Result<(), ReserveError> {
        let entries = self.len().checked_add(additional).ok_or(ReserveError::CapacityOverflow)?;
        if entries <= self.capacity() {
            return Ok(());
        }
        let level = level_for::<K, V>(entries)?;
        self.end_shrinking();
        let slots = first_slots::<K, V>(entries);
        // Before anything is changed, so that a refusal changes nothing.
        let mut fresh = self.index.fresh(level)?;
        self.enlarge_first(exclude, slots)?;
        self.index.reach(level)?;
        self.index.add(&mut fresh);
        while self.index.state().level() < level {
            if !self.index.state().is_growing() {
                self.begin_growth(exclude)?;
            }
            let (level, bucket) = self.index.claim();
            match bucket {
                Some(bucket) => _ = self.split(exclude, rehash, level, bucket),
                None if self.split_again(exclude, rehash) => {}
                // Others are about to finish the last splits, or are stopped.
                None => {
                    let buckets = 1 << self.index.state().level();
                    (0..buckets).step_by(LOOKED_AT).for_each(|start| {
                        self.split_straggler(exclude, rehash, start);
                    });
                    map_sync::shim::thread::yield_now();
                }
            }
        }
        Ok(())
    }

    /// Sees to it that there is a first bucket, with so many slots at the least.
    fn enlarge_first(&self, exclude: impl Exclude, slots: usize) -> Result<(), ReserveError> {
        loop {
            let Some(first) = self.index.bucket(0) else {
                self.index.make_first(first_slots::<K, V>(0))?;
                continue;
            };
            let mut first = Held::at(self, exclude, first);
            if first.header().depth() == Depth::NONE {
                continue;
            }
            if first.slots() < slots {
                first.enlarge(slots)?;
            }
            return Ok(());
        }
    }

    /// Makes room in a new table.
    pub(crate) fn build(&mut self, capacity: usize) -> Result<(), ReserveError> {
        if capacity == 0 {
            return Ok(());
        }
        let level = level_for::<K, V>(capacity)?;
        let slots = first_slots::<K, V>(capacity);
        if slots < Shape::<K, V>::SLOTS {
            return self.index.make_first(slots);
        }
        let mut fresh = self.index.fresh(level)?;
        self.index.replace_first(slots, |_| ())?;
        self.index.reach(level)?;
        self.index.add(&mut fresh);
        for index in 0..1 << level {
            self.index.make_bucket(index)?.header().set_depth(Depth::of_level(level));
        }
        if level > 0 {
            self.count.get_or_init(|| StripedCounter::starting_at(0));
        }
        self.index.set_level(level);
        Ok(())
    }
}

#[cfg(test)]
#[path = "growth_tests.rs"]
mod tests;

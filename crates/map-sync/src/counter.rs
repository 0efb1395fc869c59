//! A count of entries that writers on different threads rarely share.
//!
//! **Source**: the striped counter of Java's `LongAdder` (Doug Lea) and folly's `ThreadCachedInt`,
//! without their growth.
//!
//! **Layout**: stripes, each an atomic word on its own cache lines. The first ones belong to the threads whose
//! slots (module `raw::slots`) have their numbers; such a thread adds by a load and a store. The last one is for all other
//! threads, which add by a read-modify-write.
//!
//! **Invariants**: (I1) the wrapping sum of all stripes is the number of increments less the number of
//! decrements. One stripe alone may be "negative": a thread may decrement for an entry that another
//! one counted. (I2) a stripe but the last is written by the owner of the slot of its number alone; a slot is handed
//! on with release and acquire, so its next owner sees what the stripe has come to.
//!
//! **Ordering**: all relaxed. The counter publishes nothing; an increment that happens before a `sum`
//! (by the map's own edges, a join, a lock) is coherently seen by it.

use crate::pad::CachePadded;
use crate::raw::slots;
use crate::shim::Static;
use crate::shim::atomic::{AtomicUsize, Ordering::Relaxed};

/// How many threads have a stripe of their own at the most: few enough that `sum` stays short.
const MAX_STRIPES: usize = 16;

/// A counter in stripes.
#[derive(Debug)]
pub struct StripedCounter {
    stripes: Box<[CachePadded<AtomicUsize>]>,
}

impl StripedCounter {
    /// Makes a counter at zero, with four stripes for each hardware thread, 16 at the most, and one for further threads.
    pub fn new() -> Self {
        Self::starting_at(0)
    }

    /// Makes a counter at `count`.
    pub fn starting_at(count: usize) -> Self {
        let stripe = |index| AtomicUsize::new(if index == 0 { count } else { 0 });
        let stripes = 0..own_stripes() + 1;
        Self { stripes: stripes.map(|index| CachePadded::new(stripe(index))).collect() }
    }

    /// Adds `delta`, which may be negative, for the calling thread. Returns the sum of what was added in its stripe.
    #[inline]
    pub fn add(&self, delta: isize) -> usize {
        let own = slots::current().number;
        match self.stripes.get(own) {
            // The last one is nobody's own.
            Some(stripe) if own + 1 < self.stripes.len() => {
                // By I2 nobody else stores between the load and the store.
                let sum = stripe.load(Relaxed).wrapping_add(delta as usize);
                stripe.store(sum, Relaxed);
                sum
            }
            _ => self.add_slow(delta),
        }
    }

    #[cold]
    fn add_slow(&self, delta: isize) -> usize {
        // So that the next time may be cheaper.
        slots::current_or_new();
        let last = self.stripes.len() - 1;
        self.stripes[last].fetch_add(delta as usize, Relaxed).wrapping_add(delta as usize)
    }

    /// Returns the sum of all stripes, or 0 if decrements have been seen before their increments.
    ///
    /// Exact when no `add` runs at the same time.
    pub fn sum(&self) -> usize {
        let sum =
            self.stripes.iter().fold(0_usize, |sum, stripe| sum.wrapping_add(stripe.load(Relaxed)));
        usize::try_from(sum as isize).unwrap_or(0)
    }
}

impl Default for StripedCounter {
    fn default() -> Self {
        Self::new()
    }
}

/// How many threads get a stripe of their own.
fn own_stripes() -> usize {
    static STRIPES: Static<AtomicUsize> = Static::new(AtomicUsize::new(0));
    match STRIPES.load(Relaxed) {
        0 => {
            let threads = crate::shim::thread::available_parallelism().map_or(4, usize::from);
            let stripes = (4 * threads).next_power_of_two().min(MAX_STRIPES);
            STRIPES.store(stripes, Relaxed);
            stripes
        }
        stripes => stripes,
    }
}

/// A small number for the calling thread, given in the order of first use.
#[inline]
pub fn thread_number() -> usize {
    use core::cell::Cell;
    static NEXT: Static<AtomicUsize> = Static::new(AtomicUsize::new(1));
    crate::shim::thread_local! {
        // 0 stands for "none yet"; without a destructor the slot can be used at thread exit too.
        static NUMBER: Cell<usize> = const { Cell::new(0) };
    }
    NUMBER.with(|number| match number.get() {
        0 => {
            let new = NEXT.fetch_add(1, Relaxed).max(1);
            number.set(new);
            new
        }
        known => known,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_over_threads() {
        let counter = StripedCounter::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        counter.add(3);
                        counter.add(-2);
                    }
                });
            }
        });
        assert_eq!(counter.sum(), 8000);
    }

    #[test]
    fn never_negative() {
        let counter = StripedCounter::new();
        counter.add(-1);
        assert_eq!(counter.sum(), 0);
        counter.add(1);
        assert_eq!(counter.sum(), 0);
    }
}

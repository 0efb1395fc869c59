//! A count of entries that writers on different threads rarely share.
//!
//! **Source**: the striped counter of Java's `LongAdder` (Doug Lea) and folly's `ThreadCachedInt`,
//! without their growth.
//!
//! **Layout**: a fixed power of two of stripes, each an atomic word on its own cache lines; a thread
//! always uses the stripe that its number falls on.
//!
//! **Invariant** (I1): the wrapping sum of all stripes is the number of increments less the number of
//! decrements. One stripe alone may be "negative": a thread may decrement for an entry that another
//! one counted.
//!
//! **Ordering**: all relaxed. The counter publishes nothing; an increment that happens before a `sum`
//! (by the map's own edges, a join, a lock) is coherently seen by it.

use crate::pad::CachePadded;
use crate::shim::atomic::{AtomicUsize, Ordering::Relaxed};

/// How many stripes a counter has at the most: enough that threads on the cores of a large machine
/// seldom meet, little enough that `sum` stays short.
const MAX_STRIPES: usize = 16;

/// A counter in stripes.
#[derive(Debug)]
pub struct StripedCounter {
    stripes: Box<[CachePadded<AtomicUsize>]>,
}

impl StripedCounter {
    /// Makes a counter at zero, with about one stripe for each hardware thread, 16 at the most.
    pub fn new() -> Self {
        let stripes = stripe_count();
        Self { stripes: (0..stripes).map(|_| CachePadded::new(AtomicUsize::new(0))).collect() }
    }

    /// Adds `delta`, which may be negative, to the calling thread's stripe.
    #[inline]
    pub fn add(&self, delta: isize) {
        self.stripe().fetch_add(delta as usize, Relaxed);
    }

    /// Returns the sum of all stripes, or 0 if decrements have been seen before their increments.
    ///
    /// Exact when no `add` runs at the same time.
    pub fn sum(&self) -> usize {
        let sum =
            self.stripes.iter().fold(0_usize, |sum, stripe| sum.wrapping_add(stripe.load(Relaxed)));
        usize::try_from(sum as isize).unwrap_or(0)
    }

    #[inline]
    fn stripe(&self) -> &AtomicUsize {
        &self.stripes[thread_number() & (self.stripes.len() - 1)]
    }
}

impl Default for StripedCounter {
    fn default() -> Self {
        Self::new()
    }
}

fn stripe_count() -> usize {
    static STRIPES: AtomicUsize = AtomicUsize::new(0);
    match STRIPES.load(Relaxed) {
        0 => {
            let threads = crate::shim::thread::available_parallelism().map_or(4, usize::from);
            let stripes = threads.next_power_of_two().min(MAX_STRIPES);
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
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    thread_local! {
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

//! How many entries there are, and when it is time to look for removed ones.
//!
//! As `map_sync::counter::StripedCounter`, but with insertions and removals counted apart: the count
//! of its own removals tells a thread, at no further cost, when to look whether sweeping is due.
//!
//! **Invariant**: the wrapping difference of all insertions and all removals is the number of entries
//! whose key is present.
//!
//! **Ordering**: [`len`](Tally::len) reads all removals before any insertion. So an entry whose removal it counts is one whose
//! insertion it counts, unless that was still under way, and entries that stay are never taken for removed, however long
//! the thread is stopped in between. The removals are counted with release and read with acquire; insertions are
//! relaxed, for they publish nothing.

use map_sync::counter::thread_number;
use map_sync::pad::CachePadded;
use map_sync::shim::Static;
use map_sync::shim::atomic::{AtomicUsize, Ordering};
use map_sync::shim::thread::available_parallelism;

/// After how many removals through one stripe the caller is told to look.
pub(crate) const REMOVALS_PER_CHECK: usize = 64;

const MAX_STRIPES: usize = 16;

#[derive(Default)]
struct Stripe {
    inserted: AtomicUsize,
    removed: AtomicUsize,
}

/// The count of present entries.
pub(crate) struct Tally {
    stripes: Box<[CachePadded<Stripe>]>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self { stripes: (0..stripe_count()).map(|_| CachePadded::default()).collect() }
    }

    #[inline]
    pub(crate) fn inserted(&self) {
        self.stripe().inserted.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a removal; `true` now and then, when the caller should look whether to sweep.
    #[inline]
    pub(crate) fn removed(&self) -> bool {
        // Release pairs with the acquire in `len`.
        let before = self.stripe().removed.fetch_add(1, Ordering::Release);
        before % REMOVALS_PER_CHECK == REMOVALS_PER_CHECK - 1
    }

    /// Exact when nothing is counted at the same time; never negative.
    pub(crate) fn len(&self) -> usize {
        let sum_of = |count: fn(&Stripe) -> usize| {
            self.stripes.iter().fold(0, |sum: usize, stripe| sum.wrapping_add(count(stripe)))
        };
        // Acquire pairs with the release in `removed`.
        let removed = sum_of(|stripe| stripe.removed.load(Ordering::Acquire));
        let sum = sum_of(|stripe| stripe.inserted.load(Ordering::Relaxed)).wrapping_sub(removed);
        usize::try_from(sum as isize).unwrap_or(0)
    }

    #[inline]
    fn stripe(&self) -> &Stripe {
        &self.stripes[thread_number() & (self.stripes.len() - 1)]
    }
}

fn stripe_count() -> usize {
    static STRIPES: Static<AtomicUsize> = Static::new(AtomicUsize::new(0));
    match STRIPES.load(Ordering::Relaxed) {
        0 => {
            let threads = available_parallelism().map_or(4, usize::from);
            let stripes = threads.next_power_of_two().min(MAX_STRIPES);
            STRIPES.store(stripes, Ordering::Relaxed);
            stripes
        }
        stripes => stripes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_over_threads() {
        let tally = Tally::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for round in 0..1000 {
                        tally.inserted();
                        if round % 2 == 0 {
                            tally.removed();
                        }
                    }
                });
            }
        });
        assert_eq!(tally.len(), 4000);
    }

    #[test]
    fn tells_when_to_look() {
        let tally = Tally::new();
        let told = (0..10 * REMOVALS_PER_CHECK).filter(|_| tally.removed()).count();
        assert_eq!(told, 10);
        assert_eq!(tally.len(), 0);
    }
}

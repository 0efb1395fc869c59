//! Counts of waiting: how often threads get in each other's way inside a map. Beside them, the work of growing:
//! what one operation moves, or sets up instead.
//!
//! With the feature `contention-counters` off, the default, every function here is empty and inlined,
//! and [`lock`] is a plain lock. With it on, only the slow paths count: an exchange that failed, a lock
//! that was taken, a search that begins again; what succeeds at once pays for a test at the most.
//!
//! **Layout**: the counts of waiting are the whole program's, in stripes by thread, so that counting adds little
//! contention of its own. Growth is counted for each thread by itself, so that a thread can ask what its own
//! operation has done.
//!
//! **Ordering**: all relaxed. The counts publish nothing; [`totals`] is exact once the threads that counted
//! have been joined.

use std::cell::Cell;

use crate::shim::{Mutex, MutexGuard};

/// Whether this build counts.
pub const COUNTS: bool = cfg!(feature = "contention-counters");

/// What has been counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Locks that were taken when a thread wanted them.
    pub lock_waits: u64,
    /// Nanoseconds that threads waited for locks.
    pub waited_ns: u64,
    /// Operations that began their search again.
    pub retries: u64,
    /// Compare-and-swaps that failed.
    pub failed_exchanges: u64,
}

impl Counts {
    /// What has been counted since `start`.
    #[must_use]
    pub fn since(self, start: Self) -> Self {
        Self {
            lock_waits: self.lock_waits.wrapping_sub(start.lock_waits),
            waited_ns: self.waited_ns.wrapping_sub(start.waited_ns),
            retries: self.retries.wrapping_sub(start.retries),
            failed_exchanges: self.failed_exchanges.wrapping_sub(start.failed_exchanges),
        }
    }
}

/// What one thread has done for the growth of maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grown {
    /// Entries moved to another place of a map.
    pub moved: u64,
    /// Pieces of an index set up, in a map that grows without moving an entry.
    pub indexed: u64,
}

crate::shim::thread_local! {
    static GROWN: Cell<Grown> = const { Cell::new(Grown { moved: 0, indexed: 0 }) };
}

/// Counts an entry that is moved.
#[inline(always)]
pub fn moved() {
    if COUNTS {
        GROWN.set(Grown { moved: grown().moved + 1, ..grown() });
    }
}

/// Counts a piece of an index that is set up.
#[inline(always)]
pub fn indexed() {
    if COUNTS {
        GROWN.set(Grown { indexed: grown().indexed + 1, ..grown() });
    }
}

/// What the calling thread has counted since it began; zeros if this build does not count.
pub fn grown() -> Grown {
    GROWN.get()
}

/// Passes on whether a compare-and-swap succeeded, and counts it if it did not.
#[inline(always)]
pub fn exchanged(succeeded: bool) -> bool {
    if COUNTS && !succeeded {
        counters::add(counters::FAILED_EXCHANGES, 1);
    }
    succeeded
}

/// Counts an operation that begins its search again.
#[inline(always)]
pub fn retry() {
    if COUNTS {
        counters::add(counters::RETRIES, 1);
    }
}

/// Runs `f`, which waits for a lock that is taken, and counts the wait and its time.
#[inline(always)]
pub fn wait<R>(f: impl FnOnce() -> R) -> R {
    if COUNTS { counters::timed(f) } else { f() }
}

/// Locks a mutex, and counts the wait if it is taken.
#[inline(always)]
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    if !COUNTS {
        return mutex.lock();
    }
    match mutex.try_lock() {
        Some(guard) => guard,
        None => wait(|| mutex.lock()),
    }
}

/// What all threads have counted since the program began; zeros if this build does not count.
pub fn totals() -> Counts {
    let mut counts = Counts::default();
    if COUNTS {
        [counts.lock_waits, counts.waited_ns, counts.retries, counts.failed_exchanges] =
            counters::sums();
    }
    counts
}

mod counters {
    use std::time::Instant;

    use crate::counter::thread_number;
    use crate::pad::CachePadded;
    use crate::shim::atomic::{AtomicU64, Ordering::Relaxed};

    const LOCK_WAITS: usize = 0;
    const WAITED_NS: usize = 1;
    pub(super) const RETRIES: usize = 2;
    pub(super) const FAILED_EXCHANGES: usize = 3;

    type Stripe = CachePadded<[AtomicU64; 4]>;

    static STRIPES: [Stripe; 16] =
        [const { CachePadded::new([const { AtomicU64::new(0) }; 4]) }; 16];

    #[cold]
    pub(super) fn add(which: usize, count: u64) {
        STRIPES[thread_number() % STRIPES.len()][which].fetch_add(count, Relaxed);
    }

    #[cold]
    pub(super) fn timed<R>(f: impl FnOnce() -> R) -> R {
        let begin = Instant::now();
        let result = f();
        let waited = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        add(LOCK_WAITS, 1);
        add(WAITED_NS, waited);
        result
    }

    pub(super) fn sums() -> [u64; 4] {
        let sum = |which: usize| {
            let counts = STRIPES.iter().map(|stripe| stripe[which].load(Relaxed));
            counts.fold(0, u64::wrapping_add)
        };
        [sum(LOCK_WAITS), sum(WAITED_NS), sum(RETRIES), sum(FAILED_EXCHANGES)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// In a process of its own if it counts: the counts are the whole program's, and other tests wait for locks meanwhile.
    #[test]
    fn counts_what_goes_wrong_and_nothing_else() {
        const ALONE: &str = "ATLAS_TEST_ALONE";
        if COUNTS && std::env::var_os(ALONE).is_none() {
            let program = std::env::current_exe().expect("a test is a program");
            let name = "contention::tests::counts_what_goes_wrong_and_nothing_else";
            let alone = std::process::Command::new(program)
                .args(["--exact", name])
                .env(ALONE, "1")
                .output();
            let alone = alone.expect("it runs");
            assert!(alone.status.success(), "{}", String::from_utf8_lossy(&alone.stdout));
            return;
        }
        let before = totals();
        let mutex = Mutex::new(0);
        *lock(&mutex) += 1;
        assert!(exchanged(true));
        assert_eq!(totals(), before);

        assert!(!exchanged(false));
        retry();
        assert_eq!(wait(|| 7), 7);
        let guard = lock(&mutex);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| *lock(&mutex));
            std::thread::sleep(Duration::from_millis(5));
            drop(guard);
            assert_eq!(waiter.join().unwrap(), 1);
        });
        let counted = totals().since(before);
        if COUNTS {
            assert_eq!((counted.failed_exchanges, counted.retries), (1, 1));
            assert!((1..=2).contains(&counted.lock_waits), "{counted:?}");
            assert!(counted.waited_ns > 0);
        } else {
            assert_eq!(counted, Counts::default());
        }
    }

    #[test]
    fn growth_is_counted_by_the_thread_that_does_it() {
        std::thread::spawn(|| (0..5).for_each(|_| moved())).join().unwrap();
        (0..3).for_each(|_| moved());
        indexed();
        let expected = if COUNTS { Grown { moved: 3, indexed: 1 } } else { Grown::default() };
        assert_eq!(grown(), expected);
    }
}

//! When a round ends.
//!
//! With no more threads than processors a sleeping thread sets a flag, and the workers look at nothing else
//! between their blocks of operations. Among more threads the sleeper may wait for its turn for many times the
//! length of the round, so there the workers look at the clock themselves, and whoever is past the deadline
//! first sets the flag for all. A block should be some dozens of operations, beside which a reading of the
//! clock is nothing.
//!
//! How late a round ends falsifies no rate: see [`Host`](super::Host) for the time that counts.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// The round goes on; somebody else will end it.
const RUNS: u8 = 0;
/// The round goes on; the workers look at the clock.
const WATCHED: u8 = 1;
/// The round is over.
const OVER: u8 = 2;

/// Tells the workers of a round when it is over.
#[derive(Debug)]
pub struct Stop {
    // Relaxed throughout: nothing is handed over; a worker that sees the end late only works longer.
    state: AtomicU8,
    limit: Option<Duration>,
    begin: OnceLock<Instant>,
}

impl Stop {
    /// For a round of so many threads that lasts for `limit`, or as long as there is work.
    pub(super) fn new(threads: usize, limit: Option<Duration>) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let state = if limit.is_some() && threads > processors { WATCHED } else { RUNS };
        Self { state: AtomicU8::new(state), limit, begin: OnceLock::new() }
    }

    /// Says that a worker begins; the first one's time is that from which the limit counts.
    pub(super) fn begin(&self, now: Instant) {
        self.begin.get_or_init(|| now);
    }

    /// Waits for the limit, if there is one, and ends the round, unless the workers do so themselves.
    pub(super) fn end_in_time(&self) {
        if let (Some(limit), RUNS) = (self.limit, self.state.load(Relaxed)) {
            thread::sleep(limit);
            self.state.store(OVER, Relaxed);
        }
    }

    /// Whether the round is over.
    #[inline]
    pub(super) fn is_set(&self) -> bool {
        match self.state.load(Relaxed) {
            RUNS => false,
            WATCHED => self.is_late(),
            _ => true,
        }
    }

    #[inline(never)]
    fn is_late(&self) -> bool {
        let begin = self.begin.get_or_init(Instant::now);
        let late = self.limit.is_some_and(|limit| begin.elapsed() >= limit);
        if late {
            self.state.store(OVER, Relaxed);
        }
        late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROWD: usize = 1 << 20;
    const LONG: Duration = Duration::from_secs(1 << 20);

    #[test]
    fn a_crowd_ends_its_round_itself() {
        let stop = Stop::new(CROWD, Some(Duration::from_nanos(1)));
        stop.begin(Instant::now());
        while !stop.is_set() {}
        assert_eq!(stop.state.into_inner(), OVER);

        let stop = Stop::new(CROWD, Some(LONG));
        stop.begin(Instant::now());
        // Returns at once: the workers will see to it.
        stop.end_in_time();
        assert!(!stop.is_set());
    }

    #[test]
    fn the_limit_counts_from_the_first_beginning() {
        let stop = Stop::new(CROWD, Some(Duration::from_secs(3600)));
        let Some(earlier) = Instant::now().checked_sub(Duration::from_secs(3600)) else { return };
        stop.begin(earlier);
        stop.begin(Instant::now());
        assert!(stop.is_set());
    }

    #[test]
    fn others_are_told() {
        let stop = Stop::new(1, Some(Duration::from_nanos(1)));
        stop.begin(Instant::now());
        thread::sleep(Duration::from_millis(1));
        assert!(!stop.is_set(), "one thread does not look at the clock");
        stop.end_in_time();
        assert!(stop.is_set());
    }

    #[test]
    fn without_a_limit_only_the_work_ends() {
        for threads in [1, CROWD] {
            let stop = Stop::new(threads, None);
            stop.end_in_time();
            assert!(!stop.is_set());
        }
    }
}

//! Times of single operations: storage for a run, histograms after it.
//!
//! **Disturbance.** A thread that loses the processor in the middle of an operation measures the
//! system. It can be told from the map's own work: the system counts, for each thread, how often it
//! took the processor away (*involuntary* switches); waiting for a lock is *voluntary*. The count is
//! read between windows of samples, not beside each of them, and a window in which it rose is
//! *disturbed*; so are the windows after it that began before the thread had caught up with its
//! schedule. What this cannot tell: a map that yields while it spins looks disturbed, and a thread
//! that waits for another one which lost the processor does not.

use atlas_bench_data::Percentiles;
use hdrhistogram::Histogram;

use crate::raw::usage;

/// The longest time that is told apart from longer ones: a minute.
const LONGEST: u64 = 60_000_000_000;

/// Times in nanoseconds, exact to three digits.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        match Histogram::new_with_max(LONGEST, 3) {
            Ok(histogram) => Self(histogram),
            Err(error) => unreachable!("the bounds are constant and valid: {error}"),
        }
    }
}

impl Times {
    /// Adds a time.
    #[inline]
    pub fn add(&mut self, ns: u64) {
        self.0.saturating_record(ns);
    }

    /// Adds all of another one's times.
    pub fn merge(&mut self, other: &Self) {
        match self.0.add(&other.0) {
            Ok(()) => {}
            Err(error) => unreachable!("both have the same bounds: {error}"),
        }
    }

    /// How many times are longer than `ns`.
    pub fn longer_than(&self, ns: u64) -> u64 {
        let bounds = self.0.iter_recorded();
        bounds
            .filter(|step| step.value_iterated_to() > ns)
            .map(|s| s.count_since_last_iteration())
            .sum()
    }

    /// The usual percentiles.
    pub fn percentiles(&self) -> Percentiles {
        if self.0.is_empty() {
            return Percentiles::default();
        }
        // The upper end of a histogram's step may lie above the longest time.
        let at = |quantile| self.0.value_at_quantile(quantile).min(self.0.max());
        Percentiles {
            samples: self.0.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            p99_99: at(0.9999),
            max: self.0.max(),
        }
    }
}

/// A stretch of samples.
#[derive(Clone, Copy, Debug)]
struct Window {
    end: usize,
    interrupted: bool,
    /// Whether the thread was behind its schedule when the window began.
    began_late: bool,
}

/// The samples of one thread. Recording is a store to memory that is already there.
#[derive(Debug)]
pub struct Samples {
    ns: Vec<u32>,
    len: usize,
    windows: Vec<Window>,
    interruptions: u64,
    began_late: bool,
}

/// Samples in a window: about a millisecond's.
pub const WINDOW: usize = 512;

/// How often the system has taken the processor from the calling thread; 0 if it does not say.
pub fn interruptions() -> u64 {
    usage::thread().map_or(0, |usage| usage.involuntary)
}

impl Samples {
    /// Room for so many, with every page touched. To be made on the thread that records.
    pub fn with_room_for(samples: usize) -> Self {
        Self {
            // Not zeros: the pages of those would be found only when they are used.
            ns: vec![u32::MAX; samples],
            len: 0,
            windows: Vec::with_capacity(samples / WINDOW + 2),
            interruptions: interruptions(),
            began_late: false,
        }
    }

    /// Whether there is room for more.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.len < self.ns.len()
    }

    /// Adds a time; nothing happens if there is no room.
    #[inline]
    pub fn add(&mut self, ns: u64) {
        if let Some(place) = self.ns.get_mut(self.len) {
            *place = u32::try_from(ns).unwrap_or(u32::MAX);
            self.len += 1;
        }
    }

    /// Ends a window: a system call. `late` says whether the thread is behind its schedule.
    pub fn end_window(&mut self, late: bool) {
        let now = interruptions();
        self.push_window(now != self.interruptions, late);
        self.interruptions = now;
    }

    fn push_window(&mut self, interrupted: bool, late: bool) {
        self.windows.push(Window { end: self.len, interrupted, began_late: self.began_late });
        self.began_late = late;
    }

    /// All times, and those of undisturbed windows.
    pub fn sort(&self) -> (Times, Times) {
        let (mut all, mut undisturbed) = (Times::default(), Times::default());
        let (mut start, mut disturbed) = (0, false);
        for window in &self.windows {
            disturbed = window.interrupted || (disturbed && window.began_late);
            for &ns in &self.ns[start..window.end] {
                all.add(u64::from(ns));
                if !disturbed {
                    undisturbed.add(u64::from(ns));
                }
            }
            start = window.end;
        }
        (all, undisturbed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interrupted_windows_and_those_that_catch_up_are_told_apart() {
        let mut samples = Samples::with_room_for(6);
        // Interrupted; still late; late, but not for the system's sake; and what was before.
        for (interrupted, late) in [
            (false, false),
            (true, true),
            (false, true),
            (false, false),
            (false, true),
            (false, false),
        ] {
            samples.add(10 * (1 + samples.len as u64));
            samples.push_window(interrupted, late);
        }
        samples.add(1000);
        let (all, undisturbed) = samples.sort();
        assert_eq!(all.percentiles().samples, 6);
        // 20 is interrupted; 30 and 40 began late after it; 60 began late after no interruption.
        assert_eq!(undisturbed.percentiles().samples, 3);
        assert_eq!(undisturbed.longer_than(15), 2);
        assert_eq!(undisturbed.longer_than(25), 2);
        assert_eq!(undisturbed.percentiles().max, 60);
    }

    #[test]
    fn percentiles_are_those_of_the_times() {
        let mut times = Times::default();
        assert_eq!(times.percentiles(), Percentiles::default());
        (1..=1000).for_each(|ns| times.add(ns));
        let found = times.percentiles();
        assert_eq!((found.p50, found.p90, found.p99, found.max), (500, 900, 990, 1000));
        assert_eq!(times.longer_than(990), 10);
    }
}

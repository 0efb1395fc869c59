//! When operations are due in the open loop.
//!
//! A map that serves 40 million operations per second and thread leaves 25 ns to each: less than two
//! readings of the clock take. Operations therefore arrive in groups, the smallest power of two whose
//! interval is a microsecond or more; a slower map gets groups of one. The first operation of a group is
//! due at the group's instant and is timed from it to its end, whenever it really began; the others
//! follow at once and are not timed. A group that takes longer than its interval delays the next one, and
//! that delay is in the next one's time.

/// Nanoseconds between two arrivals, at the least.
const FINEST: f64 = 1000.0;
/// Operations that arrive together, at the most; a divisor of the streams' batches.
const LARGEST_GROUP: u32 = 256;

/// When the groups of one thread are due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Operations in a group.
    pub group: u32,
    /// Nanoseconds from one group to the next.
    pub interval: f64,
    /// Groups in all.
    pub groups: u64,
}

impl Schedule {
    /// For `rate` operations per second on one thread, for `seconds`.
    pub fn new(rate: f64, seconds: f64) -> Self {
        let each = 1e9 / rate;
        let mut group = 1;
        while each * f64::from(group) < FINEST && group < LARGEST_GROUP {
            group *= 2;
        }
        let interval = each * f64::from(group);
        Self { group, interval, groups: ((seconds * 1e9 / interval) as u64).max(1) }
    }

    /// Nanoseconds from the beginning to the moment at which a group is due. Threads take turns within
    /// an interval.
    #[inline]
    pub fn due(&self, group: u64, thread: usize, threads: usize) -> u64 {
        let turn = thread as f64 / threads as f64;
        ((group as f64 + turn) * self.interval) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_as_small_as_the_clock_allows() {
        for (rate, group) in [(1e5, 1), (1e6, 1), (1.1e6, 2), (20e6, 32), (40e6, 64), (1e9, 256)] {
            let schedule = Schedule::new(rate, 1.0);
            assert_eq!(schedule.group, group, "{rate}");
            let arrived = schedule.groups * u64::from(group);
            assert!((arrived as f64 / rate - 1.0).abs() < 1e-3, "{rate}: {arrived}");
        }
    }

    #[test]
    fn arrivals_are_even_and_threads_take_turns() {
        let schedule = Schedule::new(1e6, 1.0);
        assert_eq!(schedule.due(0, 0, 2), 0);
        assert_eq!(schedule.due(0, 1, 2), 500);
        assert_eq!(schedule.due(7, 1, 2), 7500);
    }
}

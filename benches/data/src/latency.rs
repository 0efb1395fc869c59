//! How long single operations take.

use serde::{Deserialize, Serialize};

/// The latency of one contender on one workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The workload's id.
    pub workload: String,
    /// The contender's id.
    pub contender: String,
    /// What an entry is, as in [`Cell::entry`](crate::Cell::entry).
    pub entry: String,
    /// Keys in the steady state.
    pub keys: u64,
    /// Threads.
    pub threads: u32,
    /// Million operations per second, all threads together, in a closed loop that times nothing: the
    /// peak that the open loops' loads are shares of.
    pub peak_mops: f64,
    /// Share of processor time, from 0 to 1, that the host of a virtual machine took away while this
    /// contender was measured; `None` if the system does not say.
    pub steal: Option<f64>,
    /// The closed loop, then the open loops by rising load.
    pub loops: Vec<LatencyLoop>,
}

/// One way of asking.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyLoop {
    /// The arrival rate as a share of the peak. `None` is the closed loop: the next operation begins
    /// when the one before has ended, and a latency is the operation's own time.
    pub load: Option<f64>,
    /// Million operations that arrive per second, all threads together; 0 in the closed loop.
    pub target_mops: f64,
    /// Million operations done per second; clearly less than `target_mops` if the map could not keep up.
    pub mops: f64,
    /// One in so many operations is timed. In the open loop so many arrive together, and the first of
    /// them is the timed one.
    pub timed_one_in: u32,
    /// Nanoseconds between two arrivals on one thread; 0 in the closed loop.
    pub interval_ns: f64,
    /// Arrivals that were given up, in a loop that had fallen behind by twice its length. They count in
    /// `all` with the time that they had waited until then.
    pub abandoned: u64,
    /// All timed operations. In the open loop counted from the moment at which the operation was due.
    pub all: Percentiles,
    /// Those in stretches of time in which the system took the processor from the thread at no time.
    pub undisturbed: Percentiles,
}

/// A distribution of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many times there are; the other fields are 0 if there are none.
    pub samples: u64,
    /// Median, in nanoseconds.
    pub p50: u64,
    /// 90 of 100 are not longer, in nanoseconds.
    pub p90: u64,
    /// 99 of 100 are not longer, in nanoseconds.
    pub p99: u64,
    /// 999 of 1000 are not longer, in nanoseconds.
    pub p99_9: u64,
    /// 9999 of 10 000 are not longer, in nanoseconds.
    pub p99_99: u64,
    /// The longest, in nanoseconds.
    pub max: u64,
}

/// What the clock and the measuring loop cost by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockFloor {
    /// Nanoseconds between two readings of the clock in a row, the median.
    pub reading_ns: u64,
    /// The open loop with nothing to do, on as many threads as there are hardware threads: what it
    /// shows of the clock and of the system.
    pub idle: Percentiles,
    /// The same in undisturbed stretches.
    pub idle_undisturbed: Percentiles,
}

impl LatencyLoop {
    /// The share of timed operations, from 0 to 1, that are left out of [`undisturbed`](Self::undisturbed).
    pub fn disturbed_share(&self) -> f64 {
        match self.all.samples {
            0 => 0.0,
            all => 1.0 - self.undisturbed.samples as f64 / all as f64,
        }
    }
}

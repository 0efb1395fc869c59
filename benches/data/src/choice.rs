//! One described workload on all maps: which is for me?

use serde::{Deserialize, Serialize};

/// A described workload, measured on all maps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The workload in one line.
    pub workload: String,
    /// Threads.
    pub threads: u32,
    /// Share of the operations that write, from 0 to 1.
    pub writes: f64,
    /// One operation in so many has its latency taken.
    pub sampled: u32,
    /// One row for each map that took part, in display order.
    pub maps: Vec<ChoiceRow>,
}

/// What one map did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChoiceRow {
    /// The contender's id.
    pub contender: String,
    /// Million operations per second, all threads together, one figure a round, in round order.
    pub mops: Vec<f64>,
    /// Nanoseconds that half of the sampled operations stay below, over all rounds.
    pub p50_ns: u64,
    /// Nanoseconds that 99 % of the sampled operations stay below.
    pub p99_ns: u64,
    /// Nanoseconds that 99.9 % of the sampled operations stay below.
    pub p999_ns: u64,
    /// Live heap bytes per entry, those of keys and values included.
    pub bytes_per_entry: f64,
}

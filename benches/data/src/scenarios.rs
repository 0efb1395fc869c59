//! Named scenarios: production situations with the columns that describe them.

use serde::{Deserialize, Serialize};

/// One contender in one scenario with one number of workers. A field is `None` where the scenario
/// has no such column or the machine does not offer it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScenarioRow {
    /// The scenario's id: `stress`, `read-mostly`, `half-half` or `sharded-writes`.
    pub scenario: String,
    /// The contender's id.
    pub contender: String,
    /// How this row differs from the contender's usual form, for example `8 shards`; empty if it
    /// does not.
    pub variant: String,
    /// Worker threads.
    pub workers: u32,
    /// Operations of all workers together per second.
    pub ops_per_second: f64,
    /// Sampled operations behind the latencies.
    pub samples: u64,
    /// Mean latency of the sampled operations, in nanoseconds.
    pub mean_ns: f64,
    /// Median latency of the sampled writes, in nanoseconds.
    pub write_p50_ns: Option<u64>,
    /// 99th percentile of the latency of the sampled writes, in nanoseconds.
    pub write_p99_ns: Option<u64>,
    /// Share of the workers' time in which they slept, from 0 to 1: neither on a core nor in line
    /// for one.
    pub waiting: Option<f64>,
    /// Share of the sampled writes that were blocked, from 0 to 1: the thread went to sleep during
    /// the write, or the write took longer than 50 µs.
    pub blocked_writes: Option<f64>,
    /// Calls of the allocator per operation.
    pub allocations: Option<f64>,
    /// Share of cache references that miss, from 0 to 1, by the hardware's counter.
    pub cache_miss: Option<f64>,
}

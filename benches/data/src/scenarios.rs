//! Named scenarios: production situations with the columns that describe them.

use serde::{Deserialize, Serialize};

/// How many times as fast a sharded map in Go was when each goroutine kept to its shards: 4.5 against 3.7 million
/// writes per second, on 16 cores.
pub const GO_AFFINITY_GAIN: f64 = 1.22;

/// One contender in one scenario with one number of workers. A field is `None` where the scenario
/// has no such column or the machine does not offer it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScenarioRow {
    /// The scenario's id: `stress`, `read-mostly`, `half-half` or `sharded-writes`.
    pub scenario: String,
    /// The contender's id.
    pub contender: String,
    /// How the threads keep to cores and keys. Empty: as the system schedules them, and keys of all shards. `pinned`: each to a core.
    /// `pinned, routed`: also to the keys of its own shards, which were sorted out before the clock started. `pinned, owned`: it
    /// also owns these shards, without locks.
    #[serde(default)]
    pub affinity: String,
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

impl ScenarioRow {
    /// The contender, and its threads' affinity if they have one.
    pub fn name(&self) -> String {
        Self::name_of(&self.contender, &self.affinity)
    }

    /// The name of a contender's row.
    pub fn name_of(contender: &str, affinity: &str) -> String {
        if affinity.is_empty() { contender.to_owned() } else { format!("{contender}, {affinity}") }
    }

    /// How many times as many operations this row has as the one of `rows` with the same contender and workers whose affinity is
    /// `than`; `None` if there is none.
    pub fn gain<'r>(&self, rows: impl IntoIterator<Item = &'r Self>, than: &str) -> Option<f64> {
        let same = |row: &&Self| {
            (&row.scenario, &row.contender, row.workers)
                == (&self.scenario, &self.contender, self.workers)
        };
        let base = rows.into_iter().filter(same).find(|row| row.affinity == than)?;
        (base.ops_per_second > 0.0).then(|| self.ops_per_second / base.ops_per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_are_those_over_the_same_contender_and_workers() {
        let row = |contender: &str, affinity: &str, workers, ops_per_second| ScenarioRow {
            contender: contender.to_owned(),
            affinity: affinity.to_owned(),
            workers,
            ops_per_second,
            ..ScenarioRow::default()
        };
        let rows = [
            row("a", "", 2, 9.0),
            row("b", "", 1, 8.0),
            row("b", "", 2, 2.0),
            row("b", "pinned", 2, 4.0),
            row("b", "pinned, owned", 2, 5.0),
        ];
        assert_eq!(rows[4].gain(&rows, ""), Some(2.5));
        assert_eq!(rows[4].gain(&rows, "pinned"), Some(1.25));
        assert_eq!(rows[0].gain(&rows, "pinned"), None);
        assert_eq!(rows[4].name(), "b, pinned, owned");
        assert_eq!(rows[0].name(), "a");
    }
}

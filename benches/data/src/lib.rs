//! The form in which benchmark results are stored.
//!
//! The measuring programs write it, `cargo xtask` reads it and makes the report. It is one JSON
//! document, [`Results`]; field names are an interface: add, do not rename.
#![forbid(unsafe_code)]

mod batches;
mod choice;
mod contention;
mod cost;
mod goals;
mod growth;
mod instructions;
mod latency;
mod merge;
mod scenarios;

use serde::{Deserialize, Serialize};

pub use batches::BatchCell;
pub use choice::{Choice, ChoiceRow};
pub use contention::{Contention, ContentionCounts};
pub use cost::{Allocations, Cost, Heap, HeapGrowth, Resident, Stalled, Weight};
pub use goals::{CheckResult, GoalResult, Sense, Verdict};
pub use growth::{Growth, GrowthWork, Moves};
pub use instructions::{Counters, Instructions};
pub use latency::{ClockFloor, Latency, LatencyLoop, Percentiles};
pub use scenarios::{GO_AFFINITY_GAIN, ScenarioRow};

/// The version of the form, raised when a reader of older files would be misled.
pub const FORMAT: u32 = 1;

/// Everything one run measured, with its circumstances.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The version of the form ([`FORMAT`]).
    pub format: u32,
    /// Where it ran.
    pub machine: Machine,
    /// What was measured: crate name and version, the compiler among them.
    pub versions: Vec<Version>,
    /// How it was measured.
    pub settings: Settings,
    /// The contenders that took part, in display order.
    pub contenders: Vec<Contender>,
    /// The workloads that took part, in display order.
    pub workloads: Vec<Workload>,
    /// The interleaved throughput matrix, recorded traces among its workloads.
    pub matrix: Vec<Cell>,
    /// Heap bytes per entry.
    pub memory: Vec<Memory>,
    /// What the maps cost beside time, by contender and kind of entry.
    #[serde(default)]
    pub cost: Vec<Cost>,
    /// What each contender adds to a program; measured on request only.
    #[serde(default)]
    pub weight: Vec<Weight>,
    /// Simulated instructions and cache misses of an operation.
    #[serde(default)]
    pub instructions: Vec<Instructions>,
    /// The processor's own counts of an operation; empty where it is not allowed to be asked.
    #[serde(default)]
    pub counters: Vec<Counters>,
    /// The criterion comparisons.
    pub criterion: Vec<CriterionCell>,
    /// Times of single operations.
    #[serde(default)]
    pub latency: Vec<Latency>,
    /// What the clock costs; `None` if no times were taken.
    #[serde(default)]
    pub clock: Option<ClockFloor>,
    /// Maps growing from empty.
    #[serde(default)]
    pub growth: Vec<Growth>,
    /// What our maps move while they grow, counted inside.
    #[serde(default)]
    pub moves: Vec<Moves>,
    /// Maps where threads get in each other's way.
    #[serde(default)]
    pub contention: Vec<Contention>,
    /// Waiting inside our maps, counted.
    #[serde(default)]
    pub contention_counts: Vec<ContentionCounts>,
    /// The named scenarios.
    #[serde(default)]
    pub scenarios: Vec<ScenarioRow>,
    /// Many keys in one call, against one by one.
    #[serde(default)]
    pub batches: Vec<BatchCell>,
    /// The goals and how far they are met.
    #[serde(default)]
    pub goals: Vec<GoalResult>,
    /// One described workload on all maps.
    #[serde(default)]
    pub choice: Option<Choice>,
    /// What was left out and why, in words.
    pub notes: Vec<String>,
}

/// Where a run took place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor model.
    pub cpu: String,
    /// Hardware threads available to the run.
    pub hardware_threads: u32,
    /// Operating system and kernel version.
    pub os: String,
    /// Total memory in bytes; 0 if unknown.
    pub memory_bytes: u64,
    /// Load average over one minute when the run began; negative if unknown.
    pub load_average: f64,
    /// Seconds since the Unix epoch when the run began.
    pub unix_time: u64,
}

/// A program part and its version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The part's name: a crate, or `rustc`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// How a run was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The arguments of the run as given.
    pub arguments: Vec<String>,
    /// Interleaved rounds per cell.
    pub rounds: u32,
    /// Seconds that one contender is measured in one round.
    pub seconds_per_round: f64,
    /// The seed of all op streams.
    pub seed: u64,
}

/// A map that took part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contender {
    /// A stable, short id, for example `map-rwlock` or `dashmap`.
    pub id: String,
    /// One of ours, a peer, or the unsynchronised limit.
    pub kind: ContenderKind,
    /// One line: what it is.
    pub description: String,
}

/// Whose a contender is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContenderKind {
    /// A map of this workspace.
    Ours,
    /// Another project's map.
    #[default]
    Peer,
    /// A plain table without synchronisation, on one thread: the limit.
    Limit,
}

/// A workload that took part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// A stable, short id, for example `read98`, `zipf95-5`, or `trace:<file name>`.
    pub id: String,
    /// One line: what it does.
    pub description: String,
}

/// One contender on one workload at one size with one number of threads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The workload's id.
    pub workload: String,
    /// The contender's id.
    pub contender: String,
    /// What an entry is: `u64` (u64 → u64) or `string` (28-byte String → 128-byte value).
    pub entry: String,
    /// Keys in the key space.
    pub keys: u64,
    /// Threads.
    pub threads: u32,
    /// Million operations per second, all threads together, one figure a round, in round order.
    pub mops: Vec<f64>,
    /// Share of gets that found their key, from 0 to 1; `None` if the workload has no gets.
    pub hit_ratio: Option<f64>,
}

/// Heap use of one contender.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The contender's id.
    pub contender: String,
    /// What an entry is, as in [`Cell::entry`].
    pub entry: String,
    /// Entries in the map.
    pub entries: u64,
    /// Live heap bytes as requested from the allocator, for the whole map.
    pub live_bytes: u64,
    /// Live heap bytes of an empty map from `new()`.
    pub empty_bytes: u64,
    /// The most heap bytes that were live at once while the map was filled.
    pub peak_bytes: u64,
}

/// One line of one criterion group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CriterionCell {
    /// The group: operation and workload.
    pub group: String,
    /// The contender's id.
    pub contender: String,
    /// The parameter on the x axis.
    pub parameter: String,
    /// Nanoseconds per iteration: point estimate of the median.
    pub median_ns: f64,
    /// Lower end of its 95 % confidence interval.
    pub low_ns: f64,
    /// Upper end of its 95 % confidence interval.
    pub high_ns: f64,
}

impl Cell {
    /// The median of the rounds, or 0 if there are none.
    pub fn median(&self) -> f64 {
        median(&self.mops)
    }

    /// The lowest and the highest round, or zeros if there are none.
    pub fn spread(&self) -> (f64, f64) {
        self.mops
            .iter()
            .fold(None, |range: Option<(f64, f64)>, &x| {
                Some(range.map_or((x, x), |(low, high)| (low.min(x), high.max(x))))
            })
            .unwrap_or((0.0, 0.0))
    }
}

impl Memory {
    /// Live heap bytes per entry, or 0 for an empty map.
    pub fn bytes_per_entry(&self) -> f64 {
        if self.entries == 0 { 0.0 } else { self.live_bytes as f64 / self.entries as f64 }
    }
}

/// The median of `values`, or 0 if there are none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[3.0, 1.0]), 2.0);
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
    }
}

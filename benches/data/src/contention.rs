//! What happens where threads get in each other's way.

use serde::{Deserialize, Serialize};

/// One contender in one situation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Contention {
    /// The situation's id, which is also that of a workload in the list.
    pub situation: String,
    /// The contender's id.
    pub contender: String,
    /// Keys in the map.
    pub keys: u64,
    /// Threads.
    pub threads: u32,
    /// Million operations per second, all threads together, one figure a round. Beside iteration: those
    /// of the writers.
    pub mops: Vec<f64>,
    /// Million entries per second that the iterating thread visited, one figure a round; empty in other
    /// situations.
    pub visited_mops: Vec<f64>,
    /// Operations of the slowest thread divided by the mean of all, one figure a round: 1 is fair, 0 is
    /// starved. Empty where all threads have the same number to do.
    pub fairness: Vec<f64>,
    /// Times that a thread gave up the processor to wait, per operation, over all rounds.
    pub voluntary_switches: Option<f64>,
    /// Times that the system took the processor from a thread, or a thread yielded it while it span,
    /// per operation, over all rounds.
    pub involuntary_switches: Option<f64>,
    /// Processor seconds that the threads used per second of wall time, over all rounds. With as many
    /// threads as processors or more, what is missing to the number of processors is time in which
    /// threads slept.
    pub processors_used: Option<f64>,
    /// Runs of the closure per fresh key; 1 means that no thread made a value in vain. `None` in other
    /// situations.
    pub makes_per_key: Option<f64>,
    /// The most runs of the closure for one key.
    pub most_makes: Option<u64>,
}

/// Waiting of one of our maps, counted inside it by a build whose counters are on. Its throughput is not
/// kept: counting may slow it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContentionCounts {
    /// The situation's id.
    pub situation: String,
    /// The contender's id.
    pub contender: String,
    /// Keys in the map.
    pub keys: u64,
    /// Threads.
    pub threads: u32,
    /// Operations that the counts are of.
    pub ops: u64,
    /// Times that a thread found a lock taken and waited for it.
    pub lock_waits: u64,
    /// Nanoseconds that threads waited for locks, all together.
    pub waited_ns: u64,
    /// Times that an operation began its search again.
    pub retries: u64,
    /// Compare-and-swaps that failed because another thread was faster.
    pub failed_exchanges: u64,
}

impl Contention {
    /// The median throughput of the rounds.
    pub fn median(&self) -> f64 {
        crate::median(&self.mops)
    }
}

//! What a processor does for an operation: counted by a simulator, and by the processor itself.

use serde::{Deserialize, Serialize};

/// Events of one operation on a simulated processor, the same each time.
///
/// One thread, one map in its steady state, an operation stream made before; the hasher's seeds are
/// fixed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Instructions {
    /// The contender's id.
    pub contender: String,
    /// The mix's id.
    pub workload: String,
    /// Entries in the steady state.
    pub entries: u64,
    /// Operations counted.
    pub operations: u64,
    /// Instructions per operation.
    pub instructions: f64,
    /// Misses of the first-level data cache per operation.
    pub l1_misses: f64,
    /// Misses of the last-level cache by data accesses, per operation.
    pub last_level_misses: f64,
    /// Branches, conditional or indirect, that were predicted wrongly, per operation.
    pub mispredictions: f64,
}

/// Events of one operation as the processor's own counters have them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// The contender's id.
    pub contender: String,
    /// The mix's id.
    pub workload: String,
    /// Entries in the steady state.
    pub entries: u64,
    /// Operations counted.
    pub operations: u64,
    /// Cycles per operation, in user code.
    pub cycles: f64,
    /// Instructions per operation, in user code.
    pub instructions: f64,
    /// Misses of the last-level cache per operation; `None` if the machine does not count them.
    pub last_level_misses: Option<f64>,
}

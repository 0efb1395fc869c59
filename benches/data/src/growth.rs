//! What growing costs: one map from empty to its full size, with a reader beside.

use serde::{Deserialize, Serialize};

use crate::Percentiles;

/// One contender growing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// The contender's id.
    pub contender: String,
    /// What an entry is, as in [`Cell::entry`](crate::Cell::entry).
    pub entry: String,
    /// Entries at the end.
    pub entries: u64,
    /// Seconds from the first insertion to the last.
    pub seconds: f64,
    /// Nanoseconds between two readings of the clock in a row: every time below includes about so much.
    pub clock_ns: u64,
    /// Times of all insertions, by one thread in a closed loop.
    pub inserts: Percentiles,
    /// The longest insertion, in nanoseconds, in a millisecond in which the system did not take the
    /// processor from the thread.
    pub longest_insert_undisturbed: u64,
    /// Times of all reads, by one thread in a closed loop; no samples for a contender that is for one
    /// thread.
    pub reads: Percentiles,
    /// The longest read, as [`longest_insert_undisturbed`](Self::longest_insert_undisturbed).
    pub longest_read_undisturbed: u64,
    /// Insertions that ended in each millisecond from the first on.
    pub inserts_per_ms: Vec<u32>,
    /// Reads that ended in each millisecond from the first on.
    pub reads_per_ms: Vec<u32>,
    /// What single insertions did, counted in a pass of its own.
    pub work: GrowthWork,
}

/// What single insertions do for the growth of one of our maps. Counted inside the map by a build whose counters are
/// on, on one thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moves {
    /// The contender's id.
    pub contender: String,
    /// What an entry is, as in [`Cell::entry`](crate::Cell::entry).
    pub entry: String,
    /// Entries at the end.
    pub entries: u64,
    /// Entries that the busiest insertion moved to another place.
    pub most_moved: u64,
    /// Entries that all insertions moved, together.
    pub moved: u64,
    /// Pieces of its index that the busiest insertion set up, in a map that grows without moving an entry; 0 in
    /// the others.
    pub most_indexed: u64,
    /// Pieces of its index that all insertions set up, together.
    pub indexed: u64,
}

/// What one insertion does at the most. Counted, not timed: on one thread without a reader, with the
/// same number of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrowthWork {
    /// Calls of the key's `Hash` in one insertion, at the least: what finding a place takes.
    pub least_hash_calls: u64,
    /// Calls of the key's `Hash` in one insertion, at the most.
    pub most_hash_calls: u64,
    /// Calls of the key's `Hash` in all insertions.
    pub hash_calls: u64,
    /// Calls of the key's `Clone` in one insertion, at the most.
    pub most_clones: u64,
    /// Entries that the busiest insertion moved, as far as it is seen from outside: a map that does not
    /// store hashes hashes each key that it moves, one that copies itself clones it. `None` if the
    /// growth of this map calls neither: it stores the hashes, or moves nothing.
    pub moved: Option<u64>,
    /// Allocations in one insertion, at the most.
    pub most_allocations: u64,
    /// Bytes that one insertion asked the allocator for, at the most.
    pub most_bytes: u64,
    /// The most heap bytes that were live at once.
    pub peak_bytes: u64,
    /// Live heap bytes at the end.
    pub live_bytes: u64,
}

//! What a map costs beside time: allocations, memory, and what it adds to a program.

use serde::{Deserialize, Serialize};

/// The costs of one contender with one kind of entry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The contender's id.
    pub contender: String,
    /// What an entry is, as in [`Cell::entry`](crate::Cell::entry).
    pub entry: String,
    /// Allocations per operation; empty if not measured.
    #[serde(default)]
    pub allocations: Vec<Allocations>,
    /// Live heap at several sizes, of one map that grows through all of them.
    #[serde(default)]
    pub heap: Vec<Heap>,
    /// Live heap bytes of an empty map from `new()`.
    #[serde(default)]
    pub empty_bytes: u64,
    /// How live heap swings while the map doubles once; `None` if not measured.
    #[serde(default)]
    pub growth: Option<HeapGrowth>,
    /// What a reader that does not go on costs; empty if not measured.
    #[serde(default)]
    pub stalled: Vec<Stalled>,
    /// What the operating system counts; `None` if not measured.
    #[serde(default)]
    pub resident: Option<Resident>,
}

/// What the map allocates for an operation. The key that the caller hands over is not counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Allocations {
    /// `get`, `overwrite`, `insert` (of new keys, from empty, growth included), `churn` (a removal
    /// and an insertion of another key, together one operation), or the id of a mix.
    pub workload: String,
    /// Entries in the steady state; for `insert`, entries at the end.
    pub entries: u64,
    /// Operations counted, by one thread, after as many to warm up (but for `insert`).
    pub operations: u64,
    /// Calls of the allocator per operation; a reallocation counts as one.
    pub per_op: f64,
    /// Bytes asked of the allocator per operation; a reallocation counts with its new size.
    pub bytes_per_op: f64,
}

/// Live heap at one size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heap {
    /// Entries in the map.
    pub entries: u64,
    /// Live heap bytes as requested from the allocator, for the whole map, keys and values included.
    pub live_bytes: u64,
    /// The most heap bytes that were live at once up to this size.
    pub peak_bytes: u64,
}

/// Live heap per entry while a map doubles once, looked at after each insertion.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeapGrowth {
    /// Entries at the beginning.
    pub from: u64,
    /// Entries at the end.
    pub to: u64,
    /// The fewest live bytes per entry: just before the map grows.
    pub least_bytes_per_entry: f64,
    /// Entries at that time.
    pub least_at: u64,
    /// The most live bytes per entry after an insertion: just after the map has grown.
    pub most_bytes_per_entry: f64,
    /// Entries at that time.
    pub most_at: u64,
    /// The most bytes per entry that were live at any time, also within an insertion.
    pub peak_bytes_per_entry: f64,
    /// The most by which one insertion raised the live bytes.
    pub largest_step_bytes: u64,
    /// Entries after that insertion.
    pub largest_step_at: u64,
}

/// What happens to memory, or to a writer, while one thread stays inside the closure of a `read`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stalled {
    /// `overwrite`, or `churn` (a removal and an insertion, together one operation).
    pub workload: String,
    /// Entries in the map.
    pub entries: u64,
    /// Operations that one writer was given, on other keys than the reader's.
    pub operations: u64,
    /// Operations that it got done before it waited for the reader, or all.
    pub done: u64,
    /// Whether it waited for the reader. If so the figures that follow are 0.
    pub writers_wait: bool,
    /// Growth of the live heap per operation while the reader stayed.
    pub bytes_per_op: f64,
    /// The same without a reader, before.
    pub steady_bytes_per_op: f64,
    /// What is left of it, per operation, after the reader has gone and as many operations again.
    pub left_bytes_per_op: f64,
}

/// Resident memory of a process that holds the map and little else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resident {
    /// Entries inserted, one by one, into an empty map.
    pub entries: u64,
    /// Resident bytes before.
    pub before_bytes: u64,
    /// Resident bytes with all entries.
    pub full_bytes: u64,
    /// Resident bytes after each has been removed; `None` if removals are not measured.
    pub removed_bytes: Option<u64>,
    /// Resident bytes after `shrink_to_fit`; `None` if the contender does not offer it.
    pub shrunk_bytes: Option<u64>,
}

/// What a contender adds to a program that uses it, measured on a program made for the purpose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// The contender's id.
    pub contender: String,
    /// Bytes that it adds to the stripped release program, above the same program without a map.
    /// Negative if the compiler found more to leave out.
    pub added_bytes: i64,
    /// Seconds of a clean release build of the program with all that it needs.
    pub build_seconds: f64,
    /// Crates that it adds to the program, itself included.
    pub dependencies: u32,
}

impl Resident {
    /// Bytes per entry that the full map added.
    pub fn bytes_per_entry(&self) -> f64 {
        let added = self.full_bytes.saturating_sub(self.before_bytes);
        if self.entries == 0 { 0.0 } else { added as f64 / self.entries as f64 }
    }
}

impl Heap {
    /// Live bytes per entry, or 0 for an empty map.
    pub fn bytes_per_entry(&self) -> f64 {
        if self.entries == 0 { 0.0 } else { self.live_bytes as f64 / self.entries as f64 }
    }
}

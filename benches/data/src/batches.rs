//! Many keys in one call, against the same keys one by one.

use serde::{Deserialize, Serialize};

/// One contender looking up present keys in one way. Keys are uniform, entries `u64` → `u64`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchCell {
    /// How: `get-independent` (the next key is known beforehand), `get-dependent` (the next key
    /// follows from the value found), or `get-many-64` and the like (so many keys in a call).
    pub way: String,
    /// The contender's id.
    pub contender: String,
    /// Entries in the map.
    pub keys: u64,
    /// Threads.
    pub threads: u32,
    /// Million keys looked up per second, all threads together, one figure a round, in round order.
    pub mkeys: Vec<f64>,
}

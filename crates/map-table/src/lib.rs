//! The unsynchronised table under the lock-based Atlas maps.
//!
//! [`Table`] is hashbrown's [`HashTable`](hashbrown::HashTable) with two things changed. It grows in
//! bounded steps: no operation moves more than [`BUCKETS_PER_WRITE`] entries, however large the table
//! is. And it survives a panic in a key's `Hash` or `Eq` at any point: no entry is lost, leaked or
//! dropped twice, and the table stays usable.
//!
//! `map-rwlock` is one such table behind one lock, `map-sharded` is many. A user of the maps does not
//! need this crate.
//!
//! # Calling convention
//!
//! The caller hashes: every operation takes the key's hash, and every operation that writes takes
//! `rehash`, which must return for a stored key the hash that it was stored under. If it does not, an
//! entry may become impossible to find; memory stays safe.
//!
//! Nothing that belongs to the caller is dropped inside: what an operation replaces, removes or
//! refuses is given back, so that a caller that holds a lock can drop it after the lock. For the same
//! reason operations that consume something take it as `&mut Option<_>`, and take it out only when no
//! more of the user's code can run: after a panic it is still the caller's.
//!
//! # Example
//!
//! ```
//! use map_table::Table;
//!
//! let hash = |key: &u64| key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
//! let mut table = Table::new();
//! let mut new = Some((1, "one"));
//! table.insert(hash(&1), &mut new, hash);
//! assert_eq!((table.find(hash(&1), &1), new), (Some(&"one"), None));
//!
//! let mut new = Some((1, "uno"));
//! table.insert(hash(&1), &mut new, hash);
//! assert_eq!((table.find(hash(&1), &1), new), (Some(&"uno"), Some((1, "one"))));
//! ```
#![forbid(unsafe_code)]

mod batch;
mod divide;
mod growth;
mod iter;
mod ops;
mod table;
mod transact;

pub use growth::{BUCKETS_PER_SHRINK, BUCKETS_PER_WRITE};
pub use iter::{IntoIter, Iter};
pub use ops::Change;
pub use table::Table;
pub use transact::{Keys, transact};

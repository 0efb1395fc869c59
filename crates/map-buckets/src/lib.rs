//! The table under `map-sharded`: buckets of inline entries, each with a lock, growing one bucket at a time.
//!
//! A user of the map does not need this crate. Algorithm, sources, figures and rejected options:
//! `docs/designs/map-buckets.md`; layouts and invariants stand at the modules below `raw`.
//!
//! # Calling convention
//!
//! The caller hashes: every operation takes the key's hash. Entries are plain: numbers, `bool`, `char`, `()`. Of these a reader
//! takes a copy, beside writers, and stores nothing.
//!
//! # Example
//!
//! ```
//! use map_buckets::BucketTable;
//!
//! let hash = |key: &u64| key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
//! let table = BucketTable::new();
//! assert_eq!(table.writer().insert(hash(&1), 1, 10, hash), None);
//! assert_eq!(table.writer().insert(hash(&1), 1, 11, hash), Some(10));
//! assert_eq!(table.copy(hash(&1), &1), Some(11));
//! ```

mod batch;
mod growth;
mod iter;
mod raw;
mod several;
mod shrink;
mod table;
mod writer;

pub use iter::IntoIter;
pub use raw::read::Contended;
pub use shrink::Shrinking;
pub use table::BucketTable;
pub use writer::Writer;

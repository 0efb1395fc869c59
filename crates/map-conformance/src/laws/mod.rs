//! The laws, in groups. Each is a function over a family that panics if the law is broken.
#![allow(clippy::missing_panics_doc, reason = "a law panics if it is broken, and then only")]

pub mod capacity;
pub mod collection;
pub mod concurrent;
pub mod drops;
pub mod histories;
pub mod hostile;
pub mod iteration;
pub mod locked;
pub mod panics;
pub mod peers;
pub mod plain;
pub mod reentrancy;
pub mod sequential;
pub mod together;
pub mod visibility;
pub mod whole;

pub use peers::{go_hash_trie, go_sync_map, jsr166, libcuckoo, papaya};

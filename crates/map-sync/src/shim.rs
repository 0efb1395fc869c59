//! The one door through which all atomics, locks and threads come.
//!
//! Every other module of the map crates imports them from here. A build with
//! `--cfg atlas_loom` is reserved for a model checker's types: only this file changes then. What a
//! model cannot represent (`membarrier`, the atomics inside `seize` and `parking_lot`) is stated
//! where it is substituted.

pub use core::sync::atomic;
pub use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
#[cfg(test)]
pub use std::sync::{Barrier, mpsc};
pub use std::sync::{Once, OnceLock};
pub use std::thread;

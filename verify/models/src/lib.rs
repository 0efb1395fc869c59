//! Models of the locks of `map-sync`: loom runs their own source in every schedule, up to a bound.
//!
//! The file of the sequence lock is compiled once more, as a module of this crate, where `crate::shim` gives loom's atomics
//! and the crate answers to the name `parking_lot_core` (the module `parking`). What is checked is therefore the text that ships.
//!
//! **Left out**: `membarrier(2)`, which loom cannot see: both of its sides are a full fence here, as on systems
//! without the call. The queue of parked threads, which is a plain one here. Spinning: a thread parks at once. More than
//! three threads, and schedules with more preemptions than the bound (3, or `LOOM_MAX_PREEMPTIONS`).
//!
//! The biased lock is not modelled yet: its slots are in `static`s, which loom would have to make anew for each schedule.

extern crate self as parking_lot_core;

mod parking;
pub mod shim;

pub use parking::{
    DEFAULT_PARK_TOKEN, DEFAULT_UNPARK_TOKEN, ParkResult, ParkToken, UnparkResult, UnparkToken,
    park, set_fair, unpark_one,
};

/// The asymmetric fence, as on a system without `membarrier`.
mod membarrier {
    use crate::shim::atomic::{Ordering, fence};

    /// The frequent side.
    pub(crate) fn light_or_full() {
        fence(Ordering::SeqCst);
    }

    /// The rare side.
    pub(crate) fn heavy() {
        fence(Ordering::SeqCst);
    }
}

/// Spinning: none.
mod spin {
    pub(crate) const ALONE: u32 = 0;

    /// Gives up at once.
    pub(crate) fn until(_: u32, _: impl FnMut() -> bool) -> bool {
        false
    }
}

/// Counts of waiting, which the lock calls and a model does not need.
mod contention {
    /// Waits.
    pub(crate) fn wait<R>(f: impl FnOnce() -> R) -> R {
        f()
    }
}

#[path = "../../../crates/map-sync/src/raw/seqlock.rs"]
pub mod seqlock;

#[cfg(test)]
mod models;

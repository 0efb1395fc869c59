//! Two words at once, under a mutex: in a model, and, where nobody uses them, on other processors.
//!
//! Stands for the module `wide`. What it leaves out: that the words may be found half filled before they are published, and
//! that an exchange is a full fence.

use crate::shim::{MODEL, Mutex};

/// Two words that change together. Zeroed memory is one of two zeros, as a lock of zeros is not locked.
#[derive(Debug, Default)]
pub struct Wide(Mutex<[u64; 2]>);

/// Whether this may be used.
#[must_use]
pub fn available() -> bool {
    MODEL
}

impl Wide {
    /// Both words at one instant.
    #[must_use]
    pub fn load(&self) -> [u64; 2] {
        *self.0.lock()
    }

    /// Exchanges both words if they are as they were seen; returns whether they were.
    pub fn exchange(&self, seen: [u64; 2], new: [u64; 2]) -> bool {
        let mut both = self.0.lock();
        if *both != seen {
            return false;
        }
        #[cfg(any(atlas_loom, atlas_shuttle))]
        if crate::shim::model::is_broken(crate::shim::model::Fault::Exchanges) {
            drop(both);
            both = self.0.lock();
        }
        *both = new;
        true
    }

    /// Sets both words, one after the other. No other thread looks here yet.
    pub fn fill(&self, new: [u64; 2]) {
        *self.0.lock() = new;
    }
}

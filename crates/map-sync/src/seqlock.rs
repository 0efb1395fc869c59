//! A mutex beside which data of atomic words can be read without a store.
//!
//! A writer locks, says [`begin_write`](RawSeqLock::begin_write) before it changes anything, and unlocks. A reader
//! takes the version, reads, and asks whether it [is unchanged](RawSeqLock::is_unchanged); if not, what it
//! has read may be torn, and must be thrown away. The reader never stores, so that readers on several cores share
//! the line, and it is not disturbed by a holder that only looks.
//!
//! What a reader may touch must be atomic, and must not be freed meanwhile: that is the user's business.
//!
//! An uncontended write costs one atomic read-modify-write; unlocking is a plain store. **Blocking**: writers wait for each other,
//! spin briefly and then park; one that has waited long is handed the lock. A reader waits for nobody, but may have to try again.
//!
//! ```
//! use map_sync::seqlock::RawSeqLock;
//! use map_sync::shim::atomic::{AtomicU64, Ordering::Relaxed};
//!
//! static LOCK: RawSeqLock = RawSeqLock::NEW;
//! static PAIR: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
//!
//! LOCK.lock();
//! LOCK.begin_write();
//! PAIR[0].store(1, Relaxed);
//! PAIR[1].store(1, Relaxed);
//! // SAFETY: locked above.
//! unsafe { LOCK.unlock() };
//!
//! let version = LOCK.begin_read().expect("nobody writes");
//! let pair = (PAIR[0].load(Relaxed), PAIR[1].load(Relaxed));
//! assert!(LOCK.is_unchanged(version));
//! assert_eq!(pair, (1, 1));
//! ```

pub use crate::raw::seqlock::RawSeqLock;

#[cfg(test)]
#[path = "raw/seqlock_tests.rs"]
mod tests;

//! A reader-writer lock whose readers, in the common case, write no line that another thread uses.
//!
//! **Source**: BRAVO (Dice and Kogan, USENIX ATC 2019) with a slot line per thread and `membarrier(2)` as
//! the writers' fence. Algorithm, proof and rejected options: `docs/designs/biased-lock.md`; the unsafe part:
//! `raw/biased.rs`.
//!
//! **Blocking**: a reader waits for a writer that holds or waits for the lock; a writer for the readers
//! and writers before it. Waiting threads park. Neither side starves.
//!
//! **Leaked guards**: a guard given to [`core::mem::forget`] locks its lock for ever, as with any lock, and besides
//! any later lock at the same address. Do not leak guards of locks that are moved or dropped.

use crate::raw::biased::RawBiasedRwLock as Raw;
use crate::reentrancy::Section;

pub use crate::raw::announce::{FirstGuard, InnerGuard};
pub use crate::raw::biased::RawBiasedRwLock;

/// A reader-biased lock around a value.
///
/// ```
/// use map_sync::biased::BiasedRwLock;
///
/// let lock = BiasedRwLock::new(1);
/// assert_eq!(*lock.read(), 1);
/// *lock.write() += 1;
/// assert_eq!(lock.into_inner(), 2);
/// ```
pub type BiasedRwLock<T> = lock_api::RwLock<Raw, T>;

/// A shared hold of a [`BiasedRwLock`], for the thread that took it.
pub type BiasedReadGuard<'lock, T> = lock_api::RwLockReadGuard<'lock, Raw, T>;

/// The exclusive hold of a [`BiasedRwLock`].
///
/// Who takes the lock again and again gives it back with `unlock_fair`, which hands it to threads that are parked, if there are any.
pub type BiasedWriteGuard<'lock, T> = lock_api::RwLockWriteGuard<'lock, Raw, T>;

/// Locks shared if the lock is biased and the thread is in no [`reentrancy`](crate::reentrancy) section.
///
/// This is the short way for a map's read: it needs no section of its own. The lock is biased, so this
/// thread does not hold it exclusively; it is in no exclusive section on any other lock of the
/// map; and the guard's announcement is what `enter` finds if a closure calls the map again.
#[inline(always)]
pub fn read_outermost<T>(lock: &BiasedRwLock<T>) -> Option<FirstGuard<'_, T>> {
    crate::raw::announce::read_outermost(lock)
}

/// Locks shared if the lock is *not* biased and the thread is in no [`reentrancy`](crate::reentrancy) section.
///
/// As [`read_outermost`], it needs no section of its own: the thread's first word tells of the hold. May wait, as any reader.
#[inline(always)]
pub fn read_unbiased<T>(lock: &BiasedRwLock<T>) -> Option<InnerGuard<'_, T>> {
    crate::raw::announce::read_unbiased(lock)
}

/// As [`read_first`], and opens a writing section: until the guard is dropped, what calls the same map is refused.
///
/// The lock itself is held shared.
#[inline(always)]
pub fn write_section<'lock, T>(
    lock: &'lock BiasedRwLock<T>,
    section: &'static Section,
) -> Option<FirstGuard<'lock, T>> {
    crate::raw::announce::write_section(lock, section)
}

/// Locks shared if the thread holds no lock by announcement in its first word, and the lock is biased.
///
/// For locks made by [`RawBiasedRwLock::always_biased`] it is what [`read_outermost`] is for others, without a look
/// at the open sections: in any section of a map that holds such a lock, the thread's first word is in use, or the
/// lock is never biased (where the system has no `membarrier`).
#[inline(always)]
pub fn read_first<T>(lock: &BiasedRwLock<T>) -> Option<FirstGuard<'_, T>> {
    crate::raw::announce::read_first(lock)
}

#[cfg(test)]
#[path = "raw/biased_tests.rs"]
mod tests;

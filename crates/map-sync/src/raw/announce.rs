//! The short ways through a biased lock, of which the thread's first word tells.
//!
//! What they promise stands at [`crate::biased`]; states, words and invariants at [`super::biased`].

use core::ptr;

use lock_api::RawRwLock as _;

use super::biased::{BIASED, NESTED, RawBiasedRwLock, THROUGH_INNER, UNBIASED, WRITING};
use super::{membarrier, slots};
use crate::reentrancy::Section;
use crate::shim::MODEL;
use crate::shim::atomic::{AtomicUsize, Ordering};

/// One read of so many is counted, as so many; each in a model, which would have to be longer.
const COUNTED: u8 = if MODEL { 1 } else { 8 };

/// A hold that the thread's first word tells of.
///
/// It is let go by the thread that took it: the guards that contain it are not `Send`, for its pointer.
#[derive(Debug)]
struct First<'lock, T> {
    lock: &'lock lock_api::RwLock<RawBiasedRwLock, T>,
    word: *const AtomicUsize,
}

impl<'lock, T> First<'lock, T> {
    #[inline(always)]
    fn raw(&self) -> &'lock RawBiasedRwLock {
        // SAFETY: the raw lock is unlocked only by the guard that this hold is part of.
        unsafe { self.lock.raw() }
    }

    #[inline(always)]
    fn word(&self) -> &'static AtomicUsize {
        // SAFETY: slots are never freed (their I1).
        unsafe { &*self.word }
    }

    #[inline(always)]
    fn data(&self) -> &'lock T {
        // SAFETY: held shared, as the guards are only made after the lock was taken.
        unsafe { &*self.lock.data_ptr() }
    }
}

/// A shared hold by announcement. See [`crate::biased::read_first`] and [`crate::biased::write_section`].
#[derive(Debug)]
pub struct FirstGuard<'lock, T>(First<'lock, T>);

impl<T> core::ops::Deref for FirstGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        self.0.data()
    }
}

impl<T> Drop for FirstGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // Relaxed: the thread's own word.
        if self.0.word().load(Ordering::Relaxed) & NESTED == 0 {
            self.0.raw().clear(self.0.word());
        } else {
            leave_nested(self.0.raw());
        }
    }
}

/// Ends a hold of a [`FirstGuard`] while a later one of the same thread goes on: one less on the word.
///
/// It takes the lock and not the guard, so that the guard needs no place in memory.
#[cold]
#[inline(never)]
fn leave_nested(raw: &RawBiasedRwLock) {
    // SAFETY: the thread holds the lock by its first word, and this is one of its holds.
    unsafe { lock_api::RawRwLock::unlock_shared(raw) };
}

/// A shared hold of the ordinary lock, of which the first word tells. See [`crate::biased::read_unbiased`].
///
/// Dropping it before a hold of the same lock that the thread took later panics, and leaves the lock held.
#[derive(Debug)]
pub struct InnerGuard<'lock, T>(First<'lock, T>);

impl<T> core::ops::Deref for InnerGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        self.0.data()
    }
}

impl<T> Drop for InnerGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        let nested = self.0.word().load(Ordering::Relaxed) & NESTED != 0;
        assert!(!nested, "a hold of the lock that was taken later is to be let go first");
        // Relaxed: for other threads the unlock follows, which releases.
        self.0.word().store(0, Ordering::Relaxed);
        // SAFETY: locked in `read_unbiased`, once for this guard.
        unsafe { self.0.raw().inner.unlock_shared() };
    }
}

/// As [`crate::biased::read_outermost`].
#[inline(always)]
pub(crate) fn read_outermost<T>(
    lock: &lock_api::RwLock<RawBiasedRwLock, T>,
) -> Option<FirstGuard<'_, T>> {
    // SAFETY: the raw lock is only looked at.
    let raw = unsafe { lock.raw() };
    // Relaxed: a look before the announcement, so that an unbiased lock costs no store.
    if raw.state.load(Ordering::Relaxed) != BIASED || crate::reentrancy::is_inside() {
        return None;
    }
    read_first(lock)
}

/// As [`crate::biased::read_unbiased`].
#[inline(always)]
pub(crate) fn read_unbiased<T>(
    lock: &lock_api::RwLock<RawBiasedRwLock, T>,
) -> Option<InnerGuard<'_, T>> {
    let slot = slots::current();
    let word = &slot.words[0];
    let hold = First { lock, word };
    let raw = hold.raw();
    let outside = word.load(Ordering::Relaxed) == 0 && !crate::reentrancy::is_inside();
    if !outside || raw.state.load(Ordering::Relaxed) != UNBIASED {
        return None;
    }
    raw.lock_inner_shared();
    // Relaxed: a writer that looks at words holds `inner`, so this hold has ended then.
    word.store(raw.address() | THROUGH_INNER, Ordering::Relaxed);
    // The count is in the lock's line, which another reader may have taken meanwhile.
    if slot.tick(COUNTED) {
        raw.count_reads(COUNTED);
    }
    Some(InnerGuard(hold))
}

/// As [`crate::biased::read_first`].
#[inline(always)]
pub(crate) fn read_first<T>(
    lock: &lock_api::RwLock<RawBiasedRwLock, T>,
) -> Option<FirstGuard<'_, T>> {
    announce_first(lock, None)
}

/// As [`crate::biased::write_section`].
#[inline(always)]
pub(crate) fn write_section<'lock, T>(
    lock: &'lock lock_api::RwLock<RawBiasedRwLock, T>,
    section: &'static Section,
) -> Option<FirstGuard<'lock, T>> {
    announce_first(lock, Some(section))
}

#[inline(always)]
fn announce_first<'lock, T>(
    lock: &'lock lock_api::RwLock<RawBiasedRwLock, T>,
    writing: Option<&'static Section>,
) -> Option<FirstGuard<'lock, T>> {
    let slot = slots::current();
    let word = &slot.words[0];
    if word.load(Ordering::Relaxed) != 0 {
        return None;
    }
    let hold = First { lock, word };
    let mut announcement = hold.raw().address();
    if let Some(section) = writing {
        // Relaxed: only the owner looks at it, and only while its first word says so.
        slot.section.store(ptr::from_ref(section).cast_mut(), Ordering::Relaxed);
        announcement |= WRITING;
    }
    word.store(announcement, Ordering::Relaxed);
    membarrier::light();
    // Acquire: as in `try_lock_biased`. If the lock is not biased, the guard takes the announcement back.
    let biased = hold.raw().state.load(Ordering::Acquire) == BIASED;
    let guard = FirstGuard(hold);
    biased.then_some(guard)
}

#[cfg(test)]
#[path = "announce_tests.rs"]
mod tests;

//! The raw reader-biased lock. The algorithm, its proof and its sources: `docs/designs/biased-lock.md`.
//!
//! **Layout**: an ordinary lock, a state word, and a count of reads since the last write; 16 bytes.
//!
//! **Invariants**: (I1) `state` is `BIASED`, `FENCED` or `REVOKING` only while `inner` is not held
//! exclusively, but by a writer that is revoking or has done its work; (I2) whoever holds the lock exclusively has seen no word of any
//! slot with this lock's address after its heavy fence, and none is set while `state` is `UNBIASED`; (I3) a word
//! with this address, or a hold of `inner`, stands for each shared hold, a depth in the slot for each
//! further one of the same thread on the same word.

use lock_api::{GuardNoSend, RawRwLock as _};

use super::{membarrier, slots, spin};
use crate::contention;
use crate::shim::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering, fence};
use crate::shim::{self, RawRwLock, parking};

pub(super) const UNBIASED: u8 = 0;
pub(super) const BIASED: u8 = 1;
const FENCED: u8 = 2;
const REVOKING: u8 = 3;

/// Set in a word announced with a full fence, to be cleared with one.
const WITH_FENCE: usize = 1;
/// Set in a word whose depth is not 0.
pub(super) const NESTED: usize = 2;
/// Set in a word that tells of a shared hold of `inner`.
pub(super) const THROUGH_INNER: usize = 4;
/// Set in a first word whose owner is in a writing section; which one, the slot tells.
pub(super) const WRITING: usize = slots::WRITING;
/// The bits of a word that are not the address.
const FLAGS: usize = WITH_FENCE | NESTED | THROUGH_INNER | WRITING;

/// Shared locks through `inner`, without a write between them, after which the lock is biased: about
/// what a revocation costs over what a biased read saves.
const READS_TO_BIAS: u32 = if shim::MODEL { 1 } else { 512 };

/// A reader-writer lock whose readers, in the common case, write no line that another thread uses.
///
/// See [`crate::biased`] for the lock with its data.
#[repr(C, align(16))]
pub struct RawBiasedRwLock {
    pub(super) inner: RawRwLock,
    reads: AtomicU32,
    pub(super) state: AtomicU8,
    /// The state that the end of an exclusive hold leaves behind; never changes.
    rest: u8,
}

impl core::fmt::Debug for RawBiasedRwLock {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let state = match self.state.load(Ordering::Relaxed) {
            UNBIASED => "unbiased",
            REVOKING => "revoking",
            _ => "biased",
        };
        f.debug_struct("RawBiasedRwLock").field("state", &state).finish_non_exhaustive()
    }
}

impl RawBiasedRwLock {
    /// An unlocked, unbiased lock.
    #[allow(clippy::declare_interior_mutable_const, reason = "how lock_api initialises a lock")]
    pub const NEW: Self = Self {
        inner: <RawRwLock as lock_api::RawRwLock>::INIT,
        reads: AtomicU32::new(0),
        state: AtomicU8::new(UNBIASED),
        rest: UNBIASED,
    };

    /// An unlocked lock that is biased but while it is held exclusively: for one that seldom is.
    pub fn always_biased() -> Self {
        let state = if membarrier::available() { BIASED } else { FENCED };
        Self { state: AtomicU8::new(state), rest: state, ..Self::NEW }
    }

    #[inline(always)]
    pub(super) fn address(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }

    /// Takes the lock shared if that needs no wait, no shared write and no nesting.
    ///
    /// The thread then holds nothing else in its slot's first word, so this also tells a caller that
    /// it was in no other biased section that uses this word.
    #[inline(always)]
    pub(crate) fn try_lock_biased(&self) -> bool {
        if self.state.load(Ordering::Relaxed) != BIASED {
            return false;
        }
        let word = &slots::current().words[0];
        if word.load(Ordering::Relaxed) != 0 {
            return false;
        }
        word.store(self.address(), Ordering::Relaxed);
        membarrier::light();
        // Acquire pairs with the release in `give_bias`, and so with the last writer's unlock of `inner`.
        if self.state.load(Ordering::Acquire) == BIASED {
            return true;
        }
        self.clear(word);
        false
    }

    /// Clears a word set by this lock without a flag and wakes the writer that waits for it.
    #[inline(always)]
    pub(super) fn clear(&self, word: &AtomicUsize) {
        // Release pairs with the acquire in `drained`: reads under the lock come before the next write.
        word.store(0, Ordering::Release);
        membarrier::light();
        if self.state.load(Ordering::Relaxed) == REVOKING {
            self.wake_writer();
        }
    }

    #[cold]
    fn wake_writer(&self) {
        // SAFETY: the key is the address of a byte of this lock that parking_lot's lock does not use as
        // a key; the token is not read.
        unsafe {
            parking::unpark_all(self.key(), parking::DEFAULT_UNPARK_TOKEN);
        }
    }

    /// The address under which a writer waits for announced readers.
    pub(crate) fn key(&self) -> usize {
        core::ptr::from_ref(&self.state).addr()
    }

    /// Everything that `try_lock_biased` leaves over, except for `inner`: a thread without a slot, a first word in
    /// use, a nested hold, full fences.
    #[cold]
    fn try_lock_announced(&self) -> bool {
        let slot = slots::current_or_new();
        let address = self.address();
        let holds = |word: &AtomicUsize| word.load(Ordering::Relaxed) & !FLAGS == address;
        if let Some(held) = slot.words.iter().position(holds) {
            // A writer may be waiting for this word already, and waits on: no fence, no look at the state.
            let depth = &slot.depths[held];
            depth.store(depth.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            let word = &slot.words[held];
            word.store(word.load(Ordering::Relaxed) | NESTED, Ordering::Relaxed);
            return true;
        }
        let Some(word) = slot.words.iter().find(|word| word.load(Ordering::Relaxed) == 0) else {
            return false;
        };
        match self.state.load(Ordering::Relaxed) {
            BIASED => {
                word.store(address, Ordering::Relaxed);
                membarrier::light();
                // Acquire: as in `try_lock_biased`.
                let held = self.state.load(Ordering::Acquire) == BIASED;
                if !held {
                    self.clear(word);
                }
                held
            }
            FENCED => {
                word.store(address | WITH_FENCE, Ordering::Relaxed);
                fence(Ordering::SeqCst);
                let held = self.state.load(Ordering::Acquire) == FENCED;
                if !held {
                    self.clear_fenced(word);
                }
                held
            }
            _ => false,
        }
    }

    #[cold]
    fn clear_fenced(&self, word: &AtomicUsize) {
        word.store(0, Ordering::Release);
        fence(Ordering::SeqCst);
        if self.state.load(Ordering::Relaxed) == REVOKING {
            self.wake_writer();
        }
    }

    /// Ends a shared hold that is not in the first word without flags.
    #[cold]
    fn unlock_announced(&self) -> bool {
        let slot = slots::current();
        let address = self.address();
        for (word, depth) in slot.words.iter().zip(&slot.depths) {
            let value = word.load(Ordering::Relaxed);
            if value == slots::OCCUPIED || value & !FLAGS != address {
                continue;
            }
            if value & (NESTED | THROUGH_INNER) == THROUGH_INNER {
                return false;
            }
            if value & NESTED != 0 {
                let left = depth.load(Ordering::Relaxed) - 1;
                depth.store(left, Ordering::Relaxed);
                if left == 0 {
                    word.store(value & !NESTED, Ordering::Relaxed);
                }
            } else if value & WITH_FENCE != 0 {
                self.clear_fenced(word);
            } else {
                self.clear(word);
            }
            return true;
        }
        false
    }

    #[cfg(test)]
    pub(crate) fn is_biased(&self) -> bool {
        matches!(self.state.load(Ordering::SeqCst), BIASED | FENCED)
    }

    /// Biases an idle lock in the way of a system without `membarrier`.
    #[cfg(test)]
    pub(crate) fn bias_with_fences(&self) {
        self.state.store(FENCED, Ordering::SeqCst);
    }

    /// Counts shared locks of `inner`, the last of which the caller holds, and gives the bias when it is due.
    #[inline]
    pub(super) fn count_reads(&self, more: u8) {
        // Relaxed, and an update may be lost: it is a guess about the future.
        match self.reads.load(Ordering::Relaxed) {
            READS_TO_BIAS.. => self.give_bias(),
            reads => self.reads.store(reads + u32::from(more), Ordering::Relaxed),
        }
    }

    /// Begins to count anew. For the exclusive holder; stores only if it must, since others may be looking at the line.
    #[inline(always)]
    fn forget_reads(&self) {
        if self.reads.load(Ordering::Relaxed) != 0 {
            self.reads.store(0, Ordering::Relaxed);
        }
    }

    #[cold]
    fn give_bias(&self) {
        let state = if membarrier::available() { BIASED } else { FENCED };
        // Release pairs with the acquire of an announcing reader. `inner` is held shared (I1).
        self.state.store(state, Ordering::Release);
    }

    /// Ends the bias; the caller holds `inner` exclusively and, on return, the lock (I2).
    #[cold]
    fn revoke(&self) {
        self.state.store(REVOKING, Ordering::Relaxed);
        membarrier::heavy();
        for word in slots::all().flat_map(|slot| &slot.words) {
            if !self.drained(word) {
                contention::wait(|| self.drain(word));
            }
        }
        self.state.store(UNBIASED, Ordering::Relaxed);
    }

    /// Whether `word` does not announce this lock.
    fn drained(&self, word: &AtomicUsize) -> bool {
        // Acquire pairs with the release in `clear`.
        let value = word.load(Ordering::Acquire);
        value == slots::OCCUPIED || value & !FLAGS != self.address()
    }

    fn drain(&self, word: &AtomicUsize) {
        let mut spin = parking::SpinWait::new();
        while !self.drained(word) {
            if !spin.spin() {
                // SAFETY: the key is this lock's own, see `wake_writer`; the closures call nothing of
                // parking_lot and cannot panic.
                unsafe {
                    parking::park(
                        self.key(),
                        || !self.drained(word),
                        || {},
                        |_, _| {},
                        parking::DEFAULT_PARK_TOKEN,
                        None,
                    );
                }
                spin.reset();
            }
        }
    }

    /// Whether some thread reads under this lock by announcement. The caller holds `inner` exclusively
    /// and has fenced.
    fn is_announced(&self) -> bool {
        slots::all().any(|slot| slot.words.iter().any(|word| !self.drained(word)))
    }

    /// Takes `inner` exclusively from somebody who holds it.
    #[cold]
    pub(super) fn lock_inner_exclusive(&self) {
        if !spin::until(spin::ALONE, || !self.inner.is_locked() && self.inner.try_lock_exclusive())
        {
            self.inner.lock_exclusive();
        }
    }

    /// Takes `inner` shared.
    #[inline(always)]
    pub(super) fn lock_inner_shared(&self) {
        // A model of a lock tells attempts that fail poorly from others.
        if shim::MODEL || !self.inner.try_lock_shared() {
            contention::wait(|| self.lock_inner_shared_from_a_writer());
        }
    }

    #[cold]
    pub(super) fn lock_inner_shared_from_a_writer(&self) {
        if !spin::until(spin::BESIDE_OTHERS, || {
            !self.inner.is_locked_exclusive() && self.inner.try_lock_shared()
        }) {
            self.inner.lock_shared();
        }
    }

    #[inline(always)]
    fn lock_shared_by(&self, lock_inner: impl FnOnce(&RawRwLock)) {
        if !self.try_lock_biased() {
            self.lock_shared_unannounced(lock_inner);
        }
    }

    #[inline(never)]
    fn lock_shared_unannounced(&self, lock_inner: impl FnOnce(&RawRwLock)) {
        // An unbiased lock costs what `inner` does; a nested hold must be found even so, since the
        // writer that waits for the outer one holds `inner`.
        if self.state.load(Ordering::Relaxed) != UNBIASED && self.try_lock_announced() {
            return;
        }
        if !contention::COUNTS {
            lock_inner(&self.inner);
        } else if !self.inner.try_lock_shared() {
            contention::wait(|| lock_inner(&self.inner));
        }
        if self.rest == UNBIASED {
            self.count_reads(1);
        } else if self.try_lock_biased() {
            // So that the thread's announcement tells of every hold of such a lock that `try_lock_biased` could nest in.
            // SAFETY: locked above.
            unsafe { self.inner.unlock_shared() };
        }
    }
}

// SAFETY: exclusion and visibility are shown on the design page; by I2 an exclusive holder excludes
// announced readers, `inner` excludes the others.
unsafe impl lock_api::RawRwLock for RawBiasedRwLock {
    #[allow(clippy::declare_interior_mutable_const, reason = "how lock_api initialises a lock")]
    const INIT: Self = Self::NEW;

    // A shared hold lives in the slot of its thread.
    type GuardMarker = GuardNoSend;

    #[inline]
    fn lock_shared(&self) {
        self.lock_shared_by(|inner| inner.lock_shared());
    }

    #[inline]
    fn try_lock_shared(&self) -> bool {
        if self.try_lock_biased() {
            return true;
        }
        if self.state.load(Ordering::Relaxed) != UNBIASED && self.try_lock_announced() {
            return true;
        }
        let locked = self.inner.try_lock_shared();
        if locked {
            self.count_reads(1);
        }
        locked
    }

    #[inline]
    unsafe fn unlock_shared(&self) {
        let word = &slots::current().words[0];
        if word.load(Ordering::Relaxed) == self.address() {
            self.clear(word);
        } else if !self.unlock_announced() {
            // SAFETY: the caller holds the lock shared and not by announcement, so by I3 through `inner`.
            unsafe { self.inner.unlock_shared() };
        }
    }

    #[inline]
    fn lock_exclusive(&self) {
        // As in `lock_inner_shared`.
        if shim::MODEL || !self.inner.try_lock_exclusive() {
            contention::wait(|| self.lock_inner_exclusive());
        }
        self.forget_reads();
        // Relaxed: who gave the bias held `inner` shared before, so the store is seen.
        if self.state.load(Ordering::Relaxed) != UNBIASED {
            self.revoke();
        }
    }

    #[inline]
    fn try_lock_exclusive(&self) -> bool {
        if !self.inner.try_lock_exclusive() {
            return false;
        }
        let state = self.state.load(Ordering::Relaxed);
        if state != UNBIASED {
            self.state.store(REVOKING, Ordering::Relaxed);
            membarrier::heavy();
            if self.is_announced() {
                // Release, as in `give_bias`; nothing was written in between.
                self.state.store(state, Ordering::Release);
                // SAFETY: locked above.
                unsafe { self.inner.unlock_exclusive() };
                return false;
            }
            self.state.store(UNBIASED, Ordering::Relaxed);
        }
        self.forget_reads();
        true
    }

    #[inline]
    unsafe fn unlock_exclusive(&self) {
        if self.rest != UNBIASED {
            // Release pairs with the acquire of an announcing reader. All that the holder did comes before.
            self.state.store(self.rest, Ordering::Release);
        }
        // SAFETY: the caller holds the lock exclusively, and so `inner`.
        unsafe { self.inner.unlock_exclusive() };
    }

    fn is_locked(&self) -> bool {
        self.inner.is_locked()
            || (self.state.load(Ordering::Relaxed) != UNBIASED && {
                membarrier::heavy();
                self.is_announced()
            })
    }
}

// SAFETY: as the ordinary unlocks; who of those that wait comes next is the business of `inner`.
unsafe impl lock_api::RawRwLockFair for RawBiasedRwLock {
    unsafe fn unlock_shared_fair(&self) {
        // A writer that waits has `inner`, or is queued for it, and readers queue behind it.
        // SAFETY: the caller's.
        unsafe { lock_api::RawRwLock::unlock_shared(self) };
    }

    unsafe fn unlock_exclusive_fair(&self) {
        if self.rest != UNBIASED {
            // As in `unlock_exclusive`.
            self.state.store(self.rest, Ordering::Release);
        }
        // SAFETY: the caller holds the lock exclusively, and so `inner`.
        unsafe { lock_api::RawRwLockFair::unlock_exclusive_fair(&self.inner) };
    }
}

// SAFETY: a thread that holds the lock by announcement gets the nested hold from its own word, one
// that holds it through `inner` from `inner`'s recursive lock; neither waits for a writer.
unsafe impl lock_api::RawRwLockRecursive for RawBiasedRwLock {
    #[inline]
    fn lock_shared_recursive(&self) {
        self.lock_shared_by(|inner| inner.lock_shared_recursive());
    }

    #[inline]
    fn try_lock_shared_recursive(&self) -> bool {
        if self.try_lock_biased() {
            return true;
        }
        if self.state.load(Ordering::Relaxed) != UNBIASED && self.try_lock_announced() {
            return true;
        }
        let locked = self.inner.try_lock_shared_recursive();
        if locked {
            self.count_reads(1);
        }
        locked
    }
}

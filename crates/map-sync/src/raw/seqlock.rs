//! The raw sequence lock. What it is for and what it promises: [`crate::seqlock`].
//!
//! **Source**: the sequence lock is Linux's (Stephen Hemminger and Andrea Arcangeli), in the form that Hans Boehm
//! (MSPC 2012) shows correct with fences; parking is WebKit's `ParkingLot` as in `parking_lot_core`. The unlock by
//! a plain store, with a heavy fence on the side of who is about to park, is our own use of `membarrier(2)`.
//!
//! **Layout**: `word` = `LOCKED` | `WRITING` | version in steps of `VERSION`; `waiters` counts threads that are parked
//! or about to be. All zero is an unlocked lock.
//!
//! **Invariants**: (I1) only the holder changes `word`, but for setting `LOCKED`, which is set already then; (I2)
//! while `WRITING` is not set nothing under the lock changes, and the version is another one after each
//! time it was set; (I3) a thread parks only after it has counted itself in `waiters` and fenced heavily.
//!
//! **No lost wake-up**: who unlocks stores the word (a), fences lightly and loads `waiters` (b); who waits adds to
//! `waiters` (c), fences heavily and looks at the word under the queue's lock (d). Not both can miss the other: either
//! (b) sees the waiter and wakes it, or (d) sees the lock free and does not park.

use super::{membarrier, spin};
use crate::contention;
use crate::shim::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use crate::shim::parking::{
    self, DEFAULT_PARK_TOKEN, DEFAULT_UNPARK_TOKEN, ParkResult, UnparkResult, UnparkToken,
};

const LOCKED: u64 = 1;
const WRITING: u64 = 2;
const VERSION: u64 = 4;

/// The lock is handed to the thread that is woken.
const HANDOFF: UnparkToken = UnparkToken(1);

/// A mutex whose holder announces changes, so that others can read beside it. See [`crate::seqlock`].
#[derive(Debug, Default)]
#[repr(C, align(8))]
pub struct RawSeqLock {
    word: AtomicU64,
    waiters: AtomicU32,
}

impl RawSeqLock {
    /// An unlocked lock.
    #[allow(clippy::declare_interior_mutable_const, reason = "how a lock is initialised")]
    pub const NEW: Self = Self { word: AtomicU64::new(0), waiters: AtomicU32::new(0) };

    /// Begins a read: returns the version, or `None` while the holder is writing.
    #[inline(always)]
    pub fn begin_read(&self) -> Option<u64> {
        // Acquire pairs with the release in `unlock` and `end_write`: data of this version is seen.
        let word = self.word.load(Ordering::Acquire);
        (word & WRITING == 0).then_some(word)
    }

    /// Whether nothing has changed since [`begin_read`](Self::begin_read) returned `version`.
    ///
    /// `false` also if somebody has locked or unlocked meanwhile and not written: telling that apart would cost each read
    /// more than trying again costs a few.
    #[inline(always)]
    pub fn is_unchanged(&self, version: u64) -> bool {
        // The fence pairs with the one in `begin_write`: if a relaxed load before it has read a datum of a write,
        // the load after it sees that write's `WRITING`, or a later version.
        fence(Ordering::Acquire);
        self.word.load(Ordering::Relaxed) == version
    }

    /// Locks; waits for the holder, parked if it takes long.
    #[inline(always)]
    pub fn lock(&self) {
        if !self.try_lock() {
            contention::wait(|| self.lock_slow());
        }
    }

    /// Locks if nobody holds the lock.
    #[inline(always)]
    pub fn try_lock(&self) -> bool {
        // Acquire pairs with the release in `unlock`. An unconditional read-modify-write, not a load and an exchange:
        // a line that another core has changed is fetched once.
        self.word.fetch_or(LOCKED, Ordering::Acquire) & LOCKED == 0
    }

    /// Says that data under the lock is about to change. Ends with [`end_write`](Self::end_write) or the unlock.
    ///
    /// Only for the holder, or for whoever else has excluded all holders.
    #[inline(always)]
    pub fn begin_write(&self) {
        // Relaxed: our own word (I1); the fence orders it before the data.
        let word = self.word.load(Ordering::Relaxed);
        self.word.store(word | WRITING, Ordering::Relaxed);
        fence(Ordering::Release);
    }

    /// Says that the data is whole again. Nothing if no write has begun. Only for the holder, or for whoever else has
    /// excluded all holders.
    #[inline(always)]
    pub fn end_write(&self) {
        let word = self.word.load(Ordering::Relaxed);
        // Release pairs with the acquire in `begin_read`.
        self.word.store(after_write(word), Ordering::Release);
    }

    /// Unlocks, ending a write that has begun.
    ///
    /// # Safety
    ///
    /// The calling thread holds the lock.
    #[inline(always)]
    pub unsafe fn unlock(&self) {
        // Relaxed: a hint, so that fairness is kept; the load below decides.
        if self.waiters.load(Ordering::Relaxed) != 0 {
            return self.unlock_slow();
        }
        let word = self.word.load(Ordering::Relaxed);
        // Release pairs with the acquire in `lock` and `begin_read`.
        self.word.store(after_write(word) & !LOCKED, Ordering::Release);
        membarrier::light_or_full();
        // Relaxed: ordered after the store by the fence, as the module's header shows.
        if self.waiters.load(Ordering::Relaxed) != 0 {
            self.wake();
        }
    }

    #[cold]
    fn lock_slow(&self) {
        // Relaxed: a look before the attempt that counts, so that waiting writes nothing.
        if spin::until(spin::ALONE, || {
            self.word.load(Ordering::Relaxed) & LOCKED == 0 && self.try_lock()
        }) {
            return;
        }
        self.waiters.fetch_add(1, Ordering::SeqCst);
        membarrier::heavy();
        while !self.try_lock() {
            let locked = || self.word.load(Ordering::SeqCst) & LOCKED != 0;
            // SAFETY: the key is the address of this lock, which parks under it here alone; the closures
            // call nothing of parking_lot and cannot panic.
            let parked = unsafe {
                parking::park(self.key(), locked, || {}, |_, _| {}, DEFAULT_PARK_TOKEN, None)
            };
            if parked == ParkResult::Unparked(HANDOFF) {
                break;
            }
        }
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }

    /// Unlocks, or now and then hands the lock to the thread that has waited longest.
    #[cold]
    fn unlock_slow(&self) {
        let release = |result: UnparkResult| {
            let word = after_write(self.word.load(Ordering::Relaxed));
            if result.unparked_threads != 0 && result.be_fair {
                self.word.store(word, Ordering::Release);
                return HANDOFF;
            }
            self.word.store(word & !LOCKED, Ordering::Release);
            DEFAULT_UNPARK_TOKEN
        };
        // SAFETY: the key is this lock's own; the closure calls nothing of parking_lot and cannot panic.
        unsafe { parking::unpark_one(self.key(), release) };
    }

    #[cold]
    fn wake(&self) {
        // SAFETY: the key is this lock's own; the closure calls nothing of parking_lot and cannot panic.
        unsafe { parking::unpark_one(self.key(), |_| DEFAULT_UNPARK_TOKEN) };
    }

    fn key(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }
}

/// The word at the end of a write, if one has begun.
#[inline(always)]
fn after_write(word: u64) -> u64 {
    if word & WRITING == 0 { word } else { (word & !WRITING).wrapping_add(VERSION) }
}

//! The raw reader-writer lock. What it is for and what it promises: [`crate::rwlock`].
//!
//! **Source**: counting readers in the word that a writer sets a bit of, and parking, as `parking_lot`'s lock and WebKit's
//! `ParkingLot`. The exclusive unlock by a plain store, with a heavy fence on the side of who is about to park, is that of our
//! sequence lock.
//!
//! **Layout**: `word` = `EXCLUSIVE`, or the number of readers times `READER`; `waiting` counts threads that are parked or about to
//! be, `writers` those of them that want the lock exclusively. All zero is an unlocked lock.
//!
//! **Invariants**: (I1) while `EXCLUSIVE` is set only its holder changes `word`; (I2) a thread parks only after it has counted
//! itself in `waiting` and fenced heavily; (I3) whoever leaves the lock free after that looks at `waiting` and wakes.
//!
//! **No lost wake-up**: who unlocks changes the word (a), fences lightly and loads `waiting` (b); who waits adds to
//! `waiting` (c), fences heavily and looks at the word under the queue's lock (d). Not both can miss the other: either
//! (b) sees the waiter and wakes it, or (d) sees the lock free and does not park. A reader that keeps back for a waiting writer
//! parks only while somebody holds the lock, so that it is woken, if not by that writer then by the last reader; once woken it keeps
//! back no more, so that it and the writer cannot wait for each other.
//!
//! **Who is woken**: the thread that has waited longest, and if it is a reader all waiting readers. They take the lock like anybody else; now
//! and then, when parking_lot's clock says so, it is handed to them.

use core::cell::Cell;

use lock_api::GuardNoSend;

use super::{membarrier, spin};
use crate::shim::atomic::{AtomicU32, Ordering};
use crate::shim::parking::{
    self, DEFAULT_UNPARK_TOKEN, FilterOp, ParkResult, ParkToken, UnparkResult, UnparkToken,
};

const EXCLUSIVE: u32 = 1;
const READER: u32 = 2;

/// The lock is handed to the threads that are woken.
const HANDOFF: UnparkToken = UnparkToken(1);

/// What a parked thread wants.
const WANTS_SHARED: ParkToken = ParkToken(0);
const WANTS_EXCLUSIVE: ParkToken = ParkToken(1);

/// A reader-writer lock of which the exclusive hold costs one read-modify-write. See [`crate::rwlock`].
#[derive(Debug, Default)]
pub struct RawRwLock {
    word: AtomicU32,
    waiting: AtomicU32,
    writers: AtomicU32,
}

/// Whom a wake-up reaches.
#[derive(Default)]
struct Woken {
    readers: Cell<u32>,
    writer: Cell<bool>,
}

impl Woken {
    fn choose(&self, token: ParkToken) -> FilterOp {
        let wants_exclusive = token == WANTS_EXCLUSIVE;
        match (wants_exclusive, self.readers.get()) {
            _ if self.writer.get() => FilterOp::Stop,
            (true, 0) => {
                self.writer.set(true);
                FilterOp::Unpark
            }
            (true, _) => FilterOp::Skip,
            (false, readers) => {
                self.readers.set(readers + 1);
                FilterOp::Unpark
            }
        }
    }

    /// The word when the lock is handed to them.
    fn word(&self) -> u32 {
        if self.writer.get() { EXCLUSIVE } else { self.readers.get() * READER }
    }
}

impl RawRwLock {
    /// An unlocked lock.
    #[allow(clippy::declare_interior_mutable_const, reason = "how lock_api initialises a lock")]
    pub const NEW: Self =
        Self { word: AtomicU32::new(0), waiting: AtomicU32::new(0), writers: AtomicU32::new(0) };

    /// Whether the lock is free but for readers that would let in another one.
    #[inline(always)]
    fn admits_reader(&self, word: u32) -> bool {
        // Relaxed: it is about fairness alone.
        word & EXCLUSIVE == 0 && (word == 0 || self.writers.load(Ordering::Relaxed) == 0)
    }

    /// Counts one more reader, as long as `admits` finds that it may.
    #[inline(always)]
    fn try_add_reader(&self, admits: impl Fn(u32) -> bool) -> bool {
        // A guess first, not a load: the line is fetched once, to be written.
        let mut word = 0;
        while admits(word) {
            let more = word.checked_add(READER).expect("too many readers");
            // Acquire pairs with the release in `unlock_exclusive`.
            match self.word.compare_exchange(word, more, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    #[cold]
    fn lock_exclusive_slow(&self) {
        use lock_api::RawRwLock as _;
        // Relaxed: a look before the attempt that counts, so that waiting writes nothing.
        if spin::until(spin::ALONE, || {
            self.word.load(Ordering::Relaxed) == 0 && self.try_lock_exclusive()
        }) {
            return;
        }
        self.writers.fetch_add(1, Ordering::SeqCst);
        self.waiting.fetch_add(1, Ordering::SeqCst);
        membarrier::heavy();
        while !self.try_lock_exclusive() {
            let held = || self.word.load(Ordering::SeqCst) != 0;
            if self.park(held, WANTS_EXCLUSIVE) == ParkResult::Unparked(HANDOFF) {
                break;
            }
        }
        self.writers.fetch_sub(1, Ordering::SeqCst);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    /// Takes the lock shared; `keeps_back` for waiting writers, at first.
    #[cold]
    fn lock_shared_slow(&self, keeps_back: bool) {
        let mut keeps_back = keeps_back;
        let admits = |word: u32, keeps_back: bool| {
            if keeps_back { self.admits_reader(word) } else { word & EXCLUSIVE == 0 }
        };
        // Relaxed: as in `lock_exclusive_slow`.
        if spin::until(spin::BESIDE_OTHERS, || {
            admits(self.word.load(Ordering::Relaxed), keeps_back)
                && self.try_add_reader(|word| admits(word, keeps_back))
        }) {
            return;
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        membarrier::heavy();
        while !self.try_add_reader(|word| admits(word, keeps_back)) {
            let refused = || !admits(self.word.load(Ordering::SeqCst), keeps_back);
            match self.park(refused, WANTS_SHARED) {
                ParkResult::Unparked(HANDOFF) => break,
                ParkResult::Unparked(_) => keeps_back = false,
                _ => {}
            }
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    fn park(&self, validate: impl FnOnce() -> bool, token: ParkToken) -> ParkResult {
        // SAFETY: the key is the address of this lock, which parks under it here alone; the closures call nothing of
        // parking_lot and cannot panic.
        unsafe { parking::park(self.key(), validate, || {}, |_, _| {}, token, None) }
    }

    /// Wakes whose turn it is; `release` gets the word to leave behind if they are to be handed the lock, and says whether it did.
    fn unpark(&self, release: impl FnOnce(Option<u32>) -> bool) {
        let woken = Woken::default();
        let callback = |result: UnparkResult| {
            let hand_over = result.be_fair && result.unparked_threads != 0;
            let handed = release(hand_over.then(|| woken.word()));
            if handed { HANDOFF } else { DEFAULT_UNPARK_TOKEN }
        };
        // SAFETY: the key is this lock's own; the closures call nothing of parking_lot and cannot panic.
        unsafe { parking::unpark_filter(self.key(), |token| woken.choose(token), callback) };
    }

    /// Unlocks an exclusive hold for which threads wait.
    #[cold]
    fn unlock_exclusive_slow(&self) {
        self.unpark(|handed| {
            // Release pairs with the acquire of the next holder; by I1 a store is enough.
            self.word.store(handed.unwrap_or(0), Ordering::Release);
            handed.is_some()
        });
    }

    /// Wakes threads after the lock was left free.
    #[cold]
    fn wake(&self) {
        self.unpark(|handed| {
            let Some(word) = handed else { return false };
            // AcqRel: what earlier holders did comes before what those do who are handed the lock.
            self.word.compare_exchange(0, word, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        });
    }

    fn key(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }
}

// SAFETY: a reader is counted only while `EXCLUSIVE` is not set, which is set only while no reader is counted.
unsafe impl lock_api::RawRwLock for RawRwLock {
    #[allow(clippy::declare_interior_mutable_const, reason = "how lock_api initialises a lock")]
    const INIT: Self = Self::NEW;

    type GuardMarker = GuardNoSend;

    #[inline]
    fn lock_shared(&self) {
        if !self.try_lock_shared() {
            self.lock_shared_slow(true);
        }
    }

    #[inline]
    fn try_lock_shared(&self) -> bool {
        self.try_add_reader(|word| self.admits_reader(word))
    }

    #[inline]
    unsafe fn unlock_shared(&self) {
        // Release pairs with the acquire of the next exclusive holder.
        let before = self.word.fetch_sub(READER, Ordering::Release);
        membarrier::light_or_full();
        // Relaxed: ordered after the word by the fence, as the module's header shows.
        if before == READER && self.waiting.load(Ordering::Relaxed) != 0 {
            self.wake();
        }
    }

    #[inline]
    fn lock_exclusive(&self) {
        if !self.try_lock_exclusive() {
            self.lock_exclusive_slow();
        }
    }

    #[inline]
    fn try_lock_exclusive(&self) -> bool {
        // Acquire pairs with the releases of earlier holders.
        self.word.compare_exchange(0, EXCLUSIVE, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[inline]
    unsafe fn unlock_exclusive(&self) {
        // Relaxed: a hint, so that fairness is kept; the load below decides.
        if self.waiting.load(Ordering::Relaxed) != 0 {
            return self.unlock_exclusive_slow();
        }
        // Release pairs with the acquire of the next holder; by I1 a store is enough.
        self.word.store(0, Ordering::Release);
        membarrier::light_or_full();
        // Relaxed: ordered after the store by the fence, as the module's header shows.
        if self.waiting.load(Ordering::Relaxed) != 0 {
            self.wake();
        }
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.word.load(Ordering::Relaxed) != 0
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.word.load(Ordering::Relaxed) & EXCLUSIVE != 0
    }
}

// SAFETY: a thread that holds the lock shared keeps back for nobody.
unsafe impl lock_api::RawRwLockRecursive for RawRwLock {
    #[inline]
    fn lock_shared_recursive(&self) {
        if !self.try_lock_shared_recursive() {
            self.lock_shared_slow(false);
        }
    }

    #[inline]
    fn try_lock_shared_recursive(&self) -> bool {
        self.try_add_reader(|word| word & EXCLUSIVE == 0)
    }
}

//! Domains, guards and grace periods. What they are for and what they promise: [`crate::reclaim`].
//!
//! **Layout**: a thread's slot tells by `inside` where the thread is: null, the address of a domain, or `ANY` when it has
//! entered a third domain before it left the others. A second one is in `inside_too`. `passes` counts how often it
//! has left. The domain has a bag for each slot number below `OWN_BAGS`, made when it is first needed, and one under a
//! mutex for all others.
//!
//! ```text
//! enter:    inside = domain;  light fence;  ...reads...        leave:  passes += 1;  inside = null
//!
//! collect:  seal the batch;  heavy fence;  for each slot: note passes if it is inside the domain or ANY
//! later:    free the batch if each noted slot has other passes, or its inside is null
//! ```
//!
//! **Invariants**: (I1) only the owner of a slot writes its `inside`, `inside_too`, `passes` and `due`; `inside_too` is null while
//! `inside` is. (I2) A bag with a number is used only
//! by the owner of the slot of that number, and only while `busy` says so; a slot is handed on with release and acquire. (I3)
//! What is in a bag was made unreachable for threads that enter later, before it came there.
//!
//! **Why nothing is freed too early.** Take a reader that got hold of an object before it was made unreachable. (a) The
//! collector's heavy fence comes after that, so by the rule of the two fences either the reader's loads see the object
//! gone, or the collector sees what the reader stored before its light fence: `inside`, and the `passes` of before. In the first
//! case the reader has no hold of the object. (b) In the second it is noted with these passes, or it has left already,
//! which the collector saw by an acquire of what the leaving released. (c) Noted, it holds the batch back until `passes` or
//! `inside` is seen null; both change so, with release, only when the reader has left or refreshes. `passes` is read before
//! where it is: should the thread leave and enter again between the two reads, then the note is of the earlier
//! passage, and the later one began after the heavy fence, so that it cannot reach the object.
//!
//! **After `fork`** another thread's bag may have been left in the middle of a change. It is marked `busy` then, is never
//! looked into again, and what is in it is leaked.

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ptr;
use std::collections::VecDeque;

use super::membarrier;
use super::slots::{self, Slot};
use crate::shim::Mutex;
use crate::shim::atomic::{AtomicBool, AtomicPtr, Ordering, compiler_fence};

/// How many retired objects of a thread make a batch.
pub(crate) const BATCH: usize = 128;
/// How many threads have a bag of their own.
const OWN_BAGS: usize = 64;
/// How many emptied batches a bag keeps for later ones.
const SPARES: usize = 2;

/// In `due`: a batch is to be collected when the thread leaves.
const COLLECT: usize = 1;
/// In `due`: the slot belongs to the guard and not to the thread.
const BORROWED: usize = 2;
/// In `due`: `inside_too` is to be cleared when the thread leaves.
const SECOND: usize = 4;
/// In `due`: one further guard of the same thread.
const HOLD: usize = 8;

/// `inside` of a thread that has entered more than two domains. Not the sentinels' value, and no address.
const ANY: *mut () = ptr::without_provenance_mut(usize::MAX - 1);

/// Counts the threads that follow the pointers of one structure, and frees what they can no longer reach.
///
/// See the [module](crate::reclaim). Dropping it frees all that was retired.
pub struct Domain {
    bags: AtomicPtr<Bags>,
    shared: Mutex<Bag>,
}

type Bags = [AtomicPtr<OwnBag>; OWN_BAGS];

/// The right to follow the pointers of a structure, for one thread.
pub struct Guard<'domain> {
    domain: &'domain Domain,
    slot: &'static Slot,
    /// The thread's slot tells of it, so it stays with its thread.
    _thread: PhantomData<*mut ()>,
}

/// An object that is to be freed.
struct Retired {
    object: *mut (),
    free: unsafe fn(*mut ()),
}

/// Objects that are freed together.
#[derive(Default)]
struct Batch {
    objects: Vec<Retired>,
    /// Who was inside, with the passes of then.
    inside: Vec<(&'static Slot, usize)>,
}

/// What a thread has retired.
#[derive(Default)]
struct Bag {
    filling: Batch,
    /// Whether to collect, though the thread may leave another domain last.
    due: bool,
    waiting: VecDeque<Batch>,
    spare: Vec<Batch>,
}

#[derive(Default)]
struct OwnBag {
    busy: AtomicBool,
    bag: UnsafeCell<Bag>,
}

// SAFETY: who retires an object promises that any thread may free it; the rest is shared as I1 and I2 say.
unsafe impl Send for Domain {}
// SAFETY: as above.
unsafe impl Sync for Domain {}

impl Domain {
    /// A domain with nobody inside. Allocates nothing until an object is retired.
    pub fn new() -> Self {
        // Decided here, so that no reader pays for a full fence once a domain exists.
        membarrier::available();
        Self { bags: AtomicPtr::new(ptr::null_mut()), shared: Mutex::default() }
    }

    /// Enters: what is reachable now stays valid while the guard lives.
    ///
    /// May be called again before the guard is dropped, by the same thread, for this or another domain.
    #[inline(always)]
    pub fn enter(&self) -> Guard<'_> {
        let slot = slots::current();
        // Relaxed: the thread's own word; a sentinel's is never null.
        if !slot.inside.load(Ordering::Relaxed).is_null() {
            return self.enter_again();
        }
        self.announce(slot)
    }

    #[inline(always)]
    fn announce(&self, slot: &'static Slot) -> Guard<'_> {
        // Relaxed: the fence orders it before the reads; its partner is the heavy one in `collect`.
        slot.inside.store(self.address(), Ordering::Relaxed);
        membarrier::light_or_full();
        Guard { domain: self, slot, _thread: PhantomData }
    }

    fn address(&self) -> *mut () {
        ptr::from_ref(self).cast_mut().cast()
    }

    /// Enters when the thread is inside already, or has no slot.
    #[cold]
    fn enter_again(&self) -> Guard<'_> {
        let mut slot = slots::current_or_new();
        if slot.is_sentinel() {
            slot = slots::own();
            slot.due.store(BORROWED, Ordering::Relaxed);
        }
        let inside = slot.inside.load(Ordering::Relaxed);
        if inside.is_null() {
            return self.announce(slot);
        }
        let mut due = slot.due.load(Ordering::Relaxed) + HOLD;
        if !is_inside(slot, self.address()) {
            if slot.inside_too.load(Ordering::Relaxed).is_null() {
                slot.inside_too.store(self.address(), Ordering::Relaxed);
                due |= SECOND;
            } else {
                slot.inside.store(ANY, Ordering::Relaxed);
            }
            // As in `announce`.
            membarrier::light_or_full();
        }
        slot.due.store(due, Ordering::Relaxed);
        Guard { domain: self, slot, _thread: PhantomData }
    }

    /// Runs `f` on the bag of the slot's owner, or on the shared one. `f` runs no user code.
    fn with_bag<R>(&self, slot: &Slot, f: impl FnOnce(&mut Bag) -> R) -> R {
        match self.own_bag(slot) {
            Some(own) => {
                own.busy.store(true, Ordering::Relaxed);
                compiler_fence(Ordering::SeqCst);
                // SAFETY: by I2 only this thread uses the bag, and `f` does not come back here: it runs no user code.
                let result = f(unsafe { &mut *own.bag.get() });
                // Release: for a child of `fork`, which must see the bag whole if it sees this.
                own.busy.store(false, Ordering::Release);
                result
            }
            None => f(&mut self.shared.lock()),
        }
    }

    /// The bag of the slot's owner, if its number has one and a `fork` has not spoilt it.
    #[inline]
    fn own_bag(&self, slot: &Slot) -> Option<&OwnBag> {
        if slot.number >= OWN_BAGS {
            return None;
        }
        let mut bags = self.bags.load(Ordering::Acquire);
        if bags.is_null() {
            let new =
                Box::into_raw(Box::new([const { AtomicPtr::new(ptr::null_mut()) }; OWN_BAGS]));
            // Release pairs with the acquire loads of other threads: they see the array.
            let set = self.bags.compare_exchange(bags, new, Ordering::AcqRel, Ordering::Acquire);
            bags = match set {
                Ok(_) => new,
                Err(earlier) => {
                    // SAFETY: the array has not been shared.
                    drop(unsafe { Box::from_raw(new) });
                    earlier
                }
            };
        }
        // SAFETY: once set the array stays until the domain is dropped.
        let own = &unsafe { &*bags }[slot.number];
        // Relaxed: only the owners of the slot read and write it, and the slot is handed on with release and acquire (I2).
        let mut bag = own.load(Ordering::Relaxed);
        if bag.is_null() {
            bag = Box::into_raw(Box::default());
            own.store(bag, Ordering::Relaxed);
        }
        // SAFETY: as for the array.
        let bag = unsafe { &*bag };
        (!bag.busy.load(Ordering::Relaxed)).then_some(bag)
    }

    /// Begins a grace period for what the slot's owner has retired, and frees all whose grace period has ended.
    #[cold]
    #[inline(never)]
    fn collect(&self, slot: &Slot) {
        if let Some(mut batch) = self.with_bag(slot, Bag::seal) {
            membarrier::heavy();
            for other in slots::all() {
                // Acquire pairs with the release of `pass`: what was read before is over. Passes first, see above.
                let passes = other.passes.load(Ordering::Acquire);
                if is_inside(other, self.address()) {
                    batch.inside.push((other, passes));
                }
            }
            self.with_bag(slot, |bag| bag.waiting.push_back(batch));
        }
        while let Some(mut batch) = self.with_bag(slot, Bag::take_ready) {
            batch.free();
            self.with_bag(slot, |bag| bag.keep(batch));
        }
    }
}

impl Default for Domain {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Domain").finish_non_exhaustive()
    }
}

impl Drop for Domain {
    fn drop(&mut self) {
        self.shared.get_mut().free_all();
        let bags = *self.bags.get_mut();
        if bags.is_null() {
            return;
        }
        // SAFETY: it came from a box, and nobody is inside: guards borrow the domain.
        let mut bags = unsafe { Box::from_raw(bags) };
        for bag in bags.iter_mut().map(|bag| *bag.get_mut()).filter(|bag| !bag.is_null()) {
            // SAFETY: as for the array.
            let mut own = unsafe { Box::from_raw(bag) };
            if *own.busy.get_mut() {
                // Spoilt by a `fork`.
                core::mem::forget(own);
            } else {
                own.bag.get_mut().free_all();
            }
        }
    }
}

impl fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}

impl Guard<'_> {
    /// Lets `free` be called with `object`, on any thread, once nobody can be reading it any more.
    ///
    /// It is called when a guard is dropped or refreshed, with no lock held, or when the domain is dropped.
    ///
    /// # Safety
    ///
    /// Threads that enter the domain from now on must not be able to reach the object, nobody else may retire or free
    /// it, and any thread may call `free` on it, which must not unwind.
    #[inline]
    pub unsafe fn retire(&self, object: *mut (), free: unsafe fn(*mut ())) {
        let full = self.domain.with_bag(self.slot, |bag| {
            bag.filling.objects.push(Retired { object, free });
            bag.due |= bag.filling.objects.len() >= BATCH;
            bag.due
        });
        if full {
            self.call_collect();
        }
    }

    /// Lets the thread collect what it has retired when it leaves, though it be less than a batch.
    pub fn flush(&self) {
        let is_due = |bag: &mut Bag| {
            bag.due = !(bag.filling.objects.is_empty() && bag.waiting.is_empty());
            bag.due
        };
        if self.domain.with_bag(self.slot, is_due) {
            self.call_collect();
        }
    }

    fn call_collect(&self) {
        let due = self.slot.due.load(Ordering::Relaxed);
        self.slot.due.store(due | COLLECT, Ordering::Relaxed);
    }

    /// As if the guard were dropped and made anew, unless the thread has another one.
    #[inline]
    pub fn refresh(&mut self) {
        let due = self.slot.due.load(Ordering::Relaxed);
        if due == 0 {
            self.pass();
            // As in `announce`; `inside` still tells of the domain.
            membarrier::light_or_full();
        } else if due < HOLD {
            self.leave(due, due & BORROWED);
            self.rejoin();
        }
    }

    /// Enters again after user code has run, which may have leaked a guard in the thread's slot.
    #[cold]
    fn rejoin(&mut self) {
        let again = if self.slot.inside.load(Ordering::Relaxed).is_null() {
            self.domain.announce(self.slot)
        } else {
            self.domain.enter_again()
        };
        self.slot = again.slot;
        // Its hold is `self`'s from now on.
        core::mem::forget(again);
    }

    /// The thread has left all domains, or is as if it had.
    #[inline(always)]
    fn pass(&self) {
        let passes = self.slot.passes.load(Ordering::Relaxed);
        // Release pairs with the acquire loads of `collect` and `has_left`: all reads come before.
        self.slot.passes.store(passes.wrapping_add(1), Ordering::Release);
    }

    /// Leaves all domains, does what is `due`, and leaves `rest` of that to be done.
    fn leave(&self, due: usize, rest: usize) {
        self.slot.due.store(rest, Ordering::Relaxed);
        self.pass();
        if due & SECOND != 0 {
            self.slot.inside_too.store(ptr::null_mut(), Ordering::Release);
        }
        self.slot.inside.store(ptr::null_mut(), Ordering::Release);
        if due & COLLECT != 0 {
            self.domain.collect(self.slot);
        }
    }

    #[cold]
    fn leave_with_more(&self, due: usize) {
        if due >= HOLD {
            self.slot.due.store(due - HOLD, Ordering::Relaxed);
            // The guard that is dropped last may be one of another domain. What is sealed now waits at least until then.
            if due & COLLECT != 0 && self.domain.with_bag(self.slot, |bag| bag.due) {
                self.domain.collect(self.slot);
            }
            return;
        }
        self.leave(due, 0);
        if due & BORROWED != 0 {
            self.slot.hand_on();
        }
    }
}

impl Drop for Guard<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        let due = self.slot.due.load(Ordering::Relaxed);
        if due == 0 {
            self.pass();
            // Release pairs with the acquire loads of `collect` and `has_left`.
            self.slot.inside.store(ptr::null_mut(), Ordering::Release);
        } else {
            self.leave_with_more(due);
        }
    }
}

impl Bag {
    /// Takes out what has been retired since the last time, if anything, as a batch.
    fn seal(&mut self) -> Option<Batch> {
        self.due = false;
        if self.filling.objects.is_empty() {
            return None;
        }
        let empty = self.spare.pop().unwrap_or_default();
        Some(core::mem::replace(&mut self.filling, empty))
    }

    /// Takes out the oldest batch if all who were inside have left.
    fn take_ready(&mut self) -> Option<Batch> {
        let is_over =
            self.waiting.front()?.inside.iter().all(|(slot, passes)| has_left(slot, *passes));
        if is_over { self.waiting.pop_front() } else { None }
    }

    /// Keeps an emptied batch for later, if there are few and it is of the usual size.
    fn keep(&mut self, mut batch: Batch) {
        batch.inside.clear();
        if self.spare.len() < SPARES && batch.objects.capacity() <= 2 * BATCH {
            self.spare.push(batch);
        }
    }

    fn free_all(&mut self) {
        self.filling.free();
        self.waiting.iter_mut().for_each(Batch::free);
    }
}

/// Whether the slot's owner may be inside the domain with this address.
fn is_inside(slot: &Slot, domain: *mut ()) -> bool {
    // Acquire pairs with the release of leaving: what was read before is over.
    let inside = slot.inside.load(Ordering::Acquire);
    inside == domain || inside == ANY || slot.inside_too.load(Ordering::Acquire) == domain
}

/// Whether the slot's owner has left the passage with this number.
fn has_left(slot: &Slot, passes: usize) -> bool {
    // Acquire pairs with the releases of `pass` and of the store of `inside`: the owner's reads are over.
    slot.passes.load(Ordering::Acquire) != passes || slot.inside.load(Ordering::Acquire).is_null()
}

impl Batch {
    fn free(&mut self) {
        for Retired { object, free } in self.objects.drain(..) {
            // SAFETY: who retired the object promised that this is right once its grace period has ended.
            unsafe { free(object) };
        }
    }
}

#[cfg(test)]
#[path = "reclaim_tests.rs"]
mod tests;

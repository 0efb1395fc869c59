//! Raw locks: the checker's, with the guards kept beside.

use core::cell::{Cell, RefCell, UnsafeCell};
use core::mem::{self, ManuallyDrop};
use core::ptr;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::PoisonError;

use lock_api::GuardNoSend;

use super::checker::sync::{
    Mutex, MutexGuard, RwLock, RwLockReadGuard as ReadGuard, RwLockWriteGuard as WriteGuard,
};
use super::{Fault, is_broken, of_run, thread_number};

/// All locks of a run, by address.
#[derive(Default)]
pub(super) struct Locks {
    mutexes: HashMap<usize, Rc<HeldMutex>>,
    locks: HashMap<usize, Rc<HeldLock>>,
}

struct HeldMutex {
    guard: Cell<Option<ManuallyDrop<MutexGuard<'static, ()>>>>,
    mutex: Mutex<()>,
}

struct HeldLock {
    writer: Cell<Option<ManuallyDrop<WriteGuard<'static, ()>>>>,
    readers: RefCell<HashMap<usize, Reader>>,
    lock: RwLock<()>,
}

/// A thread that holds a lock shared, perhaps several times.
struct Reader {
    guard: ManuallyDrop<ReadGuard<'static, ()>>,
    depth: usize,
}

/// As that of `parking_lot`.
#[derive(Debug)]
#[repr(transparent)]
pub struct RawMutex(UnsafeCell<u8>);

/// As that of `parking_lot`, but that who waits is let in in any order. A thread that holds it shared is always let in again.
#[derive(Debug)]
#[repr(transparent)]
pub struct RawRwLock(UnsafeCell<usize>);

// SAFETY: the cell is never accessed, only its address.
unsafe impl Sync for RawMutex {}
// SAFETY: as above.
unsafe impl Sync for RawRwLock {}

impl RawMutex {
    fn held(&self) -> Rc<HeldMutex> {
        let make = || Rc::new(HeldMutex { guard: Cell::default(), mutex: Mutex::new(()) });
        let address = ptr::from_ref(self).addr();
        let known = of_run(|run| run.locks.mutexes.get(&address).cloned());
        known.unwrap_or_else(|| {
            let new = make();
            of_run(|run| run.locks.mutexes.insert(address, Rc::clone(&new)));
            new
        })
    }
}

impl HeldMutex {
    fn keep(&self, guard: MutexGuard<'_, ()>) {
        // SAFETY: only the lifetime changes; the guard is dropped in `unlock`, or never, and the mutex lives as long as the run.
        let guard = unsafe { mem::transmute::<MutexGuard<'_, ()>, MutexGuard<'static, ()>>(guard) };
        self.guard.set(Some(ManuallyDrop::new(guard)));
    }
}

// SAFETY: the checker's mutex excludes.
unsafe impl lock_api::RawMutex for RawMutex {
    #[allow(clippy::declare_interior_mutable_const, reason = "how lock_api initialises a lock")]
    const INIT: Self = Self(UnsafeCell::new(0));

    type GuardMarker = GuardNoSend;

    fn lock(&self) {
        let held = self.held();
        held.keep(held.mutex.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn try_lock(&self) -> bool {
        let held = self.held();
        let guard = held.mutex.try_lock();
        guard.map(|guard| held.keep(guard)).is_ok()
    }

    unsafe fn unlock(&self) {
        let held = self.held();
        drop(held.guard.take().map(ManuallyDrop::into_inner));
    }
}

impl RawRwLock {
    fn held(&self) -> Rc<HeldLock> {
        let make = || {
            let (writer, readers) = (Cell::default(), RefCell::default());
            Rc::new(HeldLock { writer, readers, lock: RwLock::new(()) })
        };
        let address = ptr::from_ref(self).addr();
        let known = of_run(|run| run.locks.locks.get(&address).cloned());
        known.unwrap_or_else(|| {
            let new = make();
            of_run(|run| run.locks.locks.insert(address, Rc::clone(&new)));
            new
        })
    }
}

impl HeldLock {
    /// Holds it once more if the thread holds it shared.
    fn again(&self) -> bool {
        let mut readers = self.readers.borrow_mut();
        let own = readers.get_mut(&thread_number());
        own.map(|own| own.depth += 1).is_some()
    }

    fn keep_shared(&self, guard: ReadGuard<'_, ()>) {
        // SAFETY: as in `HeldMutex::keep`.
        let guard = unsafe { mem::transmute::<ReadGuard<'_, ()>, ReadGuard<'static, ()>>(guard) };
        let reader = Reader { guard: ManuallyDrop::new(guard), depth: 1 };
        self.readers.borrow_mut().insert(thread_number(), reader);
    }

    fn keep(&self, guard: WriteGuard<'_, ()>) {
        // SAFETY: as in `HeldMutex::keep`.
        let guard = unsafe { mem::transmute::<WriteGuard<'_, ()>, WriteGuard<'static, ()>>(guard) };
        self.writer.set(Some(ManuallyDrop::new(guard)));
    }
}

// SAFETY: the checker's lock excludes.
unsafe impl lock_api::RawRwLock for RawRwLock {
    #[allow(clippy::declare_interior_mutable_const, reason = "how lock_api initialises a lock")]
    const INIT: Self = Self(UnsafeCell::new(0));

    type GuardMarker = GuardNoSend;

    fn lock_shared(&self) {
        let held = self.held();
        if !held.again() {
            held.keep_shared(held.lock.read().unwrap_or_else(PoisonError::into_inner));
        }
    }

    fn try_lock_shared(&self) -> bool {
        let held = self.held();
        held.again() || held.lock.try_read().map(|guard| held.keep_shared(guard)).is_ok()
    }

    unsafe fn unlock_shared(&self) {
        let held = self.held();
        let last = {
            let mut readers = held.readers.borrow_mut();
            let own = readers.get_mut(&thread_number()).expect("the thread holds it shared");
            own.depth -= 1;
            if own.depth == 0 { readers.remove(&thread_number()) } else { None }
        };
        drop(last.map(|reader| ManuallyDrop::into_inner(reader.guard)));
    }

    fn lock_exclusive(&self) {
        if is_broken(Fault::Locks) {
            return;
        }
        let held = self.held();
        held.keep(held.lock.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn try_lock_exclusive(&self) -> bool {
        let held = self.held();
        let guard = held.lock.try_write();
        guard.map(|guard| held.keep(guard)).is_ok()
    }

    unsafe fn unlock_exclusive(&self) {
        let held = self.held();
        drop(held.writer.take().map(ManuallyDrop::into_inner));
    }
}

// SAFETY: as the ordinary unlocks; who comes next is the checker's choice.
unsafe impl lock_api::RawRwLockFair for RawRwLock {
    unsafe fn unlock_shared_fair(&self) {
        // SAFETY: the caller's.
        unsafe { lock_api::RawRwLock::unlock_shared(self) };
    }

    unsafe fn unlock_exclusive_fair(&self) {
        // SAFETY: the caller's.
        unsafe { lock_api::RawRwLock::unlock_exclusive(self) };
    }
}

// SAFETY: who holds it shared is let in again.
unsafe impl lock_api::RawRwLockRecursive for RawRwLock {
    fn lock_shared_recursive(&self) {
        lock_api::RawRwLock::lock_shared(self);
    }

    fn try_lock_shared_recursive(&self) -> bool {
        lock_api::RawRwLock::try_lock_shared(self)
    }
}

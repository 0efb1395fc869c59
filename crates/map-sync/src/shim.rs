//! The one door through which all atomics, locks and threads come.
//!
//! Every other module of the map crates imports them from here. A build with
//! `--cfg atlas_loom` is reserved for a model checker's types: only this file changes then. What a
//! model cannot represent (`membarrier`, the atomics inside `seize` and `parking_lot`) is stated
//! where it is substituted.
//!
//! In a build with `--cfg atlas_freeze` a test can stop a thread before each access to an atomic pointer, which is what
//! `map-caslist` is made of: see `at_each_access`.

#[cfg(not(atlas_freeze))]
pub use core::sync::atomic;
#[cfg(atlas_freeze)]
pub use freeze::{at_each_access, atomic};
pub use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
#[cfg(test)]
pub use std::sync::{Arc, Barrier, mpsc};
pub use std::sync::{Once, OnceLock};
pub use std::thread;

#[cfg(atlas_freeze)]
mod freeze {
    use core::cell::Cell;
    use core::sync::atomic::{AtomicPtr, Ordering};

    std::thread_local! {
        static HOOK: Cell<Option<fn()>> = const { Cell::new(None) };
    }

    /// Has this thread call `hook` before each access to an atomic pointer. The hook may block.
    pub fn at_each_access(hook: Option<fn()>) {
        HOOK.set(hook);
    }

    fn access() {
        if let Some(hook) = HOOK.get() {
            hook();
        }
    }

    /// The atomics, with the one type that calls the hook.
    pub mod atomic {
        pub use super::Pointer as AtomicPtr;
        pub use core::sync::atomic::*;
    }

    /// An atomic pointer that calls the hook before each access.
    #[derive(Debug, Default)]
    #[repr(transparent)]
    pub struct Pointer<T>(AtomicPtr<T>);

    #[allow(missing_docs, reason = "each is as the method of the wrapped type")]
    impl<T> Pointer<T> {
        pub const fn new(pointer: *mut T) -> Self {
            Self(AtomicPtr::new(pointer))
        }

        pub fn load(&self, order: Ordering) -> *mut T {
            access();
            self.0.load(order)
        }

        pub fn store(&self, pointer: *mut T, order: Ordering) {
            access();
            self.0.store(pointer, order);
        }

        #[expect(clippy::missing_errors_doc, reason = "as the method of the wrapped type")]
        pub fn compare_exchange(
            &self,
            current: *mut T,
            new: *mut T,
            success: Ordering,
            failure: Ordering,
        ) -> Result<*mut T, *mut T> {
            access();
            self.0.compare_exchange(current, new, success, failure)
        }

        pub fn get_mut(&mut self) -> &mut *mut T {
            self.0.get_mut()
        }
    }
}

//! The one door through which all atomics, locks and threads come.
//!
//! Every other module of the map crates imports them from here, so that a build with `--cfg atlas_loom` or `--cfg atlas_shuttle` can put
//! a model checker's types in their place: see `model`, below this module, which also says what a model leaves out.
//!
//! In a build with `--cfg atlas_freeze` a test can stop a thread before each access to an atomic pointer, which is what
//! `map-caslist` is made of: see `at_each_access`.

/// Whether this build is for a model checker. Some structures are smaller then, so that a model of them ends.
pub const MODEL: bool = cfg!(any(atlas_loom, atlas_shuttle));

#[cfg(any(atlas_loom, atlas_shuttle))]
pub mod model;

#[cfg(any(atlas_loom, atlas_shuttle))]
pub use model::{LocalKey, OnceLock, RawRwLock, Static, atomic, hint, parking, thread};

#[cfg(any(atlas_loom, atlas_shuttle))]
pub use crate::model_thread_local as thread_local;

/// A mutual exclusion lock.
#[cfg(any(atlas_loom, atlas_shuttle))]
pub type Mutex<T> = lock_api::Mutex<model::RawMutex, T>;
/// The hold of a [`Mutex`].
#[cfg(any(atlas_loom, atlas_shuttle))]
pub type MutexGuard<'lock, T> = lock_api::MutexGuard<'lock, model::RawMutex, T>;

#[cfg(not(any(atlas_loom, atlas_shuttle)))]
pub use plain::*;
pub use std::sync::Once;
#[cfg(test)]
pub use std::sync::{Arc, Barrier, mpsc};

#[cfg(not(any(atlas_loom, atlas_shuttle)))]
mod plain {
    #[cfg(atlas_freeze)]
    pub use super::freeze::{at_each_access, atomic};
    #[cfg(not(atlas_freeze))]
    pub use core::sync::atomic;

    pub use core::hint;
    pub use parking_lot::{Mutex, MutexGuard, RawRwLock};
    pub use parking_lot_core as parking;
    pub use std::sync::OnceLock;
    pub use std::{thread, thread_local};

    /// A static of atomics, which a model finds as it was made each time that it runs.
    #[derive(Debug)]
    #[repr(transparent)]
    pub struct Static<T>(T);

    impl<T> Static<T> {
        /// Makes one.
        pub const fn new(value: T) -> Self {
            Self(value)
        }
    }

    impl<T> core::ops::Deref for Static<T> {
        type Target = T;

        #[inline(always)]
        fn deref(&self) -> &T {
            &self.0
        }
    }
}

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

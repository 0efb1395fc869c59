//! Panics of destructors that run when retired memory is freed.
//!
//! The collector frees a batch in one go. A destructor that panics would end that loop and leak the
//! rest, so each one is caught here, and the first panic continues when the thread that freed the
//! batch has left its critical section, or when the map has been dropped.

use core::any::Any;
use core::cell::{Cell, RefCell};
use core::marker::PhantomData;
use core::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use map_sync::shim::thread::panicking;

map_sync::shim::thread_local! {
    /// Whether `PAYLOAD` holds one: a cheap question for each end of a critical section.
    static PENDING: Cell<bool> = const { Cell::new(false) };
    static PAYLOAD: RefCell<Option<Box<dyn Any + Send>>> = const { RefCell::new(None) };
}

/// Runs a destructor and keeps its panic, the first one of the thread, for later.
pub(super) fn caught(destructor: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(destructor)) {
        // The thread may be past its locals' end; the panic has been printed, that must do then.
        let _ = PAYLOAD.try_with(|first| {
            first.borrow_mut().get_or_insert(payload);
            PENDING.set(true);
        });
    }
}

/// Continues the panic that was kept, if one was and the thread is not panicking already.
#[inline]
fn resume() {
    if PENDING.get() {
        resume_pending();
    }
}

#[cold]
fn resume_pending() {
    PENDING.set(false);
    match PAYLOAD.try_with(|first| first.borrow_mut().take()) {
        Ok(Some(payload)) if !panicking() => resume_unwind(payload),
        _ => {}
    }
}

/// Continues a kept panic when it is dropped. Declared after the field whose drop frees memory.
pub(super) struct Resume<K, V>(PhantomData<*const (K, V)>);

impl<K, V> Resume<K, V> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }

    /// Continues a kept panic now.
    #[inline]
    pub(super) fn now(&self) {
        if mem::needs_drop::<(K, V)>() {
            resume();
        }
    }
}

impl<K, V> Drop for Resume<K, V> {
    #[inline]
    fn drop(&mut self) {
        self.now();
    }
}

#[cfg(test)]
#[path = "panics_tests.rs"]
mod tests;

//! A cell that is written once.

use core::marker::PhantomData;
use core::ptr;

use super::atomic::{AtomicPtr, Ordering};

/// A cell that is written once, by an exchange; of two values that are made at a time, one is dropped.
#[derive(Debug)]
pub struct OnceLock<T> {
    value: AtomicPtr<T>,
    _owned: PhantomData<T>,
}

impl<T> OnceLock<T> {
    /// Makes an empty one.
    #[allow(clippy::new_without_default, reason = "nobody needs it")]
    pub const fn new() -> Self {
        Self { value: AtomicPtr::new(ptr::null_mut()), _owned: PhantomData }
    }

    /// The value, if there is one.
    pub fn get(&self) -> Option<&T> {
        // SAFETY: null, or from a box that lives as long as `self`.
        unsafe { self.value.load(Ordering::Acquire).as_ref() }
    }

    /// The value, made if need be.
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        match self.get() {
            Some(value) => value,
            None => match self.offer(make()) {
                Ok(value) | Err((value, _)) => value,
            },
        }
    }

    /// Sets the value, or gives it back if there is one.
    ///
    /// # Errors
    ///
    /// If there is one.
    pub fn set(&self, value: T) -> Result<(), T> {
        self.offer(value).map(|_| ()).map_err(|(_, refused)| refused)
    }

    /// Takes the value out.
    pub fn into_inner(mut self) -> Option<T> {
        let value = core::mem::replace(self.value.get_mut(), ptr::null_mut());
        // SAFETY: if not null, from a box, and nobody else has it.
        (!value.is_null()).then(|| *unsafe { Box::from_raw(value) })
    }

    /// The new value, or the one that was there and the new one, refused.
    fn offer(&self, value: T) -> Result<&T, (&T, T)> {
        let new = Box::into_raw(Box::new(value));
        let (order, failed) = (Ordering::AcqRel, Ordering::Acquire);
        match self.value.compare_exchange(ptr::null_mut(), new, order, failed) {
            // SAFETY: lives as long as `self`.
            Ok(_) => Ok(unsafe { &*new }),
            Err(other) => {
                // SAFETY: not shared.
                let refused = *unsafe { Box::from_raw(new) };
                // SAFETY: lives as long as `self`.
                Err((unsafe { &*other }, refused))
            }
        }
    }
}

impl<T> Drop for OnceLock<T> {
    fn drop(&mut self) {
        let value = *self.value.get_mut();
        if !value.is_null() {
            // SAFETY: from a box, and nobody else has it.
            drop(unsafe { Box::from_raw(value) });
        }
    }
}

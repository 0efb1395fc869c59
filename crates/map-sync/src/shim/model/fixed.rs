//! Statics, which each run of a model finds as they were made.

use core::ops::Deref;
use core::ptr;
use std::sync::{Mutex, PoisonError};

/// A static of the structures under test.
#[derive(Debug)]
#[repr(transparent)]
pub struct Static<T>(T);

impl<T> Static<T> {
    /// Makes one.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Static<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let place = ptr::from_ref(&self.0).addr();
        let mut firsts = FIRSTS.lock().unwrap_or_else(PoisonError::into_inner);
        if !firsts.iter().any(|first| first.place == place) {
            let place = ptr::from_ref(&self.0).cast::<u8>();
            // SAFETY: the bytes of `self`; nothing changes them meanwhile, and all are initialised, for what is made a `Static`
            // has no padding.
            let bytes = unsafe { core::slice::from_raw_parts(place, size_of::<T>()) }.into();
            firsts.push(First { place: place.expose_provenance(), bytes });
        }
        &self.0
    }
}

/// What a static was at its first use.
struct First {
    place: usize,
    bytes: Box<[u8]>,
}

/// All statics that have been used.
static FIRSTS: Mutex<Vec<First>> = Mutex::new(Vec::new());

/// Makes all statics what they were at first. No thread of a model is running.
pub(super) fn restore() {
    for First { place, bytes } in &*FIRSTS.lock().unwrap_or_else(PoisonError::into_inner) {
        let place = core::ptr::with_exposed_provenance_mut::<u8>(*place);
        // SAFETY: the place of a static whose value is in a cell, and of as many bytes.
        unsafe { place.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }
}

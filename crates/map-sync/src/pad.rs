//! A value on cache lines of its own.

use core::ops::{Deref, DerefMut};

/// A value that shares no cache line with its neighbours.
///
/// 128 bytes, not 64: x86-64 processors fetch lines in adjacent pairs, and recent aarch64 ones have
/// lines of 128 bytes.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(128))]
pub struct CachePadded<T>(T);

impl<T> CachePadded<T> {
    /// Pads `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Gives back the value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for CachePadded<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for CachePadded<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

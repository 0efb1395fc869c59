//! Errors, which own what they refused.

use core::error::Error;
use core::fmt;

/// [`try_insert`](crate::ConcurrentMap::try_insert) found the key present; nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TryInsertError<K, V> {
    /// The key that was not inserted.
    pub key: K,
    /// The value that was not inserted.
    pub value: V,
}

impl<K, V> fmt::Debug for TryInsertError<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryInsertError").finish_non_exhaustive()
    }
}

impl<K, V> fmt::Display for TryInsertError<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key is already present")
    }
}

impl<K, V> Error for TryInsertError<K, V> {}

/// [`compare_exchange`](crate::ConcurrentMap::compare_exchange) changed nothing; holds the new value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CompareExchangeError<V> {
    /// The key is absent.
    Absent(V),
    /// The key is present with another value than the expected one.
    Mismatch(V),
}

impl<V> CompareExchangeError<V> {
    /// Gives back the value that was not stored.
    pub fn into_value(self) -> V {
        match self {
            Self::Absent(value) | Self::Mismatch(value) => value,
        }
    }
}

impl<V> fmt::Debug for CompareExchangeError<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent(_) => "Absent(..)",
            Self::Mismatch(_) => "Mismatch(..)",
        })
    }
}

impl<V> fmt::Display for CompareExchangeError<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent(_) => "the key is absent",
            Self::Mismatch(_) => "the value differs from the expected one",
        })
    }
}

impl<V> Error for CompareExchangeError<V> {}

/// Room for more entries could not be had; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReserveError {
    /// The capacity asked for does not fit the address space or the design's limit.
    CapacityOverflow,
    /// The allocator refused.
    AllocError,
}

impl fmt::Display for ReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CapacityOverflow => "capacity overflow",
            Self::AllocError => "out of memory",
        })
    }
}

impl Error for ReserveError {}

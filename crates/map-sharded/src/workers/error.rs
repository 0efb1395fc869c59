//! Errors, which own what they refused.

use core::error::Error;
use core::fmt;

use map_core::{DefaultHashBuilder, ReserveError};

use super::Worker;
use crate::ShardedMap;

/// A key belongs to another worker; nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Misrouted<T = ()> {
    /// The number of the worker that the key belongs to.
    pub worker: usize,
    /// What the operation had taken, to be sent there.
    pub refused: T,
}

impl Misrouted {
    /// The same, with what was refused.
    pub(super) fn with<T>(self, refused: T) -> Misrouted<T> {
        Misrouted { worker: self.worker, refused }
    }
}

impl<T> fmt::Debug for Misrouted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Misrouted").field("worker", &self.worker).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for Misrouted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key belongs to worker {}", self.worker)
    }
}

impl<T> Error for Misrouted<T> {}

/// Some entries of a batch belong to other workers; all others were stored.
#[derive(Clone, PartialEq, Eq)]
pub struct PartlyInserted<K, V> {
    /// How many keys were new among those that were stored.
    pub inserted: usize,
    /// The entries of other workers, in their order: one list for each worker that has some.
    pub refused: Vec<Misrouted<Vec<(K, V)>>>,
}

impl<K, V> fmt::Debug for PartlyInserted<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartlyInserted")
            .field("inserted", &self.inserted)
            .field("refused", &self.refused)
            .finish()
    }
}

impl<K, V> fmt::Display for PartlyInserted<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: usize = self.refused.iter().map(|list| list.refused.len()).sum();
        write!(f, "{entries} entries of the batch belong to other workers")
    }
}

impl<K, V> Error for PartlyInserted<K, V> {}

/// The map was not taken apart.
pub struct IntoWorkersError<K, V, S = DefaultHashBuilder> {
    /// The map, unchanged.
    pub map: Box<ShardedMap<K, V, S>>,
    /// Why not.
    pub reason: IntoWorkersReason,
}

/// Why a map was not taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntoWorkersReason {
    /// The number of workers asked for is not between 1 and 256.
    Number(usize),
    /// The memory could not be had.
    Reserve(ReserveError),
}

impl fmt::Display for IntoWorkersReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(workers) => write!(f, "a map has from 1 to 256 workers, not {workers}"),
            Self::Reserve(error) => error.fmt(f),
        }
    }
}

/// The workers were not put together.
pub struct FromWorkersError<K, V, S = DefaultHashBuilder> {
    /// The workers, unchanged.
    pub workers: Vec<Worker<K, V, S>>,
    /// Why not.
    pub reason: FromWorkersReason,
}

/// Why workers were not put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FromWorkersReason {
    /// Some are of another call of `into_workers`.
    Strangers,
    /// Not all of the call's workers are there.
    Missing,
    /// The memory could not be had.
    Reserve(ReserveError),
}

impl fmt::Display for FromWorkersReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strangers => f.write_str("the workers are not of one map"),
            Self::Missing => f.write_str("not all workers of the map are there"),
            Self::Reserve(error) => error.fmt(f),
        }
    }
}

/// What both errors of whole maps have in common.
macro_rules! with_reason {
    ($($Error:ident)*) => {$(
        impl<K, V, S> fmt::Debug for $Error<K, V, S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Error))
                    .field("reason", &self.reason)
                    .finish_non_exhaustive()
            }
        }

        impl<K, V, S> fmt::Display for $Error<K, V, S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.reason.fmt(f)
            }
        }

        impl<K, V, S> Error for $Error<K, V, S> {}
    )*};
}

with_reason!(IntoWorkersError FromWorkersError);

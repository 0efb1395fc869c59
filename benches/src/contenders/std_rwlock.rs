//! `hashbrown`'s map under std's reader-writer lock; poison is ignored, as the contract asks.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::ops::ControlFlow;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashMap;
use map_core::{
    Action, BuildMap, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, PinMap, Reentrancy,
    ReserveError, TryInsertError,
};

use super::table::{self, guarded_table};

/// `hashbrown`'s map under std's reader-writer lock; poison is ignored, as the contract asks.
#[derive(Debug)]
pub struct StdRwLockMap<K, V, S>(RwLock<HashMap<K, V, S>>);

impl<K, V, S> StdRwLockMap<K, V, S> {
    #[inline]
    fn shared(&self) -> RwLockReadGuard<'_, HashMap<K, V, S>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn exclusive(&self) -> RwLockWriteGuard<'_, HashMap<K, V, S>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

guarded_table!(StdRwLockMap, "std::sync::RwLock<HashMap>", RwLock);

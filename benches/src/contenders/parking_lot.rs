//! `hashbrown`'s map under `parking_lot`'s reader-writer lock.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::ops::ControlFlow;

use super::table::{self, guarded_table};
use hashbrown::HashMap;
use map_core::{
    Action, BuildMap, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, PinMap, Reentrancy,
    ReserveError, TryInsertError,
};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// `hashbrown`'s map under `parking_lot`'s reader-writer lock.
#[derive(Debug)]
pub struct ParkingLotMap<K, V, S>(RwLock<HashMap<K, V, S>>);

impl<K, V, S> ParkingLotMap<K, V, S> {
    #[inline]
    fn shared(&self) -> RwLockReadGuard<'_, HashMap<K, V, S>> {
        self.0.read()
    }

    #[inline]
    fn exclusive(&self) -> RwLockWriteGuard<'_, HashMap<K, V, S>> {
        self.0.write()
    }
}

guarded_table!(ParkingLotMap, "parking_lot::RwLock<HashMap>", RwLock);

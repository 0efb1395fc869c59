//! `hashbrown`'s map without synchronisation, for one thread: what the others are measured against.

use std::borrow::Borrow;
use std::cell::{Ref, RefCell, RefMut};
use std::hash::{BuildHasher, Hash};
use std::ops::ControlFlow;

use hashbrown::HashMap;
use map_core::{
    Action, BuildMap, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, PinMap, Reentrancy,
    ReserveError, TryInsertError,
};

use super::table::{self, guarded_table};

/// `hashbrown`'s map without synchronisation, for one thread: what the others are measured against.
#[derive(Debug)]
pub struct PlainMap<K, V, S>(RefCell<HashMap<K, V, S>>);

impl<K, V, S> PlainMap<K, V, S> {
    #[inline]
    fn shared(&self) -> Ref<'_, HashMap<K, V, S>> {
        self.0.borrow()
    }

    #[inline]
    fn exclusive(&self) -> RefMut<'_, HashMap<K, V, S>> {
        self.0.borrow_mut()
    }
}

guarded_table!(PlainMap, "hashbrown::HashMap", RefCell);

//! The pin of the broken map.

use core::borrow::Borrow;
use core::hash::Hash;
use core::ops::ControlFlow;

use map_conformance::family::{HashState, Key, Value};
use map_conformance::reference::MutexMap;
use map_core::{
    Action, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, PinMap, TryInsertError,
};

use crate::faults::FROZEN_PIN;
use crate::map::Broken;

/// The pin of a [`Broken`] map.
pub(crate) struct Pinned<'map, K, V, S, const FAULT: u8> {
    map: &'map Broken<K, V, S, FAULT>,
    frozen: Option<MutexMap<K, V, S>>,
}

impl<K: Key, V: Value, S: HashState, const FAULT: u8> ConcurrentMap<K, V>
    for Pinned<'_, K, V, S, FAULT>
{
    const GUARANTEES: Guarantees = Broken::<K, V, S, FAULT>::GUARANTEES;

    fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match &self.frozen {
            Some(frozen) => frozen.read(key, f),
            None => self.map.read(key, f),
        }
    }

    fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
        self.map.insert_then(key, value, f)
    }

    fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>> {
        self.map.try_insert(key, value)
    }

    fn get_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&V) -> R,
    ) -> R {
        self.map.get_or_insert_with(key, make, f)
    }

    fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.map.remove_then(key, f)
    }

    fn compute(&self, key: K, f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome {
        self.map.compute(key, f)
    }

    fn compute_if_present<Q>(&self, key: &Q, f: impl FnMut(&V) -> Action<V>) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.map.compute_if_present(key, f)
    }

    fn compare_exchange<Q>(
        &self,
        key: &Q,
        current: &V,
        new: V,
    ) -> Result<(), CompareExchangeError<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: PartialEq,
    {
        self.map.compare_exchange(key, current, new)
    }

    fn try_for_each<B>(&self, f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        self.map.try_for_each(f)
    }

    fn retain(&self, keep: impl FnMut(&K, &V) -> bool) {
        self.map.retain(keep);
    }

    fn clear(&self) {
        self.map.clear();
    }

    fn len(&self) -> usize {
        self.map.len()
    }
}

impl<K: Key, V: Value, S: HashState, const FAULT: u8> PinMap<K, V> for Broken<K, V, S, FAULT> {
    type Pin<'map> = Pinned<'map, K, V, S, FAULT>;

    fn pin(&self) -> Self::Pin<'_> {
        let frozen = (FAULT == FROZEN_PIN).then(|| self.right().clone());
        Pinned { map: self, frozen }
    }
}

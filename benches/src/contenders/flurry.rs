//! `flurry`: Java's `ConcurrentHashMap` in Rust, with a guard per operation or pin.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::ops::ControlFlow;

use flurry::HashMapRef;
use map_core::{
    Action, BuildMap, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, PinMap, Reentrancy,
    ReserveError, TryInsertError, forward_concurrent_map,
};

use super::check_capacity;
use crate::raw::face::{Face, Stored};

/// `flurry::HashMap`: Java's `ConcurrentHashMap` in Rust.
pub struct FlurryMap<K, V, S>(flurry::HashMap<Stored<K>, V, S>);

/// A [`FlurryMap`] under one guard.
pub struct FlurryPin<'map, K, V, S>(HashMapRef<'map, Stored<K>, V, S>);

impl<K, V, S> std::fmt::Debug for FlurryMap<K, V, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlurryMap").finish_non_exhaustive()
    }
}

impl<K, V, S> std::fmt::Debug for FlurryPin<'_, K, V, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlurryPin").finish_non_exhaustive()
    }
}

const GUARANTEES: Guarantees = Guarantees {
    name: "flurry::HashMap",
    single_flight: false,
    closures_run_once: false,
    reentrancy: Reentrancy::Unspecified,
};

impl<K, V, S> ConcurrentMap<K, V> for FlurryPin<'_, K, V, S>
where
    K: Hash + Eq + Clone + Send + Sync,
    V: Clone + Send + Sync,
    S: BuildHasher,
{
    const GUARANTEES: Guarantees = GUARANTEES;

    #[inline]
    fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.get(Face::of(key)).map(f)
    }

    #[inline]
    fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
        f(self.0.insert(Stored(key), value))
    }

    #[inline]
    fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>> {
        if self.contains_key(&key) {
            return Err(TryInsertError { key, value });
        }
        // A refused key is not given back, so a copy is kept.
        self.0
            .try_insert(Stored(key.clone()), value)
            .map(drop)
            .map_err(|error| TryInsertError { key, value: error.not_inserted })
    }

    #[inline]
    fn get_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&V) -> R,
    ) -> R {
        if let Some(value) = self.0.get(Face::of(&key)) {
            return f(value);
        }
        match self.0.try_insert(Stored(key), make()) {
            Ok(value) => f(value),
            Err(error) => f(error.current),
        }
    }

    #[inline]
    fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.remove(Face::of(key)).map(f)
    }

    #[inline]
    fn remove_if<Q>(&self, key: &Q, mut condition: impl FnMut(&V) -> bool) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        // Below, a value that is kept must be cloned; most refusals end here.
        let Some(seen) = self.0.get(Face::of(key)) else { return false };
        if !condition(seen) {
            return false;
        }
        // Under this pin's guard, a value at the same place is the value that was tested.
        let act = |value: &V| {
            if std::ptr::eq(value, seen) || condition(value) {
                Action::Remove
            } else {
                Action::Keep
            }
        };
        self.compute_if_present(key, act) == Outcome::Removed
    }

    fn compute(&self, key: K, mut f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome {
        loop {
            match self.compute_if_present(&key, |value| f(Some(value))) {
                Outcome::Absent => {}
                outcome => return outcome,
            }
            match f(None) {
                Action::Keep | Action::Remove => return Outcome::Absent,
                Action::Put(value) => {
                    if self.0.try_insert(Stored(key.clone()), value).is_ok() {
                        return Outcome::Inserted;
                    }
                }
            }
        }
    }

    #[inline]
    fn compute_if_present<Q>(&self, key: &Q, mut f: impl FnMut(&V) -> Action<V>) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut outcome = Outcome::Absent;
        self.0.compute_if_present(Face::of(key), |_, value| match f(value) {
            Action::Keep => {
                // There is no answer that leaves the value in place.
                outcome = Outcome::Kept;
                Some(value.clone())
            }
            Action::Put(new) => {
                outcome = Outcome::Replaced;
                Some(new)
            }
            Action::Remove => {
                outcome = Outcome::Removed;
                None
            }
        });
        outcome
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
        match self.read(key, |value| value == current) {
            None => return Err(CompareExchangeError::Absent(new)),
            Some(false) => return Err(CompareExchangeError::Mismatch(new)),
            Some(true) => {}
        }
        let mut new = Some(new);
        let outcome = self.compute_if_present(key, |value| {
            if value == current {
                new.take().map_or(Action::Keep, Action::Put)
            } else {
                Action::Keep
            }
        });
        match (outcome, new) {
            (Outcome::Kept, Some(new)) => Err(CompareExchangeError::Mismatch(new)),
            (_, Some(new)) => Err(CompareExchangeError::Absent(new)),
            (_, None) => Ok(()),
        }
    }

    fn try_for_each<B>(&self, mut f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        self.0.iter().try_for_each(|(key, value)| f(&key.0, value))
    }

    fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.0.retain(|key, value| keep(&key.0, value));
    }

    fn clear(&self) {
        self.0.clear();
    }

    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl<K, V, S> ConcurrentMap<K, V> for FlurryMap<K, V, S>
where
    K: Hash + Eq + Clone + Send + Sync,
    V: Clone + Send + Sync,
    S: BuildHasher,
{
    const GUARANTEES: Guarantees = GUARANTEES;

    forward_concurrent_map!(K, V, map => map.pin());
}

impl<K, V, S> PinMap<K, V> for FlurryMap<K, V, S>
where
    K: Hash + Eq + Clone + Send + Sync,
    V: Clone + Send + Sync,
    S: BuildHasher,
{
    type Pin<'map>
        = FlurryPin<'map, K, V, S>
    where
        Self: 'map;

    #[inline]
    fn pin(&self) -> Self::Pin<'_> {
        FlurryPin(self.0.pin())
    }
}

impl<K, V, S> BuildMap<S> for FlurryMap<K, V, S>
where
    K: Hash + Eq + Clone + Send + Sync,
    V: Send + Sync,
    S: BuildHasher,
{
    fn try_with_capacity_and_hasher(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        check_capacity::<K, V>(capacity)?;
        Ok(Self(flurry::HashMap::with_capacity_and_hasher(capacity, hasher)))
    }
}

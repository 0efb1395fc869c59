//! `papaya`: a lock-free table of pointers to entries, with a guard per operation or pin.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::ops::ControlFlow;

use map_core::{
    Action, BuildMap, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, PinMap, Reentrancy,
    ReserveError, TryInsertError, forward_concurrent_map,
};
use papaya::{Compute, HashMapRef, LocalGuard, Operation};

use super::check_capacity;

/// `papaya::HashMap`: a lock-free table of pointers to entries.
#[derive(Debug)]
pub struct PapayaMap<K: Hash + Eq, V, S: BuildHasher>(papaya::HashMap<K, V, S>);

/// A [`PapayaMap`] under one guard.
#[derive(Debug)]
pub struct PapayaPin<'map, K: Hash + Eq, V, S: BuildHasher>(
    HashMapRef<'map, K, V, S, LocalGuard<'map>>,
);

const GUARANTEES: Guarantees = Guarantees {
    name: "papaya::HashMap",
    single_flight: false,
    closures_run_once: false,
    reentrancy: Reentrancy::Works,
};

impl<K, V, S> ConcurrentMap<K, V> for PapayaPin<'_, K, V, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
{
    const GUARANTEES: Guarantees = GUARANTEES;

    #[inline]
    fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.get(key).map(f)
    }

    #[inline]
    fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
        f(self.0.insert(key, value))
    }

    #[inline]
    fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>> {
        if self.0.contains_key(&key) {
            return Err(TryInsertError { key, value });
        }
        // A refused key is not given back, so a copy is kept.
        self.0
            .try_insert(key.clone(), value)
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
        f(self.0.get_or_insert_with(key, make))
    }

    #[inline]
    fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.remove(key).map(f)
    }

    #[inline]
    fn remove_if<Q>(&self, key: &Q, mut condition: impl FnMut(&V) -> bool) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        matches!(self.0.remove_if(key, |_, value| condition(value)), Ok(Some(_)))
    }

    #[inline]
    fn compute(&self, key: K, mut f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome {
        let result = self.0.compute(key, |entry| {
            let kept = if entry.is_some() { Outcome::Kept } else { Outcome::Absent };
            match f(entry.map(|(_, value)| value)) {
                Action::Keep => Operation::Abort(kept),
                Action::Put(value) => Operation::Insert(value),
                Action::Remove if entry.is_some() => Operation::Remove,
                Action::Remove => Operation::Abort(Outcome::Absent),
            }
        });
        match result {
            Compute::Inserted(..) => Outcome::Inserted,
            Compute::Updated { .. } => Outcome::Replaced,
            Compute::Removed(..) => Outcome::Removed,
            Compute::Aborted(outcome) => outcome,
        }
    }

    #[inline]
    fn compute_if_present<Q>(&self, key: &Q, mut f: impl FnMut(&V) -> Action<V>) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        // `compute` and `update` want an owned key, which only the map has.
        let Some((key, _)) = self.0.get_key_value(key) else { return Outcome::Absent };
        self.compute(key.clone(), |value| value.map_or(Action::Keep, &mut f))
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
        // The closure may run again and `papaya` keeps what it proposed, so each run clones.
        let outcome = self.compute_if_present(key, |value| {
            if value == current { Action::Put(new.clone()) } else { Action::Keep }
        });
        match outcome {
            Outcome::Replaced => Ok(()),
            Outcome::Kept => Err(CompareExchangeError::Mismatch(new)),
            Outcome::Absent | Outcome::Inserted | Outcome::Removed => {
                Err(CompareExchangeError::Absent(new))
            }
        }
    }

    fn try_for_each<B>(&self, mut f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        self.0.iter().try_for_each(|(key, value)| f(key, value))
    }

    fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.0.retain(|key, value| keep(key, value));
    }

    fn clear(&self) {
        self.0.clear();
    }

    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl<K, V, S> ConcurrentMap<K, V> for PapayaMap<K, V, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
{
    const GUARANTEES: Guarantees = GUARANTEES;

    forward_concurrent_map!(K, V, map => map.pin());
}

impl<K, V, S> PinMap<K, V> for PapayaMap<K, V, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher,
{
    type Pin<'map>
        = PapayaPin<'map, K, V, S>
    where
        Self: 'map;

    #[inline]
    fn pin(&self) -> Self::Pin<'_> {
        PapayaPin(self.0.pin())
    }
}

impl<K, V, S> BuildMap<S> for PapayaMap<K, V, S>
where
    K: Hash + Eq,
    S: BuildHasher,
{
    fn try_with_capacity_and_hasher(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        check_capacity::<K, V>(capacity)?;
        Ok(Self(papaya::HashMap::with_capacity_and_hasher(capacity, hasher)))
    }
}

//! `dashmap`: shards, each a table under a lock.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::ops::ControlFlow;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use map_core::{
    Action, BuildMap, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, PinMap, Reentrancy,
    ReserveError, TryInsertError,
};

use super::check_capacity;

/// `dashmap`: shards, each a table under a lock.
#[derive(Debug)]
pub struct DashMapAdapter<K: Hash + Eq, V, S: BuildHasher + Clone>(DashMap<K, V, S>);

impl<K, V, S> ConcurrentMap<K, V> for DashMapAdapter<K, V, S>
where
    K: Hash + Eq,
    S: BuildHasher + Clone,
{
    const GUARANTEES: Guarantees = Guarantees {
        name: "DashMap",
        single_flight: true,
        closures_run_once: true,
        reentrancy: Reentrancy::Unspecified,
    };

    #[inline]
    fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.view(key, |_, value| f(value))
    }

    #[inline]
    fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
        let old = self.0.insert(key, value);
        f(old.as_ref())
    }

    #[inline]
    fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>> {
        match self.0.entry(key) {
            Entry::Occupied(entry) => Err(TryInsertError { key: entry.into_key(), value }),
            Entry::Vacant(entry) => {
                entry.insert(value);
                Ok(())
            }
        }
    }

    #[inline]
    fn get_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&V) -> R,
    ) -> R {
        if let Some(value) = self.0.get(&key) {
            return f(&value);
        }
        f(&self.0.entry(key).or_insert_with(make))
    }

    #[inline]
    fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.remove(key).map(|(_, value)| f(&value))
    }

    #[inline]
    fn compute(&self, key: K, mut f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome {
        match self.0.entry(key) {
            Entry::Occupied(mut entry) => match f(Some(entry.get())) {
                Action::Keep => Outcome::Kept,
                Action::Put(value) => {
                    entry.insert(value);
                    Outcome::Replaced
                }
                Action::Remove => {
                    entry.remove();
                    Outcome::Removed
                }
            },
            Entry::Vacant(entry) => match f(None) {
                Action::Keep | Action::Remove => Outcome::Absent,
                Action::Put(value) => {
                    entry.insert(value);
                    Outcome::Inserted
                }
            },
        }
    }

    #[inline]
    fn compute_if_present<Q>(&self, key: &Q, mut f: impl FnMut(&V) -> Action<V>) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        // `get_mut` cannot remove what it found; this looks up once and can.
        let mut outcome = Outcome::Absent;
        let removed = self.0.remove_if_mut(key, |_, slot| {
            outcome = match f(slot) {
                Action::Keep => Outcome::Kept,
                Action::Put(value) => {
                    *slot = value;
                    Outcome::Replaced
                }
                Action::Remove => Outcome::Removed,
            };
            outcome == Outcome::Removed
        });
        drop(removed);
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
        match self.0.get_mut(key) {
            None => Err(CompareExchangeError::Absent(new)),
            Some(slot) if *slot != *current => Err(CompareExchangeError::Mismatch(new)),
            Some(mut slot) => {
                *slot = new;
                Ok(())
            }
        }
    }

    fn try_for_each<B>(&self, mut f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        self.0.iter().try_for_each(|entry| f(entry.key(), entry.value()))
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

impl<K, V, S> PinMap<K, V> for DashMapAdapter<K, V, S>
where
    K: Hash + Eq,
    S: BuildHasher + Clone,
{
    type Pin<'map>
        = &'map Self
    where
        Self: 'map;

    #[inline]
    fn pin(&self) -> Self::Pin<'_> {
        self
    }
}

impl<K, V, S> BuildMap<S> for DashMapAdapter<K, V, S>
where
    K: Hash + Eq,
    S: BuildHasher + Clone,
{
    fn try_with_capacity_and_hasher(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        check_capacity::<K, V>(capacity)?;
        Ok(Self(DashMap::with_capacity_and_hasher(capacity, hasher)))
    }
}

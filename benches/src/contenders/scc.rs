//! `scc`: buckets of 32 entries, each under a lock, resized bucket by bucket.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::ops::ControlFlow;

use map_core::{
    Action, BuildMap, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, PinMap, Reentrancy,
    ReserveError, TryInsertError,
};
use scc::hash_map::Entry;

use super::check_capacity;

/// `scc::HashMap`: buckets of 32 entries, each under a lock, resized bucket by bucket.
#[derive(Debug)]
pub struct SccMap<K: Hash + Eq, V, S: BuildHasher>(scc::HashMap<K, V, S>);

impl<K, V, S> ConcurrentMap<K, V> for SccMap<K, V, S>
where
    K: Hash + Eq,
    S: BuildHasher,
{
    const GUARANTEES: Guarantees = Guarantees {
        name: "scc::HashMap",
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
        self.0.read_sync(key, |_, value| f(value))
    }

    #[inline]
    fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
        let old = self.0.upsert_sync(key, value);
        f(old.as_ref())
    }

    #[inline]
    fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>> {
        self.0.insert_sync(key, value).map_err(|(key, value)| TryInsertError { key, value })
    }

    #[inline]
    fn get_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&V) -> R,
    ) -> R {
        let mut f = Some(f);
        let found = self.0.read_sync(&key, |_, value| f.take().map(|f| f(value)));
        match (found.flatten(), f) {
            (Some(result), _) => result,
            (None, Some(f)) => f(self.0.entry_sync(key).or_insert_with(make).get()),
            (None, None) => unreachable!("a closure that was taken has run"),
        }
    }

    #[inline]
    fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.remove_sync(key).map(|(_, value)| f(&value))
    }

    #[inline]
    fn compute(&self, key: K, mut f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome {
        match self.0.entry_sync(key) {
            Entry::Occupied(mut entry) => match f(Some(entry.get())) {
                Action::Keep => Outcome::Kept,
                Action::Put(value) => {
                    entry.insert(value);
                    Outcome::Replaced
                }
                Action::Remove => {
                    drop(entry.remove());
                    Outcome::Removed
                }
            },
            Entry::Vacant(entry) => match f(None) {
                Action::Keep | Action::Remove => Outcome::Absent,
                Action::Put(value) => {
                    entry.insert_entry(value);
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
        // `update_sync` cannot remove what it found; this looks up once and can.
        let mut outcome = Outcome::Absent;
        let removed = self.0.remove_if_sync(key, |slot| {
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

    #[inline]
    fn update<Q>(&self, key: &Q, mut f: impl FnMut(&V) -> V) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.update_sync(key, |_, slot| *slot = f(slot)).is_some()
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
        match self.0.get_sync(key) {
            None => Err(CompareExchangeError::Absent(new)),
            Some(entry) if entry.get() != current => Err(CompareExchangeError::Mismatch(new)),
            Some(mut entry) => {
                entry.insert(new);
                Ok(())
            }
        }
    }

    fn try_for_each<B>(&self, mut f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        let mut flow = ControlFlow::Continue(());
        self.0.iter_sync(|key, value| {
            flow = f(key, value);
            flow.is_continue()
        });
        flow
    }

    fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.0.retain_sync(|key, value| keep(key, value));
    }

    fn clear(&self) {
        self.0.clear_sync();
    }

    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl<K, V, S> PinMap<K, V> for SccMap<K, V, S>
where
    K: Hash + Eq,
    S: BuildHasher,
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

impl<K, V, S> BuildMap<S> for SccMap<K, V, S>
where
    K: Hash + Eq,
    S: BuildHasher,
{
    fn try_with_capacity_and_hasher(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        check_capacity::<K, V>(capacity)?;
        Ok(Self(scc::HashMap::with_capacity_and_hasher(capacity, hasher)))
    }
}

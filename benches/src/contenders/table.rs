//! Operations of the contract on a `hashbrown` map that the caller may change: what the contenders
//! that guard one such map (with a lock, a cell or a copy) have in common.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use map_core::{Action, CompareExchangeError, Outcome, ReserveError, TryInsertError};

pub(super) fn with_capacity<K, V, S>(
    capacity: usize,
    hasher: S,
) -> Result<HashMap<K, V, S>, ReserveError>
where
    K: Hash + Eq,
    S: BuildHasher,
{
    let mut table = HashMap::with_hasher(hasher);
    match table.try_reserve(capacity) {
        Ok(()) => Ok(table),
        Err(hashbrown::TryReserveError::CapacityOverflow) => Err(ReserveError::CapacityOverflow),
        Err(hashbrown::TryReserveError::AllocError { .. }) => Err(ReserveError::AllocError),
    }
}

pub(super) fn try_insert<K, V, S>(
    table: &mut HashMap<K, V, S>,
    key: K,
    value: V,
) -> Result<(), TryInsertError<K, V>>
where
    K: Hash + Eq,
    S: BuildHasher,
{
    // `hashbrown`'s entry of a present key does not give the key back.
    if table.contains_key(&key) {
        return Err(TryInsertError { key, value });
    }
    table.insert(key, value);
    Ok(())
}

pub(super) fn compute<K, V, S>(
    table: &mut HashMap<K, V, S>,
    key: K,
    mut f: impl FnMut(Option<&V>) -> Action<V>,
) -> Outcome
where
    K: Hash + Eq,
    S: BuildHasher,
{
    match table.entry(key) {
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

pub(super) fn compute_if_present<K, V, S, Q>(
    table: &mut HashMap<K, V, S>,
    key: &Q,
    mut f: impl FnMut(&V) -> Action<V>,
) -> Outcome
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ?Sized,
    S: BuildHasher,
{
    let Some(slot) = table.get_mut(key) else { return Outcome::Absent };
    match f(slot) {
        Action::Keep => Outcome::Kept,
        Action::Put(value) => {
            *slot = value;
            Outcome::Replaced
        }
        Action::Remove => {
            table.remove(key);
            Outcome::Removed
        }
    }
}

pub(super) fn compare_exchange<K, V, S, Q>(
    table: &mut HashMap<K, V, S>,
    key: &Q,
    current: &V,
    new: V,
) -> Result<(), CompareExchangeError<V>>
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ?Sized,
    V: PartialEq,
    S: BuildHasher,
{
    match table.get_mut(key) {
        None => Err(CompareExchangeError::Absent(new)),
        Some(slot) if slot != current => Err(CompareExchangeError::Mismatch(new)),
        Some(slot) => {
            *slot = new;
            Ok(())
        }
    }
}

/// Implements the contract for a type with `shared(&self)` and `exclusive(&self)`, which give
/// access to one `hashbrown` map.
macro_rules! guarded_table {
    ($Map:ident, $name:literal, $Cell:ident) => {
        impl<K, V, S> ConcurrentMap<K, V> for $Map<K, V, S>
        where
            K: Hash + Eq,
            S: BuildHasher,
        {
            const GUARANTEES: Guarantees = Guarantees {
                name: $name,
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
                self.shared().get(key).map(f)
            }

            #[inline]
            fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
                let old = self.exclusive().insert(key, value);
                f(old.as_ref())
            }

            #[inline]
            fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>> {
                table::try_insert(&mut self.exclusive(), key, value)
            }

            #[inline]
            fn get_or_insert_with<R>(
                &self,
                key: K,
                make: impl FnOnce() -> V,
                f: impl FnOnce(&V) -> R,
            ) -> R {
                if let Some(value) = self.shared().get(&key) {
                    return f(value);
                }
                f(self.exclusive().entry(key).or_insert_with(make))
            }

            #[inline]
            fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
            where
                K: Borrow<Q>,
                Q: Hash + Eq + ?Sized,
            {
                let old = self.exclusive().remove(key);
                old.as_ref().map(f)
            }

            #[inline]
            fn compute(&self, key: K, f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome {
                table::compute(&mut self.exclusive(), key, f)
            }

            #[inline]
            fn compute_if_present<Q>(&self, key: &Q, f: impl FnMut(&V) -> Action<V>) -> Outcome
            where
                K: Borrow<Q>,
                Q: Hash + Eq + ?Sized,
            {
                table::compute_if_present(&mut self.exclusive(), key, f)
            }

            #[inline]
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
                table::compare_exchange(&mut self.exclusive(), key, current, new)
            }

            fn try_for_each<B>(
                &self,
                mut f: impl FnMut(&K, &V) -> ControlFlow<B>,
            ) -> ControlFlow<B> {
                self.shared().iter().try_for_each(|(key, value)| f(key, value))
            }

            fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
                self.exclusive().retain(|key, value| keep(key, value));
            }

            fn clear(&self) {
                self.exclusive().clear();
            }

            #[inline]
            fn len(&self) -> usize {
                self.shared().len()
            }
        }

        impl<K, V, S> PinMap<K, V> for $Map<K, V, S>
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

        impl<K, V, S> BuildMap<S> for $Map<K, V, S>
        where
            K: Hash + Eq,
            S: BuildHasher,
        {
            fn try_with_capacity_and_hasher(
                capacity: usize,
                hasher: S,
            ) -> Result<Self, ReserveError> {
                table::with_capacity(capacity, hasher).map(|table| Self($Cell::new(table)))
            }
        }
    };
}
pub(super) use guarded_table;

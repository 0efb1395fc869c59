//! An immutable `hashbrown` map behind `arc-swap`: each write copies the whole map.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::ops::ControlFlow;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hashbrown::HashMap;
use map_core::{
    Action, BuildMap, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, PinMap, Reentrancy,
    ReserveError, TryInsertError,
};
use parking_lot::Mutex;

use super::table;

/// An immutable `hashbrown` map behind `arc-swap`: each write copies the whole map.
///
/// Writers take turns at a mutex, so that none copies in vain.
#[derive(Debug)]
pub struct ArcSwapMap<K, V, S> {
    current: ArcSwap<HashMap<K, V, S>>,
    writer: Mutex<()>,
}

impl<K: Clone, V: Clone, S: Clone> ArcSwapMap<K, V, S> {
    fn write<R>(&self, change: impl FnOnce(&mut HashMap<K, V, S>) -> R) -> R {
        let _turn = self.writer.lock();
        let mut copy = HashMap::clone(&self.current.load());
        let result = change(&mut copy);
        self.current.store(Arc::new(copy));
        result
    }
}

impl<K, V, S> ConcurrentMap<K, V> for ArcSwapMap<K, V, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
    S: BuildHasher + Clone,
{
    const GUARANTEES: Guarantees = Guarantees {
        name: "ArcSwap<HashMap>",
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
        self.current.load().get(key).map(f)
    }

    fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
        let old = self.write(|table| table.insert(key, value));
        f(old.as_ref())
    }

    fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>> {
        if self.contains_key(&key) {
            return Err(TryInsertError { key, value });
        }
        self.write(|table| table::try_insert(table, key, value))
    }

    #[inline]
    fn get_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&V) -> R,
    ) -> R {
        if let Some(value) = self.current.load().get(&key) {
            return f(value);
        }
        let value = self.write(|table| table.entry(key).or_insert_with(make).clone());
        f(&value)
    }

    fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if !self.contains_key(key) {
            return None;
        }
        let old = self.write(|table| table.remove(key));
        old.as_ref().map(f)
    }

    fn compute(&self, key: K, f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome {
        self.write(|table| table::compute(table, key, f))
    }

    fn compute_if_present<Q>(&self, key: &Q, f: impl FnMut(&V) -> Action<V>) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if !self.contains_key(key) {
            return Outcome::Absent;
        }
        self.write(|table| table::compute_if_present(table, key, f))
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
            None => Err(CompareExchangeError::Absent(new)),
            Some(false) => Err(CompareExchangeError::Mismatch(new)),
            Some(true) => self.write(|table| table::compare_exchange(table, key, current, new)),
        }
    }

    fn insert_many(&self, entries: impl IntoIterator<Item = (K, V)>) -> usize {
        // The iterator is the caller's code and must not run while others wait for the mutex.
        let entries: Vec<_> = entries.into_iter().collect();
        self.write(|table| {
            entries
                .into_iter()
                .map(|(key, value)| usize::from(table.insert(key, value).is_none()))
                .sum()
        })
    }

    fn try_for_each<B>(&self, mut f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        self.current.load().iter().try_for_each(|(key, value)| f(key, value))
    }

    fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.write(|table| table.retain(|key, value| keep(key, value)));
    }

    fn clear(&self) {
        self.write(HashMap::clear);
    }

    #[inline]
    fn len(&self) -> usize {
        self.current.load().len()
    }
}

impl<K, V, S> PinMap<K, V> for ArcSwapMap<K, V, S>
where
    K: Hash + Eq + Clone,
    V: Clone,
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

impl<K, V, S> BuildMap<S> for ArcSwapMap<K, V, S>
where
    K: Hash + Eq,
    S: BuildHasher,
{
    fn try_with_capacity_and_hasher(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        let table = table::with_capacity(capacity, hasher)?;
        Ok(Self { current: ArcSwap::from_pointee(table), writer: Mutex::new(()) })
    }
}

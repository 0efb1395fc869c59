//! A map that is slow and plainly right, to test the suite on.

use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use map_core::{
    Action, BuildMap, CapacityMap, CompareExchangeError, ConcurrentMap, DefaultHashBuilder,
    Guarantees, Outcome, PinMap, Reentrancy, ReserveError, ShrinkMap, TryInsertError,
};

/// How many chains the table has. Fixed: a table that never grows cannot lose an entry by it.
const CHAINS: usize = 64;

struct Entry<K, V> {
    hash: u64,
    key: Arc<K>,
    value: Arc<V>,
}

type Chains<K, V> = [Vec<Entry<K, V>>; CHAINS];

/// Chains of shared entries under a mutex.
///
/// Closures run on a shared entry outside the mutex, so they may do everything; a decision is taken
/// again if the entry has changed meanwhile.
pub struct MutexMap<K, V, S = DefaultHashBuilder> {
    chains: Mutex<Chains<K, V>>,
    hasher: S,
}

impl<K: fmt::Debug + Hash + Eq, V: fmt::Debug, S: BuildHasher> fmt::Debug for MutexMap<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.snapshot()).finish()
    }
}

impl<K, V, S> MutexMap<K, V, S> {
    /// Locks; a panic in a key's `Eq` leaves the chains whole, so poison means nothing here.
    fn lock(&self) -> MutexGuard<'_, Chains<K, V>> {
        self.chains.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshot(&self) -> Vec<(Arc<K>, Arc<V>)> {
        let chains = self.lock();
        let entries = chains.iter().flatten();
        entries.map(|entry| (Arc::clone(&entry.key), Arc::clone(&entry.value))).collect()
    }
}

fn chain_of(hash: u64) -> usize {
    usize::try_from(hash % CHAINS as u64).unwrap_or(0)
}

fn position<K, V, Q>(chains: &Chains<K, V>, hash: u64, key: &Q) -> Option<usize>
where
    K: Borrow<Q>,
    Q: Eq + ?Sized,
{
    let mut chain = chains[chain_of(hash)].iter();
    chain.position(|entry| entry.hash == hash && (*entry.key).borrow() == key)
}

impl<K: Hash + Eq, V, S: BuildHasher> MutexMap<K, V, S> {
    fn find<Q>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let chains = self.lock();
        let place = position(&chains, hash, key)?;
        Some(Arc::clone(&chains[chain_of(hash)][place].value))
    }

    /// Replaces the value of `key` by `new` (`None`: removes the entry) if it still is `old`
    /// (`None`: absent), with `owned` for the entry of a key that is new. Gives back what is to be
    /// tried again if it is not.
    fn exchange<Q>(
        &self,
        key: &Q,
        owned: Option<Arc<K>>,
        old: Option<&Arc<V>>,
        new: Option<Arc<V>>,
    ) -> Result<(), Option<Arc<V>>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let mut chains = self.lock();
        let place = position(&chains, hash, key);
        let chain = &mut chains[chain_of(hash)];
        match (place, old) {
            (None, None) => {
                if let (Some(key), Some(value)) = (owned, new) {
                    chain.push(Entry { hash, key, value });
                }
                Ok(())
            }
            (Some(place), Some(old)) if Arc::ptr_eq(&chain[place].value, old) => {
                let discarded = match new {
                    Some(new) => {
                        drop(core::mem::replace(&mut chain[place].value, new));
                        None
                    }
                    None => Some(chain.swap_remove(place)),
                };
                drop(chains);
                drop(discarded);
                Ok(())
            }
            _ => Err(new),
        }
    }

    /// Decides until the decision meets the state it was taken on. `f` sees the value, or `None`.
    fn decide<Q>(
        &self,
        key: &Q,
        owned: Option<&Arc<K>>,
        mut f: impl FnMut(Option<&V>) -> Action<V>,
    ) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        loop {
            let old = self.find(key);
            if old.is_none() && owned.is_none() {
                return Outcome::Absent;
            }
            let new = match (f(old.as_deref()), &old) {
                (Action::Keep, Some(_)) => return Outcome::Kept,
                (Action::Keep | Action::Remove, None) => return Outcome::Absent,
                (Action::Put(new), _) => Some(Arc::new(new)),
                (Action::Remove, Some(_)) => None,
            };
            let outcome = match (&old, &new) {
                (None, _) => Outcome::Inserted,
                (Some(_), Some(_)) => Outcome::Replaced,
                (Some(_), None) => Outcome::Removed,
            };
            if self.exchange(key, owned.map(Arc::clone), old.as_ref(), new).is_ok() {
                return outcome;
            }
        }
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> ConcurrentMap<K, V> for MutexMap<K, V, S> {
    const GUARANTEES: Guarantees = Guarantees {
        name: "MutexMap",
        single_flight: false,
        closures_run_once: false,
        reentrancy: Reentrancy::Works,
    };

    fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.find(key).map(|value| f(&value))
    }

    fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
        let (key, mut new) = (Arc::new(key), Some(Arc::new(value)));
        loop {
            let old = self.find(&*key);
            match self.exchange(&*key, Some(Arc::clone(&key)), old.as_ref(), new) {
                Ok(()) => return f(old.as_deref()),
                Err(again) => new = again,
            }
        }
    }

    fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>> {
        let hash = self.hasher.hash_one(&key);
        let mut chains = self.lock();
        if position(&chains, hash, &key).is_some() {
            return Err(TryInsertError { key, value });
        }
        let entry = Entry { hash, key: Arc::new(key), value: Arc::new(value) };
        chains[chain_of(hash)].push(entry);
        Ok(())
    }

    fn get_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&V) -> R,
    ) -> R {
        if let Some(value) = self.find(&key) {
            return f(&value);
        }
        let (key, new) = (Arc::new(key), Arc::new(make()));
        loop {
            let owned = Some(Arc::clone(&key));
            if self.exchange(&*key, owned, None, Some(Arc::clone(&new))).is_ok() {
                return f(&new);
            }
            if let Some(value) = self.find(&*key) {
                return f(&value);
            }
        }
    }

    fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        loop {
            let old = self.find(key)?;
            if self.exchange(key, None, Some(&old), None).is_ok() {
                return Some(f(&old));
            }
        }
    }

    fn compute(&self, key: K, f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome {
        let key = Arc::new(key);
        self.decide(&*key, Some(&key), f)
    }

    fn compute_if_present<Q>(&self, key: &Q, mut f: impl FnMut(&V) -> Action<V>) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.decide(key, None, |value| value.map_or(Action::Keep, &mut f))
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
        // Compared under the mutex: the new value is not shared before it is certain to be stored.
        let hash = self.hasher.hash_one(key);
        let mut chains = self.lock();
        let Some(place) = position(&chains, hash, key) else {
            return Err(CompareExchangeError::Absent(new));
        };
        let entry = &mut chains[chain_of(hash)][place];
        if *entry.value != *current {
            return Err(CompareExchangeError::Mismatch(new));
        }
        let old = core::mem::replace(&mut entry.value, Arc::new(new));
        drop(chains);
        drop(old);
        Ok(())
    }

    fn try_for_each<B>(&self, mut f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        self.snapshot().iter().try_for_each(|(key, value)| f(key, value))
    }

    fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        for (key, mut value) in self.snapshot() {
            while !keep(&key, &value) && self.exchange(&*key, None, Some(&value), None).is_err() {
                match self.find(&*key) {
                    Some(newer) => value = newer,
                    None => break,
                }
            }
        }
    }

    fn clear(&self) {
        let chains = core::mem::replace(&mut *self.lock(), [const { Vec::new() }; CHAINS]);
        drop(chains);
    }

    fn len(&self) -> usize {
        self.lock().iter().map(Vec::len).sum()
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> PinMap<K, V> for MutexMap<K, V, S> {
    type Pin<'map>
        = &'map Self
    where
        Self: 'map;

    fn pin(&self) -> Self::Pin<'_> {
        self
    }
}

impl<K, V, S> BuildMap<S> for MutexMap<K, V, S> {
    fn try_with_capacity_and_hasher(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        let map = Self { chains: Mutex::new([const { Vec::new() }; CHAINS]), hasher };
        map.try_reserve(capacity)?;
        Ok(map)
    }
}

impl<K, V, S> CapacityMap for MutexMap<K, V, S> {
    fn capacity(&self) -> usize {
        self.lock().iter().map(Vec::capacity).sum()
    }

    fn try_reserve(&self, additional: usize) -> Result<(), ReserveError> {
        let mut chains = self.lock();
        // Any one chain may have to take them all.
        for chain in chains.iter_mut() {
            chain.try_reserve(additional).map_err(|_| ReserveError::CapacityOverflow)?;
        }
        Ok(())
    }
}

impl<K, V, S> ShrinkMap for MutexMap<K, V, S> {
    fn shrink_to_fit(&self) {
        self.lock().iter_mut().for_each(Vec::shrink_to_fit);
    }
}

impl<K, V, S: Default> Default for MutexMap<K, V, S> {
    fn default() -> Self {
        Self { chains: Mutex::new([const { Vec::new() }; CHAINS]), hasher: S::default() }
    }
}

impl<K: Hash + Eq + Clone, V: Clone, S: BuildHasher + Clone> Clone for MutexMap<K, V, S> {
    fn clone(&self) -> Self {
        let chains = Mutex::new([const { Vec::new() }; CHAINS]);
        let copy = Self { chains, hasher: self.hasher.clone() };
        self.for_each(|key, value| _ = copy.insert(key.clone(), value.clone()));
        copy
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> Extend<(K, V)> for MutexMap<K, V, S> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        self.insert_many(entries);
    }
}

impl<K: Hash + Eq, V, S: BuildHasher + Default> FromIterator<(K, V)> for MutexMap<K, V, S> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let map = Self::default();
        map.insert_many(entries);
        map
    }
}

impl<K, V, S> IntoIterator for MutexMap<K, V, S> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        let chains = self.chains.into_inner().unwrap_or_else(PoisonError::into_inner);
        let entries: Vec<_> = chains
            .into_iter()
            .flatten()
            // Nobody else has the map, so nobody shares an entry.
            .filter_map(|entry| Some((Arc::into_inner(entry.key)?, Arc::into_inner(entry.value)?)))
            .collect();
        entries.into_iter()
    }
}

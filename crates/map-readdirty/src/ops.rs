//! The operations, on the pin; the map takes a pin for each.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};
use std::ops::ControlFlow;

use map_core::{
    Action, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, Reentrancy, TryInsertError,
    forward_concurrent_map,
};
use map_sync::reentrancy::Section;

use crate::map::{NAME, ReadDirtyMap, ReadDirtyPin};
use crate::raw::{Pinned, may_be_inline, on_either};

static READ: Section = Section::exclusive(NAME, "read");
static INSERT: Section = Section::exclusive(NAME, "insert");
static TRY_INSERT: Section = Section::exclusive(NAME, "try_insert");
static GET_OR_INSERT: Section = Section::exclusive(NAME, "get_or_insert_with");
static REMOVE: Section = Section::exclusive(NAME, "remove");
static COMPUTE: Section = Section::exclusive(NAME, "compute");
static COMPUTE_IF_PRESENT: Section = Section::exclusive(NAME, "compute_if_present");
static COMPARE_EXCHANGE: Section = Section::exclusive(NAME, "compare_exchange");
static FOR_EACH: Section = Section::exclusive(NAME, "try_for_each");
static RETAIN: Section = Section::exclusive(NAME, "retain");
static CLEAR: Section = Section::exclusive(NAME, "clear");

impl<K: Hash + Eq, V, S: BuildHasher> ConcurrentMap<K, V> for ReadDirtyMap<K, V, S> {
    const GUARANTEES: Guarantees = Guarantees {
        name: NAME,
        single_flight: false,
        closures_run_once: false,
        reentrancy: Reentrancy::Works,
    };

    forward_concurrent_map!(K, V, map => map.pin());
}

impl<K: Hash + Eq, V, S: BuildHasher> ConcurrentMap<K, V> for ReadDirtyPin<'_, K, V, S> {
    const GUARANTEES: Guarantees = ReadDirtyMap::<K, V, S>::GUARANTEES;

    #[inline(always)]
    fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.map.hash(key);
        if !may_be_inline::<K, V>() {
            return self.read_with(hash, key, f);
        }
        if let Pinned::Inline(pin) = &self.pinned {
            if let Ok(copied) = pin.copy(hash, key) {
                return copied.as_ref().map(f);
            }
        }
        self.read_the_long_way(hash, key, f)
    }

    fn insert_then<R>(&self, mut key: K, mut value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
        let hash = self.map.hash(&key);
        on_either!(Pinned<K, V>, &self.pinned, pin => {
            loop {
                if let Some(seen) = pin.look(hash, &key, &INSERT) {
                    match pin.put(&seen, value) {
                        Ok(_) => return f(seen.value()),
                        Err(refused) => value = refused,
                    }
                } else {
                    match pin.insert_new(hash, key, value, &INSERT) {
                        Ok(_) => return f(None),
                        Err(refused) => (key, value) = refused,
                    }
                }
            }
        })
    }

    fn try_insert(&self, mut key: K, mut value: V) -> Result<(), TryInsertError<K, V>> {
        let hash = self.map.hash(&key);
        on_either!(Pinned<K, V>, &self.pinned, pin => {
            loop {
                if let Some(seen) = pin.look(hash, &key, &TRY_INSERT) {
                    if seen.value().is_some() {
                        return Err(TryInsertError { key, value });
                    }
                    match pin.put(&seen, value) {
                        Ok(_) => return Ok(()),
                        Err(refused) => value = refused,
                    }
                } else {
                    match pin.insert_new(hash, key, value, &TRY_INSERT) {
                        Ok(_) => return Ok(()),
                        Err(refused) => (key, value) = refused,
                    }
                }
            }
        })
    }

    fn get_or_insert_with<R>(
        &self,
        mut key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&V) -> R,
    ) -> R {
        let hash = self.map.hash(&key);
        on_either!(Pinned<K, V>, &self.pinned, pin => {
            if let Some(seen) = pin.look(hash, &key, &GET_OR_INSERT) {
                if let Some(value) = seen.value() {
                    return f(value);
                }
            }
            let mut made = make();
            loop {
                if let Some(seen) = pin.look(hash, &key, &GET_OR_INSERT) {
                    if let Some(value) = seen.value() {
                        return f(value);
                    }
                    match pin.put(&seen, made) {
                        Ok(stored) => return f(stored.value().unwrap_or_else(|| unreachable!())),
                        Err(refused) => made = refused,
                    }
                } else {
                    match pin.insert_new(hash, key, made, &GET_OR_INSERT) {
                        Ok(stored) => return f(stored.value().unwrap_or_else(|| unreachable!())),
                        Err(refused) => (key, made) = refused,
                    }
                }
            }
        })
    }

    fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.map.hash(key);
        on_either!(Pinned<K, V>, &self.pinned, pin => {
            loop {
                let seen = pin.look(hash, key, &REMOVE)?;
                let value = seen.value()?;
                if pin.take(&seen) {
                    return Some(f(value));
                }
            }
        })
    }

    fn compute(&self, mut key: K, mut f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome {
        let hash = self.map.hash(&key);
        on_either!(Pinned<K, V>, &self.pinned, pin => {
            loop {
                let seen = pin.look(hash, &key, &COMPUTE);
                let value = seen.as_ref().and_then(|seen| seen.value());
                let (action, present) = (f(value), value.is_some());
                match (action, seen) {
                    (Action::Keep, _) if present => return Outcome::Kept,
                    (Action::Keep | Action::Remove, _) if !present => return Outcome::Absent,
                    (Action::Remove, Some(seen)) => {
                        if pin.take(&seen) {
                            return Outcome::Removed;
                        }
                    }
                    (Action::Put(new), Some(seen)) => {
                        if pin.put(&seen, new).is_ok() {
                            return if present { Outcome::Replaced } else { Outcome::Inserted };
                        }
                    }
                    (Action::Put(new), None) => {
                        match pin.insert_new(hash, key, new, &COMPUTE) {
                            Ok(_) => return Outcome::Inserted,
                            Err((refused, _)) => key = refused,
                        }
                    }
                    (Action::Keep | Action::Remove, _) => unreachable!("decided above"),
                }
            }
        })
    }

    fn compute_if_present<Q>(&self, key: &Q, mut f: impl FnMut(&V) -> Action<V>) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.map.hash(key);
        on_either!(Pinned<K, V>, &self.pinned, pin => {
            loop {
                let Some(seen) = pin.look(hash, key, &COMPUTE_IF_PRESENT) else {
                    return Outcome::Absent;
                };
                let Some(value) = seen.value() else { return Outcome::Absent };
                match f(value) {
                    Action::Keep => return Outcome::Kept,
                    Action::Put(new) => {
                        if pin.put(&seen, new).is_ok() {
                            return Outcome::Replaced;
                        }
                    }
                    Action::Remove => {
                        if pin.take(&seen) {
                            return Outcome::Removed;
                        }
                    }
                }
            }
        })
    }

    fn compare_exchange<Q>(
        &self,
        key: &Q,
        current: &V,
        mut new: V,
    ) -> Result<(), CompareExchangeError<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: PartialEq,
    {
        let hash = self.map.hash(key);
        on_either!(Pinned<K, V>, &self.pinned, pin => {
            loop {
                let Some(seen) = pin.look(hash, key, &COMPARE_EXCHANGE) else {
                    return Err(CompareExchangeError::Absent(new));
                };
                match seen.value() {
                    None => return Err(CompareExchangeError::Absent(new)),
                    Some(value) if value != current => return Err(CompareExchangeError::Mismatch(new)),
                    Some(_) => {}
                }
                match pin.put(&seen, new) {
                    Ok(_) => return Ok(()),
                    Err(refused) => new = refused,
                }
            }
        })
    }

    fn try_for_each<B>(&self, mut f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        on_either!(Pinned<K, V>, &self.pinned, pin => {
            for seen in pin.walk(&FOR_EACH) {
                if let Some(value) = seen.value() {
                    f(seen.key(), value)?;
                }
            }
        });
        ControlFlow::Continue(())
    }

    fn retain(&self, keep: impl FnMut(&K, &V) -> bool) {
        self.keep_if(keep, &RETAIN);
    }

    fn clear(&self) {
        self.keep_if(|_, _| false, &CLEAR);
    }

    fn len(&self) -> usize {
        self.map.core.len()
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> ReadDirtyPin<'_, K, V, S> {
    /// Removes the entries that are not to be kept, and frees their places.
    fn keep_if(&self, mut keep: impl FnMut(&K, &V) -> bool, section: &'static Section) {
        on_either!(Pinned<K, V>, &self.pinned, pin => {
            for seen in pin.walk(section) {
                let mut seen = Some(seen);
                while let Some(now) = seen {
                    let Some(value) = now.value() else { break };
                    let done = keep(now.key(), value) || pin.take(&now);
                    seen = if done { None } else { pin.again(&now, section) };
                }
            }
            pin.sweep_all(section);
        });
    }

    #[inline(always)]
    fn read_with<Q, R>(&self, hash: u64, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        on_either!(Pinned<K, V>, &self.pinned, pin => pin.look(hash, key, &READ)?.value().map(f))
    }

    /// Not inlined, so that the short way needs few registers and no place in memory.
    #[cold]
    #[inline(never)]
    fn read_the_long_way<Q, R>(&self, hash: u64, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.read_with(hash, key, f)
    }
}

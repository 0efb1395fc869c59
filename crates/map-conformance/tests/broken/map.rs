//! A right map, broken in one way at a time.

use core::borrow::Borrow;
use core::hash::Hash;
use core::ops::ControlFlow;
use core::time::Duration;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::faults::*;
use map_conformance::family::{Family, HashState, Key, Value};
use map_conformance::reference::MutexMap;
use map_core::{
    Action, BuildMap, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, Reentrancy,
    ReserveError, TryInsertError,
};

/// The family of the map with one fault.
pub(crate) struct Faulty<const FAULT: u8>;

impl<const FAULT: u8> Family for Faulty<FAULT> {
    type Map<K: Key, V: Value, S: HashState> = Broken<K, V, S, FAULT>;
}

/// A [`MutexMap`] with one fault.
pub(crate) struct Broken<K, V, S, const FAULT: u8> {
    map: MutexMap<K, V, S>,
    gate: Mutex<()>,
    count: AtomicUsize,
    writes: AtomicUsize,
    poisoned: AtomicBool,
    kept: Mutex<Vec<(Option<K>, V)>>,
}

/// Gives others time to come in between: by now and then sleeping, since a mere yield does nothing on
/// a machine that is busy with other things.
fn pause() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    if CALLS.fetch_add(1, SeqCst).is_multiple_of(8) {
        std::thread::sleep(Duration::from_micros(200));
    } else {
        std::thread::yield_now();
    }
}

/// Notes a panic that passes.
struct Poison<'a>(&'a AtomicBool);

impl Drop for Poison<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, SeqCst);
        }
    }
}

impl<K: Key, V: Value, S: HashState, const FAULT: u8> Broken<K, V, S, FAULT> {
    /// What comes before every call.
    fn enter(&self) -> Option<MutexGuard<'_, ()>> {
        assert!(FAULT != POISONS || !self.poisoned.load(SeqCst), "poisoned");
        (FAULT == HANGS).then(|| self.gate.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The right map inside.
    pub(crate) fn right(&self) -> &MutexMap<K, V, S> {
        &self.map
    }

    fn kept(&self) -> MutexGuard<'_, Vec<(Option<K>, V)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drift(&self, by: isize) {
        if FAULT == LEN_DRIFTS && by != 0 {
            let count = self.count.load(SeqCst);
            pause();
            self.count.store(count.saturating_add_signed(by), SeqCst);
        }
    }

    /// Counts what a computation has done.
    fn counted(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Inserted => self.drift(1),
            Outcome::Removed => self.drift(-1),
            _ => {}
        }
        outcome
    }

    /// Carries an action out some time after it was decided.
    fn act(&self, key: K, present: bool, action: Action<V>) -> Outcome {
        match action {
            Action::Keep if present => Outcome::Kept,
            Action::Keep => Outcome::Absent,
            Action::Put(new) => {
                self.map.insert(key, new);
                if present { Outcome::Replaced } else { Outcome::Inserted }
            }
            Action::Remove => {
                self.map.remove(&key);
                if present { Outcome::Removed } else { Outcome::Absent }
            }
        }
    }

    fn value<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.map.read(key, V::clone)
    }

    fn key<Q>(&self, key: &Q) -> Option<K>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mut found = None;
        self.map.for_each(|k, _| {
            if k.borrow() == key {
                found = Some(k.clone());
            }
        });
        found
    }
}

impl<K: Key, V: Value, S: HashState, const FAULT: u8> ConcurrentMap<K, V>
    for Broken<K, V, S, FAULT>
{
    const GUARANTEES: Guarantees = Guarantees {
        name: "Broken",
        single_flight: FAULT == MANY_FLIGHTS,
        closures_run_once: FAULT == RUNS_AGAIN,
        reentrancy: if FAULT == NEVER_REFUSES {
            Reentrancy::ReadsInReads
        } else {
            Reentrancy::Works
        },
    };

    fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let _gate = self.enter();
        let _poison = Poison(&self.poisoned);
        if FAULT == STALE_READ && !self.map.contains_key(key) {
            let mut kept = self.kept();
            let ghost =
                kept.iter().position(|(k, _)| k.as_ref().is_some_and(|k| k.borrow() == key));
            let ghost = ghost.map(|ghost| kept.swap_remove(ghost));
            drop(kept);
            return ghost.map(|(_, value)| f(&value));
        }
        if FAULT == FREES_EARLY {
            let writes = self.writes.load(SeqCst);
            let lent = core::mem::ManuallyDrop::new(self.value(key)?);
            pause();
            if self.writes.load(SeqCst) != writes {
                // SAFETY: unsound on purpose, and only run on values whose drop touches nothing but a ledger.
                drop(unsafe { core::ptr::read(&*lent) });
                return Some(f(&lent));
            }
            return Some(f(&core::mem::ManuallyDrop::into_inner(lent)));
        }
        self.map.read(key, f)
    }

    fn get_many<'key, Q>(
        &self,
        keys: impl IntoIterator<Item = &'key Q>,
        mut f: impl FnMut(usize, Option<&V>),
    ) where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'key,
    {
        let _gate = self.enter();
        self.map.get_many(keys, |index, value| {
            f(index, value.filter(|_| FAULT != MISSES_MANY || index < 16));
        });
    }

    fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
        let _gate = self.enter();
        let _poison = Poison(&self.poisoned);
        self.writes.fetch_add(1, SeqCst);
        let size = self.map.len();
        match FAULT {
            LOST_IN_GROWTH if size >= 64 && size.is_power_of_two() => {
                let mut first = None;
                let _ = self.map.try_for_each(|key, _| {
                    first = Some(key.clone());
                    ControlFlow::Break(())
                });
                first.map(|first| self.map.remove(&first));
            }
            HIDES => {
                let old = self.value(&key);
                self.map.remove(&key);
                pause();
                self.map.insert(key, value);
                return f(old.as_ref());
            }
            CLONES => drop(key.clone()),
            TORN_SWAP => {
                let old = self.value(&key);
                pause();
                self.map.insert(key, value);
                return f(old.as_ref());
            }
            WRITES_TO_THE_DEAD => {
                if let Some(old) = self.value(&key) {
                    pause();
                    self.map.compute_if_present(&key, |_| Action::Put(value.clone()));
                    return f(Some(&old));
                }
            }
            _ => {}
        }
        self.map.insert_then(key, value, |old| {
            if FAULT == LEAKS {
                core::mem::forget(old.cloned());
            }
            self.drift(isize::from(old.is_none()));
            f(old)
        })
    }

    fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>> {
        let _gate = self.enter();
        let _poison = Poison(&self.poisoned);
        match FAULT {
            OVERWRITES => {
                let (copy, new) = (key.clone(), value.clone());
                if self.map.insert(copy, new) { Ok(()) } else { Err(TryInsertError { key, value }) }
            }
            TORN_TRY_INSERT => {
                if self.map.contains_key(&key) {
                    return Err(TryInsertError { key, value });
                }
                pause();
                self.map.insert(key, value);
                Ok(())
            }
            _ => {
                let inserted = self.map.try_insert(key, value);
                self.drift(isize::from(inserted.is_ok()));
                inserted
            }
        }
    }

    fn get_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&V) -> R,
    ) -> R {
        let _gate = self.enter();
        if FAULT == MAKES_ALWAYS {
            let made = make();
            return self.map.get_or_insert_with(key, || made, f);
        }
        let mut made = false;
        let make = || {
            made = true;
            make()
        };
        let result = self.map.get_or_insert_with(key, make, f);
        self.drift(isize::from(made));
        result
    }

    fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let _gate = self.enter();
        let _poison = Poison(&self.poisoned);
        self.writes.fetch_add(1, SeqCst);
        if FAULT == TORN_REMOVE {
            let old = self.value(key)?;
            pause();
            self.map.remove(key);
            return Some(f(&old));
        }
        let owned = if FAULT == STALE_READ { self.key(key) } else { None };
        self.map.remove_then(key, |old| {
            match FAULT {
                STALE_READ | HOARDS => self.kept().push((owned, old.clone())),
                // SAFETY: unsound on purpose, and only run on `Token`, whose drop touches nothing but
                // its ledger, which lives for ever.
                DROPS_TWICE => drop(unsafe { core::ptr::read(old) }),
                _ => {}
            }
            self.drift(-1);
            f(old)
        })
    }

    fn remove_if<Q>(&self, key: &Q, mut condition: impl FnMut(&V) -> bool) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        use std::panic::{AssertUnwindSafe, catch_unwind};
        let act = |value: &V| {
            let holds = match FAULT {
                SWALLOWS => catch_unwind(AssertUnwindSafe(|| condition(value))).unwrap_or(false),
                _ => condition(value),
            };
            if holds { Action::Remove } else { Action::Keep }
        };
        self.compute_if_present(key, act) == Outcome::Removed
    }

    fn compute(&self, key: K, mut f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome {
        let _gate = self.enter();
        let _poison = Poison(&self.poisoned);
        if FAULT == LOST_UPDATE {
            let old = self.value(&key);
            let action = f(old.as_ref());
            pause();
            return self.act(key, old.is_some(), action);
        }
        self.counted(self.map.compute(key, f))
    }

    fn compute_if_present<Q>(&self, key: &Q, mut f: impl FnMut(&V) -> Action<V>) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let _gate = self.enter();
        let _poison = Poison(&self.poisoned);
        if !matches!(FAULT, LOST_UPDATE | TAKES_OUT) {
            return self.counted(self.map.compute_if_present(key, f));
        }
        let (Some(owned), Some(value)) = (self.key(key), self.value(key)) else {
            return Outcome::Absent;
        };
        if FAULT == TAKES_OUT {
            self.map.remove(key);
        }
        let action = f(&value);
        pause();
        match action {
            Action::Keep if FAULT == TAKES_OUT => {
                self.map.insert(owned, value);
                Outcome::Kept
            }
            action => self.act(owned, true, action),
        }
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
        let _gate = self.enter();
        if FAULT == EXCHANGES_NOTHING && !self.map.contains_key(key) {
            return Ok(());
        }
        if FAULT != TORN_EXCHANGE {
            return self.map.compare_exchange(key, current, new);
        }
        match self.value(key) {
            None => Err(CompareExchangeError::Absent(new)),
            Some(value) if value != *current => Err(CompareExchangeError::Mismatch(new)),
            Some(_) => {
                pause();
                self.map.compute_if_present(key, |_| Action::Put(new.clone()));
                Ok(())
            }
        }
    }

    fn try_for_each<B>(&self, mut f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        let _gate = self.enter();
        let mut writes = self.writes.load(SeqCst);
        let mut first = FAULT == REPEATS;
        self.map.try_for_each(|key, value| {
            if core::mem::replace(&mut first, false) {
                f(key, value)?;
            }
            if FAULT == SKIPS {
                pause();
                let now = self.writes.load(SeqCst);
                if core::mem::replace(&mut writes, now) != now {
                    return ControlFlow::Continue(());
                }
            }
            f(key, value)
        })
    }

    fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        let _gate = self.enter();
        if FAULT != TORN_RETAIN {
            let (mut refused, mut spare) = (0, FAULT == SPARES);
            self.map.retain(|key, value| {
                let kept = keep(key, value) || core::mem::replace(&mut spare, false);
                refused -= isize::from(!kept);
                kept
            });
            return self.drift(refused);
        }
        self.map.for_each(|key, value| {
            if !keep(key, value) {
                pause();
                self.map.remove(key);
            }
        });
    }

    fn clear(&self) {
        let _gate = self.enter();
        self.count.store(0, SeqCst);
        if FAULT != CLEARS_LITTLE {
            return self.map.clear();
        }
        let mut spared = false;
        self.map.retain(|_, _| !core::mem::replace(&mut spared, true));
    }

    fn len(&self) -> usize {
        let _gate = self.enter();
        if FAULT == LEN_DRIFTS { self.count.load(SeqCst) } else { self.map.len() }
    }
}

impl<K: Key, V: Value, S: HashState, const FAULT: u8> BuildMap<S> for Broken<K, V, S, FAULT> {
    fn try_with_capacity_and_hasher(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        Ok(Self {
            map: MutexMap::try_with_capacity_and_hasher(capacity, hasher)?,
            gate: Mutex::new(()),
            count: AtomicUsize::new(0),
            writes: AtomicUsize::new(0),
            poisoned: AtomicBool::new(false),
            kept: Mutex::new(Vec::new()),
        })
    }
}

//! The operations.
//!
//! Each is a section, a lock and one operation of the table. What the table gives back is moved out of
//! the section and dropped at the end of the operation; what it takes lies in an `Option` outside the
//! section, so that a panic in the user's `Eq` or `Hash` drops it outside, too.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::ops::ControlFlow;

use map_core::{
    Action, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, Reentrancy, TryInsertError,
};
use map_sync::reentrancy::Section;

use crate::RwLockMap;

/// How many keys `get_many` and `insert_many` handle under one lock: enough that the lock's cost
/// is spread to nothing, little enough that nobody waits long.
const CHUNK: usize = 64;

const NAME: &str = "RwLockMap";
static READ: Section = Section::shared(NAME, "read");
static GET_MANY: Section = Section::shared(NAME, "get_many");
static INSERT: Section = Section::exclusive(NAME, "insert");
static INSERT_THEN: Section = Section::exclusive(NAME, "insert_then");
static TRY_INSERT: Section = Section::exclusive(NAME, "try_insert");
static GET_OR_INSERT_WITH: Section = Section::exclusive(NAME, "get_or_insert_with");
static REMOVE: Section = Section::exclusive(NAME, "remove");
static REMOVE_THEN: Section = Section::exclusive(NAME, "remove_then");
static REMOVE_IF: Section = Section::exclusive(NAME, "remove_if");
static UPDATE: Section = Section::exclusive(NAME, "update");
static COMPUTE: Section = Section::exclusive(NAME, "compute");
static COMPUTE_IF_PRESENT: Section = Section::exclusive(NAME, "compute_if_present");
static COMPARE_EXCHANGE: Section = Section::exclusive(NAME, "compare_exchange");
static INSERT_MANY: Section = Section::exclusive(NAME, "insert_many");
static RETAIN: Section = Section::exclusive(NAME, "retain");
static CLEAR: Section = Section::exclusive(NAME, "clear");

impl<K: Eq + Hash, V, S: BuildHasher> RwLockMap<K, V, S> {
    /// Stores an entry. Returns what it left over: the key that was not needed and the old value.
    #[inline]
    fn store(&self, section: &'static Section, key: K, value: V) -> Option<(K, V)> {
        let hash = self.hash(&key);
        let mut new = Some((key, value));
        self.exclusive(section, |table| table.insert(hash, &mut new, |known| self.hash(known)));
        new
    }

    /// Removes an entry and returns it.
    #[inline]
    fn take<Q>(&self, section: &'static Section, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hash(key);
        self.exclusive(section, |table| table.remove(hash, key, |known| self.hash(known)))
    }

    /// Lets `f` decide over a present entry. What it replaces or removes is dropped after the lock.
    #[inline]
    fn decide<Q>(
        &self,
        section: &'static Section,
        key: &Q,
        mut f: impl FnMut(&V) -> Action<V>,
    ) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hash(key);
        let change = self.exclusive(section, |table| {
            table.compute_if_present(hash, key, &mut f, |known| self.hash(known))
        });
        change.outcome
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> ConcurrentMap<K, V> for RwLockMap<K, V, S> {
    const GUARANTEES: Guarantees = Guarantees {
        name: NAME,
        single_flight: true,
        closures_run_once: true,
        reentrancy: Reentrancy::ReadsInReads,
    };

    #[inline]
    fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hash(key);
        self.shared(&READ, |table| table.find(hash, key).map(f))
    }

    fn get_many<'key, Q>(
        &self,
        keys: impl IntoIterator<Item = &'key Q>,
        mut f: impl FnMut(usize, Option<&V>),
    ) where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'key,
    {
        let mut keys = keys.into_iter().enumerate();
        let mut chunk = Vec::with_capacity(keys.size_hint().0.clamp(1, CHUNK));
        loop {
            let next = keys.by_ref().take(CHUNK);
            chunk.extend(next.map(|(index, key)| (index, self.hash(key), key)));
            if chunk.is_empty() {
                return;
            }
            self.shared(&GET_MANY, |table| table.find_each(chunk.iter().copied(), &mut f));
            chunk.clear();
        }
    }

    #[inline]
    fn insert(&self, key: K, value: V) -> bool {
        self.store(&INSERT, key, value).is_none()
    }

    #[inline]
    fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
        let rejected = self.store(&INSERT_THEN, key, value);
        f(rejected.as_ref().map(|(_key, old)| old))
    }

    #[inline]
    fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>> {
        let hash = self.hash(&key);
        let mut new = Some((key, value));
        self.exclusive(&TRY_INSERT, |table| {
            table.try_insert(hash, &mut new, |known| self.hash(known));
        });
        match new {
            None => Ok(()),
            Some((key, value)) => Err(TryInsertError { key, value }),
        }
    }

    #[inline]
    fn get_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&V) -> R,
    ) -> R {
        let hash = self.hash(&key);
        let mut new = Some(key);
        // The section is exclusive from the start: whether `f` may read must not depend on whether
        // the key is there.
        self.enter(&GET_OR_INSERT_WITH, |nesting| {
            let table = self.lock_shared(nesting);
            if let Some(value) = new.as_ref().and_then(|key| table.find(hash, key)) {
                return f(value);
            }
            drop(table);
            let mut table = self.lock_exclusive();
            f(table.get_or_insert_with(hash, &mut new, make, |known| self.hash(known)))
        })
    }

    #[inline]
    fn remove<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.take(&REMOVE, key).is_some()
    }

    #[inline]
    fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.take(&REMOVE_THEN, key).map(|(_key, value)| f(&value))
    }

    #[inline]
    fn remove_if<Q>(&self, key: &Q, mut condition: impl FnMut(&V) -> bool) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let act = |value: &V| if condition(value) { Action::Remove } else { Action::Keep };
        self.decide(&REMOVE_IF, key, act) == Outcome::Removed
    }

    #[inline]
    fn update<Q>(&self, key: &Q, mut f: impl FnMut(&V) -> V) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.decide(&UPDATE, key, |value| Action::Put(f(value))) == Outcome::Replaced
    }

    #[inline]
    fn compute(&self, key: K, mut f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome {
        let hash = self.hash(&key);
        let mut key = Some(key);
        let change = self.exclusive(&COMPUTE, |table| {
            table.compute(hash, &mut key, &mut f, |known| self.hash(known))
        });
        change.outcome
    }

    #[inline]
    fn compute_if_present<Q>(&self, key: &Q, f: impl FnMut(&V) -> Action<V>) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.decide(&COMPUTE_IF_PRESENT, key, f)
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
        let hash = self.hash(key);
        let mut new = new;
        let swapped = self.exclusive(&COMPARE_EXCHANGE, |table| {
            table.compare_exchange(hash, key, current, &mut new, |known| self.hash(known))
        });
        match swapped {
            Some(true) => Ok(()),
            Some(false) => Err(CompareExchangeError::Mismatch(new)),
            None => Err(CompareExchangeError::Absent(new)),
        }
    }

    fn insert_many(&self, entries: impl IntoIterator<Item = (K, V)>) -> usize {
        let mut entries = entries.into_iter();
        let mut chunk = Vec::with_capacity(entries.size_hint().0.clamp(1, CHUNK));
        let mut inserted = 0;
        loop {
            let next = entries.by_ref().take(CHUNK);
            chunk.extend(next.map(|entry| (self.hash(&entry.0), Some(entry))));
            if chunk.is_empty() {
                return inserted;
            }
            self.exclusive(&INSERT_MANY, |table| {
                for (hash, new) in &mut chunk {
                    table.insert(*hash, new, |known| self.hash(known));
                    inserted += usize::from(new.is_none());
                }
            });
            // Drops, after the lock, the keys that were not needed and the values that were replaced.
            chunk.clear();
        }
    }

    #[inline]
    fn try_for_each<B>(&self, f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        self.lend_all(f)
    }

    fn retain(&self, keep: impl FnMut(&K, &V) -> bool) {
        let mut removed = Vec::new();
        self.exclusive(&RETAIN, |table| table.retain(keep, &mut removed));
    }

    fn clear(&self) {
        drop(self.exclusive(&CLEAR, map_table::Table::take));
    }

    #[inline]
    fn len(&self) -> usize {
        self.count()
    }
}

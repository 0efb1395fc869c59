//! The operations.
//!
//! Each is a section, a shard's lock and one operation of its table, in two forms: for buckets of plain entries and for tables of
//! all others. What a table gives back is moved out of the section and dropped at the end of the operation; what it
//! takes lies in an `Option` outside the section, so that a panic in the user's `Eq` or `Hash` drops it outside, too.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::ops::ControlFlow;

use map_core::{
    Action, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, Reentrancy, TryInsertError,
};
use map_sync::biased::read_first;
use map_sync::reentrancy::Section;
use map_table::Table;

use crate::ShardedMap;

const NAME: &str = "ShardedMap";
static READ: Section = Section::shared(NAME, "read");
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
static RETAIN: Section = Section::exclusive(NAME, "retain");
static CLEAR: Section = Section::exclusive(NAME, "clear");

impl<K: Eq + Hash, V, S: BuildHasher> ShardedMap<K, V, S> {
    /// Stores an entry. Returns the value that it replaced.
    #[inline]
    fn store(&self, section: &'static Section, key: K, value: V) -> Option<V> {
        let hash = self.hash(&key);
        let rehash = |known: &K| self.hash(known);
        if Self::is_plain() {
            return self
                .write_buckets(section, move |table| table.insert(hash, key, value, rehash));
        }
        let mut new = Some((key, value));
        self.exclusive(section, hash, |table| table.insert(hash, &mut new, rehash));
        let (key, old) = new?;
        // By a call: should it panic, the old value is dropped. What is returned already would be leaked.
        drop(key);
        Some(old)
    }

    /// Removes an entry and returns it.
    #[inline]
    fn take<Q>(&self, section: &'static Section, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hash(key);
        if Self::is_plain() {
            return self.write_buckets(section, move |table| table.remove(hash, key));
        }
        self.exclusive(section, hash, |table| table.remove(hash, key, |known| self.hash(known)))
    }

    /// Reads a plain value in any case, if not in the shortest way.
    #[inline(never)]
    fn read_in_section<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hash(key);
        self.read_buckets(&READ, |buckets| buckets.copy(hash, key).as_ref().map(f))
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
        if Self::is_plain() {
            return self
                .write_buckets(section, move |table| table.compute_if_present(hash, key, f));
        }
        let change = self.exclusive(section, hash, |table| {
            table.compute_if_present(hash, key, &mut f, |known| self.hash(known))
        });
        change.outcome
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> ConcurrentMap<K, V> for ShardedMap<K, V, S> {
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
        if Self::is_plain() {
            if let Some(buckets) = read_first(self.buckets()) {
                if let Ok(copy) = buckets.try_copy(self.hash(key), key) {
                    return copy.as_ref().map(f);
                }
            }
            return self.read_in_section(key, f);
        }
        let hash = self.hash(key);
        let tables = self.tables();
        tables.shared(&READ, tables.shard_of(hash), |table| table.find(hash, key).map(f))
    }

    fn get_many<'key, Q>(
        &self,
        keys: impl IntoIterator<Item = &'key Q>,
        f: impl FnMut(usize, Option<&V>),
    ) where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'key,
    {
        self.look_up_all(keys.into_iter(), f);
    }

    #[inline]
    fn insert(&self, key: K, value: V) -> bool {
        self.store(&INSERT, key, value).is_none()
    }

    #[inline]
    fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
        let replaced = self.store(&INSERT_THEN, key, value);
        f(replaced.as_ref())
    }

    #[inline]
    fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>> {
        let hash = self.hash(&key);
        let rehash = |known: &K| self.hash(known);
        let mut new = Some((key, value));
        if Self::is_plain() {
            self.write_buckets(&TRY_INSERT, |table| table.try_insert(hash, &mut new, rehash));
        } else {
            self.exclusive(&TRY_INSERT, hash, |table| table.try_insert(hash, &mut new, rehash));
        }
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
        let rehash = |known: &K| self.hash(known);
        let mut new = Some(key);
        // The section is exclusive from the start: whether `f` may read must not depend on whether
        // the key is there.
        if Self::is_plain() {
            let mut f = Some(f);
            let mut lend = |value: &V| f.take().map(|f| f(value));
            let result = self.enter_buckets(&GET_OR_INSERT_WITH, |buckets| {
                let present = buckets.copy(hash, new.as_ref()?);
                present.as_ref().map(&mut lend).or_else(|| {
                    let table = buckets.writer();
                    table.get_or_insert_with(hash, &mut new, make, &mut lend, rehash)
                })
            });
            return result.flatten().expect("a value was lent");
        }
        let tables = self.tables();
        let shard = tables.shard_of(hash);
        tables.enter(&GET_OR_INSERT_WITH, |nesting| {
            let table = tables.lock_shared(shard, nesting);
            if let Some(value) = new.as_ref().and_then(|key| table.find(hash, key)) {
                return f(value);
            }
            drop(table);
            let mut table = tables.lock_exclusive(shard, rehash);
            f(table.get_or_insert_with(hash, &mut new, make, rehash))
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
        let rehash = |known: &K| self.hash(known);
        let mut key = Some(key);
        if Self::is_plain() {
            return self.write_buckets(&COMPUTE, |table| table.compute(hash, &mut key, f, rehash));
        }
        let change =
            self.exclusive(&COMPUTE, hash, |table| table.compute(hash, &mut key, &mut f, rehash));
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
        let swapped = if Self::is_plain() {
            self.write_buckets(&COMPARE_EXCHANGE, |table| {
                table.compare_exchange(hash, key, current, &mut new)
            })
        } else {
            self.exclusive(&COMPARE_EXCHANGE, hash, |table| {
                table.compare_exchange(hash, key, current, &mut new, |known| self.hash(known))
            })
        };
        match swapped {
            Some(true) => Ok(()),
            Some(false) => Err(CompareExchangeError::Mismatch(new)),
            None => Err(CompareExchangeError::Absent(new)),
        }
    }

    fn insert_many(&self, entries: impl IntoIterator<Item = (K, V)>) -> usize {
        self.store_all(entries.into_iter())
    }

    #[inline]
    fn try_for_each<B>(&self, f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        self.lend_all(f)
    }

    fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        if Self::is_plain() {
            return self.write_buckets(&RETAIN, |table| table.retain(keep));
        }
        let rehash = |known: &K| self.hash(known);
        let sift = |table: &mut Table<K, V>| {
            let mut removed = Vec::new();
            table.retain(&mut keep, &mut removed);
            removed
        };
        self.tables().exclusive_each(&RETAIN, rehash, sift, drop);
    }

    fn clear(&self) {
        if Self::is_plain() {
            return self.write_buckets(&CLEAR, |table| table.retain(|_, _| false));
        }
        self.tables().exclusive_each(&CLEAR, |known| self.hash(known), Table::take, drop);
    }

    #[inline]
    fn len(&self) -> usize {
        self.count()
    }
}

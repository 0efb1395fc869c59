//! A worker and its operations.

use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::sync::Arc;

use map_core::{DefaultHashBuilder, ReserveError};
use map_sync::pad::CachePadded;
use map_table::Table;

use super::{Misrouted, PartlyInserted, Router};
use crate::shards::{self, CHUNK, Groups};

/// The tables of a worker.
type Tables<K, V> = Box<[CachePadded<Table<K, V>>]>;
/// Entries to be stored, each with its table and hash.
type Chunk<K, V> = Vec<(usize, u64, Option<(K, V)>)>;

/// A part of a map's shards and the right to work on them, without locks and atomics.
///
/// Made by [`ShardedMap::into_workers`](crate::ShardedMap::into_workers), put together by
/// [`from_workers`](crate::ShardedMap::from_workers). A worker can be sent to a thread. Nobody else sees its entries meanwhile, which
/// Rust's own rules for `&mut` warrant; values are lent as plain references.
///
/// An operation on a key of another worker is refused with [`Misrouted`], which names that worker and gives back what the
/// operation took; nothing is changed then. Operations on one key take constant time, also while a table grows. A panic in `Hash`, `Eq`, `Drop` or a closure reaches
/// the caller and leaves the worker usable, with all entries but those that the operation itself was about to store, which has taken place
/// or not.
///
/// No two workers are the same one:
///
/// ```compile_fail,E0277
/// fn must_be_clone<T: Clone>() {}
/// must_be_clone::<map_sharded::Worker<u64, u64>>();
/// ```
pub struct Worker<K, V, S = DefaultHashBuilder> {
    number: usize,
    /// The first of its shards.
    first: usize,
    tables: Tables<K, V>,
    router: Router<S>,
    /// The same for all workers of a call.
    call: Arc<()>,
}

impl<K, V, S> Worker<K, V, S> {
    pub(super) fn new(
        number: usize,
        first: usize,
        tables: Tables<K, V>,
        router: Router<S>,
        call: Arc<()>,
    ) -> Self {
        Self { number, first, tables, router, call }
    }

    pub(super) fn into_parts(self) -> (Tables<K, V>, S) {
        (self.tables, self.router.into_hasher())
    }

    pub(super) fn is_of_the_call_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.call, &other.call)
    }

    /// Returns the worker's number, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns the number of shards that the worker owns, at least 1.
    pub fn shards(&self) -> usize {
        self.tables.len()
    }

    /// Returns what tells to which worker a key belongs; a clone of it serves other threads.
    pub fn router(&self) -> &Router<S> {
        &self.router
    }

    /// Returns the number of the worker's entries; linear in the number of its shards.
    pub fn len(&self) -> usize {
        self.tables.iter().map(|table| table.len()).sum()
    }

    /// Returns whether the worker has no entry.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(|table| table.is_empty())
    }

    /// Returns the worker's entries, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.tables.iter().flat_map(|table| table.iter()).map(|(key, value)| (key, value))
    }

    /// Keeps the entries for which `keep` returns `true`, and drops the others.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let mut removed = Vec::new();
        for table in &mut self.tables {
            table.retain(&mut keep, &mut removed);
            removed.clear();
        }
    }

    /// Returns which of its own tables a hash belongs to.
    #[inline]
    fn own(&self, hash: u64) -> Result<usize, Misrouted> {
        let shard = self.router.shard(hash);
        let own = shard.wrapping_sub(self.first);
        if own < self.tables.len() {
            return Ok(own);
        }
        Err(Misrouted { worker: self.router.worker_of_shard(shard), refused: () })
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Worker<K, V, S> {
    /// Returns whether `key` belongs to this worker.
    #[inline]
    pub fn owns<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.own(self.router.hash(key)).is_ok()
    }

    /// Returns the value of `key`.
    ///
    /// # Errors
    ///
    /// If the key belongs to another worker.
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Result<Option<&V>, Misrouted>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.router.hash(key);
        Ok(self.tables[self.own(hash)?].find(hash, key))
    }

    /// Returns the value of `key`, to be changed in its place.
    ///
    /// # Errors
    ///
    /// If the key belongs to another worker.
    #[inline]
    pub fn get_mut<Q>(&mut self, key: &Q) -> Result<Option<&mut V>, Misrouted>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.router.hash(key);
        let own = self.own(hash)?;
        Ok(self.tables[own].find_mut(hash, key, |known| self.router.hash(known)))
    }

    /// Returns whether `key` is present.
    ///
    /// # Errors
    ///
    /// If the key belongs to another worker.
    #[inline]
    pub fn contains_key<Q>(&self, key: &Q) -> Result<bool, Misrouted>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.get(key).map(|value| value.is_some())
    }

    /// Stores an entry. Returns the value that it replaced; the stored key stays.
    ///
    /// # Errors
    ///
    /// If the key belongs to another worker; the entry is given back.
    #[inline]
    pub fn insert(&mut self, key: K, value: V) -> Result<Option<V>, Misrouted<(K, V)>> {
        let hash = self.router.hash(&key);
        let own = match self.own(hash) {
            Ok(own) => own,
            Err(misrouted) => return Err(misrouted.with((key, value))),
        };
        let mut new = Some((key, value));
        self.tables[own].insert(hash, &mut new, |known| self.router.hash(known));
        Ok(new.map(value_of))
    }

    /// Returns the value of `key`, to be changed in its place, after storing `make()` if the key was absent.
    ///
    /// # Errors
    ///
    /// If the key belongs to another worker; it is given back, and `make` is not called.
    #[inline]
    pub fn get_or_insert_with(
        &mut self,
        key: K,
        make: impl FnOnce() -> V,
    ) -> Result<&mut V, Misrouted<K>> {
        let hash = self.router.hash(&key);
        let own = match self.own(hash) {
            Ok(own) => own,
            Err(misrouted) => return Err(misrouted.with(key)),
        };
        let rehash = |known: &K| self.router.hash(known);
        Ok(self.tables[own].get_or_insert_with(hash, &mut Some(key), make, rehash))
    }

    /// Removes `key`. Returns its value.
    ///
    /// # Errors
    ///
    /// If the key belongs to another worker.
    #[inline]
    pub fn remove<Q>(&mut self, key: &Q) -> Result<Option<V>, Misrouted>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.router.hash(key);
        let own = self.own(hash)?;
        let removed = self.tables[own].remove(hash, key, |known| self.router.hash(known));
        Ok(removed.map(value_of))
    }

    /// Stores the entries of a batch, grouped by shard. Returns how many keys were new; of equal keys the last one's value stays.
    ///
    /// A panic in `Hash` or `Eq` or in the iterator leaves stored what is stored and drops the rest of the batch.
    ///
    /// # Errors
    ///
    /// If some entries belong to other workers: these are given back, a list for each worker, and all others are stored.
    pub fn insert_many(
        &mut self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<usize, PartlyInserted<K, V>> {
        let mut chunk = Vec::new();
        let mut elsewhere = Vec::new();
        let mut inserted = 0;
        for entry in entries {
            let hash = self.router.hash(&entry.0);
            match self.own(hash) {
                Ok(own) => chunk.push((own, hash, Some(entry))),
                Err(Misrouted { worker, .. }) => {
                    elsewhere.resize_with(self.router.workers(), Vec::new);
                    elsewhere[worker].push(entry);
                }
            }
            if chunk.len() == CHUNK {
                inserted += self.store(&mut chunk);
            }
        }
        inserted += self.store(&mut chunk);
        let lists = elsewhere.into_iter().enumerate().filter(|(_, list)| !list.is_empty());
        let refused: Vec<_> =
            lists.map(|(worker, refused)| Misrouted { worker, refused }).collect();
        if refused.is_empty() { Ok(inserted) } else { Err(PartlyInserted { inserted, refused }) }
    }

    /// Stores and empties a chunk; returns how many keys were new.
    fn store(&mut self, chunk: &mut Chunk<K, V>) -> usize {
        let groups = Groups::new(chunk.iter().map(|&(own, ..)| own));
        for first in 0..chunk.len() {
            let own = chunk[first].0;
            if groups.begins_at(first, own) {
                for position in groups.of(own) {
                    let (_, hash, new) = &mut chunk[position];
                    self.tables[own].insert(*hash, new, |known| self.router.hash(known));
                }
            }
        }
        chunk.drain(..).filter(|(.., new)| new.is_none()).count()
    }

    /// Makes room for `additional` more entries of this worker, if the hasher spreads them evenly over its shards.
    ///
    /// # Errors
    ///
    /// If the room cannot be had; no entry has changed then.
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), ReserveError> {
        let total = self.len().checked_add(additional).ok_or(ReserveError::CapacityOverflow)?;
        let room = shards::room_for(total.div_ceil(self.tables.len()));
        self.tables.iter_mut().try_for_each(|table| {
            let missing = room.saturating_sub(table.len());
            table.try_reserve(missing, |known| self.router.hash(known))
        })
    }

    /// As [`try_reserve`](Self::try_reserve), with a panic in place of an error.
    ///
    /// # Panics
    ///
    /// If the room cannot be had; no entry has changed then.
    pub fn reserve(&mut self, additional: usize) {
        if let Err(error) = self.try_reserve(additional) {
            panic!("{error}");
        }
    }
}

/// Drops the key: by a call, so that the value is dropped too should that panic, and not leaked.
#[inline]
fn value_of<K, V>((key, value): (K, V)) -> V {
    drop(key);
    value
}

impl<K, V, S> fmt::Debug for Worker<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("number", &self.number)
            .field("shards", &self.shards())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

//! Affinity: a map taken apart into workers, each of which owns shards, and put together again.
//!
//! **Algorithm**: shared-nothing partitioning. [`ShardedMap::into_workers`] consumes the map and deals its tables out in
//! contiguous ranges; a [`Worker`] has its tables to itself, so it needs neither lock nor atomic. A [`Router`] tells whose a key is.
//!
//! **Source**: thread-per-core stores (Seastar and ScyllaDB, Redis Cluster's slots): each core serves its own keys, and others
//! send it theirs.
//!
//! **Layout**: entries of a worker always lie in tables (`map-table`), those that are plain too: without other threads there is
//! nobody to read beside, and a table is the smaller and the quicker of the two. Each table has cache lines of its own, since the workers'
//! memory may be neighbours.
//!
//! **Invariants**: (I1) shard `s` of `n` belongs to worker `s * workers / n`, rounded down: ranges without gaps, whose sizes differ by one
//! at the most. (I2) a table of a worker holds only keys whose hash picks it. (I3) workers of one call share its token, an `Arc`,
//! and none can be copied: as many workers with the same token as there were are all of them.
//!
//! **Panics**: nothing here can lose an entry but a panic of the user's code in the moves that hash, which consume what they
//! move, as dropping would: all entries are dropped, once. Which moves hash: `docs/designs/map-sharded.md`.

mod error;
mod router;
mod worker;

use core::hash::{BuildHasher, Hash};
use std::sync::Arc;

use map_buckets::BucketTable;
use map_core::CapacityMap;
use map_sync::pad::CachePadded;
use map_table::Table;

pub use error::{
    FromWorkersError, FromWorkersReason, IntoWorkersError, IntoWorkersReason, Misrouted,
    PartlyInserted,
};
pub use router::Router;
pub use worker::Worker;

use crate::ShardedMap;
use crate::shards::{self, MAX_SHARDS};
use crate::tables::Tables;

/// Shards for each worker, where there may be so many: then no worker has above a quarter more than another.
const SHARDS_PER_WORKER: usize = 4;

/// Returns the number of shards that are made for `workers`.
fn shards_for(workers: usize) -> usize {
    shards::round(workers * SHARDS_PER_WORKER)
}

/// Whether `shards` can be dealt out evenly.
fn suffices(shards: usize, workers: usize) -> bool {
    shards >= shards_for(workers) || (workers.is_power_of_two() && shards >= workers)
}

/// Deals out tables, as many as the router has shards.
fn deal<K, V, S: Clone>(
    tables: impl Iterator<Item = Table<K, V>>,
    router: &Router<S>,
) -> Vec<Worker<K, V, S>> {
    let mut tables = tables.map(CachePadded::new);
    let call = Arc::new(());
    let worker = |number| {
        let own = router.shards_of(number);
        let tables = tables.by_ref().take(own.len()).collect();
        Worker::new(number, own.start, tables, router.clone(), call.clone())
    };
    (0..router.workers()).map(worker).collect()
}

impl<K: Eq + Hash, V, S: BuildHasher + Clone> ShardedMap<K, V, S> {
    /// Takes the map apart into `workers` workers, from 1 to 256, each of which owns a part of the shards.
    ///
    /// A worker works on its keys without locks and atomics, and refuses the keys of others; a [`Router`] tells whose a key is. The
    /// clones of the hasher must hash alike. [`from_workers`](Self::from_workers) puts the map together again.
    ///
    /// Constant time for each shard if the entries are not plain and the map has enough shards, which are then
    /// handed over as they are: at least as many as workers if these are a power of two, otherwise four for each, or 256. In any other
    /// case all entries are hashed and moved, which is linear in their number, and the memory of both forms is in use meanwhile.
    /// The workers have room for what the map had room for.
    ///
    /// # Errors
    ///
    /// If the number of workers is none of these, or memory cannot be had. The error owns the map, unchanged.
    ///
    /// # Panics
    ///
    /// A panic in `Hash` or in the hasher reaches the caller; as in any call that consumes the map, its entries are dropped then.
    ///
    /// ```
    /// use map_sharded::ShardedMap;
    ///
    /// let map = ShardedMap::from([("a", 1), ("b", 2)]);
    /// let mut workers = map.into_workers(2).expect("two are not too many");
    /// let owner = workers[0].router().worker_of("a");
    /// assert_eq!(workers[owner].insert("a", 10), Ok(Some(1)));
    /// assert_eq!(workers[1 - owner].insert("a", 11).map_err(|error| error.worker), Err(owner));
    ///
    /// let map = ShardedMap::from_workers(workers).expect("these are all");
    /// assert_eq!(map.get("a"), Some(10));
    /// ```
    #[expect(clippy::type_complexity, reason = "each part of the type is named already")]
    pub fn into_workers(
        self,
        workers: usize,
    ) -> Result<Vec<Worker<K, V, S>>, IntoWorkersError<K, V, S>> {
        let refused = |map, reason| Err(IntoWorkersError { map: Box::new(map), reason });
        if !(1..=MAX_SHARDS).contains(&workers) {
            return refused(self, IntoWorkersReason::Number(workers));
        }
        let hasher = self.hasher().clone();
        if !Self::is_plain() && suffices(self.tables().in_use(), workers) {
            let tables = self.into_parts().1;
            let router = Router::new(tables.len(), workers, hasher);
            return Ok(deal(tables.into_iter(), &router));
        }
        let count = shards_for(workers);
        let room = shards::room_for(CapacityMap::capacity(&self).div_ceil(count));
        let tables: Result<Vec<_>, _> =
            (0..count).map(|_| Table::try_with_capacity(room)).collect();
        let mut tables = match tables {
            Ok(tables) => tables,
            Err(error) => return refused(self, IntoWorkersReason::Reserve(error)),
        };
        let router = Router::new(count, workers, hasher);
        for entry in self {
            let hash = router.hash(&entry.0);
            let table = &mut tables[router.shard(hash)];
            table.insert(hash, &mut Some(entry), |known| router.hash(known));
        }
        Ok(deal(tables.into_iter(), &router))
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> ShardedMap<K, V, S> {
    /// Puts together all workers of one call of [`into_workers`](Self::into_workers), in any order.
    ///
    /// Entries that are not plain are not touched, and the map keeps the workers' shards: constant time for each. Plain entries are hashed and moved,
    /// which is linear in their number, and the memory of both forms is in use meanwhile.
    ///
    /// # Errors
    ///
    /// If workers are missing or belong to another call, or memory cannot be had. The error owns the workers, unchanged.
    ///
    /// # Panics
    ///
    /// With plain entries a panic in the hasher reaches the caller; the entries are gone then.
    pub fn from_workers(
        workers: impl IntoIterator<Item = Worker<K, V, S>>,
    ) -> Result<Self, FromWorkersError<K, V, S>> {
        let mut workers: Vec<_> = workers.into_iter().collect();
        if let Some(reason) = incomplete(&workers) {
            return Err(FromWorkersError { workers, reason });
        }
        let len = if Self::is_plain() { workers.iter().map(Worker::len).sum() } else { 0 };
        let buckets = match BucketTable::try_with_capacity(len) {
            Ok(buckets) => buckets,
            Err(error) => {
                return Err(FromWorkersError {
                    workers,
                    reason: FromWorkersReason::Reserve(error),
                });
            }
        };
        workers.sort_unstable_by_key(Worker::number);
        let (first, hasher) = workers.remove(0).into_parts();
        let rest = workers.into_iter().flat_map(|worker| worker.into_parts().0);
        let tables = first.into_iter().chain(rest).map(CachePadded::into_inner);
        if !Self::is_plain() {
            return Ok(Self::from_parts(buckets, Tables::from_many(tables.collect()), hasher));
        }
        for (key, value) in tables.flatten() {
            let hash = hasher.hash_one(&key);
            buckets.writer().insert(hash, key, value, |known| hasher.hash_one(known));
        }
        Ok(Self::from_parts(buckets, Tables::with_first(Table::new(), 1), hasher))
    }
}

/// Why these are not all workers of one call, if they are not.
fn incomplete<K, V, S>(workers: &[Worker<K, V, S>]) -> Option<FromWorkersReason> {
    let Some(first) = workers.first() else { return Some(FromWorkersReason::Missing) };
    if workers.iter().any(|worker| !worker.is_of_the_call_of(first)) {
        return Some(FromWorkersReason::Strangers);
    }
    (workers.len() < first.router().workers()).then_some(FromWorkersReason::Missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_handed_over_only_if_they_are_enough() {
        for (shards, workers, enough) in [
            (8, 1, true),
            (8, 2, true),
            (8, 8, true),
            (8, 16, false),
            (8, 3, false),
            (16, 3, true),
            (128, 100, false),
            (256, 100, true),
            (256, 256, true),
        ] {
            assert_eq!(suffices(shards, workers), enough, "{shards} shards, {workers} workers");
            assert!(suffices(shards_for(workers), workers));
        }
    }
}

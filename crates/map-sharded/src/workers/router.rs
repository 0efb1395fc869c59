//! Whose a key is.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ops::Range;

use map_core::DefaultHashBuilder;

use crate::shards::Selector;

/// Tells which [`Worker`](crate::Worker) a key belongs to, and groups batches by worker.
///
/// It holds a clone of the hasher and no entry, so each thread can have one. It is right for the workers of the
/// call of [`into_workers`](crate::ShardedMap::into_workers) from which it comes, for as long as they exist.
#[derive(Clone)]
pub struct Router<S = DefaultHashBuilder> {
    selector: Selector,
    /// Binary logarithm of the number of shards.
    bits: u32,
    workers: usize,
    hasher: S,
}

impl<S> Router<S> {
    /// For a number of shards that is a power of two, and not more workers.
    pub(super) fn new(shards: usize, workers: usize, hasher: S) -> Self {
        let selector = Selector::new(shards);
        Self { selector, bits: shards.trailing_zeros(), workers, hasher }
    }

    /// Returns the number of workers.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Returns the hasher.
    pub fn hasher(&self) -> &S {
        &self.hasher
    }

    pub(super) fn into_hasher(self) -> S {
        self.hasher
    }

    #[inline]
    pub(super) fn shard(&self, hash: u64) -> usize {
        self.selector.shard(hash)
    }

    #[inline]
    pub(super) fn worker_of_shard(&self, shard: usize) -> usize {
        (shard * self.workers) >> self.bits
    }

    /// Returns the shards of a worker.
    pub(super) fn shards_of(&self, worker: usize) -> Range<usize> {
        let first = |worker: usize| (worker << self.bits).div_ceil(self.workers);
        first(worker)..first(worker + 1)
    }
}

impl<S: BuildHasher> Router<S> {
    #[inline]
    pub(super) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Returns the number of the worker that `key` belongs to, from 0.
    ///
    /// The key may be a borrowed form of the map's, as in a look-up.
    #[inline]
    pub fn worker_of<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        self.worker_of_shard(self.shard(self.hash(key)))
    }

    /// Groups a batch by worker: list number `n` is for worker `n`, in the order of the batch.
    ///
    /// What is grouped may be keys, entries or messages; `key_of` shows the key in each.
    ///
    /// ```
    /// use map_sharded::ShardedMap;
    ///
    /// let map: ShardedMap<u64, char> = ShardedMap::new();
    /// let mut workers = map.into_workers(3).expect("three are not too many");
    /// let router = workers[0].router().clone();
    /// let batches = router.route([(1, 'a'), (2, 'b'), (3, 'c')], |(key, _)| key);
    /// for (worker, batch) in workers.iter_mut().zip(batches) {
    ///     worker.insert_many(batch).expect("each gets its own");
    /// }
    /// assert_eq!(workers.iter().map(|worker| worker.len()).sum::<usize>(), 3);
    /// ```
    pub fn route<T, Q: Hash + ?Sized>(
        &self,
        batch: impl IntoIterator<Item = T>,
        key_of: impl Fn(&T) -> &Q,
    ) -> Vec<Vec<T>> {
        let mut groups: Vec<_> = core::iter::repeat_with(Vec::new).take(self.workers).collect();
        for item in batch {
            groups[self.worker_of(key_of(&item))].push(item);
        }
        groups
    }
}

impl<S> fmt::Debug for Router<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shards = 1_usize << self.bits;
        f.debug_struct("Router")
            .field("workers", &self.workers)
            .field("shards", &shards)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_shards_are_even_and_without_gaps() {
        for shards in [1, 2, 8, 64, 256] {
            for workers in 1..=shards {
                let router = Router::new(shards, workers, ());
                let mut next = 0;
                for worker in 0..workers {
                    let own = router.shards_of(worker);
                    assert_eq!(own.start, next);
                    assert!(own.clone().all(|shard| router.worker_of_shard(shard) == worker));
                    assert!((shards / workers..=shards.div_ceil(workers)).contains(&own.len()));
                    next = own.end;
                }
                assert_eq!(next, shards);
            }
        }
    }
}

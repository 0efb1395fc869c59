//! `map-sharded` with a single shard, so that any two keys are keys of one shard.
//!
//! Which keys fall into one shard of a map with several depends on its random hasher. A map that is
//! asked for one shard has the same lock and table under all keys.

use std::hash::{BuildHasher, Hash};

use map_core::{BuildMap, ConcurrentMap, Guarantees, PinMap, ReserveError, forward_concurrent_map};
use map_sharded::ShardedMap;

use crate::contenders::{Hasher, Key, SharedFamily, Value};

/// A sharded map with one shard.
pub(super) struct OneShardMap<K, V, S>(ShardedMap<K, V, S>);

impl<K: Hash + Eq, V, S: BuildHasher> ConcurrentMap<K, V> for OneShardMap<K, V, S> {
    const GUARANTEES: Guarantees = <ShardedMap<K, V, S> as ConcurrentMap<K, V>>::GUARANTEES;

    forward_concurrent_map!(K, V, map => map.0);
}

impl<K: Hash + Eq, V, S: BuildHasher> PinMap<K, V> for OneShardMap<K, V, S> {
    type Pin<'map>
        = &'map Self
    where
        Self: 'map;

    fn pin(&self) -> &Self {
        self
    }
}

impl<K, V, S: BuildHasher> BuildMap<S> for OneShardMap<K, V, S> {
    fn try_with_capacity_and_hasher(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        ShardedMap::try_with_shards_and_hasher(1, capacity, hasher).map(Self)
    }
}

/// The family of [`OneShardMap`].
#[derive(Debug)]
pub(super) enum OneShard {}

impl SharedFamily for OneShard {
    type Map<K: Key, V: Value> = OneShardMap<K, V, Hasher>;
}

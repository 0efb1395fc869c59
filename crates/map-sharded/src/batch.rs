//! Many keys at once: `get_many` and `insert_many`.
//!
//! Both gather the keys in chunks of at most [`CHUNK`], hash them outside of any section, and go through a chunk: buckets in the order
//! of the keys; tables group by group, so that each shard's lock is taken once for a chunk. Large ones fetch what the next keys need
//! while they look at one.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use map_sync::reentrancy::Section;

use crate::ShardedMap;
use crate::shards::{CHUNK, Groups};

static GET_MANY: Section = Section::shared("ShardedMap", "get_many");
static INSERT_MANY: Section = Section::exclusive("ShardedMap", "insert_many");

impl<K: Eq + Hash, V, S: BuildHasher> ShardedMap<K, V, S> {
    /// Looks up all keys; `f` gets the number of each and what was found.
    pub(crate) fn look_up_all<'key, Q>(
        &self,
        keys: impl Iterator<Item = &'key Q>,
        mut f: impl FnMut(usize, Option<&V>),
    ) where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'key,
    {
        let mut keys = keys.enumerate();
        let mut chunk = Vec::with_capacity(keys.size_hint().0.clamp(1, CHUNK));
        loop {
            let next = keys.by_ref().take(CHUNK);
            chunk.extend(next.map(|(index, key)| (index, self.hash(key), key)));
            if chunk.is_empty() {
                return;
            }
            self.look_up_chunk(&chunk, &mut f);
            chunk.clear();
        }
    }

    /// Looks up a chunk of keys, each with its number and hash.
    fn look_up_chunk<Q>(&self, chunk: &[(usize, u64, &Q)], f: &mut impl FnMut(usize, Option<&V>))
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if Self::is_plain() {
            return self.read_buckets(&GET_MANY, |buckets| {
                buckets.copy_each(chunk.iter().copied(), &mut *f);
            });
        }
        let tables = self.tables();
        let groups = self.groups(chunk.iter().map(|&(_, hash, _)| hash));
        for (first, &(_, hash, _)) in chunk.iter().enumerate() {
            let shard = tables.shard_of(hash);
            if groups.begins_at(first, shard) {
                let keys = groups.of(shard).map(|position| chunk[position]);
                tables.shared(&GET_MANY, shard, |table| table.find_each(keys, &mut *f));
            }
        }
    }

    /// Stores all entries; returns how many keys were new.
    pub(crate) fn store_all(&self, mut entries: impl Iterator<Item = (K, V)>) -> usize {
        let mut chunk = Vec::with_capacity(entries.size_hint().0.clamp(1, CHUNK));
        let mut inserted = 0;
        loop {
            let next = entries.by_ref().take(CHUNK);
            chunk.extend(next.map(|entry| (self.hash(&entry.0), Some(entry))));
            if chunk.is_empty() {
                return inserted;
            }
            inserted += self.store_chunk(&mut chunk);
            // Drops, after the locks, the keys that were not needed and the values that were replaced.
            chunk.clear();
        }
    }

    /// Stores a chunk of entries, each with its hash; returns how many keys were new.
    ///
    /// What was not needed or replaced stays in the chunk.
    fn store_chunk(&self, chunk: &mut [(u64, Option<(K, V)>)]) -> usize {
        let rehash = |known: &K| self.hash(known);
        if Self::is_plain() {
            return self.write_buckets(&INSERT_MANY, |table| {
                let entries = chunk.iter_mut().filter_map(|(hash, new)| Some((*hash, new.take()?)));
                let insert = |(hash, (key, value))| table.insert(hash, key, value, rehash);
                entries.map(insert).filter(Option::is_none).count()
            });
        }
        let tables = self.tables();
        let groups = self.groups(chunk.iter().map(|&(hash, _)| hash));
        for first in 0..chunk.len() {
            let shard = tables.shard_of(chunk[first].0);
            if groups.begins_at(first, shard) {
                tables.exclusive(&INSERT_MANY, shard, rehash, |table| {
                    for position in groups.of(shard) {
                        let (hash, new) = &mut chunk[position];
                        table.insert(*hash, new, rehash);
                    }
                });
            }
        }
        chunk.iter().filter(|(_, new)| new.is_none()).count()
    }

    /// Groups the keys of a chunk by shard.
    #[inline]
    fn groups(&self, hashes: impl DoubleEndedIterator<Item = u64> + ExactSizeIterator) -> Groups {
        Groups::new(hashes.map(|hash| self.tables().shard_of(hash)))
    }
}

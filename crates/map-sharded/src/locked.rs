//! What only a lock can give: values in place, several keys at one instant, one instant of all.
//!
//! **Several shards of tables**: readers hold them shared in ascending order. A writer waits for one of them while it holds
//! none, then *tries* the others; if one is in use it lets all go and waits for that one. It cannot just wait in ascending order: a reader
//! in whose closure another shard is read holds two in any order, and would wait for the writer that waits for it.
//!
//! **Several buckets of plain values**: see `map-buckets`. There readers hold nothing.
//!
//! **Source**: trying and backing off is how C++'s `std::lock` takes several mutexes (Hinnant, N2406).

use core::array;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::iter;

use map_core::{LockedMap, refuse_equal_keys};
use map_sync::biased::BiasedReadGuard;
use map_sync::reentrancy::{Nesting, Section};
use map_table::{Keys, Table};

use crate::ShardedMap;
use crate::iter::Entries;
use crate::tables::Exclusive;

const NAME: &str = "ShardedMap";
static MODIFY: Section = Section::exclusive(NAME, "modify");
static MODIFY_OR_INSERT_WITH: Section = Section::exclusive(NAME, "modify_or_insert_with");
static FOR_EACH_MUT: Section = Section::exclusive(NAME, "for_each_mut");
static READ_MANY: Section = Section::shared(NAME, "read_many");
static TRANSACT: Section = Section::exclusive(NAME, "transact");
static SNAPSHOT: Section = Section::shared(NAME, "snapshot");

/// The different numbers among `shards`, ascending, and where among them each is.
fn distinct<const N: usize>(shards: [usize; N]) -> (Vec<usize>, [usize; N]) {
    let mut distinct = shards.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let positions = shards.map(|shard| distinct.partition_point(|&other| other < shard));
    (distinct, positions)
}

impl<K, V, S> ShardedMap<K, V, S> {
    /// Holds the tables of these shards shared, in their order.
    fn lock_all_shared(
        &self,
        shards: impl IntoIterator<Item = usize>,
        nesting: Nesting,
    ) -> Vec<BiasedReadGuard<'_, Table<K, V>>> {
        let many = self.tables().many();
        let lock = |(n, shard): (usize, usize)| {
            // Beside one that is held none is queued for (I1 of the map).
            let nesting = if n == 0 { nesting } else { Nesting::Nested };
            many[shard].lock_shared(nesting)
        };
        shards.into_iter().enumerate().map(lock).collect()
    }

    /// Holds the tables of these shards exclusively, all or none while it waits.
    fn lock_all_exclusive(&self, shards: &[usize]) -> Vec<Exclusive<'_, K, V>> {
        let many = self.tables().many();
        let mut first = 0;
        loop {
            let mut held: Vec<_> = shards.iter().map(|_| None).collect();
            let Some(shard) = shards.get(first) else { return Vec::new() };
            held[first] = Some(many[*shard].lock_exclusive());
            let refused = (0..shards.len()).filter(|&n| n != first).find(|&n| {
                held[n] = many[shards[n]].try_lock_exclusive();
                held[n].is_none()
            });
            match refused {
                None => return held.into_iter().flatten().collect(),
                Some(refused) => first = refused,
            }
        }
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> LockedMap<K, V> for ShardedMap<K, V, S> {
    #[inline]
    fn modify<Q, R>(&self, key: &Q, f: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hash(key);
        if Self::is_plain() {
            return self.write_buckets(&MODIFY, |table| table.modify(hash, key, f));
        }
        self.exclusive(&MODIFY, hash, |table| {
            table.find_mut(hash, key, |known| self.hash(known)).map(f)
        })
    }

    #[inline]
    fn modify_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&mut V) -> R,
    ) -> R {
        let hash = self.hash(&key);
        let rehash = |known: &K| self.hash(known);
        if Self::is_plain() {
            return self.write_buckets(&MODIFY_OR_INSERT_WITH, |table| {
                table.modify_or_insert_with(hash, key, make, f, rehash)
            });
        }
        let mut new = Some(key);
        self.exclusive(&MODIFY_OR_INSERT_WITH, hash, |table| {
            f(table.get_or_insert_with(hash, &mut new, make, rehash))
        })
    }

    fn for_each_mut(&self, mut f: impl FnMut(&K, &mut V)) {
        if Self::is_plain() {
            return self.write_buckets(&FOR_EACH_MUT, |table| table.for_each_mut(f));
        }
        let rehash = |known: &K| self.hash(known);
        let lend = |table: &mut Table<K, V>| table.for_each_mut(&mut f);
        self.tables().exclusive_each(&FOR_EACH_MUT, rehash, lend, drop);
    }

    fn read_many<Q, R, const N: usize>(
        &self,
        keys: [&Q; N],
        f: impl FnOnce([Option<&V>; N]) -> R,
    ) -> R
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hashes = keys.map(|key| self.hash(key));
        if Self::is_plain() {
            return self.read_buckets(&READ_MANY, |buckets| {
                let copies = buckets.copy_many(hashes, keys);
                f(copies.each_ref().map(Option::as_ref))
            });
        }
        self.tables().enter(&READ_MANY, |nesting| {
            if let Some(table) = self.tables().lock_first_shared(nesting) {
                return f(array::from_fn(|n| table.find(hashes[n], keys[n])));
            }
            let (shards, of) = distinct(hashes.map(|hash| self.tables().shard_of(hash)));
            let tables = self.lock_all_shared(shards, nesting);
            f(array::from_fn(|n| tables[of[n]].find(hashes[n], keys[n])))
        })
    }

    fn transact<R, const N: usize>(
        &self,
        keys: [K; N],
        f: impl FnOnce(&mut [Option<V>; N]) -> R,
    ) -> R {
        let hashes = keys.each_ref().map(|key| self.hash(key));
        let rehash = |known: &K| self.hash(known);
        refuse_equal_keys(NAME, &keys, &hashes);
        if Self::is_plain() {
            return self.write_buckets(&TRANSACT, |table| table.transact(hashes, keys, f, rehash));
        }
        let removed = [const { None }; N];
        let mut keys = Keys { hashes, tables: [0; N], given: keys.map(Some), removed };
        self.tables().enter(&TRANSACT, |_| {
            if let Some(first) = self.tables().lock_first_exclusive(rehash) {
                return map_table::transact(&mut [first], &mut keys, f, rehash);
            }
            let shards;
            (shards, keys.tables) = distinct(hashes.map(|hash| self.tables().shard_of(hash)));
            let mut tables = self.lock_all_exclusive(&shards);
            map_table::transact(&mut tables, &mut keys, f, rehash)
        })
    }

    fn snapshot<R>(&self, f: impl FnOnce(&mut dyn ExactSizeIterator<Item = (&K, &V)>) -> R) -> R {
        if Self::is_plain() {
            return self.read_buckets(&SNAPSHOT, |buckets| {
                let copies = buckets.snapshot();
                f(&mut copies.iter().map(|(key, value)| (key, value)))
            });
        }
        self.tables().enter(&SNAPSHOT, |nesting| {
            if let Some(table) = self.tables().lock_first_shared(nesting) {
                return f(&mut Entries::new(iter::once(&*table)));
            }
            let tables = self.lock_all_shared(0..self.tables().many().len(), nesting);
            f(&mut Entries::new(tables.iter().map(|table| &**table)))
        })
    }
}

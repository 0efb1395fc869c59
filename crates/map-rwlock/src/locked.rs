//! What only a lock can give: values in place, several keys at one instant, one instant of all.
//!
//! One lock is around everything, so it is enough to hold it for as long as the closure runs.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use map_core::{LockedMap, refuse_equal_keys};
use map_sync::reentrancy::Section;
use map_table::{Keys, Table};

use crate::RwLockMap;

const NAME: &str = "RwLockMap";
static MODIFY: Section = Section::exclusive(NAME, "modify");
static MODIFY_OR_INSERT_WITH: Section = Section::exclusive(NAME, "modify_or_insert_with");
static FOR_EACH_MUT: Section = Section::exclusive(NAME, "for_each_mut");
static READ_MANY: Section = Section::shared(NAME, "read_many");
static TRANSACT: Section = Section::exclusive(NAME, "transact");
static SNAPSHOT: Section = Section::shared(NAME, "snapshot");

impl<K: Eq + Hash, V, S: BuildHasher> LockedMap<K, V> for RwLockMap<K, V, S> {
    #[inline]
    fn modify<Q, R>(&self, key: &Q, f: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hash(key);
        self.exclusive(&MODIFY, |table| table.find_mut(hash, key, |known| self.hash(known)).map(f))
    }

    #[inline]
    fn modify_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&mut V) -> R,
    ) -> R {
        let hash = self.hash(&key);
        let mut new = Some(key);
        self.exclusive(&MODIFY_OR_INSERT_WITH, |table| {
            f(table.get_or_insert_with(hash, &mut new, make, |known| self.hash(known)))
        })
    }

    fn for_each_mut(&self, f: impl FnMut(&K, &mut V)) {
        self.exclusive(&FOR_EACH_MUT, |table| table.for_each_mut(f));
    }

    #[inline]
    fn read_many<Q, R, const N: usize>(
        &self,
        keys: [&Q; N],
        f: impl FnOnce([Option<&V>; N]) -> R,
    ) -> R
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let keys = keys.map(|key| (self.hash(key), key));
        self.shared(&READ_MANY, |table| f(keys.map(|(hash, key)| table.find(hash, key))))
    }

    fn transact<R, const N: usize>(
        &self,
        keys: [K; N],
        f: impl FnOnce(&mut [Option<V>; N]) -> R,
    ) -> R {
        let hashes = keys.each_ref().map(|key| self.hash(key));
        refuse_equal_keys(NAME, &keys, &hashes);
        let removed = [const { None }; N];
        let mut keys = Keys { hashes, tables: [0; N], given: keys.map(Some), removed };
        // By a slice of one, since other maps have several.
        self.exclusive(&TRANSACT, |table: &mut Table<K, V>| {
            map_table::transact(&mut [table], &mut keys, f, |known| self.hash(known))
        })
    }

    fn snapshot<R>(&self, f: impl FnOnce(&mut dyn ExactSizeIterator<Item = (&K, &V)>) -> R) -> R {
        self.shared(&SNAPSHOT, |table| f(&mut table.iter().map(|(key, value)| (key, value))))
    }
}

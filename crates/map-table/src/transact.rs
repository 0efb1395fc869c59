//! Several entries at once, of one table or of several.
//!
//! **Algorithm**: the entries are taken out of their tables, the caller's closure does to the values what it likes, and what it
//! leaves is put back, on unwinding too.
//!
//! **Invariants**: (I1) between the first entry that is taken out and the last that is put back no code of the user's runs but
//! `Eq`, while entries are searched, and the closure; a panic of either puts back what was taken. (I2) Putting back
//! needs neither `Hash` nor `Eq` nor memory: the hash is known, the key is known to be absent, and before anything was
//! taken every table was given room for as many new entries as it has keys here. An entry that goes into hashbrown's table uses up
//! one place of that room at the most, and one that is taken out uses none.

use core::ops::DerefMut;

use crate::Table;
use crate::growth::never_rehash;

/// The keys of a transaction, and what is left of them.
#[derive(Debug)]
pub struct Keys<K, const N: usize> {
    /// The hash of each key.
    pub hashes: [u64; N],
    /// Which of the tables each key belongs in.
    pub tables: [usize; N],
    /// The keys. Afterwards those that were not stored, for the caller to drop.
    pub given: [Option<K>; N],
    /// Afterwards the stored keys of the entries that were removed, for the caller to drop.
    pub removed: [Option<K>; N],
}

/// Entries that are out of their tables, to be put back.
struct Taken<'a, K, V, T: DerefMut<Target = Table<K, V>>, const N: usize> {
    tables: &'a mut [T],
    keys: &'a mut Keys<K, N>,
    values: [Option<V>; N],
}

impl<K, V, T: DerefMut<Target = Table<K, V>>, const N: usize> Drop for Taken<'_, K, V, T, N> {
    fn drop(&mut self) {
        let keys = &mut *self.keys;
        for (n, value) in self.values.iter_mut().enumerate() {
            let Some(value) = value.take() else { continue };
            // The key that was stored stays.
            if let Some(key) = keys.removed[n].take().or_else(|| keys.given[n].take()) {
                self.tables[keys.tables[n]].put_back(keys.hashes[n], (key, value));
            }
        }
    }
}

/// Lends the values of several different keys to `f`, which may change them, take them out and put new ones in.
///
/// `rehash` as for the writes of a [`Table`].
///
/// # Panics
///
/// If `rehash`, `Eq` or `f` do; what `f` has done stays, and nothing else has changed. If there is no memory for a larger table.
pub fn transact<K, V, R, T, const N: usize>(
    tables: &mut [T],
    keys: &mut Keys<K, N>,
    f: impl FnOnce(&mut [Option<V>; N]) -> R,
    rehash: impl Fn(&K) -> u64,
) -> R
where
    K: Eq,
    T: DerefMut<Target = Table<K, V>>,
{
    for (number, table) in tables.iter_mut().enumerate() {
        let entries = keys.tables.iter().filter(|table| **table == number).count();
        table.make_room_for(entries, &rehash);
    }
    let mut taken = Taken { tables, keys, values: [const { None }; N] };
    for n in 0..N {
        let table = &mut *taken.tables[taken.keys.tables[n]];
        let Some(key) = &taken.keys.given[n] else { continue };
        if let Some(entry) = table.occupied(taken.keys.hashes[n], key) {
            let (key, value) = entry.remove().0;
            taken.keys.removed[n] = Some(key);
            taken.values[n] = Some(value);
        }
    }
    f(&mut taken.values)
}

impl<K, V> Table<K, V> {
    /// Puts an entry into `live`, which has room for it; its key is in neither table.
    fn put_back(&mut self, hash: u64, entry: (K, V)) {
        self.live.insert_unique(hash, entry, never_rehash);
    }
}

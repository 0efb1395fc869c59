//! The writes. Each first does its share of a growth under way (module `growth`).

use core::borrow::Borrow;
use core::mem;

use hashbrown::hash_table::{Entry, OccupiedEntry, VacantEntry};
use map_core::{Action, Outcome};

use crate::Table;
use crate::growth::never_rehash;

/// What a computation did, and what came out of the table by it, for the caller to drop.
#[derive(Debug)]
#[must_use = "holds what was removed, which should be dropped outside of any lock"]
pub struct Change<K, V> {
    /// What was done.
    pub outcome: Outcome,
    /// The stored key, if the entry was removed.
    pub key: Option<K>,
    /// The value that was removed or replaced.
    pub value: Option<V>,
}

impl<K, V> Change<K, V> {
    const fn nothing(outcome: Outcome) -> Self {
        Self { outcome, key: None, value: None }
    }
}

/// Where a key is, or where it would go.
enum Place<'table, K, V> {
    Occupied(OccupiedEntry<'table, (K, V)>),
    Vacant(VacantEntry<'table, (K, V)>),
}

impl<K, V> Table<K, V> {
    /// Stores the entry in `new`, if it holds one.
    ///
    /// If the key was absent, `new` is `None` afterwards. If it was present, the stored key stays and
    /// `new` holds the key that was not needed and the value that was replaced.
    #[inline]
    pub fn insert(&mut self, hash: u64, new: &mut Option<(K, V)>, rehash: impl Fn(&K) -> u64)
    where
        K: Eq,
    {
        let Some((key, value)) = new else { return };
        match self.place(hash, key, &rehash) {
            Place::Occupied(mut entry) => mem::swap(&mut entry.get_mut().1, value),
            Place::Vacant(entry) => {
                if let Some(new) = new.take() {
                    entry.insert(new);
                }
            }
        }
    }

    /// Stores the entry in `new`, if it holds one, only if its key is absent.
    ///
    /// `new` is `None` afterwards if it was stored, and unchanged otherwise.
    #[inline]
    pub fn try_insert(&mut self, hash: u64, new: &mut Option<(K, V)>, rehash: impl Fn(&K) -> u64)
    where
        K: Eq,
    {
        let Some((key, _)) = new else { return };
        if let Place::Vacant(entry) = self.place(hash, key, &rehash) {
            if let Some(new) = new.take() {
                entry.insert(new);
            }
        }
    }

    /// Returns the value of the key in `key`, storing `make()` first if the key is absent.
    ///
    /// `key` is `None` afterwards if it was stored.
    ///
    /// # Panics
    ///
    /// If `key` is `None`.
    #[inline]
    pub fn get_or_insert_with(
        &mut self,
        hash: u64,
        key: &mut Option<K>,
        make: impl FnOnce() -> V,
        rehash: impl Fn(&K) -> u64,
    ) -> &mut V
    where
        K: Eq,
    {
        let entry = match self.place(hash, key.as_ref().expect(NO_KEY), &rehash) {
            Place::Occupied(entry) => entry,
            Place::Vacant(entry) => {
                let value = make();
                entry.insert((key.take().expect(NO_KEY), value))
            }
        };
        &mut entry.into_mut().1
    }

    /// Returns the value of `key`, to be changed in its place.
    #[inline]
    pub fn find_mut<Q>(&mut self, hash: u64, key: &Q, rehash: impl Fn(&K) -> u64) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.present(hash, key, &rehash).map(|entry| &mut entry.into_mut().1)
    }

    /// Removes `key` and returns what was stored.
    #[inline]
    pub fn remove<Q>(&mut self, hash: u64, key: &Q, rehash: impl Fn(&K) -> u64) -> Option<(K, V)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.present(hash, key, &rehash).map(|entry| entry.remove().0)
    }

    /// Decides over the key in `key`: `f` sees its value, or `None`, and says what becomes of it.
    ///
    /// `key` is `None` afterwards if it was stored.
    ///
    /// # Panics
    ///
    /// If `key` is `None`.
    #[inline]
    pub fn compute(
        &mut self,
        hash: u64,
        key: &mut Option<K>,
        f: impl FnOnce(Option<&V>) -> Action<V>,
        rehash: impl Fn(&K) -> u64,
    ) -> Change<K, V>
    where
        K: Eq,
    {
        match self.place(hash, key.as_ref().expect(NO_KEY), &rehash) {
            Place::Occupied(entry) => {
                let action = f(Some(&entry.get().1));
                act(entry, action)
            }
            Place::Vacant(entry) => match f(None) {
                Action::Keep | Action::Remove => Change::nothing(Outcome::Absent),
                Action::Put(value) => {
                    entry.insert((key.take().expect(NO_KEY), value));
                    Change::nothing(Outcome::Inserted)
                }
            },
        }
    }

    /// As [`compute`](Self::compute), for a key that must be present; never inserts.
    #[inline]
    pub fn compute_if_present<Q>(
        &mut self,
        hash: u64,
        key: &Q,
        f: impl FnOnce(&V) -> Action<V>,
        rehash: impl Fn(&K) -> u64,
    ) -> Change<K, V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        match self.present(hash, key, &rehash) {
            None => Change::nothing(Outcome::Absent),
            Some(entry) => {
                let action = f(&entry.get().1);
                act(entry, action)
            }
        }
    }

    /// Swaps the value of `key` with `new` if it equals `current`.
    ///
    /// Returns whether it did, or `None` if the key is absent. Then, or if it did not, `new` is unchanged.
    #[inline]
    pub fn compare_exchange<Q>(
        &mut self,
        hash: u64,
        key: &Q,
        current: &V,
        new: &mut V,
        rehash: impl Fn(&K) -> u64,
    ) -> Option<bool>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
        V: PartialEq,
    {
        let mut entry = self.present(hash, key, &rehash)?;
        let value = &mut entry.get_mut().1;
        let equal = value == current;
        if equal {
            mem::swap(value, new);
        }
        Some(equal)
    }

    /// Removes the entries for which `keep` returns `false` and appends them to `removed`.
    ///
    /// Entries without a destructor are not appended, since it cannot matter where they end.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool, removed: &mut Vec<(K, V)>) {
        let tables = [Some(&mut self.live), self.old.as_mut().map(|old| &mut old.table)];
        for table in tables.into_iter().flatten() {
            if mem::needs_drop::<(K, V)>() {
                removed.extend(table.extract_if(|(key, value)| !keep(key, value)));
            } else {
                table.retain(|(key, value)| keep(key, value));
            }
        }
    }

    /// Finds the place of `key`, with room for it if it is absent.
    #[inline]
    fn place(&mut self, hash: u64, key: &K, rehash: &impl Fn(&K) -> u64) -> Place<'_, K, V>
    where
        K: Eq,
    {
        self.advance(rehash);
        self.make_room(rehash);
        let vacant = match self.live.entry(hash, |(known, _)| known == key, never_rehash) {
            Entry::Occupied(entry) => return Place::Occupied(entry),
            Entry::Vacant(vacant) => vacant,
        };
        if let Some(old) = &mut self.old {
            if let Ok(entry) = old.table.find_entry(hash, |(known, _)| known == key) {
                return Place::Occupied(entry);
            }
        }
        Place::Vacant(vacant)
    }

    /// Finds the entry of `key`.
    #[inline]
    fn present<Q>(
        &mut self,
        hash: u64,
        key: &Q,
        rehash: &impl Fn(&K) -> u64,
    ) -> Option<OccupiedEntry<'_, (K, V)>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.advance(rehash);
        if let Ok(entry) = self.live.find_entry(hash, |(known, _)| known.borrow() == key) {
            return Some(entry);
        }
        let old = self.old.as_mut()?;
        old.table.find_entry(hash, |(known, _)| known.borrow() == key).ok()
    }
}

const NO_KEY: &str = "the caller supplies a key";

/// Does to a present entry what a computation asks for.
#[inline]
fn act<K, V>(mut entry: OccupiedEntry<'_, (K, V)>, action: Action<V>) -> Change<K, V> {
    match action {
        Action::Keep => Change::nothing(Outcome::Kept),
        Action::Put(new) => {
            let value = mem::replace(&mut entry.get_mut().1, new);
            Change { outcome: Outcome::Replaced, key: None, value: Some(value) }
        }
        Action::Remove => {
            let ((key, value), _) = entry.remove();
            Change { outcome: Outcome::Removed, key: Some(key), value: Some(value) }
        }
    }
}

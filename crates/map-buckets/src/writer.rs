//! The writes.
//!
//! Each holds the bucket of its key, looks, decides and changes it. What a user's closure gives goes into the table only when no
//! more of the user's code can run.

use core::borrow::Borrow;

use map_core::{Action, Outcome, ReserveError};

use crate::growth::first_slots;
use crate::iter::Cursor;
use crate::raw::bits::Bits;
use crate::raw::hold::{ByBucket, Found, Held};
use crate::raw::plain;
use crate::table::Core;

/// The writes of a [`BucketTable`](crate::BucketTable).
///
/// Every operation on a key takes the key's hash. Those that may insert take `rehash`, which must return for a stored
/// key the hash that it was stored under; if it does not, an entry may become impossible to find, but memory stays safe.
pub struct Writer<'table, K, V> {
    pub(crate) core: &'table Core<K, V>,
}

impl<'table, K, V> Writer<'table, K, V> {
    #[inline(always)]
    pub(crate) fn new(core: &'table Core<K, V>) -> Self {
        Self { core }
    }

    /// Stores an entry. If the key was present, the stored key stays, and the value that was replaced is returned.
    #[inline(always)]
    pub fn insert(&self, hash: u64, key: K, value: V, rehash: impl Fn(&K) -> u64) -> Option<V>
    where
        K: Eq,
    {
        let bits = Bits::of(hash);
        let mut held = self.hold_to_insert(bits, &rehash);
        if let Some(found) = held.find(bits.tag(), |known| *known == key) {
            return Some(found.replace(value));
        }
        self.put(held, bits, (key, value));
        None
    }

    /// Stores the entry in `new`, if it holds one, only if its key is absent.
    ///
    /// `new` is `None` afterwards if it was stored, and unchanged otherwise.
    #[inline]
    pub fn try_insert(&self, hash: u64, new: &mut Option<(K, V)>, rehash: impl Fn(&K) -> u64)
    where
        K: Eq,
    {
        let Some((key, value)) = new else { return };
        let bits = Bits::of(hash);
        let mut held = self.hold_to_insert(bits, &rehash);
        if held.find(bits.tag(), |known| known == key).is_none() {
            self.put(held, bits, (plain::copy(key), plain::copy(value)));
            *new = None;
        }
    }

    /// Lends the value of the key in `key` to `f`, storing `make()` first if the key is absent.
    ///
    /// `key` is `None` afterwards if it was stored. The value is stored before `f` runs.
    #[inline]
    pub fn get_or_insert_with<R>(
        &self,
        hash: u64,
        key: &mut Option<K>,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&V) -> R,
        rehash: impl Fn(&K) -> u64,
    ) -> Option<R>
    where
        K: Eq,
    {
        let wanted = key.as_ref()?;
        let bits = Bits::of(hash);
        let is = |known: &K| known == wanted;
        let mut held = self.hold_to_insert(bits, &rehash);
        if let Some(found) = held.find(bits.tag(), is) {
            return Some(f(found.value()));
        }
        let value = make();
        let entry = (plain::copy(wanted), value);
        *key = None;
        let result = f(held.put_and_find(bits.tag(), entry).value());
        drop(held);
        self.core.grow_if_full(ByBucket, true);
        Some(result)
    }

    /// Lends the value of `key` to `f`, to be changed.
    #[inline]
    pub fn modify<Q, R>(&self, hash: u64, key: &Q, f: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.present(hash, key, |found| edit(found, f))
    }

    /// Lends the value of `key` to `f`, to be changed; `make()`, which is stored, if the key is absent.
    #[inline]
    pub fn modify_or_insert_with<R>(
        &self,
        hash: u64,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&mut V) -> R,
        rehash: impl Fn(&K) -> u64,
    ) -> R
    where
        K: Eq,
    {
        let bits = Bits::of(hash);
        let mut held = self.hold_to_insert(bits, &rehash);
        if let Some(found) = held.find(bits.tag(), |known| *known == key) {
            return edit(found, f);
        }
        let mut hint = false;
        let mut value =
            scopeguard::guard(make(), |value| hint = held.put(bits.tag(), (key, value)));
        let result = f(&mut value);
        drop(value);
        drop(held);
        self.core.grow_if_full(ByBucket, hint);
        result
    }

    /// Lends every value to `f`, to be changed, bucket by bucket.
    pub fn for_each_mut(&self, mut f: impl FnMut(&K, &mut V)) {
        self.hold_each(|held| held.for_each_mut(&mut f));
    }

    /// Lends the value of `key` to `f`.
    #[inline]
    pub fn read<Q, R>(&self, hash: u64, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.present(hash, key, |found| f(found.value()))
    }

    /// Removes `key` and returns what was stored.
    #[inline(always)]
    pub fn remove<Q>(&self, hash: u64, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.present(hash, key, |found| found.take())
    }

    /// Decides over the key in `key`: `f` sees its value, or `None`, and says what becomes of it.
    ///
    /// `key` is `None` afterwards if it was stored.
    #[inline]
    pub fn compute(
        &self,
        hash: u64,
        key: &mut Option<K>,
        f: impl FnOnce(Option<&V>) -> Action<V>,
        rehash: impl Fn(&K) -> u64,
    ) -> Outcome
    where
        K: Eq,
    {
        let Some(wanted) = key.as_ref() else { return Outcome::Absent };
        let bits = Bits::of(hash);
        let mut held = self.hold_to_insert(bits, &rehash);
        if let Some(found) = held.find(bits.tag(), |known| known == wanted) {
            return act(found, |value| f(Some(value)));
        }
        match f(None) {
            Action::Keep | Action::Remove => Outcome::Absent,
            Action::Put(value) => {
                self.put(held, bits, (plain::copy(wanted), value));
                *key = None;
                Outcome::Inserted
            }
        }
    }

    /// As [`compute`](Self::compute), for a key that must be present; never inserts.
    #[inline(always)]
    pub fn compute_if_present<Q>(
        &self,
        hash: u64,
        key: &Q,
        f: impl FnOnce(&V) -> Action<V>,
    ) -> Outcome
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let change = self.present(hash, key, |found| act(found, f));
        change.unwrap_or(Outcome::Absent)
    }

    /// Swaps the value of `key` with `new` if it equals `current`.
    ///
    /// Returns whether it did, or `None` if the key is absent. Then, or if it did not, `new` is unchanged.
    #[inline]
    pub fn compare_exchange<Q>(&self, hash: u64, key: &Q, current: &V, new: &mut V) -> Option<bool>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
        V: PartialEq,
    {
        self.present(hash, key, |found| {
            let equal = found.value() == current;
            if equal {
                found.swap(new);
            }
            equal
        })
    }

    /// Removes the entries for which `keep` returns `false`, bucket by bucket.
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.hold_each(|held| held.retain(&mut keep));
    }

    /// Makes room for `additional` more entries.
    ///
    /// Splits buckets one by one until they are enough; linear in the number of buckets.
    ///
    /// # Errors
    ///
    /// If the room cannot be had; no entry has changed then.
    pub fn try_reserve(
        &self,
        additional: usize,
        rehash: impl Fn(&K) -> u64,
    ) -> Result<(), ReserveError> {
        self.core.try_reserve(ByBucket, additional, &rehash)
    }

    /// Holds one bucket after the other.
    fn hold_each(&self, mut f: impl FnMut(&mut Held<'_, K, V, ByBucket>)) {
        let mut cursor = Cursor::START;
        while let Some(bits) = cursor.bits() {
            let Some(mut held) = Held::new(self.core, ByBucket, bits) else { break };
            cursor.pass(held.header().depth());
            f(&mut held);
        }
    }

    /// Holds the bucket of a hash, making the first one if there is none, after a share in a growth under way.
    #[inline(always)]
    fn hold_to_insert(&self, bits: Bits, rehash: &impl Fn(&K) -> u64) -> Held<'_, K, V, ByBucket> {
        self.core.help(ByBucket, rehash);
        loop {
            if let Some(held) = Held::new(self.core, ByBucket, bits) {
                return held;
            }
            self.make_first();
        }
    }

    #[cold]
    pub(crate) fn make_first(&self) {
        if let Err(error) = self.core.index.make_first(first_slots::<K, V>(0)) {
            panic!("{error}");
        }
    }

    /// Puts an entry into its bucket and begins to grow if the table is full.
    #[inline(always)]
    fn put(&self, mut held: Held<'_, K, V, ByBucket>, bits: Bits, entry: (K, V)) {
        let hint = held.put(bits.tag(), entry);
        drop(held);
        self.core.grow_if_full(ByBucket, hint);
    }

    /// Finds an entry and does something with it.
    #[inline(always)]
    fn present<Q, R>(
        &self,
        hash: u64,
        key: &Q,
        f: impl FnOnce(Found<'_, '_, K, V, ByBucket>) -> R,
    ) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let bits = Bits::of(hash);
        let mut held = Held::new(self.core, ByBucket, bits)?;
        let found = held.find(bits.tag(), |known| known.borrow() == key)?;
        Some(f(found))
    }
}

/// Does to a present entry what a computation asks for.
#[inline(always)]
fn act<K, V>(found: Found<'_, '_, K, V, ByBucket>, f: impl FnOnce(&V) -> Action<V>) -> Outcome {
    match f(found.value()) {
        Action::Keep => Outcome::Kept,
        Action::Put(new) => {
            found.replace(new);
            Outcome::Replaced
        }
        Action::Remove => {
            found.take();
            Outcome::Removed
        }
    }
}

/// Lends the value of a present entry to `f`, to be changed; what `f` leaves is stored, on unwinding too.
#[inline(always)]
fn edit<K, V, R>(found: Found<'_, '_, K, V, ByBucket>, f: impl FnOnce(&mut V) -> R) -> R {
    let value = plain::copy(found.value());
    let mut value = scopeguard::guard(value, |value| _ = found.replace(value));
    f(&mut value)
}

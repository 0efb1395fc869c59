//! The writes, once for both kinds of table.
//!
//! Each holds the bucket of its key, looks, decides and changes it. Nothing that belongs to the caller is dropped in here:
//! what an operation replaces, removes or refuses is given back. For the same reason operations that
//! consume something take it as `&mut Option<_>`, and take it out only when no more of the user's code can run: after a
//! panic it is still the caller's.

use core::borrow::Borrow;
use core::ops::ControlFlow;

use map_core::{Action, Outcome, ReserveError};

use crate::growth::first_slots;
use crate::raw::bucket::needs_drop;
use crate::raw::hold::{Exclude, Found, Held};
use crate::raw::index::Bits;
use crate::table::Core;

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

/// The right to write to a table: by the lock of each bucket, or by that of the whole table.
///
/// Every operation on a key takes the key's hash. Those that may insert take `rehash`, which must return for a stored
/// key the hash that it was stored under; if it does not, an entry may become impossible to find, but memory stays safe.
pub struct Writer<'table, K, V, X: Exclude> {
    core: &'table Core<K, V>,
    exclude: X,
}

impl<'table, K, V, X: Exclude> Writer<'table, K, V, X> {
    #[inline(always)]
    pub(crate) fn new(core: &'table Core<K, V>, exclude: X) -> Self {
        Self { core, exclude }
    }

    /// Stores the entry in `new`, if it holds one.
    ///
    /// If the key was absent, `new` is `None` afterwards. If it was present, the stored key stays and
    /// `new` holds the key that was not needed and the value that was replaced.
    #[inline(always)]
    pub fn insert(&self, hash: u64, new: &mut Option<(K, V)>, rehash: impl Fn(&K) -> u64)
    where
        K: Eq,
    {
        let Some((key, _)) = new else { return };
        let bits = Bits::of(hash);
        let mut held = self.hold_to_insert(bits, &rehash);
        if let Some(found) = held.find(bits.tag(), |known| known == key) {
            if let Some((key, value)) = new.take() {
                *new = Some((key, found.replace(value)));
            }
        } else {
            self.put(held, bits, new.take());
        }
    }

    /// Stores the entry in `new`, if it holds one, only if its key is absent.
    ///
    /// `new` is `None` afterwards if it was stored, and unchanged otherwise.
    #[inline]
    pub fn try_insert(&self, hash: u64, new: &mut Option<(K, V)>, rehash: impl Fn(&K) -> u64)
    where
        K: Eq,
    {
        let Some((key, _)) = new else { return };
        let bits = Bits::of(hash);
        let mut held = self.hold_to_insert(bits, &rehash);
        if held.find(bits.tag(), |known| known == key).is_none() {
            self.put(held, bits, new.take());
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
        let result = f(held.put_and_find(bits.tag(), (key.take()?, value)).value());
        drop(held);
        self.core.grow_if_full(&self.exclude, true);
        Some(result)
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
    ) -> Change<K, V>
    where
        K: Eq,
    {
        let Some(wanted) = key.as_ref() else { return Change::nothing(Outcome::Absent) };
        let bits = Bits::of(hash);
        let mut held = self.hold_to_insert(bits, &rehash);
        if let Some(found) = held.find(bits.tag(), |known| known == wanted) {
            return act(found, |value| f(Some(value)));
        }
        match f(None) {
            Action::Keep | Action::Remove => Change::nothing(Outcome::Absent),
            Action::Put(value) => {
                self.put(held, bits, key.take().map(|key| (key, value)));
                Change::nothing(Outcome::Inserted)
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
    ) -> Change<K, V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let change = self.present(hash, key, |found| act(found, f));
        change.unwrap_or(Change::nothing(Outcome::Absent))
    }

    /// Replaces the value of `key` by the one in `new` if it equals `current`; `new` has the old one then.
    ///
    /// Returns whether it did, or `None` if the key is absent. Then, or if it did not, `new` is unchanged.
    #[inline]
    pub fn compare_exchange<Q>(
        &self,
        hash: u64,
        key: &Q,
        current: &V,
        new: &mut Option<V>,
    ) -> Option<bool>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
        V: PartialEq,
    {
        self.present(hash, key, |found| {
            let equal = found.value() == current;
            if let Some(value) = new.take_if(|_| equal) {
                *new = Some(found.replace(value));
            }
            equal
        })
    }

    /// Lends every entry to `f`, bucket by bucket, each held exclusively meanwhile, until it breaks.
    pub fn try_for_each<B>(&self, mut f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        self.each_bucket(|held| held.entries().try_for_each(|(key, value)| f(key, value)))
    }

    /// Removes the entries for which `keep` returns `false`, and gives those of a bucket to `removed` after the
    /// bucket was let go.
    ///
    /// Entries without a destructor are not given, since it cannot matter where they end.
    pub fn retain(
        &self,
        mut keep: impl FnMut(&K, &V) -> bool,
        mut removed: impl FnMut(Vec<(K, V)>),
    ) {
        let mut gone = Vec::new();
        let _: ControlFlow<()> = self.each_bucket_then(
            |held| {
                let mut gather = |entry| {
                    if needs_drop::<K, V>() {
                        gone.push(entry);
                    }
                };
                held.retain(&mut keep, &mut gather);
                let gone = core::mem::take(&mut gone);
                ControlFlow::Continue(gone)
            },
            |gone| {
                if !gone.is_empty() {
                    removed(gone);
                }
            },
        );
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
        self.core.try_reserve(&self.exclude, additional, &rehash)
    }

    /// Holds the bucket of a hash, making the first one if there is none, after a share in a growth under way.
    #[inline(always)]
    fn hold_to_insert(&self, bits: Bits, rehash: &impl Fn(&K) -> u64) -> Held<'_, K, V, X> {
        self.core.help(&self.exclude, rehash);
        loop {
            if let Some(held) = Held::new(self.core, &self.exclude, bits) {
                return held;
            }
            self.make_first();
        }
    }

    #[cold]
    fn make_first(&self) {
        if let Err(error) = self.core.index.make_first(first_slots::<K, V>(0)) {
            panic!("{error}");
        }
    }

    /// Puts an entry into its bucket and begins to grow if the table is full.
    #[inline(always)]
    fn put(&self, mut held: Held<'_, K, V, X>, bits: Bits, entry: Option<(K, V)>) {
        let Some(entry) = entry else { return };
        let hint = held.put(bits.tag(), entry);
        drop(held);
        self.core.grow_if_full(&self.exclude, hint);
    }

    /// Finds an entry and does something with it.
    #[inline(always)]
    fn present<Q, R>(
        &self,
        hash: u64,
        key: &Q,
        f: impl FnOnce(Found<'_, '_, K, V, X>) -> R,
    ) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let bits = Bits::of(hash);
        let mut held = Held::new(self.core, &self.exclude, bits)?;
        let found = held.find(bits.tag(), |known| known.borrow() == key)?;
        Some(f(found))
    }

    fn each_bucket<B>(
        &self,
        mut f: impl FnMut(&mut Held<'_, K, V, X>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.each_bucket_then(&mut f, |()| ())
    }

    /// Runs `f` with every bucket held, and `then` with what it returns after the bucket was let go.
    fn each_bucket_then<B, T>(
        &self,
        mut f: impl FnMut(&mut Held<'_, K, V, X>) -> ControlFlow<B, T>,
        mut then: impl FnMut(T),
    ) -> ControlFlow<B> {
        let mut cursor = crate::iter::Cursor::START;
        while let Some(bits) = cursor.bits() {
            let Some(mut held) = Held::new(self.core, &self.exclude, bits) else { break };
            cursor.pass(held.header().depth());
            let result = f(&mut held)?;
            drop(held);
            then(result);
        }
        ControlFlow::Continue(())
    }
}

/// Does to a present entry what a computation asks for.
#[inline(always)]
fn act<K, V, X: Exclude>(
    found: Found<'_, '_, K, V, X>,
    f: impl FnOnce(&V) -> Action<V>,
) -> Change<K, V> {
    match f(found.value()) {
        Action::Keep => Change::nothing(Outcome::Kept),
        Action::Put(new) => {
            let value = found.replace(new);
            Change { outcome: Outcome::Replaced, key: None, value: Some(value) }
        }
        Action::Remove => {
            let (key, value) = found.take();
            Change { outcome: Outcome::Removed, key: Some(key), value: Some(value) }
        }
    }
}

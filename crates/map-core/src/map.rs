//! The operations.

use core::borrow::Borrow;
use core::hash::Hash;
use core::ops::ControlFlow;

use crate::{Action, CompareExchangeError, Guarantees, Outcome, TryInsertError};

/// A hash map that many threads use at once through `&self`.
///
/// # Consistency
///
/// Every operation on one key is linearizable: it takes effect at one instant between its call and
/// its return, and what it returns is true of that instant. A write *happens before* each operation
/// that observes it. Operations on many keys ([`for_each`](Self::for_each),
/// [`retain`](Self::retain), [`clear`](Self::clear), [`len`](Self::len),
/// [`get_many`](Self::get_many), [`insert_many`](Self::insert_many)) are not one instant; each states
/// its own weaker guarantee.
///
/// # Closures
///
/// A closure that is lent a value may run while the map holds a lock or pins memory, so it should be
/// short. Whether it may call the same map again is stated in
/// [`Guarantees::reentrancy`]: it works, or it is refused by a panic that names the map and the
/// operation; it never hangs. A panic in a closure, or in a key's `Hash` or `Eq`, reaches the caller
/// and leaves the map usable; no map is ever poisoned. Whether a closure may run more than once in a
/// call is stated in [`Guarantees::closures_run_once`].
///
/// # Keys
///
/// Lookups take any borrowed form `Q` of the key, as std's maps do: a map of `String` is asked with
/// `&str`. If `Hash` or `Eq` are inconsistent, results are unspecified but memory stays safe.
///
/// # Complexity
///
/// An operation on one key takes expected constant time with a hasher that spreads the keys, and time
/// linear in the number of keys that collide otherwise. An operation on many keys takes time linear in
/// their number; iteration, `retain` and `clear` are linear in the number of entries and in the
/// capacity. What a map deviates in stands in its crate documentation.
///
/// # Blocking
///
/// Which operations may wait for which others is a property of the design: each map's crate
/// documentation has a section *Progress and blocking*.
///
/// # Implementing
///
/// Twelve methods are required, the others are derived. Override a derived one where the design does
/// better. `K` and `V` carry no bounds here: an implementation asks for what it needs.
pub trait ConcurrentMap<K, V> {
    /// What this map promises beyond the contract.
    const GUARANTEES: Guarantees;

    /// Lends the value of `key` to `f` and returns what `f` returns, or `None` if the key is absent.
    ///
    /// The value that `f` sees was the key's value at one instant of the call. It stays valid, and
    /// unchanged but for its own interior mutability, until `f` returns, whatever other threads do.
    fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized;

    /// Returns a clone of the value of `key`.
    #[inline]
    fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Clone,
    {
        self.read(key, V::clone)
    }

    /// Returns whether `key` is present.
    #[inline]
    fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.read(key, |_| ()).is_some()
    }

    /// Looks up every key of `keys` and calls `f(index, value)` exactly once for each.
    ///
    /// Each look-up is linearizable by itself; together they are no snapshot. The order of the calls
    /// is unspecified: a map may group keys to pay its locks and cache misses once.
    #[inline]
    fn get_many<'key, Q>(
        &self,
        keys: impl IntoIterator<Item = &'key Q>,
        mut f: impl FnMut(usize, Option<&V>),
    ) where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'key,
    {
        for (index, key) in keys.into_iter().enumerate() {
            if self.read(key, |value| f(index, Some(value))).is_none() {
                f(index, None);
            }
        }
    }

    /// Sets the value of `key` and returns `true` if the key was absent.
    ///
    /// As in std's maps, a key that is already present is kept and the new one dropped.
    #[inline]
    fn insert(&self, key: K, value: V) -> bool {
        self.insert_then(key, value, |old| old.is_none())
    }

    /// Sets the value of `key` and lends the value it replaced to `f`, without cloning it.
    ///
    /// `f` runs once, after the write took effect and outside any lock.
    fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R;

    /// Inserts `key` only if it is absent.
    ///
    /// # Errors
    ///
    /// If the key is present, nothing changes and the error gives back the key and the value.
    fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>>;

    /// Lends the value of `key` to `f`, inserting `make()` first if the key is absent.
    ///
    /// `make` is not called if the key is present when the call begins, and at most once in any case.
    /// If [`Guarantees::single_flight`] holds, exactly one of several racing callers on an absent key
    /// runs its `make` and the others wait for it; otherwise several may run theirs, one value is
    /// kept, all callers see that one, and the others are dropped.
    fn get_or_insert_with<R>(&self, key: K, make: impl FnOnce() -> V, f: impl FnOnce(&V) -> R)
    -> R;

    /// Removes `key` and returns whether it was present.
    #[inline]
    fn remove<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.remove_then(key, |_| ()).is_some()
    }

    /// Removes `key` and lends the removed value to `f`, without cloning it.
    ///
    /// `f` runs once, after the removal took effect and outside any lock; it does not run, and the
    /// call returns `None`, if the key is absent.
    fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized;

    /// Removes `key` if `condition` holds for its value; returns whether it was removed.
    ///
    /// The test and the removal are one atomic step: the value removed is the value tested.
    #[inline]
    fn remove_if<Q>(&self, key: &Q, mut condition: impl FnMut(&V) -> bool) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let act = |value: &V| if condition(value) { Action::Remove } else { Action::Keep };
        self.compute_if_present(key, act) == Outcome::Removed
    }

    /// Replaces the value of `key` by `f` of it, atomically; returns `false` if the key is absent.
    #[inline]
    fn update<Q>(&self, key: &Q, mut f: impl FnMut(&V) -> V) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.compute_if_present(key, |value| Action::Put(f(value))) == Outcome::Replaced
    }

    /// Decides over `key` atomically: `f` sees its value, or `None`, and says what becomes of it.
    ///
    /// If `f` runs more than once, each run sees the newest value, the last one counts, and the
    /// values that earlier runs proposed are dropped.
    fn compute(&self, key: K, f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome;

    /// As [`compute`](Self::compute), for a key that must be present; never inserts.
    ///
    /// Returns [`Outcome::Absent`] without calling `f` if the key is absent.
    fn compute_if_present<Q>(&self, key: &Q, f: impl FnMut(&V) -> Action<V>) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized;

    /// Replaces the value of `key` by `new` if it equals `current`.
    ///
    /// # Errors
    ///
    /// If the key is absent or its value differs, nothing changes and the error gives back `new`.
    fn compare_exchange<Q>(
        &self,
        key: &Q,
        current: &V,
        new: V,
    ) -> Result<(), CompareExchangeError<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: PartialEq;

    /// Inserts every pair, a later one winning over an earlier one; returns how many keys were new.
    ///
    /// Each insertion is atomic by itself; a reader may see some of them without the others.
    fn insert_many(&self, entries: impl IntoIterator<Item = (K, V)>) -> usize {
        entries.into_iter().map(|(key, value)| usize::from(self.insert(key, value))).sum()
    }

    /// Lends every entry to `f` until it breaks; returns its last word.
    ///
    /// Not a snapshot. An entry that is present during the whole call is visited exactly once, unless
    /// `f` breaks first; an entry inserted or removed meanwhile is visited at most once; a visited value was its
    /// key's value at some instant of the call. No key is visited twice. The order is unspecified.
    fn try_for_each<B>(&self, f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B>;

    /// Lends every entry to `f`, as [`try_for_each`](Self::try_for_each) does, to the end.
    #[inline]
    fn for_each(&self, mut f: impl FnMut(&K, &V)) {
        let _: ControlFlow<()> = self.try_for_each(|key, value| {
            f(key, value);
            ControlFlow::Continue(())
        });
    }

    /// Removes every entry for which `keep` returns `false`.
    ///
    /// The test and the removal of one entry are one atomic step. An entry that is present during the
    /// whole call is tested; one inserted meanwhile may escape. If the design retries a removal after
    /// an overwrite, `keep` sees the new value too.
    fn retain(&self, keep: impl FnMut(&K, &V) -> bool);

    /// Removes every entry that was present when the call began and is not written again meanwhile.
    fn clear(&self);

    /// Returns the number of entries.
    ///
    /// Exact when no write runs at the same time. Beside writers it is the number at no instant in
    /// particular, but never off by more than the writes that overlap the call, and never negative.
    fn len(&self) -> usize;

    /// Returns whether [`len`](Self::len) is zero, with the same precision.
    #[inline]
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

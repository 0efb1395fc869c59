//! A map with a fault or a delay in it.

use std::borrow::Borrow;
use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::ControlFlow;

use atlas_benches::contenders::parking_lot::ParkingLotMap;
use atlas_benches::contenders::{Hasher, Key, SharedFamily, Value};
use map_core::{
    Action, BuildMap, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, PinMap,
    ReserveError, TryInsertError,
};

type Inner<K, V> = ParkingLotMap<K, V, Hasher>;

/// What is done to the operations of a map.
pub(crate) trait Twist: Send + Sync + 'static {
    /// Runs before each read.
    fn before_read() {}

    /// Whether a read says that nothing is there.
    fn drops_read() -> bool {
        false
    }

    /// Whether an insertion is skipped though the map claims it.
    fn drops_insert() -> bool {
        false
    }

    /// Whether an update is skipped though the map claims it.
    fn drops_update() -> bool {
        false
    }

    /// Whether a value that was made is lent but not kept.
    fn forgets_made() -> bool {
        false
    }

    /// Whether iteration leaves an entry out.
    fn skips_entry() -> bool {
        false
    }

    /// Whether a removal is skipped though the map claims it.
    fn drops_remove() -> bool {
        false
    }
}

/// A map whose operations are twisted.
pub(crate) struct Twisted<K, V, T>(Inner<K, V>, PhantomData<T>);

/// The family of [`Twisted`].
pub(crate) struct Family<T>(PhantomData<T>);

impl<T: Twist> SharedFamily for Family<T> {
    type Map<K: Key, V: Value> = Twisted<K, V, T>;
}

impl<K: Key, V: Value, T: Twist> ConcurrentMap<K, V> for Twisted<K, V, T> {
    const GUARANTEES: Guarantees = <Inner<K, V> as ConcurrentMap<K, V>>::GUARANTEES;

    fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        T::before_read();
        if T::drops_read() { None } else { self.0.read(key, f) }
    }

    fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
        if T::drops_insert() {
            let old = self.0.get(&key);
            return f(old.as_ref());
        }
        self.0.insert_then(key, value, f)
    }

    fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>> {
        self.0.try_insert(key, value)
    }

    fn get_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&V) -> R,
    ) -> R {
        if T::forgets_made() {
            return f(&make());
        }
        self.0.get_or_insert_with(key, make, f)
    }

    fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if T::drops_remove() { self.0.read(key, f) } else { self.0.remove_then(key, f) }
    }

    fn compute(&self, key: K, f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome {
        self.0.compute(key, f)
    }

    fn compute_if_present<Q>(&self, key: &Q, f: impl FnMut(&V) -> Action<V>) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if T::drops_update() {
            return self.0.read(key, f).map_or(Outcome::Absent, |_| Outcome::Replaced);
        }
        self.0.compute_if_present(key, f)
    }

    fn compare_exchange<Q>(
        &self,
        key: &Q,
        current: &V,
        new: V,
    ) -> Result<(), CompareExchangeError<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: PartialEq,
    {
        self.0.compare_exchange(key, current, new)
    }

    /// Fills the map before a fault is let loose.
    fn insert_many(&self, entries: impl IntoIterator<Item = (K, V)>) -> usize {
        self.0.insert_many(entries)
    }

    fn try_for_each<B>(&self, mut f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        self.0.try_for_each(|key, value| {
            if T::skips_entry() { ControlFlow::Continue(()) } else { f(key, value) }
        })
    }

    fn retain(&self, keep: impl FnMut(&K, &V) -> bool) {
        self.0.retain(keep);
    }

    fn clear(&self) {
        self.0.clear();
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl<K: Key, V: Value, T: Twist> PinMap<K, V> for Twisted<K, V, T> {
    type Pin<'map> = &'map Self;

    fn pin(&self) -> &Self {
        self
    }
}

impl<K: Key, V: Value, T: Twist> BuildMap<Hasher> for Twisted<K, V, T> {
    fn try_with_capacity_and_hasher(capacity: usize, hasher: Hasher) -> Result<Self, ReserveError> {
        Inner::try_with_capacity_and_hasher(capacity, hasher).map(|map| Self(map, PhantomData))
    }
}

//! A right map with every capability beyond the operations done wrong.

use core::fmt;
use core::hash::{BuildHasher, Hash};

use map_conformance::family::{
    Family, FullFamily, HashState, Key, PlainKey, PlainValue, Shrink, Value,
};
use map_conformance::hashers::Mixed;
use map_conformance::reference::MutexMap;
use map_core::{BuildMap, CapacityMap, ConcurrentMap, Guarantees, PinMap, ReserveError, ShrinkMap};

/// The family of [`SloppyMap`].
pub(crate) struct Sloppy;

impl Family for Sloppy {
    type Map<K: Key, V: Value, S: HashState> = SloppyMap<K, V, S>;
}

impl FullFamily for Sloppy {
    type Full<K: PlainKey, V: PlainValue, S: HashState> = SloppyMap<K, V, S>;

    const SHRINK: Shrink<SloppyMap<u64, u64, Mixed>> = Some(ShrinkMap::shrink_to_fit);
}

/// Says yes to every capacity and has none; forgets its first entry when it is taken apart.
pub(crate) struct SloppyMap<K, V, S>(MutexMap<K, V, S>);

impl<K: Hash + Eq, V, S: BuildHasher> ConcurrentMap<K, V> for SloppyMap<K, V, S> {
    const GUARANTEES: Guarantees = <MutexMap<K, V, S> as ConcurrentMap<K, V>>::GUARANTEES;

    map_core::forward_concurrent_map!(K, V, map => map.0);
}

impl<K: Hash + Eq, V, S: BuildHasher> PinMap<K, V> for SloppyMap<K, V, S> {
    type Pin<'map>
        = &'map Self
    where
        Self: 'map;

    fn pin(&self) -> Self::Pin<'_> {
        self
    }
}

impl<K, V, S> BuildMap<S> for SloppyMap<K, V, S> {
    fn try_with_capacity_and_hasher(_: usize, hasher: S) -> Result<Self, ReserveError> {
        MutexMap::try_with_capacity_and_hasher(0, hasher).map(Self)
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> CapacityMap for SloppyMap<K, V, S> {
    fn capacity(&self) -> usize {
        0
    }

    fn try_reserve(&self, additional: usize) -> Result<(), ReserveError> {
        if additional > 0 {
            self.0.clear();
        }
        Ok(())
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> ShrinkMap for SloppyMap<K, V, S> {
    fn shrink_to_fit(&self) {
        self.0.clear();
    }
}

impl<K, V, S: Default> Default for SloppyMap<K, V, S> {
    fn default() -> Self {
        Self(MutexMap::default())
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> Extend<(K, V)> for SloppyMap<K, V, S> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            let _ = self.0.try_insert(key, value);
        }
    }
}

impl<K: Hash + Eq, V, S: BuildHasher + Default> FromIterator<(K, V)> for SloppyMap<K, V, S> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        map.extend(entries);
        map
    }
}

impl<K, V, S> IntoIterator for SloppyMap<K, V, S> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        let mut entries = self.0.into_iter();
        core::mem::forget(entries.next());
        entries
    }
}

impl<K, V, S: Default> Clone for SloppyMap<K, V, S> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<K, V, S> fmt::Debug for SloppyMap<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }
}

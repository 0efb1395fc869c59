//! The map and its pin: construction, hashing, capacity.
//!
//! **Layout**: the map is its hasher and a pointer to the list, which is made by the first operation
//! that needs it: an empty map owns no memory. All algorithms are below [`raw`](crate::raw); the
//! operations that use them are in [`ops`](crate::ops).
//!
//! **Invariant** (I1): an entry's order is `order` of its key. The order is a bijection of the hash
//! (a product with an odd constant), so keys have equal orders exactly if they have equal hashes, and
//! its high bits, which choose the bucket, depend on all bits of the hash.

use core::fmt;
use core::hash::{BuildHasher, Hash};

use map_core::{BuildMap, CapacityMap, DefaultHashBuilder, PinMap, ReserveError};

use crate::raw::{LazyList, Session};

/// 2^64 divided by the golden ratio, odd.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// A lock-free concurrent hash map: one list in hash order, changed by compare-and-swap.
///
/// See the [crate documentation](crate) for what it promises and what it costs.
pub struct CasListMap<K, V, S = DefaultHashBuilder> {
    pub(crate) list: LazyList<K, V>,
    hasher: S,
}

impl<K, V, S> CasListMap<K, V, S> {
    /// Returns the hasher.
    pub fn hasher(&self) -> &S {
        &self.hasher
    }
}

impl<K, V, S: BuildHasher> CasListMap<K, V, S> {
    /// The place of a key in the list.
    #[inline]
    pub(crate) fn order<Q: Hash + ?Sized>(&self, key: &Q) -> u64 {
        self.hasher.hash_one(key).wrapping_mul(MIX)
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> CasListMap<K, V, S> {
    /// Pins the calling thread: the pin has the same operations, without the cost of entry.
    ///
    /// The exact guarantee: [`PinMap::pin`].
    ///
    /// ```
    /// use map_caslist::CasListMap;
    ///
    /// let map = CasListMap::new();
    /// let pin = map.pin();
    /// pin.insert("a", 1);
    /// assert!(pin.update("a", |n| n + 1));
    /// assert_eq!(pin.get("a"), Some(2));
    /// ```
    #[inline]
    pub fn pin(&self) -> CasListPin<'_, K, V, S> {
        CasListPin { session: Session::new(self.list.get_or_make()), map: self }
    }

    /// Lets go of the memory that `pin` has protected so far.
    ///
    /// The exact guarantee: [`PinMap::refresh`].
    ///
    /// ```
    /// use map_caslist::CasListMap;
    ///
    /// let map = CasListMap::new();
    /// let mut pin = map.pin();
    /// for n in 0..1000 {
    ///     pin.insert(n % 10, n);
    ///     if n % 100 == 0 {
    ///         map.refresh(&mut pin);
    ///     }
    /// }
    /// ```
    pub fn refresh<'map>(&'map self, pin: &mut CasListPin<'map, K, V, S>) {
        PinMap::refresh(self, pin);
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> BuildMap<S> for CasListMap<K, V, S> {
    fn try_with_capacity_and_hasher(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        let map = Self { list: LazyList::new(), hasher };
        if capacity > 0 {
            map.try_reserve(capacity)?;
        }
        Ok(map)
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> CapacityMap for CasListMap<K, V, S> {
    fn capacity(&self) -> usize {
        self.list.get().map_or(0, |list| list.capacity())
    }

    fn try_reserve(&self, additional: usize) -> Result<(), ReserveError> {
        self.list.get_or_make().reserve(additional)
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> PinMap<K, V> for CasListMap<K, V, S> {
    type Pin<'map>
        = CasListPin<'map, K, V, S>
    where
        Self: 'map;

    #[inline]
    fn pin(&self) -> CasListPin<'_, K, V, S> {
        Self::pin(self)
    }

    fn refresh<'map>(&'map self, pin: &mut CasListPin<'map, K, V, S>) {
        if core::ptr::eq(self, pin.map) {
            pin.session.refresh();
        } else {
            *pin = self.pin();
        }
    }
}

/// A [`CasListMap`] on a pinned thread: the same operations without the cost of entry.
///
/// While it lives, nothing that any thread removes or replaces is freed: hold it for a batch of work
/// and [`refresh`](CasListMap::refresh) it in long loops. It belongs to its thread.
pub struct CasListPin<'map, K, V, S = DefaultHashBuilder> {
    pub(crate) session: Session<'map, K, V>,
    pub(crate) map: &'map CasListMap<K, V, S>,
}

impl<K, V, S> fmt::Debug for CasListPin<'_, K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CasListPin").finish_non_exhaustive()
    }
}

map_core::std_traits!(CasListMap, where [K: core::hash::Hash + Eq]);
map_core::inherent_methods!(
    impl[K, V, S] CasListMap<K, V, S>,
    where [K: Hash + Eq, S: BuildHasher],
    example "map_caslist" "CasListMap"
);
map_core::inherent_methods!(
    impl[K, V, S] CasListPin<'_, K, V, S>,
    where [K: Hash + Eq, S: BuildHasher]
);

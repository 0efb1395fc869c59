//! The map, its pin, construction and capacity.

use std::fmt;
use std::hash::{BuildHasher, Hash};

use map_core::{BuildMap, CapacityMap, DefaultHashBuilder, PinMap, ReserveError, ShrinkMap};
use map_sync::reentrancy::Section;

use crate::raw::{Core, Pinned};

pub(crate) const NAME: &str = "ReadDirtyMap";

static RESERVE: Section = Section::exclusive(NAME, "try_reserve");
static SHRINK: Section = Section::exclusive(NAME, "shrink_to_fit");

/// A concurrent hash map with a lock-free read level over a small dirty level of new keys.
///
/// See the [crate's documentation](crate).
pub struct ReadDirtyMap<K, V, S = DefaultHashBuilder> {
    pub(crate) core: Core<K, V, S>,
}

impl<K, V, S> ReadDirtyMap<K, V, S> {
    /// Returns the hasher.
    pub fn hasher(&self) -> &S {
        self.core.hasher()
    }

    /// Pins the calling thread: the same operations, with their entry cost paid once.
    ///
    /// While the pin lives, memory that other threads retire is not freed: hold it for a batch of
    /// work, or call [`refresh`](ReadDirtyPin::refresh) now and then.
    ///
    /// ```
    /// use map_readdirty::ReadDirtyMap;
    ///
    /// let map = ReadDirtyMap::from([("a", 1), ("b", 2)]);
    /// let pin = map.pin();
    /// let sum: i32 = ["a", "b", "c"].iter().filter_map(|key| pin.get(key)).sum();
    /// assert_eq!(sum, 3);
    /// ```
    #[inline]
    pub fn pin(&self) -> ReadDirtyPin<'_, K, V, S> {
        ReadDirtyPin { map: self, pinned: self.core.pin() }
    }

    /// Gives back memory that the present entries do not need: removed keys, and slots.
    pub fn shrink_to_fit(&self)
    where
        K: Hash + Eq,
        S: BuildHasher,
    {
        self.core.pin().shrink(&SHRINK);
    }

    #[inline]
    pub(crate) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u64
    where
        S: BuildHasher,
    {
        self.hasher().hash_one(key)
    }
}

/// A pinned thread's view of a [`ReadDirtyMap`]: the same operations, with their entry cost paid.
pub struct ReadDirtyPin<'map, K, V, S = DefaultHashBuilder> {
    pub(crate) map: &'map ReadDirtyMap<K, V, S>,
    pub(crate) pinned: Pinned<'map, K, V, S>,
}

impl<K, V, S> ReadDirtyPin<'_, K, V, S> {
    /// Lets go of the memory that the pin has protected so far and goes on with the newest state.
    ///
    /// Has no effect while the same thread has another pin of the map.
    pub fn refresh(&mut self) {
        self.pinned.refresh();
    }
}

impl<K, V, S> fmt::Debug for ReadDirtyPin<'_, K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadDirtyPin").finish_non_exhaustive()
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> PinMap<K, V> for ReadDirtyMap<K, V, S> {
    type Pin<'map>
        = ReadDirtyPin<'map, K, V, S>
    where
        Self: 'map;

    #[inline]
    fn pin(&self) -> ReadDirtyPin<'_, K, V, S> {
        Self::pin(self)
    }

    #[inline]
    fn refresh<'map>(&'map self, pin: &mut ReadDirtyPin<'map, K, V, S>) {
        pin.refresh();
    }
}

impl<K, V, S> BuildMap<S> for ReadDirtyMap<K, V, S> {
    fn try_with_capacity_and_hasher(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        Ok(Self { core: Core::with_capacity(capacity, hasher)? })
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> CapacityMap for ReadDirtyMap<K, V, S> {
    fn capacity(&self) -> usize {
        self.core.pin().capacity()
    }

    fn try_reserve(&self, additional: usize) -> Result<(), ReserveError> {
        self.core.pin().reserve(additional, &RESERVE)
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> ShrinkMap for ReadDirtyMap<K, V, S> {
    fn shrink_to_fit(&self) {
        Self::shrink_to_fit(self);
    }
}

map_core::std_traits!(ReadDirtyMap, where [K: Hash + Eq]);
map_core::inherent_methods!(
    impl[K, V, S] ReadDirtyMap<K, V, S>,
    where [K: Hash + Eq, S: BuildHasher],
    example "map_readdirty" "ReadDirtyMap"
);
map_core::inherent_methods!(
    impl['map, K, V, S] ReadDirtyPin<'map, K, V, S>,
    where [K: Hash + Eq, S: BuildHasher]
);

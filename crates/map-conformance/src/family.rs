//! How the laws name a map: by a family, which is a map type for every key, value and hasher.

use core::fmt::Debug;
use core::hash::{BuildHasher, Hash};

use map_core::{BuildMap, CapacityMap, ConcurrentMap, LockedMap, PinMap};

use crate::hashers::Mixed;

/// What every law gives a map as a key: all that any known map could ask of one.
pub trait Key: Hash + Eq + Ord + Clone + Debug + Send + Sync + 'static {}
impl<T: Hash + Eq + Ord + Clone + Debug + Send + Sync + 'static> Key for T {}

/// What every law gives a map as a value.
pub trait Value: Clone + Debug + Send + Sync + 'static {}
impl<T: Clone + Debug + Send + Sync + 'static> Value for T {}

/// A key that can do no more than the contract asks; above all, it need not be `Clone`.
pub trait PlainKey: Hash + Eq + Send + Sync + 'static {}
impl<T: Hash + Eq + Send + Sync + 'static> PlainKey for T {}

/// A value that can do nothing.
pub trait PlainValue: Send + Sync + 'static {}
impl<T: Send + Sync + 'static> PlainValue for T {}

/// A hasher's state.
pub trait HashState: BuildHasher + Clone + Default + Send + Sync + 'static {}
impl<T: BuildHasher + Clone + Default + Send + Sync + 'static> HashState for T {}

/// A map type for every key, value and hasher: what an adapter for a foreign map must offer.
///
/// ```
/// use map_conformance::family::{Family, HashState, Key, Value};
/// use map_conformance::reference::MutexMap;
///
/// struct MutexFamily;
///
/// impl Family for MutexFamily {
///     type Map<K: Key, V: Value, S: HashState> = MutexMap<K, V, S>;
/// }
/// ```
pub trait Family: 'static {
    /// How many entries every map is made with room for, but where a law is about that.
    ///
    /// For a map that works in another way while it is small: its laws are to hold in both.
    const ROOM: usize = 0;

    /// The map.
    type Map<K: Key, V: Value, S: HashState>: ConcurrentMap<K, V>
        + PinMap<K, V>
        + BuildMap<S>
        + Send
        + Sync
        + 'static;
}

/// What an Atlas map offers beyond [`Family`]: keys and values without bounds, capacity, owned
/// iteration, the traits of a collection.
pub trait FullFamily: Family {
    /// The map, of the same type as [`Family::Map`] where both exist.
    type Full<K: PlainKey, V: PlainValue, S: HashState>: ConcurrentMap<K, V>
        + PinMap<K, V>
        + BuildMap<S>
        + CapacityMap
        + Default
        + FromIterator<(K, V)>
        + Extend<(K, V)>
        + IntoIterator<Item = (K, V)>
        + Send
        + Sync
        + 'static;

    /// `ShrinkMap::shrink_to_fit`, for a map that has it.
    const SHRINK: Shrink<Self::Full<u64, u64, Mixed>>;
}

/// `ShrinkMap::shrink_to_fit` of a map, if it has it.
pub type Shrink<M> = Option<fn(&M)>;

/// A map of a family.
pub type MapOf<F, K, V, S> = <F as Family>::Map<K, V, S>;

/// A map under locks for every key, value and hasher.
pub trait LockedFamily: Family {
    /// The map, of the same type as [`Family::Map`] where both exist.
    type Locked<K: PlainKey, V: PlainValue, S: HashState>: LockedMap<K, V>
        + BuildMap<S>
        + Send
        + Sync
        + 'static;
}

/// A map of a locked family.
pub type LockedOf<F, K, V, S> = <F as LockedFamily>::Locked<K, V, S>;

/// A map of a full family.
pub type FullOf<F, K, V, S> = <F as FullFamily>::Full<K, V, S>;

/// Makes an empty map of a family with the default hasher state.
pub fn empty<F: Family, K: Key, V: Value, S: HashState>() -> MapOf<F, K, V, S> {
    MapOf::<F, K, V, S>::with_capacity_and_hasher(F::ROOM, S::default())
}

//! Construction.

use crate::ReserveError;

/// The hasher of a map that names none: fast, seeded anew for each map.
///
/// foldhash's fast variant, which is also hashbrown's default. Its seeds are random, so keys that
/// collide in one map do not in another, and an attacker who sees neither hashes nor timings cannot
/// construct collisions. It is no cryptographic hash: where an attacker may watch, give the map a
/// keyed hasher such as [`std::hash::RandomState`].
pub type DefaultHashBuilder = foldhash::fast::RandomState;

/// A map that can be made from a capacity and a hasher.
pub trait BuildMap<S>: Sized {
    /// Makes an empty map with room for `capacity` entries.
    ///
    /// # Errors
    ///
    /// If the room cannot be had.
    fn try_with_capacity_and_hasher(capacity: usize, hasher: S) -> Result<Self, ReserveError>;

    /// Makes an empty map with room for `capacity` entries.
    ///
    /// # Panics
    ///
    /// If the room cannot be had, with the message of [`ReserveError`].
    fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
        match Self::try_with_capacity_and_hasher(capacity, hasher) {
            Ok(map) => map,
            Err(error) => panic!("{error}"),
        }
    }
}

//! Keys for a map that orders them, made of keys that can only be hashed and compared.
//!
//! `flurry` keeps keys whose hashes are equal in a tree, so it asks for `Ord`; the contract does not.
//! [`Stored`] and [`Face`] order keys by a second, fixed hash. Keys that differ but agree in both
//! hashes (2⁻⁶⁴ for an honest `Hash`) might not be found; the order is asked for nowhere else.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash};

/// A key in the map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stored<K>(pub(crate) K);

/// A borrowed form of a key.
#[derive(Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub(crate) struct Face<Q: ?Sized>(Q);

impl<Q: ?Sized> Face<Q> {
    #[inline]
    pub(crate) fn of(key: &Q) -> &Self {
        let face: *const Self = key as *const Q as *const Self;
        // SAFETY: `Face` is a transparent wrapper of `Q`, so both have one layout, validity and
        // pointer metadata; the reference lives as long as the one that it was made of.
        unsafe { &*face }
    }
}

impl<K: Borrow<Q>, Q: ?Sized> Borrow<Face<Q>> for Stored<K> {
    #[inline]
    fn borrow(&self) -> &Face<Q> {
        Face::of(self.0.borrow())
    }
}

fn order<T: Hash + Eq + ?Sized>(a: &T, b: &T) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let hasher = foldhash::quality::FixedState::default();
    hasher.hash_one(a).cmp(&hasher.hash_one(b))
}

impl<K: Hash + Eq> Ord for Stored<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.0, &other.0)
    }
}

impl<K: Hash + Eq> PartialOrd for Stored<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<Q: Hash + Eq + ?Sized> Ord for Face<Q> {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.0, &other.0)
    }
}

impl<Q: Hash + Eq + ?Sized> PartialOrd for Face<Q> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

//! Keys that all have the same hash, so that no map can keep them apart.
//!
//! Which keys fall into one shard or bucket depends on a map's random hasher and on how many it has.
//! Keys whose `Hash` says nothing of them share whatever a map finds by hash, in every map.

use std::hash::{Hash, Hasher};

use crate::entries::Entries;

/// A number that does not tell its hasher which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alike(u64);

impl Hash for Alike {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(0);
    }
}

/// [`Alike`] → `u64`.
#[derive(Debug)]
pub(super) struct SameHash(Vec<Alike>);

impl Entries for SameHash {
    const NAME: &'static str = "u64";
    type Key = Alike;
    type Look = Alike;
    type Value = u64;

    fn new(ids: u64) -> Self {
        Self((0..ids).map(Alike).collect())
    }

    #[inline]
    fn key(&self, id: u64) -> Alike {
        Alike(id)
    }

    #[inline]
    fn look<'a>(&'a self, id: &'a u64) -> &'a Alike {
        &self.0[*id as usize]
    }
}

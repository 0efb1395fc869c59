//! Keys and values that can do no more than the contract asks.

use map_core::{BuildMap, CapacityMap};

use super::sequential::equivalent;
use crate::family::{FullFamily, FullOf};
use crate::hashers::Mixed;
use crate::model::Op;
use crate::types::Unique;

/// Keys and values that are not `Clone` go through every operation, with reserving in between.
pub fn unique_keys_and_values<F: FullFamily>() {
    equivalent::<Unique, Unique, _>(
        40,
        150,
        80,
        |capacity| FullOf::<F, Unique, Unique, Mixed>::with_capacity_and_hasher(capacity, Mixed),
        |map, op| {
            if let Op::Reserve(additional) = op {
                let additional = usize::from(*additional);
                map.reserve(additional);
                assert!(map.capacity() >= additional, "capacity after reserve({additional})");
            }
        },
    );
}

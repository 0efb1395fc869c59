//! Capacity is had or refused, and never changes what the map holds.

use std::panic::{AssertUnwindSafe, catch_unwind};

use core::hash::BuildHasher;
use core::marker::PhantomData;

use map_core::{BuildMap, CapacityMap, ConcurrentMap, ShrinkMap};

use crate::family::{FullFamily, FullOf, PlainValue, Shrink};
use crate::harness::{message, team};
use crate::hashers::{Mixed, Mixer};
use crate::model::{Model, agree};
use crate::token::{Ended, Event, fused, tick};
use crate::types::Large;

type Numbers<F> = FullOf<F, u64, u64, Mixed>;

/// A map of an impossible capacity is refused with an error, or with a panic that bears its text.
pub fn impossible_maps_are_refused<F: FullFamily>() {
    for capacity in [usize::MAX, usize::MAX / 2, isize::MAX as usize, usize::MAX / 64] {
        let error = Numbers::<F>::try_with_capacity_and_hasher(capacity, Mixed).err();
        let Some(error) = error else { panic!("a map of capacity {capacity} is made") };
        let made = catch_unwind(|| Numbers::<F>::with_capacity_and_hasher(capacity, Mixed));
        let Err(panic) = made else { panic!("a map of capacity {capacity} is made") };
        assert!(message(&*panic).contains(&error.to_string()), "the panic bears the error's text");
        let large = FullOf::<F, u64, Large, Mixed>::try_with_capacity_and_hasher(capacity, Mixed);
        assert!(large.is_err(), "a map of {capacity} large values is made");
    }
}

/// An impossible reservation is refused and changes nothing.
pub fn impossible_reservations_change_nothing<F: FullFamily>() {
    for entries in [0, 5, 1000_u64] {
        let map = Numbers::<F>::with_capacity_and_hasher(0, Mixed);
        map.insert_many((0..entries).map(|key| (key, key)));
        let model: Model = (0..entries).map(|key| (key, key)).collect();
        let capacity = map.capacity();
        for additional in [usize::MAX, usize::MAX / 2, isize::MAX as usize, usize::MAX / 64] {
            let Err(error) = map.try_reserve(additional) else {
                panic!("try_reserve({additional}) succeeds")
            };
            let reserved = catch_unwind(AssertUnwindSafe(|| map.reserve(additional)));
            let Err(panic) = reserved else { panic!("reserve({additional}) succeeds") };
            assert!(message(&*panic).contains(&error.to_string()), "the panic bears the text");
            assert_eq!(map.capacity(), capacity, "capacity after a refusal");
            agree(&map, &model);
        }
        assert!(map.insert(entries, 1), "the map is usable after a refusal");
    }
}

/// A hasher that panics when told to.
#[derive(Clone, Debug, Default)]
struct Fused;

impl BuildHasher for Fused {
    type Hasher = Mixer;

    fn build_hasher(&self) -> Mixer {
        tick(Event::Hash);
        Mixer::default()
    }
}

/// A panic at the n-th hash of a key, while room is made or given back, changes nothing; of plain entries and of others.
pub fn a_panic_while_room_is_made_changes_nothing<F: FullFamily>() {
    panic_while_room_is_made::<F, u64>(|value| value);
    panic_while_room_is_made::<F, Box<u64>>(Box::new);
}

fn panic_while_room_is_made<F: FullFamily, V: PlainValue + PartialEq<V>>(value: fn(u64) -> V) {
    for entries in [3, 14, 28, 56, 200_u64] {
        for occurrence in 1.. {
            let map = FullOf::<F, u64, V, Fused>::with_capacity_and_hasher(0, Fused);
            map.insert_many((0..entries).map(|key| (key, value(key))));
            let ended = fused(Event::Hash, occurrence, || map.reserve(4 * entries as usize));
            assert_ne!(ended, Ended::Swallowed, "the panic does not reach the caller");
            let mut found = 0;
            map.for_each(|key, held| {
                assert!(*held == value(*key), "the value of key {key}");
                found += 1;
            });
            assert_eq!(
                (found, map.len() as u64),
                (entries, entries),
                "after hash no. {occurrence}"
            );
            for key in 0..3 * entries {
                assert_eq!(map.insert(key, value(key)), key >= entries, "key {key}");
            }
            for key in 0..3 * entries {
                assert!(map.read(&key, |held| *held == value(key)) == Some(true), "key {key}");
            }
            if ended == Ended::Whole {
                break;
            }
        }
    }
}

/// What was asked for is there, when the map is made and when room is reserved.
pub fn room_is_made<F: FullFamily>() {
    for capacity in [0, 1, 3, 7, 8, 100, 1000, 5000_usize] {
        let map = Numbers::<F>::with_capacity_and_hasher(capacity, Mixed);
        assert!(map.capacity() >= capacity, "{} for {capacity}", map.capacity());
        map.insert_many((0..capacity as u64).map(|key| (key, key)));
        assert_eq!(map.len(), capacity);
        map.reserve(capacity);
        assert!(map.capacity() >= 2 * capacity, "{} for {capacity} more", map.capacity());
        map.try_reserve(0).expect("room for nothing");
        agree(&map, &(0..capacity as u64).map(|key| (key, key)).collect());
    }
}

/// Threads that reserve while others write neither lose an entry nor hang.
pub fn reserving_beside_writers<F: FullFamily>() {
    let map = Numbers::<F>::with_capacity_and_hasher(0, Mixed);
    team(4, |member| {
        if member == 0 {
            for additional in (0..4000).step_by(100) {
                map.reserve(additional);
            }
        } else {
            for key in (member as u64..3000).step_by(3) {
                assert!(map.insert(key, key), "key {key} is new");
                assert_eq!(map.get(&key), Some(key), "key {key} was just inserted");
            }
        }
    });
    agree(&map, &(1..3000).map(|key| (key, key)).collect());
}

/// Shrinking keeps the entries, alone and beside writers, and gives room back. A map that has no
/// `ShrinkMap` passes: a capability that a map lacks is nothing to hold it to.
pub fn shrinking_keeps_entries<F: FullFamily>() {
    let Some(shrink) = F::SHRINK else {
        println!("this map has no `ShrinkMap`");
        return;
    };
    let map = Numbers::<F>::with_capacity_and_hasher(10_000, Mixed);
    map.insert_many((0..100).map(|key| (key, key)));
    let roomy = map.capacity();
    shrink(&map);
    assert!(map.capacity() < roomy, "of {roomy} places {} are kept", map.capacity());
    assert!(map.capacity() >= 100);
    agree(&map, &(0..100).map(|key| (key, key)).collect());
    team(3, |member| {
        if member == 0 {
            (0..200).for_each(|_| shrink(&map));
        } else {
            for key in (99 + member as u64..3000).step_by(2) {
                assert!(map.insert(key, key), "key {key} is new");
                assert_eq!(map.get(&(key % 100)), Some(key % 100), "present throughout");
            }
        }
    });
    agree(&map, &(0..3000).map(|key| (key, key)).collect());
    map.clear();
    shrink(&map);
    assert!(map.insert(1, 1), "an empty map that was shrunk takes entries");
}

/// Finds out, in a macro, whether a type has `ShrinkMap`.
///
/// An inherent constant goes before one of a trait, so a path finds the
/// one where the bound holds and the other where it does not.
#[doc(hidden)]
#[derive(Debug)]
pub struct Probe<M>(PhantomData<M>);

impl<M: ShrinkMap> Probe<M> {
    /// The operation.
    pub const SHRINK: Shrink<M> = Some(M::shrink_to_fit);
}

/// The other side of [`Probe`].
#[doc(hidden)]
pub trait Lacking<M> {
    /// Nothing.
    const SHRINK: Shrink<M> = None;
}

impl<M> Lacking<M> for Probe<M> {}

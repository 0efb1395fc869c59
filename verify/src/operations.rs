//! Random operations whose answers can be checked: a value tells its key.

use std::borrow::Borrow;

use map_conformance::harness::Random;
use map_conformance::types::{TestKey, TestValue};
use map_core::{Action, ConcurrentMap};

/// How many keys there are.
const KEYS: u64 = 96;

/// A value that tells its key.
fn value<V: TestValue>(key: u64, random: &mut Random) -> V {
    V::make(random.below(1 << 20) * KEYS + key)
}

/// Whether a value belongs to a key; values of no size belong to all.
fn belongs<V: TestValue>(key: u64, value: &V) -> bool {
    size_of::<V>() == 0 || value.number() % KEYS == key
}

/// Does one operation of the contract, of random kind, with a key of few; checks every value that is lent.
///
/// # Panics
///
/// If a value belongs to another key.
pub fn operate<K: TestKey, V: TestValue>(map: &impl ConcurrentMap<K, V>, random: &mut Random) {
    let key = random.below(KEYS);
    let own = K::make(key);
    let check = |value: &V| assert!(belongs(key, value), "a value of another key");
    match random.below(64) {
        0..16 => _ = map.read(own.borrow(), check),
        16..34 => _ = map.insert(own, value(key, random)),
        34..44 => _ = map.remove_then(own.borrow(), check),
        44..48 => {
            _ = map.update(own.borrow(), |old| {
                check(old);
                value(key, random)
            })
        }
        48..52 => {
            _ = map.compute(own, |old| {
                old.inspect(|old| check(old));
                if old.is_some() { Action::Remove } else { Action::Put(value(key, random)) }
            })
        }
        52..55 => _ = map.try_insert(own, value(key, random)),
        55..57 => map.get_or_insert_with(own, || value(key, random), check),
        57 => map.for_each(|key, value| assert!(belongs(key.number(), value))),
        58 => map.retain(|key, _| key.number() % 3 != 0),
        59 => map.clear(),
        60 => _ = map.insert_many((0..KEYS / 2).map(|key| (K::make(key), V::make(key)))),
        61 => {
            let keys: Vec<K> = (0..KEYS).map(K::make).collect();
            map.get_many(keys.iter().map(Borrow::borrow), |index, value| {
                assert!(value.is_none_or(|value| belongs(index as u64, value)));
            });
        }
        _ => assert!(map.len() <= 100_000),
    }
}

/// Reads a key of few, and checks the value that is lent.
///
/// # Panics
///
/// If it belongs to another key.
pub fn check<K: TestKey, V: TestValue>(map: &impl ConcurrentMap<K, V>, random: &mut Random) {
    let key = random.below(KEYS);
    map.read(K::make(key).borrow(), |value: &V| {
        assert!(belongs(key, value), "a value of another key");
    });
}

//! On one thread a map and its pin answer as a `HashMap` does.

use map_core::{BuildMap, ConcurrentMap, DefaultHashBuilder, PinMap};
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use crate::family::{Family, HashState, Key, MapOf, Value, empty};
use crate::harness::{self, Random};
use crate::hashers::{Collide, CollideHigh, HighConstant, Identity, LowConstant, Mixed};
use crate::model::{Model, Op, agree, apply, sequences};
use crate::types::{Aligned, Large, TestKey, TestValue};

/// How many calls go through the map, or through one pin, at a time.
const STRETCH: usize = 12;

/// Applies random sequences to fresh maps and to the model.
///
/// `adjust` carries out the calls that not every map has: reserving and shrinking.
pub(crate) fn equivalent<K, V, M>(
    keys: u64,
    length: usize,
    cases: u32,
    make: impl Fn(usize) -> M,
    adjust: impl Fn(&M, &Op),
) where
    K: TestKey,
    V: TestValue,
    M: PinMap<K, V>,
{
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&harness::seed().to_le_bytes());
    let config = Config {
        cases: cases.saturating_mul(u32::try_from(harness::effort()).unwrap_or(u32::MAX)),
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let capacities = proptest::sample::select(vec![0, 1, 100]);
    let result = runner.run(&(capacities, sequences(keys, length)), |(capacity, ops)| {
        let map = make(capacity);
        let mut model = Model::new();
        for (number, stretch) in ops.chunks(STRETCH).enumerate() {
            if number % 2 == 0 {
                for op in stretch {
                    adjust(&map, op);
                    apply(&map, &mut model, op);
                }
            } else {
                let mut pin = map.pin();
                for op in stretch {
                    if matches!(op, Op::Refresh) {
                        map.refresh(&mut pin);
                    }
                    apply(&pin, &mut model, op);
                }
            }
        }
        agree(&map, &model);
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, (capacity, ops))) => {
            panic!("{reason}\nafter these calls on a map of capacity {capacity}: {ops:#?}")
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

fn of_family<F: Family, K, V, S>(keys: u64, length: usize, cases: u32)
where
    K: TestKey + Key,
    V: TestValue + Value,
    S: HashState,
{
    let make = |capacity: usize| {
        MapOf::<F, K, V, S>::with_capacity_and_hasher(capacity.max(F::ROOM), S::default())
    };
    equivalent::<K, V, _>(keys, length, cases, make, |_, _| ());
}

/// With a good, deterministic hash: few keys, so that calls meet; then more, so that the map grows.
pub fn good_hash<F: Family>() {
    of_family::<F, u64, u64, Mixed>(8, 100, 150);
    of_family::<F, u64, u64, Mixed>(300, 250, 60);
}

/// With the hasher that users get.
pub fn default_hash<F: Family>() {
    of_family::<F, u64, u64, DefaultHashBuilder>(40, 150, 100);
}

/// With one hash, zero, for all keys.
pub fn all_collide<F: Family>() {
    of_family::<F, u64, u64, Collide>(24, 120, 100);
}

/// With one hash, all ones, for all keys.
pub fn all_collide_high<F: Family>() {
    of_family::<F, u64, u64, CollideHigh>(24, 120, 100);
}

/// With the key itself as its hash.
pub fn identity_hash<F: Family>() {
    of_family::<F, u64, u64, Identity>(60, 150, 100);
}

/// With hashes that differ in the sixteen highest bits only.
pub fn low_bits_constant<F: Family>() {
    of_family::<F, u64, u64, LowConstant>(60, 150, 100);
}

/// With hashes that differ in the five lowest bits only.
pub fn high_bits_constant<F: Family>() {
    of_family::<F, u64, u64, HighConstant>(60, 150, 100);
}

/// A map of `String` is asked with `&str`.
pub fn string_keys<F: Family>() {
    of_family::<F, String, String, Mixed>(40, 150, 80);
}

/// Keys without a size, values without a size, both.
pub fn zero_sized<F: Family>() {
    of_family::<F, (), u64, Mixed>(2, 80, 60);
    of_family::<F, u64, (), Mixed>(20, 80, 60);
    of_family::<F, (), (), Mixed>(2, 80, 60);
}

/// Keys and values that must lie on a boundary of 128 bytes do.
pub fn over_aligned<F: Family>() {
    of_family::<F, Aligned, u64, Mixed>(40, 120, 60);
    of_family::<F, u64, Aligned, Mixed>(40, 120, 60);
}

/// Values of a kilobyte.
pub fn large_values<F: Family>() {
    of_family::<F, u64, Large, Mixed>(40, 120, 60);
}

/// Thousands of keys: nothing is lost in growth, none comes twice, and a second filling of the same
/// map finds it as it should be.
pub fn growth<F: Family>() {
    fn filled_twice<F: Family, S: HashState>(keys: u64) {
        let map = empty::<F, u64, u64, S>();
        for round in 0..2 {
            let mut model = Model::new();
            for key in 0..keys {
                assert!(map.insert(key, key + round), "key {key} was there before");
                model.insert(key, key + round);
                // What was inserted early must be found in every state of growth.
                let early = Random::new(key).below(key + 1);
                assert_eq!(map.get(&early), Some(early + round), "key {early} at {key}");
                assert_eq!(map.get(&(key + keys)), None, "a key never inserted");
            }
            agree(&map, &model);
            for key in (0..keys).step_by(2) {
                assert!(map.remove(&key), "key {key} is lost");
                model.remove(&key);
            }
            agree(&map, &model);
            map.clear();
            agree(&map, &Model::new());
        }
    }

    filled_twice::<F, Mixed>(5000);
    filled_twice::<F, Identity>(5000);
    filled_twice::<F, Collide>(150);
    filled_twice::<F, HighConstant>(1500);
    filled_twice::<F, LowConstant>(1500);
    reinserted_in_order::<F>();
}

/// Copies a map into a smaller one in the order of its iteration, the way to quadratic time if both
/// take the place of a key from the same bits. Only the result is checked; the watchdog sees the rest.
fn reinserted_in_order<F: Family>() {
    let source = empty::<F, u64, u64, Mixed>();
    source.insert_many((0..20_000).map(|key| (key, key)));
    let copy = empty::<F, u64, u64, Mixed>();
    source.for_each(|key, value| {
        copy.insert(*key, *value);
    });
    assert_eq!(copy.len(), 20_000);
    copy.for_each(|key, value| assert_eq!(key, value));
}

//! What a step does and leaves behind, by count; and that series of steps end.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::BucketTable;
use crate::raw::bits::Bits;
use crate::raw::bucket::Shape;
use crate::raw::hold::ByBucket;

type Table = BucketTable<u64, u64>;

const MOST: u64 = Shape::<u64, u64>::MOST as u64;

fn hash(key: &u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ key >> 7
}

fn insert(table: &Table, key: u64) -> bool {
    table.writer().insert(hash(&key), key, key, hash).is_none()
}

fn remove(table: &Table, key: u64) -> bool {
    table.writer().remove(hash(&key), &key).is_some()
}

/// A table that had the entries below `entries`, of which those below `left` are left.
fn emptied(entries: u64, left: u64) -> Table {
    let table = Table::new();
    assert!((0..entries).all(|key| insert(&table, key)));
    assert!((left..entries).all(|key| remove(&table, key)));
    table
}

fn is_shrinking(table: &Table) -> bool {
    table.core().index.state().is_shrinking()
}

/// The address of the bucket that each entry is found in.
fn places(table: &Table, hash: impl Fn(&u64) -> u64) -> HashMap<u64, usize> {
    let mut places = HashMap::new();
    let _ = table.try_for_each::<()>(|&key, _| {
        let held = Held::new(table.core(), ByBucket, Bits::of(hash(&key))).expect("a bucket");
        let twice = places.insert(key, held.bucket().address().as_ptr().addr());
        assert_eq!(twice, None, "{key} is met twice");
        ControlFlow::Continue(())
    });
    places
}

/// The table has these entries, by key and by iteration, and as many split buckets as it says.
fn check(table: &mut Table, keys: &HashSet<u64>, below: u64) {
    for key in 0..below {
        let expected = keys.contains(&key).then_some(key);
        assert_eq!(table.copy(hash(&key), &key), expected, "by its key");
    }
    assert_eq!(places(table, hash).into_keys().collect::<HashSet<_>>(), *keys);
    assert_eq!(table.len(), keys.len());
    let state = table.core().index.state();
    if state.is_growing() {
        let is_split = |bucket: &usize| {
            let bucket = table.core().index.bucket(*bucket).expect("in use");
            bucket.header().depth() == Depth::of_level(state.level() + 1)
        };
        let split = (0..1 << state.level()).filter(is_split).count();
        assert_eq!(*table.core.growth.splits(), split, "split at level {}", state.level());
    }
}

#[test]
fn a_step_moves_a_bounded_number_of_entries() {
    // In the second case by a hasher that hardly spreads: some buckets have long chains.
    for spread in [1, 512] {
        let hash = |key: &u64| hash(&(key / spread));
        let mut table = Table::new();
        for key in 0..30_000 {
            table.writer().insert(hash(&key), key, key, hash);
        }
        table.writer().try_reserve(100_000, hash).expect("there is memory");
        let (mut shrinking, mut steps, mut most) = (Shrinking::default(), 0, 0);
        let mut before = places(&table, hash);
        let mut sizes = HashMap::new();
        while table.shrink_step(&mut shrinking) {
            let after = places(&table, hash);
            most = most.max(after.iter().filter(|(key, at)| before[*key] != **at).count());
            before = after;
            steps += 1;
        }
        before.values().for_each(|at| *sizes.entry(at).or_insert(0) += 1);
        let largest = sizes.into_values().max().expect("there are entries");
        println!("{steps} steps, at the most {most} moved in one, {largest} in a bucket");
        assert!((200..MOVED + largest).contains(&most), "{most} moved in one of {steps} steps");
        assert!(spread > 1 || most <= 64 * MOST as usize);
        assert_eq!(table.buckets(), 2048);
    }
}

#[test]
fn all_operations_go_on_between_any_two_steps() {
    const BELOW: u64 = 12_000;
    let mut table = emptied(BELOW, 150);
    let mut keys: HashSet<u64> = (0..150).collect();
    let (mut shrinking, mut steps, mut random) = (Shrinking::default(), 0, 1_u64);
    while table.shrink_step(&mut shrinking) {
        steps += 1;
        check(&mut table, &keys, BELOW);
        for _ in 0..20 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = (random >> 33) % BELOW;
            if keys.len() < 150 {
                assert_eq!(insert(&table, key), keys.insert(key));
            } else {
                let key = *keys.iter().find(|known| **known >= key).unwrap_or(&key);
                assert_eq!(remove(&table, key), keys.remove(&key));
            }
        }
        check(&mut table, &keys, BELOW);
        let snapshot: HashSet<u64> = table.snapshot().into_iter().map(|(key, _)| key).collect();
        assert_eq!(snapshot, keys);
        let pair = [BELOW, BELOW + 1];
        let swap = |values: &mut [Option<u64>; 2]| values.swap(0, 1);
        table.writer().transact(pair.map(|key| hash(&key)), pair, swap, hash);
        let mut changed = 0;
        table.writer().for_each_mut(|_, _| changed += 1);
        assert_eq!(changed, keys.len());
    }
    assert!(steps > 4, "{steps} steps");
    assert_eq!(table.buckets(), 8);
    (0..BELOW).for_each(|key| assert_eq!(insert(&table, key), keys.insert(key)));
    check(&mut table, &keys, BELOW);
    assert!(table.buckets() >= 256);
}

#[test]
fn insertions_between_steps_end_the_shrinking_and_grow_on() {
    // 512 buckets, which are too many by half: of 256 pairs a step merges 64.
    for steps in 0..4 {
        let mut table = emptied(300 * MOST, 200 * MOST);
        let mut keys: HashSet<u64> = (0..200 * MOST).collect();
        let mut shrinking = Shrinking::default();
        assert!((0..=steps).all(|_| table.shrink_step(&mut shrinking)));
        assert_eq!(is_shrinking(&table), steps < 3);
        // Up to the bound nothing is split.
        let mut below = 200 * MOST;
        while (below as usize) < table.buckets() * MOST as usize {
            assert!(insert(&table, below) && keys.insert(below));
            below += 1;
        }
        assert_eq!(table.buckets(), 256);
        check(&mut table, &keys, below + 10);
        // The counters are looked at now and then.
        (0..100).for_each(|_| {
            assert!(insert(&table, below) && keys.insert(below));
            below += 1;
        });
        assert!(!is_shrinking(&table));
        let grown = table.buckets() == 512;
        assert!(grown || table.core().index.state().is_growing());
        check(&mut table, &keys, below + 10);
        let mut more = 0;
        while table.shrink_step(&mut shrinking) {
            more += 1;
        }
        assert!(more < 4, "{more} steps after the table has begun to grow");
        check(&mut table, &keys, below + 10);
        (0..300).for_each(|_| {
            assert!(insert(&table, below) && keys.insert(below));
            below += 1;
        });
        assert_eq!(table.buckets(), 512, "the growth has not ended");
        check(&mut table, &keys, below);
    }
}

#[test]
fn a_reservation_between_steps_ends_the_shrinking() {
    let mut table = emptied(300 * MOST, 10);
    let mut shrinking = Shrinking::default();
    assert!(table.shrink_step(&mut shrinking) && table.shrink_step(&mut shrinking));
    table.writer().try_reserve(1000 * MOST as usize, hash).expect("there is memory");
    assert_eq!(table.buckets(), 1024);
    while table.shrink_step(&mut shrinking) {}
    check(&mut table, &(0..10).collect(), 300 * MOST);
    assert_eq!(table.buckets(), 1024, "a series does not take back what came after it");
    table.shrink_to_fit();
    assert_eq!(table.buckets(), 1);
}

#[test]
fn a_hasher_that_panics_stops_no_step() {
    let angry = Cell::new(false);
    let rehash = |key: &u64| {
        assert!(!(angry.get() && key % 50 == 7), "angry");
        hash(key)
    };
    let mut table = emptied(300 * MOST, 200 * MOST);
    let mut keys: HashSet<u64> = (0..200 * MOST).collect();
    let (mut shrinking, mut panics) = (Shrinking::default(), 0);
    angry.set(true);
    assert!((0..3).all(|_| table.shrink_step(&mut shrinking)));
    let mut key = 200 * MOST;
    for _ in 0..600 + 56 * MOST {
        key += 1;
        let insertion = || table.writer().insert(hash(&key), key, key, rehash);
        match catch_unwind(AssertUnwindSafe(insertion)) {
            Ok(old) => assert!(old.is_none() && keys.insert(key)),
            Err(_) => panics += 1,
        }
    }
    assert!(panics > 20, "{panics} splits panicked");
    check(&mut table, &keys, key);
    assert!(!table.core.growth.given_up().is_empty());
    // What could not be split is merged again, if there are few entries; and the table grows when peace is restored.
    for grown in [false, true] {
        if grown {
            angry.set(false);
            (0..500 * MOST).for_each(|key| assert_eq!(insert(&table, key), keys.insert(key)));
            assert_eq!(table.buckets(), 512);
        }
        keys.drain().for_each(|key| _ = key >= 100 && remove(&table, key));
        keys.extend(0..100);
        table.shrink_to_fit();
        check(&mut table, &keys, key);
        assert!(!table.core().index.state().is_growing());
        assert!(table.core.growth.given_up().is_empty(), "buckets that are gone are to be split");
        assert_eq!(table.buckets(), 4);
    }
}

#[test]
fn a_series_ends_though_others_make_the_table_grow_and_shrink() {
    let mut table = emptied(300 * MOST, 200 * MOST);
    let (mut series, mut steps) = (Shrinking::default(), 0);
    let mut below = 200 * MOST;
    while table.shrink_step(&mut series) {
        steps += 1;
        assert!(steps < 20, "no end");
        // Up and down again, and another one begins to shrink.
        (0..60 * MOST).for_each(|_| {
            insert(&table, below);
            below += 1;
        });
        (0..60 * MOST).for_each(|_| {
            below -= 1;
            remove(&table, below);
        });
        assert!(table.shrink_step(&mut Shrinking::default()));
    }
    check(&mut table, &(0..200 * MOST).collect(), below);
}

#[test]
fn series_that_overlap_share_the_work() {
    let mut table = emptied(300 * MOST, 5);
    let mut series = [Shrinking::default(), Shrinking::default(), Shrinking::default()];
    let (mut steps, mut left) = (0, true);
    while left {
        left = false;
        for series in &mut series {
            let more = series.left != Some(0) && table.shrink_step(series);
            left |= more;
            steps += usize::from(more);
        }
    }
    assert!(steps < 40, "{steps} steps");
    check(&mut table, &(0..5).collect(), 300 * MOST);
    assert_eq!(table.buckets(), 1);
    assert!(table.capacity() <= 8);
}

#[test]
fn a_series_that_is_left_off_leaves_a_table_that_works() {
    for steps in 1..24 {
        let mut table = emptied(300 * MOST, 20);
        let mut shrinking = Shrinking::default();
        (0..steps).for_each(|_| _ = table.shrink_step(&mut shrinking));
        check(&mut table, &(0..20).collect(), 300 * MOST);
        match steps % 3 {
            0 => assert_eq!(table.into_iter().count(), 20),
            1 => {
                assert!((20..300 * MOST).all(|key| insert(&table, key)));
                check(&mut table, &(0..300 * MOST).collect(), 300 * MOST);
                assert_eq!(table.buckets(), 512);
            }
            _ => {
                table.writer().retain(|_, _| false);
                table.shrink_to_fit();
                check(&mut table, &HashSet::new(), 30);
                assert!(table.buckets() == 1 && table.capacity() <= 4);
            }
        }
    }
}

#[test]
fn the_first_guess_is_right_between_steps() {
    // All buckets are split, and only the first ten.
    for growing in [false, true] {
        let mut table = emptied(128 * MOST, 0);
        while table.buckets() < 256 && !(growing && *table.core.growth.splits() == 10) {
            let key = table.len() as u64;
            assert!(insert(&table, key));
        }
        assert_eq!(table.core().index.state().is_growing(), growing);
        table.writer().retain(|key, _| *key < 10);
        let (mut shrinking, mut steps) = (Shrinking::default(), 0);
        while table.shrink_step(&mut shrinking) && is_shrinking(&table) {
            steps += 1;
            let index = &table.core().index;
            for bits in (0..2000).map(|key| Bits::of(hash(&key))) {
                let guess = index.guess(bits);
                let bucket = index.bucket(guess).expect("in use");
                assert!(bucket.header().depth().is_right(bits, guess), "{guess} at {steps}");
            }
        }
        assert!(steps > 0);
    }
}

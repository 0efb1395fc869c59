//! Growth by steps that are taken in turn on one thread, and beside one that is stopped.

use std::ops::ControlFlow;
use std::time::Duration;

use map_sync::shim::thread;

use super::*;
use crate::BucketTable;

const MOST: usize = Shape::<u64, u64>::MOST;

fn hash(key: &u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn insert(table: &BucketTable<u64, u64>, key: u64) {
    assert_eq!(table.writer().insert(hash(&key), key, key, hash), None);
}

#[test]
fn a_table_that_has_never_grown_has_nothing_to_claim() {
    for capacity in [0, 20, 27, 1000] {
        let table = crate::BucketTable::<u64, u64>::try_with_capacity(capacity).unwrap();
        assert_eq!(table.core().index.claim().1, None, "room for {capacity}");
    }
}

#[test]
fn a_growth_that_was_broken_off_leaves_nothing_to_claim() {
    for entries in 27..120_u64 {
        let mut table = crate::BucketTable::new();
        let hash = |key: &u64| key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for key in 0..entries {
            table.writer().insert(hash(&key), key, (), hash);
        }
        // Else the growth is what the entries need.
        for key in entries / 2..entries {
            table.writer().remove(hash(&key), &key);
        }
        table.shrink_to_fit();
        let core = table.core();
        assert!(!core.index.state().is_growing());
        assert_eq!(core.index.claim().1, None);
    }
}

#[test]
fn a_thread_that_stops_after_its_claim_does_not_stop_growth() {
    let table = crate::BucketTable::new();
    let hash = |key: &u64| key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut abandoned = 0;
    for key in 0..20_000_u64 {
        table.writer().insert(hash(&key), key, (), hash);
        let index = &table.core().index;
        if key % 16 == 0 && index.state().is_growing() && index.claim().1.is_some() {
            abandoned += 1;
        }
    }
    assert!(abandoned > 20, "{abandoned} buckets were claimed and not split");
    let full = table.buckets() * MOST;
    assert!(2 * full > 20_000, "{} buckets", table.buckets());
    assert!((0..20_000).all(|key| table.copy(hash(&key), &key).is_some()));
}

/// Entries in chains that are long because whoever began a growth was stopped.
#[test]
fn when_chains_get_long_insertions_wait_for_the_one_that_begins() {
    let table = BucketTable::new();
    let beginning = table.core().growth.begin.lock();
    let most = MOST + MOST / 2;
    thread::scope(|scope| {
        scope.spawn(|| (0..200).for_each(|key| insert(&table, key)));
        while table.len() <= most {
            thread::yield_now();
        }
        // It would go on meanwhile.
        thread::sleep(Duration::from_millis(30));
        assert_eq!((table.len(), table.buckets()), (most + 1, 1));
        drop(beginning);
    });
    assert_eq!(table.len(), 200);
    assert!(table.buckets() >= 4, "{} buckets", table.buckets());
}

#[test]
fn a_reservation_splits_what_a_thread_that_stopped_has_claimed() {
    for claims in 1..=4 {
        let table = BucketTable::new();
        let mut keys = 0;
        while table.buckets() < 4 || !table.core().index.state().is_growing() {
            insert(&table, keys);
            keys += 1;
        }
        (0..claims).for_each(|_| _ = table.core().index.claim());
        table.writer().try_reserve(1000, hash).expect("there is memory");
        assert!(table.capacity() >= 1000 && !table.core().index.state().is_growing());
        assert!((0..keys).all(|key| table.copy(hash(&key), &key) == Some(key)));
        let index = &table.core().index;
        let all = Depth::of_level(index.state().level());
        let depth = |number| index.bucket(number).expect("in use").header().depth();
        assert!((0..table.buckets()).all(|number| depth(number) == all), "some are not split");
    }
}

#[test]
fn a_walk_goes_through_buckets_that_were_claimed_and_not_split() {
    let walk = |table: &BucketTable<u64, u64>| {
        let mut keys = Vec::new();
        let _ = table.try_for_each::<()>(|key, _| {
            keys.push(*key);
            ControlFlow::Continue(())
        });
        keys.sort_unstable();
        keys
    };
    let table = BucketTable::new();
    assert_eq!(walk(&table), [], "there is no bucket");
    let mut keys = 0;
    while table.buckets() < 8 || !table.core().index.state().is_growing() {
        insert(&table, keys);
        keys += 1;
    }
    while table.core().index.claim().1.is_some() {}
    assert!(table.core().index.bucket(8).is_none(), "where a guess leads has no memory yet");
    assert_eq!(walk(&table), (0..keys).collect::<Vec<_>>());
}

#[test]
fn without_other_threads_the_first_guess_is_right() {
    let table = BucketTable::new();
    let mut growing = 0;
    for key in 0..5000 {
        insert(&table, key);
        let index = &table.core().index;
        if index.state().is_growing() {
            growing += 1;
            for bits in (0..300).map(|key| Bits::of(hash(&key))) {
                let guess = index.guess(bits);
                let bucket = index.bucket(guess).expect("in use");
                assert!(bucket.header().depth().is_right(bits, guess), "{guess} at {key}");
            }
        }
    }
    assert!(growing > 100, "{growing} insertions while it grew");
}

//! Growth, by count: how much an insertion does, what a panic leaves behind, and that memory comes back.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use map_buckets::BucketTable;

/// A hash of good quality.
fn mix(key: u64) -> u64 {
    let x = (key ^ key >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ x >> 31
}

fn insert(table: &BucketTable<u64, u64>, key: u64, value: u64, hash: impl Fn(&u64) -> u64) -> bool {
    table.writer().insert(hash(&key), key, value, hash).is_none()
}

fn count<K, V>(table: &BucketTable<K, V>) -> usize {
    let mut entries = 0;
    let _ = table.try_for_each::<()>(|_, _| {
        entries += 1;
        std::ops::ControlFlow::Continue(())
    });
    entries
}

#[test]
fn an_insertion_hashes_one_bucket_at_the_most() {
    let table = BucketTable::new();
    let (hashed, mut most) = (Cell::new(0_usize), 0);
    for key in 0..1_000_000 {
        hashed.set(0);
        let rehash = |key: &u64| {
            hashed.set(hashed.get() + 1);
            mix(*key)
        };
        table.writer().insert(mix(key), key, key, rehash);
        most = most.max(hashed.get());
    }
    assert_eq!((table.len(), count(&table)), (1_000_000, 1_000_000));
    assert!(table.buckets() >= 32_768, "{} buckets", table.buckets());
    // 32 slots and a chain; with a mean of 26 a bucket of more than 64 would not be met in the age of the world.
    println!("at the most {most} hashes in an insertion");
    assert!((26..=64).contains(&most), "{most} hashes in one insertion");
}

#[test]
fn a_panic_while_splitting_loses_nothing_and_growth_goes_on() {
    let table = BucketTable::new();
    let mut inserted = 0;
    let mut panics = 0;
    for key in 0..20_000_u64 {
        // From time to time every hundredth key panics when it is hashed again.
        let angry = key % 5000 < 2500;
        let rehash = |known: &u64| {
            assert!(!(known % 100 == 7 && angry), "angry");
            mix(*known)
        };
        let attempt = catch_unwind(AssertUnwindSafe(|| {
            table.writer().insert(mix(key), key, key, rehash).is_none()
        }));
        panics += usize::from(attempt.is_err());
        inserted += usize::from(*attempt.as_ref().unwrap_or(&false));
        let stored = table.copy(mix(key), &key).is_some();
        assert_eq!(attempt.is_ok(), stored, "an insertion that panics does not take effect");
    }
    assert!(panics > 10, "{panics} panics");
    assert_eq!((table.len(), count(&table)), (inserted, inserted));
    // With peace restored, growth ends.
    table.writer().try_reserve(100_000, |known| mix(*known)).expect("there is memory");
    assert!(table.capacity() >= inserted + 100_000);
    assert_eq!(count(&table), inserted);
}

#[test]
fn insertions_alone_finish_a_growth_after_panics() {
    let table = BucketTable::new();
    let angry = Cell::new(true);
    let hash = |key: &u64| {
        assert!(!(angry.get() && *key == 13), "angry");
        mix(*key)
    };
    let mut refused = Vec::new();
    for key in 0..3000 {
        let attempt =
            catch_unwind(AssertUnwindSafe(|| table.writer().insert(mix(key), key, key, hash)));
        if attempt.is_err() {
            refused.push(key);
        }
    }
    assert!(!refused.is_empty() && refused.len() < 100, "{} refused", refused.len());
    let stuck = table.buckets();
    angry.set(false);
    for key in 3000..30_000 {
        insert(&table, key, key, hash);
    }
    assert!(table.buckets() >= 30_000 / 32, "{stuck} buckets, then {}", table.buckets());
    assert_eq!(count(&table), 30_000 - refused.len());
    assert!((0..30_000).all(|key| table.copy(mix(key), &key).is_some() != refused.contains(&key)));
}

#[test]
fn splits_out_of_order_keep_every_entry() {
    // Threads claim buckets in order and finish their splits in any.
    for round in 0..40 {
        let table = BucketTable::new();
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let table = &table;
                scope.spawn(move || {
                    for key in (thread..4000).step_by(4) {
                        assert!(insert(table, key, round, |key| {
                            if key % 16 == thread {
                                std::thread::yield_now();
                            }
                            mix(*key)
                        }));
                        assert_eq!(table.copy(mix(key), &key), Some(round));
                    }
                });
            }
        });
        assert_eq!((table.len(), count(&table)), (4000, 4000));
        assert!((0..4000).all(|key| table.copy(mix(key), &key) == Some(round)));
    }
}

#[test]
fn threads_that_reserve_at_once_lose_nothing() {
    let hash = |key: &u64| mix(*key);
    for round in 0..600 {
        let entries = if round % 2 == 0 { 20 } else { 200 };
        let table = BucketTable::try_with_capacity(entries).unwrap();
        (0..entries as u64).for_each(|key| assert!(insert(&table, key, key, hash)));
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    table.writer().try_reserve(400, hash).unwrap();
                });
            }
        });
        assert_eq!((table.len(), count(&table)), (entries, entries), "in round {round}");
        assert!((0..entries as u64).all(|key| table.copy(mix(key), &key) == Some(key)));
        assert!(table.capacity() >= entries + 400);
    }
}

#[test]
fn a_growth_that_shrinking_broke_off_begins_anew() {
    let hash = |key: &u64| mix(*key);
    let mut table = BucketTable::new();
    let mut key = 0;
    for round in 0..400_u64 {
        // Breaks off at another step of another growth each time.
        for _ in 0..1 + round * 7 % 83 {
            insert(&table, key, key, hash);
            key += 1;
        }
        table.shrink_to_fit();
        if round % 3 == 0 {
            for old in key.saturating_sub(60)..key.saturating_sub(20) {
                table.writer().remove(mix(old), &old);
            }
        }
        assert_eq!(table.len(), count(&table));
    }
    std::thread::scope(|scope| {
        for thread in 1..4_u64 {
            let table = &table;
            scope.spawn(move || {
                (0..3000).for_each(|n| _ = insert(table, thread << 32 | n, n, hash))
            });
        }
    });
    assert_eq!(table.len(), count(&table));
    assert!(
        (1..4_u64)
            .all(|t| (0..3000).all(|n| table.copy(mix(t << 32 | n), &(t << 32 | n)) == Some(n)))
    );
}

#[test]
fn shrinking_gives_buckets_back_and_the_table_grows_again() {
    let hash = |key: &u64| mix(*key);
    let mut table = BucketTable::new();
    for round in 0..3 {
        for key in 0..50_000 {
            insert(&table, key, round, hash);
        }
        let large = table.buckets();
        for key in 0..50_000 {
            if key % 500 != 0 {
                assert_eq!(table.writer().remove(mix(key), &key), Some((key, round)));
            }
        }
        table.shrink_to_fit();
        assert!(table.buckets() <= 8 && large >= 1024, "{large}, then {}", table.buckets());
        assert_eq!((table.len(), count(&table)), (100, 100));
        table.writer().retain(|_, _| false);
        table.shrink_to_fit();
        assert_eq!((table.len(), table.buckets()), (0, 1));
        assert!(table.capacity() <= 4, "the first bucket is small again");
    }
}

#[test]
fn the_number_of_entries_is_near_while_the_first_bucket_is_replaced() {
    fn near<V: Send + Sync>(value: fn() -> V) {
        for _ in 0..600 {
            let table = BucketTable::<u64, V>::new();
            let (begun, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    for key in 0..60 {
                        begun.fetch_add(1, SeqCst);
                        table.writer().insert(mix(key), key, value(), |key| mix(*key));
                        ended.fetch_add(1, SeqCst);
                    }
                });
                while ended.load(SeqCst) < 60 {
                    let least = ended.load(SeqCst);
                    let len = table.len();
                    let most = begun.load(SeqCst);
                    assert!((least..=most).contains(&len), "{len} is not in {least}..={most}");
                }
            });
        }
    }
    near(|| 0_u64);
    near(|| ());
}

#[test]
fn what_several_keys_add_at_once_makes_the_table_grow() {
    let table = BucketTable::<u64, u64>::new();
    for key in (0..10_000).step_by(4) {
        let keys = [key, key + 1, key + 2, key + 3];
        let put = |values: &mut [Option<u64>; 4]| *values = keys.map(Some);
        table.writer().transact(keys.map(mix), keys, put, |key| mix(*key));
    }
    assert!(table.buckets() > 200, "{} buckets", table.buckets());
    let keys: [u64; 4] = [0, 1, 5000, 9999];
    assert_eq!(table.copy_many(keys.map(mix), keys.each_ref()), keys.map(Some));
    assert_eq!((table.len(), table.snapshot().len()), (10_000, 10_000));
}

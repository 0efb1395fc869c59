//! Entries in chains, beside writers, and at the end of their lives.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use map_buckets::BucketTable;

/// One hash for all keys.
fn same<K>(_: &K) -> u64 {
    0x1234_5678_9ABC_DEF0
}

/// The numbers below `n`, in an order that looks random.
fn shuffled(n: u64) -> Vec<u64> {
    let mut order: Vec<u64> = (0..n).collect();
    let mut state = 7_u64;
    for i in (1..order.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        order.swap(i, (state >> 33) as usize % (i + 1));
    }
    order
}

fn chains<V: Clone + PartialEq + std::fmt::Debug>(value: impl Fn(u64) -> V) {
    const N: u64 = 10_000;
    let mut table = BucketTable::new();
    for key in 0..N {
        let mut new = Some((key, value(key)));
        table.writer().insert(same(&key), &mut new, same);
        assert!(new.is_none());
    }
    assert_eq!(table.len(), N as usize);
    for (left, key) in (0..N).rev().zip(shuffled(N)) {
        let removed = table.writer().remove(same(&key), &key);
        assert_eq!(removed, Some((key, value(key))));
        assert_eq!(table.len(), left as usize);
    }
    let _: ControlFlow<()> = table.try_for_each(false, |key, _| panic!("{key} is left"));
    table.shrink_to_fit();
    assert!(table.buckets() == 1 && table.capacity() <= 4);
    table.writer().insert(0, &mut Some((1, value(1))), same);
    assert_eq!(table.writer().read(0, &1, V::clone), Some(value(1)));
}

#[test]
fn a_chain_of_plain_entries_is_removed_in_any_order() {
    chains(|key| key);
}

#[test]
fn a_chain_of_strings_is_removed_in_any_order() {
    chains(|key| key.to_string());
}

/// Halves that agree when nobody tears them.
fn halves(n: u64) -> u128 {
    u128::from(n) << 64 | u128::from(n)
}

fn whole(value: u128) -> bool {
    (value >> 64) as u64 == value as u64
}

/// Overwrites few keys on some threads, and looks for halves that do not belong together on others, while the table grows.
fn hunt(hash: fn(&u64) -> u64, fillers: u64) {
    let table = BucketTable::<u64, u128>::new();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..2 {
            let (table, stop) = (&table, &stop);
            scope.spawn(move || {
                let mut read = 0_u64;
                while !stop.load(SeqCst) || read == 0 {
                    for key in 0..4 {
                        if let Some(value) = table.copy(hash(&key), &key) {
                            assert!(whole(value), "a torn read: {value:#x}");
                            read += 1;
                        }
                    }
                    if reader == 0 {
                        let _: ControlFlow<()> = table.try_for_each(false, |_, value| {
                            assert!(whole(*value), "a torn visit: {value:#x}");
                            ControlFlow::Continue(())
                        });
                    }
                }
            });
        }
        let writers: Vec<_> = (0..2_u64)
            .map(|writer| {
                let table = &table;
                scope.spawn(move || {
                    for n in 0..60_000 {
                        let key = (n + writer) % 4;
                        if n % 97 == 0 {
                            table.writer().remove(hash(&key), &key);
                        }
                        let mut new = Some((key, halves(n * 2 + writer)));
                        table.writer().insert(hash(&key), &mut new, hash);
                        if n % 20 == 0 && n / 20 < fillers {
                            let filler = 1000 + n * 2 + writer;
                            let mut new = Some((filler, halves(filler)));
                            table.writer().insert(hash(&filler), &mut new, hash);
                        }
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().expect("a writer asserts nothing");
        }
        stop.store(true, SeqCst);
    });
}

#[test]
fn no_read_of_two_words_is_torn() {
    hunt(|key| key.wrapping_mul(0x9E37_79B9_7F4A_7C15), 3000);
}

#[test]
fn no_read_of_two_words_in_a_chain_is_torn() {
    hunt(same, 100);
}

#[test]
fn every_key_and_value_is_dropped_once() {
    let (keys, values) = (Arc::new(()), Arc::new(()));
    let alive = || (Arc::strong_count(&keys) - 1, Arc::strong_count(&values) - 1);
    #[derive(Clone)]
    struct Counted(u64, #[expect(dead_code, reason = "counts its owners")] Arc<()>);
    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }
    impl Eq for Counted {}
    for colliding in [false, true] {
        let hash = move |key: &Counted| {
            if colliding { 5 } else { key.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) }
        };
        let mut table = BucketTable::new();
        let insert = |table: &BucketTable<Counted, Counted>, key: u64| {
            let key = Counted(key, Arc::clone(&keys));
            let value = Counted(0, Arc::clone(&values));
            table.writer().insert(hash(&key), &mut Some((key, value)), hash);
        };
        (0..2000).for_each(|key| insert(&table, key));
        assert_eq!(alive(), (2000, 2000));
        (0..500).for_each(|key| insert(&table, key));
        assert_eq!(alive(), (2000, 2000), "replaced");
        for key in 500..1000 {
            let key = Counted(key, Arc::clone(&keys));
            drop(table.writer().remove(hash(&key), &key));
        }
        assert_eq!(alive(), (1500, 1500), "removed");
        table.writer().retain(|key, _| key.0 % 2 == 0, drop);
        assert_eq!(alive(), (750, 750), "not retained");
        table.shrink_to_fit();
        assert_eq!((alive(), table.len()), ((750, 750), 750), "shrunk");
        (0..2000).for_each(|key| insert(&table, key));
        let mut owned = table.into_iter();
        assert_eq!(owned.len(), 2000);
        assert_eq!(owned.by_ref().take(777).count(), 777);
        assert_eq!(alive(), (1223, 1223), "half taken");
        drop(owned);
        assert_eq!(alive(), (0, 0), "dropped");
    }
}

#[test]
fn a_holder_that_only_looks_hides_nothing_in_a_chain() {
    const N: u64 = 100;
    let table = BucketTable::<u64, u64>::new();
    for key in 0..N {
        table.writer().insert(same(&key), &mut Some((key, key)), same);
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(SeqCst) {
                table.writer().read(same(&1), &1, |_| ());
            }
        });
        let start = Instant::now();
        let mut missed = 0;
        while start.elapsed() < Duration::from_millis(400) {
            let present = |key: &u64| table.copy(same(key), key) == Some(*key);
            missed += [0, N / 2, N - 1].iter().filter(|key| !present(key)).count();
            let mut entries = 0;
            let _: ControlFlow<()> = table.try_for_each(false, |_, _| {
                entries += 1;
                ControlFlow::Continue(())
            });
            missed += N.abs_diff(entries) as usize;
        }
        stop.store(true, SeqCst);
        assert_eq!(missed, 0);
    });
}

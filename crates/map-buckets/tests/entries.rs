//! Entries in chains, beside writers, and at the end of their lives.

use std::ops::ControlFlow;
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
        assert!(table.writer().insert(same(&key), key, value(key), same).is_none());
    }
    assert_eq!(table.len(), N as usize);
    for (left, key) in (0..N).rev().zip(shuffled(N)) {
        let removed = table.writer().remove(same(&key), &key);
        assert_eq!(removed, Some((key, value(key))));
        assert_eq!(table.len(), left as usize);
    }
    let _: ControlFlow<()> = table.try_for_each(|key, _| panic!("{key} is left"));
    table.shrink_to_fit();
    assert!(table.buckets() == 1 && table.capacity() <= 4);
    table.writer().insert(0, 1, value(1), same);
    assert_eq!(table.writer().read(0, &1, V::clone), Some(value(1)));
}

#[test]
fn a_chain_of_plain_entries_is_removed_in_any_order() {
    chains(|key| key);
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
                        let _: ControlFlow<()> = table.try_for_each(|_, value| {
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
                        let value = halves(n * 2 + writer);
                        table.writer().insert(hash(&key), key, value, hash);
                        if n % 20 == 0 && n / 20 < fillers {
                            let filler = 1000 + n * 2 + writer;
                            table.writer().insert(hash(&filler), filler, halves(filler), hash);
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
fn a_holder_that_only_looks_hides_nothing_in_a_chain() {
    const N: u64 = 100;
    let table = BucketTable::<u64, u64>::new();
    for key in 0..N {
        table.writer().insert(same(&key), key, key, same);
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
            let _: ControlFlow<()> = table.try_for_each(|_, _| {
                entries += 1;
                ControlFlow::Continue(())
            });
            missed += N.abs_diff(entries) as usize;
        }
        stop.store(true, SeqCst);
        assert_eq!(missed, 0);
    });
}

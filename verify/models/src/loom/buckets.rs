//! `map-buckets`: reads, insertions and removals beside a bucket that is split, or replaced by a larger one.
//!
//! Buckets have eight slots here, the first one begins with one, and a table is full with six entries for each bucket, so that a model ends.
//! **Left out**: chains, which take more entries than a model for loom can have; shuttle has them.

use std::sync::Arc;

use map_buckets::BucketTable;
use map_sync::shim::model::Fault;

use super::every_schedule;
use crate::check::{hash_mixed_to, must_fail, name_of, spawn};

type Table = BucketTable<u64, u64>;

/// Keys that stay in the first bucket, and that move to the second one when it is split.
const STAYS: u64 = 1 << 57 | 1 << 24;
const MOVES: u64 = 1 << 56 | 2 << 24;

fn hash(key: &u64) -> u64 {
    hash_mixed_to(*key)
}

fn insert(table: &Table, key: u64, value: u64) -> Option<u64> {
    table.writer().insert(hash(&key), key, value, hash)
}

fn get(table: &Table, key: u64) -> Option<u64> {
    table.copy(hash(&key), &key)
}

fn remove(table: &Table, key: u64) -> Option<u64> {
    table.writer().remove(hash(&key), &key).map(|(_, value)| value)
}

fn grow(table: &Table) {
    table.writer().try_reserve(7, hash).expect("there is memory");
}

fn table(keys: &[u64]) -> Arc<Table> {
    let table = Arc::new(Table::new());
    for &key in keys {
        assert_eq!(insert(&table, key, 1), None);
    }
    table
}

#[test]
fn a_read_beside_a_split_misses_nothing() {
    every_schedule("buckets: a read beside a split", 1, || {
        // With a first bucket that need not be replaced as well.
        let table = Arc::new(Table::try_with_capacity(6).expect("there is memory"));
        [STAYS, MOVES].iter().for_each(|key| _ = insert(&table, *key, 1));
        let grower = spawn(&table, grow);
        assert_eq!(get(&table, MOVES), Some(1), "missed");
        grower.join();
        assert_eq!((get(&table, MOVES), get(&table, STAYS), table.len()), (Some(1), Some(1), 2));
    });
}

#[test]
fn changes_beside_a_split_are_not_lost() {
    every_schedule("buckets: an overwrite and a removal beside a split", 2, || {
        let table = table(&[STAYS, MOVES]);
        let grower = spawn(&table, grow);
        assert_eq!(insert(&table, MOVES, 2), Some(1), "missed");
        assert_eq!(remove(&table, STAYS), Some(1), "missed");
        grower.join();
        assert_eq!((get(&table, MOVES), get(&table, STAYS), table.len()), (Some(2), None, 1));
    });
}

#[test]
fn an_insertion_beside_a_split_is_not_lost() {
    every_schedule("buckets: an insertion beside a split", 2, || {
        let table = table(&[STAYS]);
        let grower = spawn(&table, grow);
        assert_eq!(insert(&table, MOVES, 2), None);
        grower.join();
        assert_eq!((get(&table, MOVES), get(&table, STAYS), table.len()), (Some(2), Some(1), 2));
    });
}

#[test]
fn two_threads_that_insert_share_the_splits() {
    every_schedule("buckets: two insertions into a growing table", 1, || {
        let table = table(&[]);
        let others: Vec<_> = (3..9).map(|tag| (tag & 1) << 56 | tag << 24).collect();
        others.iter().for_each(|key| _ = insert(&table, *key, *key));
        let other = spawn(&table, |table| insert(table, STAYS, 1));
        assert_eq!(insert(&table, MOVES, 2), None);
        other.join();
        assert!(others.iter().all(|key| get(&table, *key) == Some(*key)));
        assert_eq!((get(&table, MOVES), get(&table, STAYS), table.len()), (Some(2), Some(1), 8));
    });
}

#[test]
fn two_threads_that_reserve_share_the_splits() {
    every_schedule("buckets: two reservations", 1, || {
        let table = table(&[STAYS, MOVES]);
        let other = spawn(&table, grow);
        grow(&table);
        other.join();
        assert_eq!((get(&table, MOVES), get(&table, STAYS), table.len()), (Some(1), Some(1), 2));
        assert_eq!(table.buckets(), 2);
    });
}

#[test]
fn a_first_bucket_that_is_replaced_takes_all_along() {
    every_schedule("buckets: a read and an overwrite beside a larger first bucket", 2, || {
        let table = table(&[STAYS]);
        let other = spawn(&table, |table| insert(table, MOVES, 2));
        assert_eq!(get(&table, STAYS), Some(1), "missed");
        assert_eq!(insert(&table, STAYS, 3), Some(1), "missed");
        assert_eq!(other.join(), None);
        assert_eq!((get(&table, MOVES), get(&table, STAYS), table.len()), (Some(2), Some(3), 2));
    });
}

#[test]
fn a_broken_exchange_or_order_is_found() {
    let test = name_of!(changes_beside_a_split_are_not_lost);
    for fault in [Fault::Exchanges, Fault::Stores, Fault::Loads] {
        must_fail(test, fault, &["assertion", "panicked"]);
    }
}

//! Several keys by each way, while a bucket is claimed and not split: its index is guessed, and wrong.

use std::array;

use super::copy_many_held;
use crate::BucketTable;
use crate::raw::bits::Bits;

fn hash(key: &u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Takes the value of each of 16 keys by every way there is, and counts it up.
fn look_and_count_up(table: &BucketTable<u64, u64>, first: u64, value: u64) {
    let keys: [u64; 16] = array::from_fn(|n| first + n as u64);
    let (hashes, expected) = (keys.map(|key| hash(&key)), [Some(value); 16]);
    let alone = array::from_fn(|n| table.try_copy(hashes[n], &keys[n]).expect("nobody writes"));
    assert_eq!(alone, expected);
    assert_eq!(table.copy_many(hashes, keys.each_ref()), expected);
    assert_eq!(copy_many_held(table.core(), hashes.map(Bits::of), keys.each_ref()), expected);
    table.writer().transact(
        hashes,
        keys,
        |values| values.iter_mut().flatten().for_each(|value| *value += 1),
        hash,
    );
}

#[test]
fn several_keys_are_found_while_claimed_buckets_wait_to_be_split() {
    let mut without_memory = 0;
    for entries in (32..2000).step_by(16) {
        let table = BucketTable::new();
        (0..entries).for_each(|key| _ = table.writer().insert(hash(&key), key, 0, hash));
        let index = &table.core().index;
        while let (level, Some(lower)) = index.claim() {
            without_memory += usize::from(index.bucket(lower + (1 << level)).is_none());
        }
        assert_eq!(table.snapshot().len(), table.len());
        for first in (0..entries).step_by(16) {
            look_and_count_up(&table, first, 0);
            look_and_count_up(&table, first, 1);
        }
        assert!(table.snapshot().iter().all(|(_, value)| *value == 2));
    }
    assert!(without_memory > 20, "of {without_memory} claimed buckets there was no memory yet");
}

#[test]
fn what_the_locks_say_of_absent_keys() {
    let table = BucketTable::<u64, u64>::new();
    let (keys, hashes) = ([1, 2], [hash(&1), hash(&2)]);
    let held = || copy_many_held(table.core(), hashes.map(Bits::of), keys.each_ref());
    assert_eq!(held(), [None; 2]);
    table.writer().insert(hash(&2), 2, 20, hash);
    assert_eq!(held(), [None, Some(20)]);
}

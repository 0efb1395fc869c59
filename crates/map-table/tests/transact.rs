//! Several entries at once: what the closure leaves is in the tables afterwards, and in which table, whatever else happens.

use std::panic::{AssertUnwindSafe, catch_unwind};

use map_table::{Keys, Table, transact};

fn hash(key: &u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
}

/// The table that a key belongs in.
fn home(key: u64) -> usize {
    (key % 2) as usize
}

fn keys<const N: usize>(given: [u64; N]) -> Keys<u64, N> {
    let hashes = given.map(|key| hash(&key));
    Keys { hashes, tables: given.map(home), given: given.map(Some), removed: [None; N] }
}

fn two_tables(entries: u64) -> [Table<u64, u64>; 2] {
    let mut tables = [Table::new(), Table::new()];
    for key in 0..entries {
        tables[home(key)].insert(hash(&key), &mut Some((key, key)), hash);
    }
    tables
}

fn run<const N: usize>(
    tables: &mut [Table<u64, u64>; 2],
    keys: &mut Keys<u64, N>,
    f: impl FnOnce(&mut [Option<u64>; N]) -> u64,
) -> u64 {
    transact(&mut tables.each_mut(), keys, f, hash)
}

fn find(tables: &[Table<u64, u64>; 2], key: u64) -> Option<u64> {
    tables[home(key)].find(hash(&key), &key).copied()
}

#[test]
fn what_the_closure_leaves_is_stored() {
    let mut tables = two_tables(10);
    let mut keys = keys([1, 2, 3, 100, 101]);
    let sum = run(&mut tables, &mut keys, |values| {
        assert_eq!(*values, [Some(1), Some(2), Some(3), None, None]);
        *values = [Some(7), None, Some(3), Some(8), None];
        42
    });
    assert_eq!(sum, 42);
    let after = [1, 2, 3, 100, 101].map(|key| find(&tables, key));
    assert_eq!(after, [Some(7), None, Some(3), Some(8), None]);
    assert_eq!((tables[0].len(), tables[1].len()), (5, 5));
    // What is for the caller to drop: the stored key of what was removed, and the keys that were not stored.
    assert_eq!(keys.removed, [None, Some(2), None, None, None]);
    assert_eq!(keys.given, [Some(1), Some(2), Some(3), None, Some(101)]);
}

#[test]
fn a_closure_that_panics_loses_nothing_and_keeps_what_it_did() {
    let mut tables = two_tables(10);
    let mut keys = keys([4, 5, 6, 104]);
    let attempt = catch_unwind(AssertUnwindSafe(|| {
        run(&mut tables, &mut keys, |values| {
            (values[1], values[2], values[3]) = (None, Some(60), Some(70));
            panic!("in the closure");
        })
    }));
    assert!(attempt.is_err());
    let after = [4, 5, 6, 104].map(|key| find(&tables, key));
    assert_eq!(after, [Some(4), None, Some(60), Some(70)]);
    assert_eq!((tables[0].len(), tables[1].len()), (6, 4));
}

#[test]
fn there_is_room_for_all_at_any_size_in_one_table_and_in_two() {
    for entries in 0..500 {
        let mut tables = two_tables(entries);
        let new: [u64; 9] = std::array::from_fn(|n| 1000 + 2 * n as u64);
        let one = run(&mut tables, &mut keys(new), |values| {
            *values = new.map(Some);
            1
        });
        let new: [u64; 9] = new.map(|key| key + 100 + key / 2 % 2);
        let two = run(&mut tables, &mut keys(new), |values| {
            *values = new.map(Some);
            1
        });
        assert_eq!(one + two, 2);
        assert_eq!((tables[0].len() + tables[1].len()) as u64, entries + 18);
        assert!((0..entries).chain(new).all(|key| find(&tables, key) == Some(key)));
    }
}

#[test]
fn the_room_is_in_the_tables_of_the_keys_only() {
    let mut tables = two_tables(0);
    run(&mut tables, &mut keys([2, 4]), |values| {
        *values = [Some(2), Some(4)];
        0
    });
    assert_eq!((tables[0].len(), tables[1].allocation_size()), (2, 0));
}

//! What a reader beside a holder sees: nothing once a change has begun, everything while the user's code runs.

use std::time::Duration;

use map_sync::shim::thread;

use super::*;
use crate::BucketTable;

type Change = fn(&mut Held<'_, u64, u64, ByBucket>);

fn hash(key: &u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn bits(key: u64) -> Bits {
    Bits::of(hash(&key))
}

/// A table with few enough entries that they are in one bucket.
fn table(entries: u64) -> BucketTable<u64, u64> {
    let table = BucketTable::new();
    (0..entries).for_each(|key| _ = table.writer().insert(hash(&key), key, key, hash));
    table
}

/// What a reader that takes no lock says, if it can say anything.
fn seen(table: &BucketTable<u64, u64>, key: u64) -> Option<Option<u64>> {
    table.core().copy(bits(key), &key).ok()
}

fn hold(table: &BucketTable<u64, u64>) -> Held<'_, u64, u64, ByBucket> {
    Held::new(table.core(), ByBucket, bits(0)).expect("there is a bucket")
}

#[test]
fn a_bucket_that_has_changed_is_not_read_until_it_is_let_go() {
    let changes: [Change; 4] = [
        |held| _ = held.put(bits(20).tag(), (20, 20)),
        |held| _ = held.find(bits(1).tag(), |key| *key == 1).expect("present").replace(1),
        |held| held.find(bits(1).tag(), |key| *key == 1).expect("present").swap(&mut 1),
        |held| _ = held.find(bits(3).tag(), |key| *key == 3).expect("present").take(),
    ];
    let table = table(10);
    for change in changes {
        let mut held = hold(&table);
        assert_eq!(seen(&table, 1), Some(Some(1)), "who only holds hides nothing");
        change(&mut held);
        assert_eq!(seen(&table, 1), None);
        drop(held);
        assert_eq!(seen(&table, 1), Some(Some(1)));
    }
    assert_eq!((seen(&table, 20), seen(&table, 3)), (Some(Some(20)), Some(None)));
}

#[test]
fn a_copy_waits_for_a_bucket_that_does_not_stop_changing() {
    let table = table(10);
    let mut held = hold(&table);
    held.find(bits(1).tag(), |key| *key == 1).expect("present").replace(2);
    thread::scope(|scope| {
        let reader = scope.spawn(|| table.copy(hash(&1), &1));
        // It would answer meanwhile.
        thread::sleep(Duration::from_millis(30));
        drop(held);
        assert_eq!(reader.join().expect("no panic"), Some(2));
    });
}

#[test]
fn readers_see_a_bucket_while_the_users_code_runs_in_it() {
    let table = table(10);
    let mut held = hold(&table);
    let found = held.put_and_find(bits(20).tag(), (20, 21));
    assert_eq!((*found.value(), seen(&table, 20)), (21, Some(Some(21))));
    let mut removed = Vec::new();
    held.retain(|key, _| {
        assert!(removed.iter().all(|gone| seen(&table, *gone) == Some(None)));
        assert_eq!(seen(&table, *key), Some(Some(if *key == 20 { 21 } else { *key })));
        if key % 2 == 1 {
            removed.push(*key);
        }
        key % 2 == 0
    });
    let mut changed = Vec::new();
    held.for_each_mut(|key, value| {
        assert!(changed.iter().all(|key| seen(&table, *key) == Some(Some(7))));
        changed.push(*key);
        *value = 7;
    });
    assert_eq!((removed.len(), changed.len()), (5, 6));
}

#[test]
fn what_stays_in_a_split_bucket_moves_out_of_the_chain() {
    let (from, to) = (table(0), table(0));
    from.core().index.make_first(32).expect("memory");
    to.core().index.make_first(32).expect("memory");
    let mut held = hold(&from);
    for key in 0..60 {
        held.put(bits(key).tag(), (key, key));
    }
    assert!(held.bucket().has_chain());
    let target = hold(&to);
    let going: Vec<bool> = held.entries().map(|(key, _)| key % 2 == 1).collect();
    held.move_to(target.bucket(), |position| going[position]);
    for (held, parity) in [(&held, 0), (&target, 1)] {
        assert!(!held.bucket().has_chain());
        let mut keys: Vec<_> = held.entries().map(|(key, _)| *key).collect();
        keys.sort_unstable();
        assert_eq!(keys, (0..60).filter(|key| key % 2 == parity).collect::<Vec<_>>());
    }
}

#[test]
fn a_bucket_without_a_chain_is_split_by_its_slots_and_not_read_meanwhile() {
    let (from, to) = (table(26), table(0));
    to.core().index.make_first(32).expect("memory");
    let mut held = hold(&from);
    let target = hold(&to);
    let picked = held.pick(|key| key % 3 == 0).expect("there is no chain");
    assert_eq!(seen(&from, 1), Some(Some(1)), "who only picks hides nothing");
    held.move_slots(target.bucket(), picked);
    assert_eq!(seen(&from, 1), None);
    drop((held, target));
    for key in 0..26 {
        let place = if key % 3 == 0 { &to } else { &from };
        let other = if key % 3 == 0 { &from } else { &to };
        assert_eq!((seen(place, key), seen(other, key)), (Some(Some(key)), Some(None)));
    }
    let mut held = hold(&to);
    for key in 30..60 {
        held.put(bits(key).tag(), (key, key));
    }
    assert_eq!(held.pick(|_| true), None, "there is a chain");
}

#[test]
fn the_first_bucket_is_enlarged_before_it_gets_a_chain() {
    for entries in 1..=26 {
        let table = table(entries);
        let held = hold(&table);
        assert!(!held.bucket().has_chain(), "with {entries} entries");
        assert!((entries as usize..=4.max(2 * entries as usize)).contains(&held.slots()));
    }
}

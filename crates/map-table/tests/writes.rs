//! Writes that the other tests do not need, with entries in both tables of one that grows.

use map_core::{Action, Outcome};
use map_table::Table;

fn hash(key: &u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
}

/// A growing table in which the value of each of the first keys is the key.
fn growing() -> (Table<u64, u64>, u64) {
    let mut table = Table::new();
    let mut entries = 0;
    while !(table.is_growing() && entries > 2000) {
        table.insert(hash(&entries), &mut Some((entries, entries)), hash);
        entries += 1;
    }
    (table, entries)
}

#[test]
fn an_entry_is_stored_only_if_its_key_is_absent() {
    let (mut table, entries) = growing();
    for key in (0..20).chain(entries..entries + 20) {
        let mut new = Some((key, 7));
        table.try_insert(hash(&key), &mut new, hash);
        assert_eq!(new, (key < entries).then_some((key, 7)));
        assert_eq!(table.find(hash(&key), &key), Some(if key < entries { &key } else { &7 }));
    }
    assert_eq!(table.len() as u64, entries + 20);
}

#[test]
fn values_are_changed_in_place() {
    let (mut table, entries) = growing();
    table.for_each_mut(|key, value| *value += key);
    assert!((0..entries).all(|key| table.find(hash(&key), &key) == Some(&(2 * key))));
    for key in 0..20 {
        *table.find_mut(hash(&key), &key, hash).expect("present") = 5;
        assert_eq!(table.find(hash(&key), &key), Some(&5));
    }
    assert_eq!(table.find_mut(hash(&entries), &entries, hash), None);
}

#[test]
fn what_a_computation_says_is_done() {
    let (mut table, entries) = growing();
    let cases = [
        (3, None, Outcome::Kept, None, Some(3)),
        (4, Some(Action::Put(9)), Outcome::Replaced, Some(4), Some(9)),
        (5, Some(Action::Remove), Outcome::Removed, Some(5), None),
        (entries, None, Outcome::Absent, None, None),
        (entries + 1, Some(Action::Put(9)), Outcome::Inserted, None, Some(9)),
        (entries + 2, Some(Action::Remove), Outcome::Absent, None, None),
    ];
    for (key, action, outcome, old, after) in cases {
        let decide = |seen: Option<&u64>| {
            assert_eq!(seen, (key < entries).then_some(&key));
            action.unwrap_or(Action::Keep)
        };
        let mut given = Some(key);
        let change = table.compute(hash(&key), &mut given, decide, hash);
        assert_eq!((change.outcome, change.value), (outcome, old));
        assert_eq!(change.key.is_some(), outcome == Outcome::Removed);
        assert_eq!(given.is_none(), outcome == Outcome::Inserted);
        assert_eq!(table.find(hash(&key), &key).copied(), after);
    }
}

#[test]
fn a_value_that_is_made_takes_the_key() {
    let (mut table, entries) = growing();
    for key in [3, entries] {
        let mut given = Some(key);
        *table.get_or_insert_with(hash(&key), &mut given, || 40, hash) += 2;
        let (value, left) = if key < entries { (key + 2, Some(key)) } else { (42, None) };
        assert_eq!((table.find(hash(&key), &key), given), (Some(&value), left));
    }
}

#[test]
fn what_is_not_kept_is_given_back_if_it_must_be_dropped() {
    let mut table = Table::new();
    let mut entries = 0;
    while !(table.is_growing() && entries > 500) {
        table.insert(hash(&entries), &mut Some((entries, entries.to_string())), hash);
        entries += 1;
    }
    let mut removed = Vec::new();
    table.retain(|key, _| key % 3 == 0, &mut removed);
    removed.sort_unstable();
    let gone = (0..entries).filter(|key| key % 3 != 0).map(|key| (key, key.to_string()));
    assert_eq!(removed, gone.collect::<Vec<_>>());
    for key in 0..entries {
        assert_eq!(table.find(hash(&key), &key).is_some(), key % 3 == 0);
    }
}

//! Each operation by itself, with keys that are alone in their bucket, that share it, and that share hash and chain.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use map_buckets::BucketTable;
use map_core::{Action, Outcome};

type Hash = fn(&u64) -> u64;

/// From one key in a bucket to all in one chain.
const HASHES: [Hash; 3] =
    [|key| key.wrapping_mul(0x9E37_79B9_7F4A_7C15), |key| key % 7, |_| 0x1234_5678_9ABC_DEF0];

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % n
    }
}

fn sorted(mut entries: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    entries.sort_unstable();
    entries
}

/// What an operation says, as numbers.
type Said = (Option<u64>, Option<u64>);

fn one_key(table: &BucketTable<u64, u64>, hash: Hash, op: u64, key: u64, new: u64) -> Said {
    let (writer, hashed) = (table.writer(), hash(&key));
    let action = |old: u64| match old % 3 {
        0 => Action::Keep,
        1 => Action::Remove,
        _ => Action::Put(new),
    };
    let said = |outcome: Outcome| match outcome {
        Outcome::Absent => 0,
        Outcome::Kept => 1,
        Outcome::Inserted => 2,
        Outcome::Replaced => 3,
        Outcome::Removed => 4,
    };
    let mut given = Some(key);
    match op {
        0 => (writer.insert(hashed, key, new, hash), None),
        1 => {
            let mut entry = Some((key, new));
            writer.try_insert(hashed, &mut entry, hash);
            (entry.map(|(_, value)| value), None)
        }
        2 => {
            let lent = writer.get_or_insert_with(hashed, &mut given, || new, |value| *value, hash);
            (lent, given)
        }
        3 => {
            let add = |value: &mut u64| {
                *value += 1;
                *value
            };
            (writer.modify(hashed, &key, add), None)
        }
        4 => {
            let add = |value: &mut u64| {
                *value += 1;
                *value
            };
            (Some(writer.modify_or_insert_with(hashed, key, || new, add, hash)), None)
        }
        5 => {
            let copy = table.copy(hashed, &key);
            assert_eq!(table.try_copy(hashed, &key).expect("nobody writes"), copy);
            (writer.read(hashed, &key, |value| *value), copy)
        }
        6 => match writer.remove(hashed, &key) {
            Some((key, value)) => (Some(value), Some(key)),
            None => (None, None),
        },
        7 => {
            let f = |old: Option<&u64>| action(old.copied().unwrap_or(new));
            (Some(said(writer.compute(hashed, &mut given, f, hash))), given)
        }
        8 => {
            let change = writer.compute_if_present(hashed, &key, |old| action(*old));
            (Some(said(change)), None)
        }
        _ => {
            let mut value = new;
            let swapped = writer.compare_exchange(hashed, &key, &(new / 2), &mut value);
            (swapped.map(u64::from), Some(value))
        }
    }
}

/// The same of a map.
fn of_model(model: &mut HashMap<u64, u64>, op: u64, key: u64, new: u64) -> Said {
    let old = model.get(&key).copied();
    let keep_or = |model: &mut HashMap<u64, u64>, seen: u64| match seen % 3 {
        0 => None,
        1 => Some(model.remove(&key)),
        _ => Some(model.insert(key, new)),
    };
    match op {
        0 => (model.insert(key, new), None),
        1 => {
            model.entry(key).or_insert(new);
            (old.map(|_| new), None)
        }
        2 => (Some(*model.entry(key).or_insert(new)), old.map(|_| key)),
        3 => {
            if let Some(value) = model.get_mut(&key) {
                *value += 1;
            }
            (old.map(|value| value + 1), None)
        }
        4 => {
            let value = model.entry(key).or_insert(new);
            *value += 1;
            (Some(*value), None)
        }
        5 => (old, old),
        6 => (model.remove(&key), old.map(|_| key)),
        7 => match (old, old.unwrap_or(new) % 3) {
            (Some(value), rest) => {
                keep_or(model, value);
                (Some([1, 4, 3][rest as usize]), Some(key))
            }
            (None, 2) => {
                model.insert(key, new);
                (Some(2), None)
            }
            (None, _) => (Some(0), Some(key)),
        },
        8 => match old {
            None => (Some(0), None),
            Some(value) => {
                keep_or(model, value);
                (Some([1, 4, 3][(value % 3) as usize]), None)
            }
        },
        _ => match old {
            None => (None, Some(new)),
            Some(value) if value == new / 2 => {
                model.insert(key, new);
                (Some(1), Some(value))
            }
            Some(_) => (Some(0), Some(new)),
        },
    }
}

#[test]
fn operations_on_one_key_do_as_a_map_does() {
    for hash in HASHES {
        let (table, mut model) = (BucketTable::new(), HashMap::new());
        let mut dice = Dice(1);
        assert_eq!(table.try_copy(hash(&1), &1).expect("nobody writes"), None);
        for step in 0..20_000 {
            let (op, key, new) = (dice.below(10), dice.below(300), dice.below(6));
            let said = one_key(&table, hash, op, key, new);
            assert_eq!(said, of_model(&mut model, op, key, new), "{op} of {key} in step {step}");
            assert_eq!(table.len(), model.len());
        }
        assert_eq!(sorted(table.snapshot()), sorted(model.into_iter().collect()));
    }
}

#[test]
fn operations_on_all_keys_do_as_a_map_does() {
    for hash in HASHES {
        for entries in [0, 1, 33, 300] {
            let table = BucketTable::new();
            (0..entries).for_each(|key| _ = table.writer().insert(hash(&key), key, key, hash));
            table.writer().for_each_mut(|key, value| *value += 2 * key);
            let all = (0..entries).map(|key| (key, 3 * key));
            assert_eq!(sorted(table.snapshot()), all.clone().collect::<Vec<_>>());
            table.writer().retain(|key, value| key % 3 == 1 && *value == 3 * key);
            let left: Vec<_> = all.filter(|(key, _)| key % 3 == 1).collect();
            assert_eq!((table.len(), sorted(table.snapshot())), (left.len(), left));
        }
    }
}

#[test]
fn several_keys_do_as_a_map_does() {
    for hash in HASHES {
        let (table, mut model) = (BucketTable::new(), HashMap::new());
        let mut dice = Dice(3);
        let read = |table: &BucketTable<u64, u64>, keys: [u64; 3]| {
            table.copy_many(keys.map(|key| hash(&key)), keys.each_ref())
        };
        assert_eq!(read(&table, [1, 2, 3]), [None; 3]);
        for step in 0..5000 {
            let first = dice.below(400);
            let keys = [first, (first + 1 + dice.below(100)) % 400, 400 + dice.below(100)];
            let before = keys.map(|key| model.get(&key).copied());
            assert_eq!(read(&table, keys), before);
            let after = keys.map(|_| Some(dice.below(1000)).filter(|value| value % 3 != 0));
            let put = |values: &mut [Option<u64>; 3]| {
                assert_eq!(*values, before);
                *values = after;
                step
            };
            assert_eq!(table.writer().transact(keys.map(|key| hash(&key)), keys, put, hash), step);
            for (key, value) in keys.into_iter().zip(after) {
                match value {
                    Some(value) => model.insert(key, value),
                    None => model.remove(&key),
                };
            }
            assert_eq!((read(&table, keys), table.len()), (after, model.len()));
        }
        assert_eq!(sorted(table.snapshot()), sorted(model.into_iter().collect()));
    }
}

#[test]
fn what_a_closure_did_before_it_panicked_stays() {
    let table = BucketTable::new();
    let hash = HASHES[0];
    (0..3).for_each(|key| _ = table.writer().insert(hash(&key), key, key, hash));
    let hashes = [hash(&1), hash(&2), hash(&3)];
    let attempt = catch_unwind(AssertUnwindSafe(|| {
        table.writer().transact(
            hashes,
            [1, 2, 3],
            |values| {
                *values = [Some(10), None, Some(30)];
                panic!("in the closure");
            },
            hash,
        )
    }));
    let attempt: std::thread::Result<()> = attempt;
    assert!(attempt.is_err());
    assert_eq!(sorted(table.snapshot()), [(0, 0), (1, 10), (3, 30)]);
    for key in [1, 9] {
        let attempt = catch_unwind(AssertUnwindSafe(|| {
            let leave = |value: &mut u64| {
                *value += 5;
                panic!("in the closure");
            };
            table.writer().modify_or_insert_with(hash(&key), key, || 1, leave, hash)
        }));
        assert!(attempt.is_err());
    }
    assert_eq!(sorted(table.snapshot()), [(0, 0), (1, 15), (3, 30), (9, 6)]);
}

#[test]
fn an_owned_iterator_says_how_many_entries_are_left() {
    for hash in HASHES {
        for entries in [0, 1, 30, 300] {
            let table = BucketTable::<u64, u64>::new();
            (0..entries).for_each(|key| _ = table.writer().insert(hash(&key), key, key, hash));
            let mut iter = table.into_iter();
            for left in (0..entries as usize).rev() {
                assert_eq!(iter.len(), left + 1);
                assert!(iter.next().is_some());
            }
            assert_eq!((iter.len(), iter.next()), (0, None));
        }
    }
}

#[test]
fn a_table_is_empty_until_it_has_an_entry() {
    let table = BucketTable::<u64, u64>::new();
    assert!(table.is_empty());
    table.writer().insert(1, 1, 1, |_| 1);
    assert!(!table.is_empty());
    table.writer().remove(1, &1);
    assert!(table.is_empty());
}

#[test]
fn a_table_of_entries_that_are_not_plain_refuses_to_work() {
    assert!(BucketTable::<u64, ()>::is_plain() && BucketTable::<char, bool>::is_plain());
    assert!(!BucketTable::<String, u64>::is_plain() && !BucketTable::<u64, String>::is_plain());
    let table = BucketTable::<u64, String>::new();
    assert_eq!((table.len(), table.capacity()), (0, 0));
    assert!(catch_unwind(AssertUnwindSafe(|| table.copy(1, &1))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| _ = table.writer())).is_err());
}

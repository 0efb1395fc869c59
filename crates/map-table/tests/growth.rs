//! What a growing table may cost a single operation, and that it answers as a map does meanwhile.

use std::cell::Cell;
use std::collections::HashMap;

use map_core::{Action, Outcome, ReserveError};
use map_table::{BUCKETS_PER_SHRINK, BUCKETS_PER_WRITE, Table};

fn hash(key: &u64) -> u64 {
    let product = u128::from(key ^ 0x1319_8A2E_0370_7344) * 0x9E37_79B9_7F4A_7C15;
    (product >> 64) as u64 ^ product as u64
}

/// A table that counts the entries that an operation moves: the only ones that are hashed inside.
#[derive(Default)]
struct Counted {
    table: Table<u64, u64>,
    moved: Cell<usize>,
    most: Cell<usize>,
}

impl Counted {
    fn run<R>(&mut self, f: impl FnOnce(&mut Table<u64, u64>, &dyn Fn(&u64) -> u64) -> R) -> R {
        self.moved.set(0);
        let moved = &self.moved;
        let result = f(&mut self.table, &|key| {
            moved.set(moved.get() + 1);
            hash(key)
        });
        self.most.set(self.most.get().max(self.moved.get()));
        result
    }

    fn insert(&mut self, key: u64, value: u64) -> bool {
        self.run(|table, rehash| {
            let mut new = Some((key, value));
            table.insert(hash(&key), &mut new, rehash);
            new.is_none()
        })
    }

    fn remove(&mut self, key: u64) -> bool {
        self.run(|table, rehash| table.remove(hash(&key), &key, rehash).is_some())
    }
}

#[test]
fn growth_moves_a_constant_number_of_entries_per_write() {
    let mut counted = Counted::default();
    let mut growing = 0;
    for key in 0..200_000 {
        assert!(counted.insert(key, key));
        growing += usize::from(counted.table.is_growing());
    }
    assert!(counted.most.get() <= BUCKETS_PER_WRITE, "moved {}", counted.most.get());
    assert!(growing > 3000, "the test must see growth in progress: {growing}");
    assert!((0..200_000).all(|key| counted.table.find(hash(&key), &key) == Some(&key)));
}

#[test]
fn removals_do_not_make_a_table_of_constant_size_grow() {
    let mut counted = Counted::default();
    for key in 0..400_000 {
        counted.insert(key, key);
        if key >= 1000 {
            assert!(counted.remove(key - 1000));
        }
    }
    assert_eq!(counted.table.len(), 1000);
    assert!(counted.table.capacity() <= 4096, "capacity {}", counted.table.capacity());
    assert!(counted.most.get() <= BUCKETS_PER_WRITE, "moved {}", counted.most.get());
}

#[test]
fn every_operation_finds_what_waits_in_the_old_table() {
    let mut counted = Counted::default();
    let mut last = 0;
    while !(counted.table.is_growing() && counted.table.len() > 5000) {
        counted.insert(last, last);
        last += 1;
    }
    let keys = 0..last;
    assert!(keys.clone().all(|key| counted.table.find(hash(&key), &key) == Some(&key)));
    assert_eq!(counted.table.iter().count(), keys.clone().count());

    // Few enough that each of these meets the old table.
    for key in 0..8 {
        assert!(!counted.insert(key, 100));
        assert!(counted.table.is_growing());
    }
    for key in 0..8 {
        let change = counted.run(|table, rehash| {
            table.compute_if_present(hash(&key), &key, |n| Action::Put(n + 1), rehash)
        });
        assert_eq!((change.outcome, change.value), (Outcome::Replaced, Some(100)));
        let mut new = 102;
        let swapped = counted
            .run(|table, rehash| table.compare_exchange(hash(&key), &key, &101, &mut new, rehash));
        assert_eq!((swapped, new), (Some(true), 101));
        let value = counted.run(|table, rehash| {
            *table.get_or_insert_with(hash(&key), &mut Some(key), || 0, rehash)
        });
        assert_eq!(value, 102);
        let mut refused = Some((key, 0));
        counted.run(|table, rehash| table.try_insert(hash(&key), &mut refused, rehash));
        assert_eq!(refused, Some((key, 0)));
        assert!(counted.remove(key));
        assert!(!counted.remove(key));
    }
    assert!(counted.table.is_growing());
    let mut removed = Vec::new();
    counted.table.retain(|key, _| key % 2 == 0, &mut removed);
    let left = (8..last).filter(|key| key % 2 == 0).count();
    assert_eq!((counted.table.len(), counted.table.iter().count()), (left, left));
    assert!(!counted.table.is_empty());
    assert_eq!(counted.table.take().into_iter().count(), left);
    assert!(counted.table.is_empty() && counted.table.capacity() == 0);
}

#[test]
fn behaves_as_a_map_over_a_random_history() {
    let mut counted = Counted::default();
    let mut model = HashMap::new();
    let mut state = 1_u64;
    for step in 0..300_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let key = (state >> 40) % 2000;
        match (state >> 33) % 8 {
            0..=3 => assert_eq!(counted.insert(key, step), model.insert(key, step).is_none()),
            4..=6 => assert_eq!(counted.remove(key), model.remove(&key).is_some()),
            _ => assert_eq!(counted.table.find(hash(&key), &key), model.get(&key)),
        }
        if step % 50_000 == 49_999 {
            shrink(&mut counted.table);
        }
        assert_eq!(counted.table.len(), model.len());
    }
    assert!(model.iter().all(|(key, value)| counted.table.find(hash(key), key) == Some(value)));
}

#[test]
fn room_that_was_reserved_is_there() {
    let mut counted = Counted::default();
    for key in 0..900 {
        counted.insert(key, key);
    }
    counted.table.try_reserve(5000, hash).expect("small");
    let capacity = counted.table.capacity();
    assert!(capacity >= 5900);
    counted.most.set(0);
    for key in 900..5900 {
        counted.insert(key, key);
    }
    assert_eq!(counted.table.capacity(), capacity);
    assert!(counted.most.get() <= BUCKETS_PER_WRITE);
    assert!((0..5900).all(|key| counted.table.find(hash(&key), &key) == Some(&key)));
}

#[test]
fn reserving_little_on_a_full_table_does_not_make_a_later_write_move_much() {
    let mut counted = Counted::default();
    while counted.table.len() < 896 {
        let key = counted.table.len() as u64;
        counted.insert(key, key);
    }
    counted.table.try_reserve(counted.table.capacity() - 896 + 1, hash).expect("small");
    counted.most.set(0);
    for key in 896..10_000 {
        counted.insert(key, key);
    }
    assert!(counted.most.get() <= BUCKETS_PER_WRITE, "moved {}", counted.most.get());
}

#[test]
fn impossible_room_is_refused_and_nothing_changes() {
    let mut table = Table::new();
    table.insert(hash(&1), &mut Some((1, 1)), hash);
    assert_eq!(table.try_reserve(usize::MAX, hash), Err(ReserveError::CapacityOverflow));
    assert_eq!(table.try_reserve(usize::MAX / 8, hash), Err(ReserveError::CapacityOverflow));
    assert_eq!((table.len(), table.find(hash(&1), &1)), (1, Some(&1)));
    assert!(Table::<u64, u64>::try_with_capacity(usize::MAX).is_err());
}

/// Shrinks in as many steps as it takes; returns the most entries hashed in one.
fn shrink(table: &mut Table<u64, u64>) -> usize {
    let (mut begun, mut most) = (false, 0);
    loop {
        let hashed = Cell::new(0);
        let more = table.shrink_step(&mut begun, |key| {
            hashed.set(hashed.get() + 1);
            hash(key)
        });
        most = most.max(hashed.get());
        if !more {
            return most;
        }
    }
}

#[test]
fn a_step_of_shrinking_is_bounded_and_others_come_between() {
    let mut table = Table::new();
    for key in 0..100_000 {
        table.insert(hash(&key), &mut Some((key, key)), hash);
    }
    table.retain(|key, _| *key < 20_000, &mut Vec::new());
    let before = table.allocation_size();
    let (mut begun, mut steps) = (false, 0);
    while table.shrink_step(&mut begun, hash) {
        // Grows again, and is read in the middle.
        let key = 200_000 + steps;
        table.insert(hash(&key), &mut Some((key, key)), hash);
        assert_eq!(table.find(hash(&(steps % 20_000)), &(steps % 20_000)), Some(&(steps % 20_000)));
        steps += 1;
    }
    assert!(steps > 100, "{steps} steps");
    assert!(table.allocation_size() < before / 2 && table.len() as u64 == 20_000 + steps);
    assert!(shrink(&mut table) <= BUCKETS_PER_SHRINK);
}

#[test]
fn shrinking_gives_memory_back_and_keeps_the_entries() {
    let mut table = Table::new();
    for key in 0..10_000 {
        table.insert(hash(&key), &mut Some((key, key)), hash);
    }
    table.retain(|key, _| *key < 100, &mut Vec::new());
    let before = table.allocation_size();
    shrink(&mut table);
    assert!(table.allocation_size() * 10 < before);
    assert_eq!(shrink(&mut table), 0, "a table that is small enough stays where it is");
    assert!((0..100).all(|key| table.find(hash(&key), &key) == Some(&key)));
    table.retain(|_, _| false, &mut Vec::new());
    shrink(&mut table);
    assert_eq!((table.capacity(), table.allocation_size()), (0, 0));
}

#[test]
fn marks_of_removals_are_cleaned_up_without_doubling() {
    // Runs of neighbouring buckets, in which a removal must leave a mark, and each in another place,
    // so that the marks are not taken by later entries.
    let clustered = |key: &u64| (key << 57) | (key / 50 * 17);
    let mut table = Table::new();
    for key in 0..20_000 {
        table.insert(clustered(&key), &mut Some((key, key)), clustered);
        if key >= 50 {
            assert!(table.remove(clustered(&(key - 50)), &(key - 50), clustered).is_some());
        }
    }
    assert_eq!(table.len(), 50);
    assert!(table.capacity() < 500, "capacity {}", table.capacity());
    assert!((19_950..20_000).all(|key| table.find(clustered(&key), &key) == Some(&key)));
}

#[test]
fn cleaning_up_marks_gives_back_no_room_that_was_reserved() {
    let clustered = |key: &u64| (key << 57) | (key / 50 * 17);
    let mut table = Table::new();
    table.try_reserve(1000, clustered).expect("small");
    let reserved = table.allocation_size();
    let mut cleaned = 0;
    for key in 0..10_000 {
        table.insert(clustered(&key), &mut Some((key, key)), clustered);
        if key >= 50 {
            assert!(table.remove(clustered(&(key - 50)), &(key - 50), clustered).is_some());
        }
        cleaned += usize::from(table.is_growing());
        let tables = 1 + usize::from(table.is_growing());
        assert_eq!(table.allocation_size(), tables * reserved, "after {key}");
    }
    assert!(cleaned > 0);
}

#[test]
fn marks_in_a_table_that_is_almost_full_do_not_make_a_write_move_much() {
    let clustered = |key: &u64| (key << 57) | (key / 50 * 17);
    for free in [1, 2, 5, 10, 30] {
        let mut table = Table::new();
        table.try_reserve(1000, clustered).expect("small");
        let entries = table.capacity() as u64 - free;
        let mut most = 0;
        for key in 0..3 * entries {
            let hashed = Cell::new(0);
            let counting = |key: &u64| {
                hashed.set(hashed.get() + 1);
                clustered(key)
            };
            if key >= entries {
                assert!(
                    table
                        .remove(clustered(&(key - entries)), &(key - entries), clustered)
                        .is_some()
                );
            }
            table.insert(clustered(&key), &mut Some((key, key)), counting);
            most = most.max(hashed.get());
        }
        assert!((1..=BUCKETS_PER_WRITE).contains(&most), "moved {most} with room for {free}");
    }
}

#[test]
fn iterators_say_how_many_are_left() {
    let mut table = Table::new();
    let mut key = 0;
    while !(table.is_growing() && key > 500) {
        table.insert(hash(&key), &mut Some((key, key)), hash);
        key += 1;
    }
    let mut entries = table.iter();
    for left in (0..key as usize).rev() {
        entries.next();
        assert_eq!(entries.size_hint(), (left, Some(left)));
    }
    assert!(entries.next().is_none());
    let mut entries = table.into_iter();
    for left in (0..key as usize).rev() {
        entries.next();
        assert_eq!(entries.size_hint(), (left, Some(left)));
    }
    assert!(entries.next().is_none());
}

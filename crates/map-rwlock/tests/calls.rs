//! Each operation by itself: what it says and what it leaves behind. The laws ask for more, and take minutes to build.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, DefaultHasher};
use std::ops::ControlFlow;

use map_rwlock::{Action, CompareExchangeError, Outcome, PinMap, RwLockMap};

/// More than operations on many keys handle under one lock, and no multiple of it.
const MANY: u64 = 150;

fn squares(entries: u64) -> RwLockMap<u64, u64> {
    (0..entries).map(|key| (key, key * key)).collect()
}

fn contents<S: BuildHasher>(map: &RwLockMap<u64, u64, S>) -> BTreeMap<u64, u64> {
    let mut contents = BTreeMap::new();
    map.for_each(|&key, &value| assert_eq!(contents.insert(key, value), None));
    assert_eq!((map.len(), map.is_empty()), (contents.len(), contents.is_empty()));
    contents
}

#[test]
fn values_are_read() {
    let map = squares(5);
    assert_eq!(map.read(&3, |value| value + 1), Some(10));
    assert_eq!((map.get(&4), map.get(&5)), (Some(16), None));
    assert!(map.contains_key(&0) && !map.contains_key(&5));
    assert_eq!(map.pin().read(&2, |value| *value), Some(4));
    assert_eq!(PinMap::pin(&map).get(&2), Some(4));
    assert_eq!(contents(&map), [(0, 0), (1, 1), (2, 4), (3, 9), (4, 16)].into());
}

#[test]
fn values_are_stored_and_removed() {
    let map = squares(3);
    assert!(map.insert(3, 9) && !map.insert(3, 10));
    assert_eq!(map.insert_then(3, 11, |old| old.copied()), Some(10));
    assert_eq!(map.insert_then(4, 12, |old| old.copied()), None);
    assert!(map.try_insert(5, 13).is_ok());
    let refused = map.try_insert(5, 14).expect_err("it is there");
    assert_eq!((refused.key, refused.value), (5, 14));
    assert_eq!(map.get_or_insert_with(6, || 15, |value| *value), 15);
    assert_eq!(map.get_or_insert_with(6, || panic!("it is there"), |value| *value), 15);
    assert_eq!(contents(&map), [(0, 0), (1, 1), (2, 4), (3, 11), (4, 12), (5, 13), (6, 15)].into());
    assert!(map.remove(&0) && !map.remove(&0));
    assert_eq!((map.remove_then(&1, |old| *old), map.remove_then(&1, |old| *old)), (Some(1), None));
    assert!(!map.remove_if(&2, |value| *value > 4) && map.remove_if(&2, |value| *value == 4));
    assert!(!map.remove_if(&2, |_| true));
    map.retain(|key, value| (key + value) % 2 == 0);
    assert_eq!(contents(&map), [(3, 11), (4, 12), (5, 13)].into());
    map.clear();
    assert_eq!(contents(&map), BTreeMap::new());
}

#[test]
fn values_are_replaced() {
    let map = squares(4);
    assert!(map.update(&2, |value| value + 1) && !map.update(&4, |_| panic!("it is absent")));
    assert_eq!(map.compute(2, |old| Action::Put(old.map_or(0, |old| old * 2))), Outcome::Replaced);
    assert_eq!(map.compute(4, |old| Action::Put(old.map_or(7, |old| *old))), Outcome::Inserted);
    assert_eq!(map.compute(5, |_| Action::Keep), Outcome::Absent);
    assert_eq!(map.compute_if_present(&3, |_| Action::Keep), Outcome::Kept);
    assert_eq!(map.compute_if_present(&3, |_| Action::Remove), Outcome::Removed);
    assert_eq!(map.compute_if_present(&3, |_| Action::Put(1)), Outcome::Absent);
    assert_eq!(map.compare_exchange(&2, &10, 11), Ok(()));
    assert_eq!(map.compare_exchange(&2, &10, 12), Err(CompareExchangeError::Mismatch(12)));
    assert_eq!(map.compare_exchange(&3, &10, 12), Err(CompareExchangeError::Absent(12)));
    assert_eq!(contents(&map), [(0, 0), (1, 1), (2, 11), (4, 7)].into());
}

#[test]
fn many_keys_at_once() {
    let map = squares(MANY / 2);
    let keys: Vec<_> = (0..MANY).collect();
    let found = || {
        let mut found = Vec::new();
        map.get_many(&keys, |index, value| {
            assert_eq!(index, found.len(), "in the order of the keys");
            found.push(value.copied());
        });
        found
    };
    let expected: Vec<_> = keys.iter().map(|&key| (key < MANY / 2).then(|| key * key)).collect();
    assert_eq!(found(), expected);
    assert_eq!(map.insert_many(keys.iter().map(|&key| (key, key + 1))), keys.len() - map.len() / 2);
    assert_eq!(found(), keys.iter().map(|key| Some(key + 1)).collect::<Vec<_>>());
    assert_eq!(map.insert_many([]), 0);
}

#[test]
fn all_entries_until_one_says_so() {
    let map = squares(10);
    let mut seen = 0;
    let third = map.try_for_each(|_, value| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(*value) } else { ControlFlow::Continue(()) }
    });
    assert!(
        matches!(third, ControlFlow::Break(value) if contents(&map).values().any(|v| *v == value))
    );
    assert_eq!(seen, 3);
    let all = map.try_for_each(|_, _| ControlFlow::<()>::Continue(()));
    assert_eq!(all, ControlFlow::Continue(()));
}

#[test]
fn what_only_a_lock_can_give() {
    let map = squares(4);
    assert_eq!(map.modify(&3, |value| core::mem::replace(value, 1)), Some(9));
    assert_eq!(map.modify(&4, |value| *value), None);
    assert_eq!(map.modify_or_insert_with(4, || 5, |value| core::mem::replace(value, 6)), 5);
    assert_eq!(map.modify_or_insert_with(4, || 7, |value| *value), 6);
    map.for_each_mut(|key, value| *value += 10 * key);
    assert_eq!(
        map.read_many([&3, &9, &4], |[three, nine, four]| (
            three.copied(),
            nine.copied(),
            four.copied()
        )),
        (Some(31), None, Some(46))
    );
    let moved = map.transact([0, 1, 9], |[zero, one, nine]| {
        *nine = zero.take();
        one.replace(2)
    });
    assert_eq!(moved, Some(11));
    let mut all = BTreeMap::new();
    let said = map.snapshot(|entries| {
        let said = entries.len();
        all.extend(entries.map(|(key, value)| (*key, *value)));
        said
    });
    assert_eq!((said, &all), (5, &[(1, 2), (2, 24), (3, 31), (4, 46), (9, 0)].into()));
    assert_eq!(contents(&map), all);
}

#[test]
fn room_is_made_and_given_back() {
    let map = RwLockMap::with_capacity(1000);
    let capacity = map.capacity();
    assert!(capacity >= 1000);
    assert_eq!(map.insert_many((0..1000).map(|key| (key, key))), 1000);
    assert_eq!(map.capacity(), capacity, "there was room");
    map.retain(|key, _| *key < 10);
    map.shrink_to_fit();
    assert!((10..100).contains(&map.capacity()), "{}", map.capacity());
    assert!(map.try_reserve(5000).is_ok() && map.capacity() >= 5010);
    assert!(map.try_reserve(usize::MAX).is_err());
    assert_eq!(contents(&map), (0..10).map(|key| (key, key)).collect());
    let mut entries = map.into_iter();
    for left in (0..10).rev() {
        assert!(entries.next().is_some_and(|(key, value)| key == value));
        assert_eq!((entries.len(), entries.size_hint()), (left, (left, Some(left))));
    }
    assert_eq!(entries.next(), None);
}

/// Counts how often it is asked.
#[derive(Default)]
struct Counting(Cell<u32>);

impl BuildHasher for Counting {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        self.0.set(self.0.get() + 1);
        DefaultHasher::new()
    }
}

#[test]
fn each_key_is_hashed_once() {
    let map = RwLockMap::with_capacity_and_hasher(100, Counting::default());
    map.insert(1, 1);
    map.get(&1);
    map.get_many(&[1, 2], |_, _| ());
    map.read_many([&1, &2], |_| ());
    map.transact([3, 4], |values| *values = [Some(3), Some(4)]);
    map.compute(1, |_| Action::Remove);
    assert_eq!(map.hasher().0.get(), 9);
    assert_eq!(contents(&map), [(3, 3), (4, 4)].into());
}

//! `map-caslist`: changing a bucket by compare-and-swap, with removals, and putting in its sentinel.
//!
//! Values are watched, so that loom sees one that is read without having been published. **Left out**: reclamation, which is
//! `seize`'s: it frees nothing before the map is dropped, so that no address comes back. Runs of more than three keys.

use std::sync::Arc;

use map_caslist::CasListMap;
use map_sync::shim::model::Fault;

use super::every_schedule;
use crate::check::{ByItself, Key, Watched, must_fail, name_of, spawn};

type Map = CasListMap<Key, Watched, ByItself>;

/// Keys of one bucket, in the order of the list.
const FIRST: u8 = 0x11;
const SECOND: u8 = 0x12;
/// One that is on the other side of the sentinel that the next level has.
const FAR: u8 = 0x19;
/// The first place behind that sentinel.
const BEHIND: u8 = 0x18;

fn key(place: u8) -> Key {
    Key::new(place, place.into())
}

fn value(number: u64) -> Watched {
    Watched::new(number)
}

fn map(places: &[u8]) -> Arc<Map> {
    let map = Map::with_hasher(ByItself::default());
    let map = Arc::new(map);
    for &place in places {
        map.insert(key(place), value(place.into()));
    }
    map
}

fn get(map: &Map, place: u8) -> Option<u64> {
    map.read(&key(place), Watched::get)
}

fn remove(map: &Map, place: u8) -> Option<u64> {
    map.remove_then(&key(place), Watched::get)
}

/// Each key that the map has, with its value, in order.
fn all(map: &Map) -> Vec<(u64, u64)> {
    let mut all = Vec::new();
    map.for_each(|key, value| {
        all.push((key.name(), value.get()));
        // A list that has been broken may lead back.
        assert!(all.len() < 9, "the list has no end");
    });
    assert_eq!(all.len(), map.len());
    all
}

fn names(map: &Map) -> Vec<u64> {
    all(map).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn an_insertion_behind_a_removed_node_is_not_lost() {
    every_schedule("caslist: an insertion behind a removal", 4, || {
        let map = map(&[FIRST]);
        let remover = spawn(&map, |map| remove(map, FIRST));
        map.insert(key(SECOND), value(2));
        assert_eq!(get(&map, SECOND), Some(2));
        assert_eq!(remover.join(), Some(FIRST.into()));
        assert_eq!(all(&map), [(SECOND.into(), 2)]);
    });
}

#[test]
fn neighbours_that_are_removed_both_go() {
    every_schedule("caslist: removals of neighbours beside a read", 3, || {
        let map = map(&[FIRST, SECOND, FAR]);
        let first = spawn(&map, |map| remove(map, FIRST));
        let second = spawn(&map, |map| remove(map, SECOND));
        assert_eq!(get(&map, FAR), Some(FAR.into()), "missed");
        assert!(first.join().is_some() && second.join().is_some());
        assert_eq!(all(&map), [(FAR.into(), FAR.into())]);
    });
}

#[test]
fn of_two_insertions_of_a_key_one_is_refused() {
    every_schedule("caslist: two insertions of a key", 4, || {
        let map = map(&[]);
        let other = spawn(&map, |map| map.try_insert(key(FIRST), value(1)).is_ok());
        let own = map.try_insert(key(FIRST), value(2)).is_ok();
        assert!(own != other.join(), "both or none");
        assert_eq!(all(&map), [(FIRST.into(), if own { 2 } else { 1 })]);
    });
}

#[test]
fn keys_of_one_hash_come_and_go_one_by_one() {
    every_schedule("caslist: a run of keys with one hash", 4, || {
        let map = map(&[FIRST]);
        let twin = || Key::new(FIRST, 99);
        let other = spawn(&map, move |map| {
            assert!(remove(map, FIRST).is_some());
            map.insert(key(FIRST), value(3));
        });
        map.insert(twin(), value(4));
        assert_eq!(map.read(&twin(), Watched::get), Some(4));
        other.join();
        let mut all = all(&map);
        all.sort_unstable();
        assert_eq!(all, [(FIRST.into(), 3), (99, 4)]);
    });
}

#[test]
fn an_overwrite_beside_a_removal_happens_before_or_after_it() {
    every_schedule("caslist: an overwrite beside a removal", 4, || {
        let map = map(&[FIRST]);
        let writer =
            spawn(&map, |map| map.insert_then(key(FIRST), value(2), |old| old.map(Watched::get)));
        let removed = remove(&map, FIRST).expect("it is there all the time");
        let replaced = writer.join();
        let left = get(&map, FIRST);
        let expected = if removed == 2 { (Some(FIRST.into()), None) } else { (None, Some(2)) };
        assert_eq!((replaced, left), expected);
    });
}

#[test]
fn what_is_put_in_while_a_sentinel_is_being_put_in_is_not_lost() {
    every_schedule("caslist: a sentinel beside insertions around it", 4, || {
        let map = map(&[FIRST, FAR]);
        map.reserve(30);
        let claimer = spawn(&map, |map| get(map, FAR));
        map.insert(key(BEHIND), value(2));
        map.insert(key(SECOND), value(3));
        assert_eq!(claimer.join(), Some(FAR.into()));
        let expected = [FIRST, SECOND, BEHIND, FAR].map(u64::from);
        assert_eq!(names(&map), expected);
    });
}

#[test]
fn nothing_is_missed_while_the_index_grows() {
    every_schedule("caslist: reads beside a rising level", 4, || {
        let map = map(&[FIRST, FAR]);
        let grower = spawn(&map, |map| {
            map.reserve(30);
            get(map, FAR)
        });
        assert_eq!(get(&map, FAR), Some(FAR.into()), "missed");
        assert_eq!(remove(&map, FIRST), Some(FIRST.into()), "missed");
        assert_eq!(grower.join(), Some(FAR.into()));
        assert_eq!(all(&map), [(FAR.into(), FAR.into())]);
    });
}

#[test]
fn who_goes_through_all_meets_what_stays_once() {
    every_schedule("caslist: an iteration beside a key that goes and comes back", 4, || {
        let map = map(&[FIRST, FAR]);
        let other = spawn(&map, |map| {
            assert!(remove(map, FIRST).is_some());
            map.insert(key(FIRST), value(2));
        });
        let (mut first, mut far) = (0, 0);
        map.for_each(|key, value| match (key.name() as u8, value.get()) {
            (FIRST, 2 | 0x11) => first += 1,
            (FAR, 0x19) => far += 1,
            other => panic!("{other:?} was never there"),
        });
        assert!(first <= 1 && far == 1, "met {first} and {far} times");
        other.join();
    });
}

#[test]
fn a_broken_exchange_or_order_is_found() {
    let signs = ["assertion", "Causality violation", "both or none", "no end"];
    for fault in [Fault::Exchanges, Fault::Stores, Fault::Loads] {
        must_fail(name_of!(of_two_insertions_of_a_key_one_is_refused), fault, &signs);
    }
    for test in [
        name_of!(an_insertion_behind_a_removed_node_is_not_lost),
        name_of!(an_overwrite_beside_a_removal_happens_before_or_after_it),
        name_of!(what_is_put_in_while_a_sentinel_is_being_put_in_is_not_lost),
    ] {
        must_fail(test, Fault::Exchanges, &signs);
    }
}

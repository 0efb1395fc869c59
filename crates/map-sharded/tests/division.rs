//! A small map is one table; what happens when it becomes many.
//!
//! Entries are strings: those of plain numbers lie in buckets and have no such thing.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use map_conformance::hashers::{Collide, Identity, Mixed};
use map_conformance::token::{Ended, Event, Ledger, Token, fused};
use map_sharded::ShardedMap;

type Map<S = Mixed> = ShardedMap<String, u64, S>;

/// So many entries fit in a map that is one table.
const MOST: u64 = 32;

fn key(number: u64) -> String {
    format!("key {number}")
}

fn with_room<S: Default + std::hash::BuildHasher>(capacity: usize) -> Map<S> {
    Map::with_capacity_and_hasher(capacity, S::default())
}

fn filled(entries: u64) -> Map {
    let map = with_room(0);
    (0..entries).for_each(|n| assert!(map.insert(key(n), n)));
    map
}

fn contents<S: std::hash::BuildHasher>(map: &Map<S>) -> BTreeMap<String, u64> {
    let mut contents = BTreeMap::new();
    map.for_each(|key, &value| {
        assert_eq!(contents.insert(key.clone(), value), None, "{key} twice");
    });
    contents
}

fn divides_with<S: Default + std::hash::BuildHasher>() {
    let map = with_room::<S>(0);
    let mut expected = BTreeMap::new();
    for n in 0..3 * MOST {
        assert_eq!(map.shards() == 1, n <= MOST, "{n} entries in {} shards", map.shards());
        assert!(map.insert(key(n), n));
        expected.insert(key(n), n);
        assert_eq!(map.len(), expected.len());
        assert_eq!(contents(&map), expected);
        assert!((0..=n).all(|n| map.get(&key(n)) == Some(n)), "after {n}");
    }
    let mut sum = 0;
    map.snapshot(|entries| {
        assert_eq!(entries.len(), expected.len());
        sum = entries.map(|(_, value)| value).sum();
    });
    assert_eq!(sum, expected.values().sum());
    assert_eq!(map.into_iter().collect::<BTreeMap<_, _>>(), expected);
}

#[test]
fn all_entries_are_found_before_and_after() {
    divides_with::<Mixed>();
    divides_with::<Identity>();
    divides_with::<Collide>();
}

/// Each writing operation may be the one that divides, and does its own work, too.
#[test]
fn every_write_divides_and_does_its_work() {
    type Write = fn(&Map);
    let writes: [(&str, Write, u64); 14] = [
        ("insert", |map| assert!(!map.insert(key(1), 100)), 32),
        ("try_insert", |map| assert!(map.try_insert(key(1), 100).is_err()), 32),
        ("get_or_insert_with", |map| map.get_or_insert_with(key(50), || 50, |_| ()), 33),
        ("update", |map| assert!(map.update(&key(1), |value| value + 1)), 32),
        ("remove", |map| assert!(map.remove(&key(1))), 31),
        ("remove_if", |map| assert!(map.remove_if(&key(1), |_| true)), 31),
        ("compare_exchange", |map| assert_eq!(map.compare_exchange(&key(1), &1, 100), Ok(())), 32),
        ("insert_many", |map| assert_eq!(map.insert_many([(key(50), 0), (key(1), 0)]), 1), 33),
        ("retain", |map| map.retain(|_, &value| value != 1), 31),
        ("clear", |map| map.clear(), 0),
        ("modify", |map| assert_eq!(map.modify(&key(1), std::mem::take), Some(1)), 32),
        ("for_each_mut", |map| map.for_each_mut(|_, value| *value += 1), 32),
        ("transact", |map| map.transact([key(1), key(2)], |values| values[0] = None), 31),
        ("reserve", |map| map.try_reserve(1000).expect("there is memory"), 32),
    ];
    for (name, write, left) in writes {
        let map = filled(MOST);
        assert_eq!(map.shards(), 1, "{name}");
        write(&map);
        assert!(map.shards() > 1, "{name}");
        assert_eq!((map.len() as u64, contents(&map).len() as u64), (left, left), "{name}");
    }
}

#[test]
fn there_is_room_for_what_was_asked() {
    for capacity in [0, 1, 3, 20, 31, 32, 33, 100, 1000] {
        let map = with_room::<Mixed>(capacity);
        assert!(map.capacity() >= capacity, "{} of {capacity}", map.capacity());
        assert_eq!(map.shards() == 1, capacity <= 32, "{capacity}");
        let map = filled(20);
        map.reserve(capacity);
        assert!(map.capacity() >= 20 + capacity, "{} of 20 + {capacity}", map.capacity());
        assert_eq!(map.shards() == 1, capacity + 20 <= 32, "{capacity}");
        assert_eq!(contents(&map).len(), 20);
    }
}

#[test]
fn a_write_that_finds_the_table_in_use_divides_it() {
    let map = with_room::<Mixed>(20);
    (0..5).for_each(|n| assert!(map.insert(key(n), n)));
    // The reader cannot know when the writer has come, so it stays a little longer each time.
    for patience in 1.. {
        let inside = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                map.read(&key(0), |_| {
                    inside.wait();
                    thread::sleep(std::time::Duration::from_millis(patience));
                })
            });
            inside.wait();
            map.insert(key(1), 1);
        });
        if map.shards() > 1 {
            break;
        }
    }
    assert!(map.capacity() >= 20, "{}", map.capacity());
    assert_eq!(contents(&map).len(), 5);
    assert!((0..5).all(|n| map.get(&key(n)) == Some(n)));
}

/// A key whose `Hash` always panics when it is hashed again spoils one write, and no other while the one table has room.
#[test]
fn a_key_that_always_panics_spoils_one_write() {
    struct Spoiled(u64, AtomicBool);

    impl Hash for Spoiled {
        fn hash<H: Hasher>(&self, state: &mut H) {
            assert!(self.0 != 7 || !self.1.swap(true, SeqCst), "hashed again");
            self.0.hash(state);
        }
    }
    impl PartialEq for Spoiled {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }
    impl Eq for Spoiled {}

    // Such room is had in a table of 64 buckets, which grows with the 57th entry.
    let map = ShardedMap::<Spoiled, Box<u64>, Mixed>::with_capacity_and_hasher(32, Mixed);
    map.insert(Spoiled(7, AtomicBool::new(false)), Box::new(7));
    let insert = |n| map.insert(Spoiled(n, AtomicBool::new(false)), Box::new(n));
    let panicked = |n: &u64| catch_unwind(AssertUnwindSafe(|| insert(*n))).is_err();
    assert_eq!((100..131).filter(panicked).count(), 0);
    assert_eq!((200..224).filter(panicked).collect::<Vec<_>>(), [200]);
    assert_eq!((map.len(), map.shards()), (55, 1));
}

/// A panic of `Hash` in the write that divides: nothing is lost, the map goes on, and the next attempt comes later.
#[test]
fn a_panic_while_hashing_loses_nothing() {
    let mut panics = 0;
    for occurrence in 1.. {
        let ledger = Ledger::open();
        let map = ShardedMap::<Token, Token, Mixed>::with_capacity_and_hasher(0, Mixed);
        let token = |number| Token::new(ledger, number);
        for n in 0..MOST {
            map.insert(token(n), token(n));
        }
        let mut new = Some((token(MOST), token(MOST)));
        let ended = fused(Event::Hash, occurrence, || {
            let (key, value) = new.take().expect("once");
            map.insert(key, value);
        });
        let blown = ended == Ended::Blown;
        panics += u64::from(blown);
        assert_eq!(map.len() as u64, MOST + u64::from(!blown), "at {occurrence}");
        // The first call hashes the new key, before the map is touched.
        assert_eq!(map.shards() == 1, blown, "at {occurrence}");
        for n in 100..100 + MOST {
            map.insert(token(n), token(n));
        }
        assert!((0..MOST).all(|n| map.contains_key(&token(n))), "at {occurrence}");
        map.insert(token(500), token(500));
        assert!(map.shards() > 1, "at {occurrence}");
        drop(map);
        drop(new);
        ledger.assert_settled("after a panic in the division");
        if !blown {
            break;
        }
    }
    assert_eq!(panics, MOST + 1, "the key, and each that is there");
}

/// Threads that read, count and go through the map while it is divided miss nothing and meet nothing twice.
#[test]
fn nobody_notices() {
    for _ in 0..300 {
        let map = filled(MOST - 2);
        let (start, done) = (Barrier::new(4), AtomicBool::new(false));
        let rounds = AtomicUsize::new(0);
        let beside = |work: &(dyn Fn() + Sync)| {
            start.wait();
            while !done.load(SeqCst) {
                work();
                rounds.fetch_add(1, SeqCst);
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                beside(&|| {
                    assert!((0..MOST - 2).all(|n| map.get(&key(n)) == Some(n)));
                    let (one, other) = (key(3), key(4));
                    map.read_many([&one, &other], |found| assert_eq!(found, [Some(&3), Some(&4)]));
                });
            });
            scope.spawn(|| {
                beside(&|| {
                    let len = map.len();
                    assert!((30..=40).contains(&len), "{len} entries");
                });
            });
            scope.spawn(|| {
                beside(&|| {
                    let seen = contents(&map);
                    assert!((0..MOST - 2).all(|n| seen.contains_key(&key(n))));
                    map.snapshot(|entries| assert!((30..=40).contains(&entries.len())));
                });
            });
            start.wait();
            for n in MOST - 2..40 {
                map.insert(key(n), n);
            }
            done.store(true, SeqCst);
        });
        assert!(map.shards() > 1 && map.len() == 40);
        assert_eq!(contents(&map).len(), 40);
    }
}

//! Maps of plain entries that shrink, step by step, beside everything else.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use map_sharded::ShardedMap;

/// Keys that stay; their values move between two neighbours, of which the sum stays the same.
const STAY: u64 = 200;

/// Counts a writer off, on unwinding too.
struct Ended<'a>(&'a AtomicUsize);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

/// A writer's keys.
fn own(writer: u64, n: u64) -> u64 {
    (writer + 1) << 32 | n
}

/// Fills the map and empties it, and compares all that the map says.
fn write(map: &ShardedMap<u64, u64>, writer: u64, rounds: u64) {
    for round in 0..rounds {
        let size = 200 + (round * 7919 + writer * 977) % 4000;
        for n in 0..size {
            assert!(map.insert(own(writer, n), round));
            assert_eq!(map.get(&own(writer, n / 2)), Some(round));
        }
        let first = 2 * ((round + writer) % (STAY / 2));
        map.transact([first, first + 1], |[one, other]| {
            let (Some(one), Some(other)) = (one, other) else { panic!("keys that stay are gone") };
            let moved = (*one).min(3);
            (*one, *other) = (*one - moved, *other + moved);
        });
        match round % 4 {
            0 => map.retain(|key, _| key >> 32 != writer + 1),
            1 => (0..size).for_each(|n| {
                assert_eq!(map.remove_then(&own(writer, n), |value| *value), Some(round))
            }),
            2 => (0..size).rev().for_each(|n| {
                assert!(map.update(&own(writer, n), |old| old + 1));
                assert_eq!(map.remove_then(&own(writer, n), |value| *value), Some(round + 1));
            }),
            _ => {
                map.reserve(2 * size as usize);
                (0..size).for_each(|n| {
                    assert_eq!(map.remove_then(&own(writer, n), |value| *value), Some(round))
                });
            }
        }
        assert!((0..size).all(|n| !map.contains_key(&own(writer, n))));
    }
}

/// Finds all keys that stay, once, in every way.
fn read(map: &ShardedMap<u64, u64>) {
    let mut seen = [0; STAY as usize];
    let mut see = |key: u64| seen.get_mut(key as usize).map_or((), |seen| *seen += 1);
    map.for_each(|key, _| see(*key));
    map.snapshot(|entries| {
        let stay = entries.filter(|(key, _)| **key < STAY);
        assert_eq!(stay.map(|(key, value)| (see(*key), *value).1).sum::<u64>(), 100 * STAY);
    });
    assert_eq!(seen, [2; STAY as usize], "an iteration and a snapshot meet each key once");
    for key in (0..STAY).step_by(2) {
        assert!(map.contains_key(&key) && map.get(&(key + 1)).is_some());
        let sum: u64 =
            map.read_many([&key, &(key + 1)], |values| values.into_iter().flatten().sum());
        assert_eq!(sum, 200);
    }
}

#[test]
fn a_map_that_shrinks_again_and_again_is_right_all_the_time() {
    const WRITERS: u64 = 2;
    let map = ShardedMap::new();
    (0..STAY).for_each(|key| _ = map.insert(key, 100));
    let (writing, shrunk) = (AtomicUsize::new(WRITERS as usize), AtomicUsize::new(0));
    let start = Barrier::new(WRITERS as usize + 3);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (map, writing, start) = (&map, &writing, &start);
            scope.spawn(move || {
                let _ended = Ended(writing);
                start.wait();
                write(map, writer, 120);
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                start.wait();
                while writing.load(SeqCst) > 0 {
                    map.shrink_to_fit();
                    shrunk.fetch_add(1, SeqCst);
                }
            });
        }
        start.wait();
        while writing.load(SeqCst) > 0 {
            read(&map);
        }
    });
    println!("shrunk {shrunk:?} times");
    assert!(shrunk.into_inner() > 2);
    read(&map);
    assert_eq!(map.len() as u64, STAY);
    map.shrink_to_fit();
    assert_eq!((map.shards(), map.len() as u64), (8, STAY));
    (0..10_000).for_each(|n| assert!(map.insert(own(9, n), n)));
    assert!(map.shards() >= 256);
    read(&map);
}

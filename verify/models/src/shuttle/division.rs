//! A map that is one table while it is small: what others find while it becomes many.

use map_core::ConcurrentMap;
use map_sharded::ShardedMap;
use map_sync::shim::model::set_membarrier;

use super::explore;
use super::scenarios::{Entries, Objects, new};
use crate::check::{ByItself, Key, Watched, spawn};

type Map = ShardedMap<Key, Watched, ByItself>;

fn put(map: &Map, key: u64) {
    assert!(map.insert(Objects::key(key), Objects::value(key)));
}

/// Two threads insert, of which one divides the map; others look for what was there before, in every way.
fn dividing() {
    let map = new::<Objects, Map>();
    (0..2).for_each(|key| put(&map, key));
    let writers = [2, 3].map(|key| spawn(&map, move |map| put(map, key)));
    let counting = spawn(&map, |map| {
        for _ in 0..2 {
            let len = map.len();
            assert!((2..=4).contains(&len), "{len} entries");
        }
    });
    let looking = spawn(&map, |map| {
        let (one, other) = (Objects::key(0), Objects::key(1));
        assert_eq!(map.read(&one, Objects::number), Some(0));
        let both = map.read_many([&one, &other], |found| found.map(|value| value.is_some()));
        assert_eq!(both, [true; 2], "several keys");
        let mut seen = 0;
        map.for_each(|key, _| seen += usize::from(Objects::name(key) < 2));
        assert_eq!(seen, 2, "one by one");
        assert!((2..=4).contains(&map.snapshot(|entries| entries.len())), "a snapshot");
    });
    writers.into_iter().for_each(|writer| writer.join());
    counting.join();
    looking.join();
    assert_eq!(map.len(), 4);
    assert!((0..4).all(|key| map.contains_key(&Objects::key(key))));
}

#[test]
fn nobody_notices_a_division() {
    set_membarrier(true);
    explore("a division", dividing);
}

//! What shrinking gives back, in one table, in many, and in buckets.

use std::hash::Hash;

use map_sharded::ShardedMap;

fn shrinks<K: Eq + Hash>(key: impl Fn(u64) -> K) {
    for (room, entries) in [(32, 0), (32, 3), (20_000, 0), (20_000, 100)] {
        let map = ShardedMap::<K, u64>::with_capacity(room);
        (0..entries).for_each(|n| assert!(map.insert(key(n), n)));
        let before = map.capacity();
        map.shrink_to_fit();
        let after = map.capacity();
        assert!(2 * after < before, "{after} of {before} with {entries} entries");
        assert!((0..entries).all(|n| map.get(&key(n)) == Some(n)));
    }
}

#[test]
fn shrinking_gives_back_room() {
    shrinks(|n| n);
    shrinks(|n| n.to_string());
}

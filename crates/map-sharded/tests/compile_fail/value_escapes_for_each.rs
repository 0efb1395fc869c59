//! An entry that is lent must not be kept.

fn main() {
    let map = map_sharded::ShardedMap::<_, _>::from([(1, String::new())]);
    let mut kept = Vec::new();
    map.for_each(|_, value| kept.push(value));
    drop(kept);
}

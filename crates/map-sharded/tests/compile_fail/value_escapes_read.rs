//! A value that is lent must not outlive the closure.

fn main() {
    let map = map_sharded::ShardedMap::<_, _>::from([(1, String::new())]);
    let value: Option<&String> = map.read(&1, |value| value);
    drop(value);
}

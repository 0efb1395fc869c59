//! A pin must not outlive its map.

fn main() {
    let pin;
    {
        let map = map_sharded::ShardedMap::<_, _>::from([(1, 2)]);
        pin = map.pin();
    }
    pin.len();
}

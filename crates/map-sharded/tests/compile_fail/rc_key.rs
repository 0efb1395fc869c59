//! A map of `Rc` keys must not be shared between threads.

use std::rc::Rc;

fn main() {
    let map = map_sharded::ShardedMap::<_, _>::from([(Rc::new(1), 2)]);
    std::thread::scope(|scope| {
        scope.spawn(|| map.len());
    });
}

//! A pin must stay on its thread.

use map_readdirty::ReadDirtyMap;

fn main() {
    let map = ReadDirtyMap::from([(1, 2)]);
    let pin = map.pin();
    std::thread::scope(|scope| {
        scope.spawn(|| pin.get(&1));
    });
}

//! A pin must not outlive its map.

use map_readdirty::ReadDirtyMap;

fn main() {
    let pin = {
        let map = ReadDirtyMap::from([(1, 2)]);
        map.pin()
    };
    println!("{:?}", pin.get(&1));
}

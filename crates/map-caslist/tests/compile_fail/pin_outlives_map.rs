//! A pin cannot outlive its map.

use map_caslist::CasListMap;

fn main() {
    let map: CasListMap<u64, u64> = CasListMap::new();
    let pin = map.pin();
    drop(map);
    pin.insert(1, 1);
}

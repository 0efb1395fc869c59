//! A pin belongs to its thread.

use map_caslist::CasListMap;

fn main() {
    let map: CasListMap<u64, u64> = CasListMap::new();
    let pin = map.pin();
    std::thread::scope(|scope| {
        scope.spawn(move || pin.insert(1, 1));
    });
}

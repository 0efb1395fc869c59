//! Values that are not `Sync` cannot be shared.

use std::cell::Cell;

use map_caslist::CasListMap;

fn main() {
    let map: CasListMap<u64, Cell<u64>> = CasListMap::new();
    std::thread::scope(|scope| {
        scope.spawn(|| map.insert(1, Cell::new(1)));
    });
}

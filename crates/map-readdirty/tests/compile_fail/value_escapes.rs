//! A value that is lent must not outlive the closure.

use map_readdirty::ReadDirtyMap;

fn main() {
    let map = ReadDirtyMap::from([(1, String::new())]);
    let mut escaped = None;
    map.read(&1, |value| escaped = Some(value));
    println!("{escaped:?}");
}

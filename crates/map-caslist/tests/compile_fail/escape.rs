//! A lent value cannot leave its closure.

use map_caslist::CasListMap;

fn main() {
    let map: CasListMap<u64, String> = CasListMap::new();
    map.insert(1, String::from("one"));
    let mut kept: Option<&String> = None;
    map.read(&1, |value| kept = Some(value));
    map.remove(&1);
    println!("{kept:?}");
}

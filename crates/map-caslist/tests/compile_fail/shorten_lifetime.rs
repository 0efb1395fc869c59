//! A map of long-lived references does not take short-lived ones through a shared reference.

use map_caslist::CasListMap;

fn add<'short>(map: &CasListMap<u64, &'short str>, value: &'short str) {
    map.insert(1, value);
}

fn main() {
    let map: CasListMap<u64, &'static str> = CasListMap::new();
    {
        let text = String::from("gone soon");
        add(&map, &text);
    }
    map.read(&1, |value| println!("{value}"));
    let _: &CasListMap<u64, &'static str> = &map;
}

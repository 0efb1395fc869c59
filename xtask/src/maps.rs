//! The one list of the workspace's maps.

/// A map of this workspace.
#[derive(Debug)]
pub struct Map {
    /// The crate's name, which is also its contender id.
    pub name: &'static str,
    /// The peers that synchronise in the same way: what the map is first of all compared with.
    pub kin: &'static [&'static str],
}

/// Every map, in the order in which documents list them.
pub const MAPS: &[Map] = &[
    Map { name: "map-rwlock", kin: &["parking_lot", "std-rwlock"] },
    Map { name: "map-sharded", kin: &["dashmap", "scc"] },
    Map { name: "map-readdirty", kin: &["arc-swap-cow", "papaya", "flurry"] },
    Map { name: "map-caslist", kin: &["papaya", "flurry"] },
];

/// The crates below `crates/` that are not maps.
pub const SUPPORT: &[&str] =
    &["map-core", "map-sync", "map-table", "map-buckets", "map-conformance"];

/// Finds a map by its crate's name, with or without `map-`.
pub fn find(name: &str) -> Option<&'static Map> {
    MAPS.iter().find(|map| map.name == name || map.name.strip_prefix("map-") == Some(name))
}

/// The peers of the same kind as the contender `id`; none if it is not ours.
pub fn kin(id: &str) -> &'static [&'static str] {
    MAPS.iter().find(|map| map.name == id).map_or(&[], |map| map.kin)
}

/// The names of all maps, for messages.
pub fn names() -> String {
    MAPS.iter().map(|map| map.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_by_either_name() {
        assert_eq!(find("map-caslist").map(|map| map.name), Some("map-caslist"));
        assert_eq!(find("caslist").map(|map| map.name), Some("map-caslist"));
        assert!(find("map-").is_none() && find("dashmap").is_none() && find("").is_none());
    }
}

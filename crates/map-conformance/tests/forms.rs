//! The forms of the macro.

use map_conformance::family::{Family, HashState, Key, Value};
use map_conformance::reference::MutexMap;

struct MutexFamily;

impl Family for MutexFamily {
    type Map<K: Key, V: Value, S: HashState> = MutexMap<K, V, S>;
}

map_conformance::conformance!(peer whole => MutexFamily);

map_conformance::conformance!(peer partial => MutexFamily, skip {
    "reentrancy::two_threads_cross": "to show that a law can be left out",
    "go_sync_map::nested_range": "the same",
});

#[test]
fn what_is_skipped_is_listed() {
    assert!(whole::SKIPPED.is_empty());
    assert_eq!(partial::SKIPPED[1], ("go_sync_map::nested_range", "the same"));
    assert_eq!(partial::SKIPPED.len(), 2);
}

#[test]
fn each_law_is_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conformance.md");
    let page = std::fs::read_to_string(path).expect("the page on the suite");
    let (mut group, mut documented) = ("", Vec::new());
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### `") {
            group = heading.split('`').next().unwrap_or_default();
        } else if let Some(row) = line.strip_prefix("| `").filter(|_| !group.is_empty()) {
            let name = row.split('`').next().unwrap_or_default();
            documented.push(format!("{group}::{name}"));
        } else if line.starts_with("## ") {
            group = "";
        }
    }
    let laws = map_conformance::LAWS.iter().chain(map_conformance::FULL_LAWS);
    let laws: Vec<_> = laws.chain(map_conformance::LOCKED_LAWS).collect();
    assert!(documented.iter().eq(laws), "docs/conformance.md lists the laws, in their order");
}

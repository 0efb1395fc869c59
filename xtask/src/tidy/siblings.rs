//! The map crates are alike, and every list knows them all.

use super::source::code;
use super::{Finding, Tree};
use crate::maps::{MAPS, SUPPORT};

/// What every map crate has.
const FILES: [&str; 8] = [
    "Cargo.toml",
    "README.md",
    "src/lib.rs",
    "src/map.rs",
    "src/ops.rs",
    "src/iter.rs",
    "tests/conformance.rs",
    "tests/bounds.rs",
];
/// The sections of a map's crate documentation, in order.
const SECTIONS: [&str; 10] = [
    "When to choose it, and when not",
    "Example",
    "Consistency",
    "Progress and blocking",
    "Memory and reclamation",
    "Complexity",
    "Panics",
    "Re-entrance",
    "Alternatives",
    "Feature flags",
];
/// What every map crate hands on from `map-core`.
const REEXPORTS: [&str; 13] = [
    "Action",
    "BuildMap",
    "CapacityMap",
    "CompareExchangeError",
    "ConcurrentMap",
    "DefaultHashBuilder",
    "Guarantees",
    "Outcome",
    "PinMap",
    "Reentrancy",
    "ReserveError",
    "ShrinkMap",
    "TryInsertError",
];

/// Every map has the files of its siblings and a design page; every crate is known to the list.
pub fn files(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for map in MAPS {
        let inside = FILES.iter().map(|file| format!("crates/{}/{file}", map.name));
        for path in inside.chain([format!("docs/designs/{}.md", map.name)]) {
            if tree.text(&path).is_none() {
                findings.push(Finding::of_file(&path, "missing; its siblings have it"));
            }
        }
    }
    let mut crates: Vec<&str> = tree
        .with_extension("/Cargo.toml")
        .filter_map(|(path, _)| path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"))
        .collect();
    crates.retain(|name| !SUPPORT.contains(name) && MAPS.iter().all(|map| map.name != *name));
    let unknown = |name| Finding::of_file(name, "a crate that xtask/src/maps.rs does not list");
    findings.extend(crates.into_iter().map(unknown));
    findings
}

/// The crate documentation of every map has the same sections in the same order.
pub fn sections(tree: &Tree) -> Vec<Finding> {
    let libraries = MAPS.iter().map(|map| format!("crates/{}/src/lib.rs", map.name));
    let judged = libraries.filter_map(|path| {
        let found = headings(tree.text(&path)?);
        let first_other = SECTIONS.iter().zip(&found).position(|(wanted, is)| wanted != is);
        let place = first_other.unwrap_or_else(|| found.len().min(SECTIONS.len()));
        (found != SECTIONS).then(|| {
            let is = found.get(place).map_or("nothing more", |heading| heading);
            let wanted = SECTIONS.get(place).map_or("nothing more", |heading| heading);
            Finding::of_file(&path, format!("section {}: {is}, not {wanted}", place + 1))
        })
    });
    judged.collect()
}

/// The top headings of a crate's documentation, without those inside code.
fn headings(text: &str) -> Vec<&str> {
    let mut fenced = false;
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let outside = lines.filter(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    outside.filter_map(|line| line.strip_prefix(" # ")).map(str::trim).collect()
}

/// Every map hands on the names that its users need.
pub fn reexports(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in MAPS.iter().map(|map| format!("crates/{}/src/lib.rs", map.name)) {
        let Some(text) = tree.text(&path) else { continue };
        let code = code(text);
        for name in REEXPORTS {
            if super::source::words(&code, name).next().is_none() {
                findings.push(Finding::of_file(&path, format!("{name} is not re-exported")));
            }
        }
    }
    findings
}

/// No map depends on a sibling, nor past the door on a crate of locks.
pub fn dependencies(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for map in MAPS {
        let path = format!("crates/{}/Cargo.toml", map.name);
        let Some(text) = tree.text(&path) else { continue };
        let mut section = "";
        for (at, line) in text.lines().enumerate() {
            if line.starts_with('[') {
                section = line;
            }
            let name = line.split([' ', '.', '=']).next().unwrap_or_default();
            let sibling = MAPS.iter().any(|other| other.name == name);
            if section == "[dependencies]" && (sibling || name == "parking_lot") {
                findings.push(Finding::at(&path, at, format!("{} depends on {name}", map.name)));
            }
        }
    }
    findings
}

/// Every map is in the workspace's table, among the contenders, and in the lists of the documents.
pub fn registered(tree: &Tree) -> Vec<Finding> {
    let lists = ["Cargo.toml", "README.md", "CHANGELOG.md", "benches/src/contenders/mod.rs"];
    let mut findings = Vec::new();
    for (path, text) in lists.iter().filter_map(|path| Some((path, tree.text(path)?))) {
        for map in MAPS.iter().filter(|map| !text.contains(map.name)) {
            findings.push(Finding::of_file(path, format!("{} is not in it", map.name)));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace in which every map is as it should be.
    fn tidy() -> Tree {
        let headings =
            SECTIONS.iter().map(|section| format!("//! # {section}\n//! ```\n//! # x\n//! ```\n"));
        let library = headings.collect::<String>()
            + &format!("pub use map_core::{{{}}};", REEXPORTS.join(", "));
        let mut tree = Tree::default();
        let mut names = String::new();
        for map in MAPS {
            for file in FILES {
                let text = if file == "src/lib.rs" { library.clone() } else { String::new() };
                tree.0.insert(format!("crates/{}/{file}", map.name), text);
            }
            tree.0.insert(format!("docs/designs/{}.md", map.name), String::new());
            names += map.name;
        }
        tree.0.insert("Cargo.toml".into(), names);
        tree
    }

    #[test]
    fn a_tidy_workspace_has_no_findings() {
        let tree = tidy();
        for rule in [files, sections, reexports, dependencies, registered] {
            assert_eq!(rule(&tree), []);
        }
    }

    #[test]
    fn a_missing_file_is_found() {
        let mut tree = tidy();
        tree.0.remove("crates/map-caslist/src/iter.rs");
        tree.0.remove("docs/designs/map-rwlock.md");
        tree.0.insert("crates/map-new/Cargo.toml".into(), String::new());
        assert_eq!(files(&tree).len(), 3);
    }

    #[test]
    fn a_section_out_of_order_is_found() {
        let mut tree = tidy();
        let library = tree.0.get_mut("crates/map-rwlock/src/lib.rs").expect("there");
        *library = library.replace("# Panics", "# Bugs");
        assert_eq!(sections(&tree).len(), 1);
        assert!(sections(&tree)[0].message.contains("section 7: Bugs, not Panics"));
        let library = tree.0.get_mut("crates/map-caslist/src/lib.rs").expect("there");
        *library = library.replace("//! # Feature flags\n", "");
        assert_eq!(sections(&tree).len(), 2);
    }

    #[test]
    fn a_missing_name_is_found() {
        let mut tree = tidy();
        let library = tree.0.get_mut("crates/map-sharded/src/lib.rs").expect("there");
        *library = library.replace("ShrinkMap, ", "");
        assert_eq!(reexports(&tree).len(), 1);
    }

    #[test]
    fn a_dependency_on_a_sibling_is_found() {
        let mut tree = tidy();
        let text = "[dependencies]\nmap-core = { workspace = true }\nmap-rwlock.workspace = true\nparking_lot = \"1\"\n[dev-dependencies]\nmap-rwlock = { workspace = true }\n";
        tree.0.insert("crates/map-sharded/Cargo.toml".into(), text.into());
        assert_eq!(dependencies(&tree).len(), 2);
    }

    #[test]
    fn an_unregistered_map_is_found() {
        let mut tree = tidy();
        tree.0.insert("README.md".into(), "map-rwlock map-sharded map-caslist".into());
        assert_eq!(registered(&tree).len(), 1);
    }
}

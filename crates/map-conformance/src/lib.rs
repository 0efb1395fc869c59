//! The executable contract: laws that any map must pass.
//!
//! A map registers with one macro call, [`conformance!`], in its `tests/conformance.rs`. Each law
//! becomes a test of its own, named after its group and itself. A law reaches the map only through the
//! traits of `map-core`, by way of a [`Family`], so the same laws judge our maps, their
//! pins and adapters for foreign maps. `docs/conformance.md` lists the laws and what each can catch.
//!
//! `ATLAS_CASES` multiplies what is tried (10 is ten times as long), `ATLAS_SEED` repeats the random
//! choices of a failure, whose message names it.
#![forbid(unsafe_code)]

mod bounds;
pub mod calls;
pub mod family;
pub mod harness;
pub mod hashers;
pub mod histories;
pub mod laws;
pub mod model;
pub mod reference;
mod suite;
pub mod token;
pub mod types;

use family::{Family, MapOf};
use map_core::ConcurrentMap;

/// The names of the laws of every map.
pub const LAWS: &[&str] = __laws!(__names);

/// The names of the further laws of Atlas maps.
pub const FULL_LAWS: &[&str] = __full_laws!(__names);

/// The names of the laws of maps under locks.
pub const LOCKED_LAWS: &[&str] = __locked_laws!(__names);

/// Returns whether `name` is the name of a law.
pub const fn is_law(name: &str) -> bool {
    contains(LAWS, name) || contains(FULL_LAWS, name) || contains(LOCKED_LAWS, name)
}

const fn contains(names: &[&str], name: &str) -> bool {
    let mut i = 0;
    while i < names.len() {
        if equal(names[i].as_bytes(), name.as_bytes()) {
            return true;
        }
        i += 1;
    }
    false
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// Runs one law on a family.
///
/// # Panics
///
/// If the law fails or hangs; the message names map, law and seed.
pub fn run<F: Family>(law: &'static str, body: fn()) {
    harness::run(<MapOf<F, u64, u64, hashers::Mixed>>::GUARANTEES.name, law, body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_law_has_a_name_of_its_own() {
        let mut names: Vec<_> = LAWS.iter().chain(FULL_LAWS).chain(LOCKED_LAWS).collect();
        let laws = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), laws, "a name is given twice");
        assert!(is_law("sequential::good_hash") && !is_law("sequential::good"));
    }
}

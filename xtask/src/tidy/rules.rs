//! Conventions of single files.

use super::source::{code, words};
use super::{Finding, Tree};

/// The most lines a file may have.
const LINES: usize = 500;
/// The files outside a `raw` module that may hold `unsafe`.
const UNSAFE_ALLOWED: &[&str] = &["crates/map-sync/src/reentrancy.rs"];
/// The file through which atomics, locks and threads come.
const DOOR: &str = "crates/map-sync/src/shim.rs";
/// What takes their place behind that file in a model.
const MODEL: &str = "crates/map-sync/src/shim/model/";
/// What comes through the door only.
const BEHIND_DOOR: [&str; 5] =
    ["std::sync", "core::sync", "sync::atomic", "std::thread", "parking_lot"];
/// The crate that builds the locks behind the door, on top of this one.
const LOCKSMITH: (&str, &str) = ("crates/map-sync/", "parking_lot");
/// What may be named all the same: it synchronises nothing that a model would have to see.
const HARMLESS: [&str; 3] = ["shim::sync::atomic", "std::sync::Arc", "alloc::sync::Arc"];

/// `unsafe` only below `raw` modules, and in what a model puts in the place of locks.
pub fn unsafe_below_raw(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.libraries() {
        let raw = path.contains("/raw/") || path.ends_with("/raw.rs");
        if raw || path.starts_with(MODEL) || UNSAFE_ALLOWED.contains(&path) {
            continue;
        }
        for (at, line) in code(text).lines().enumerate() {
            if words(line, "unsafe").next().is_some() {
                findings.push(Finding::at(path, at, "unsafe outside a raw module"));
            }
        }
    }
    findings
}

/// A safety comment directly above each unsafe block and implementation, a `# Safety` section
/// above each unsafe function and trait.
pub fn safety_comments(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension(".rs") {
        let code = code(text);
        let (original, stripped): (Vec<_>, Vec<_>) =
            (text.lines().collect(), code.lines().collect());
        for (at, line) in stripped.iter().enumerate() {
            for from in words(line, "unsafe") {
                let mut next = line[from + "unsafe".len()..].split_whitespace();
                let before = line[..from].trim_end();
                let (wanted, what) = match next.next() {
                    // A function's type, not a function.
                    Some(word) if word.starts_with("fn(") => continue,
                    Some("extern") if before.ends_with([':', '=', '<', '(', ',']) => continue,
                    Some("fn" | "extern") => ("# Safety", "function"),
                    Some("trait") => ("# Safety", "trait"),
                    Some("impl") => ("SAFETY:", "implementation"),
                    // An attribute such as `#[unsafe(no_mangle)]`.
                    Some(word) if word.starts_with('(') => continue,
                    _ => ("SAFETY:", "block"),
                };
                // The contract of a trait's method stands at the trait.
                let contract_elsewhere = what == "function" && inside_trait_impl(&stripped, at);
                if !contract_elsewhere && !explained(&original, &stripped, at, wanted) {
                    let message = format!("unsafe {what} without `{wanted}` above it");
                    findings.push(Finding::at(path, at, message));
                }
            }
        }
    }
    findings
}

/// Whether line `at` stands in an implementation of a trait, judged by its indentation.
fn inside_trait_impl(code: &[&str], at: usize) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let outer = code[..at]
        .iter()
        .rev()
        .filter(|line| !line.trim().is_empty() && indent(line) < indent(code[at]));
    let starts = ["impl", "unsafe impl", "pub trait", "trait", "mod", "pub mod"];
    let head =
        outer.map(|line| line.trim()).find(|line| starts.iter().any(|s| line.starts_with(s)));
    head.is_some_and(|line| line.contains("impl") && words(line, "for").next().is_some())
}

/// Whether a comment with `wanted` belongs to the statement at line `at`: it stands on the line or
/// above it, with only comments, attributes and the statement's own beginning between.
fn explained(original: &[&str], code: &[&str], at: usize, wanted: &str) -> bool {
    if original[at].contains(wanted) {
        return true;
    }
    for above in (0..at).rev() {
        if original[above].contains(wanted) && code[above].trim().is_empty() {
            return true;
        }
        let code = code[above].trim();
        let ends_other = original[above].trim().is_empty() || code.ends_with([';', '{', '}']);
        if ends_other {
            return false;
        }
    }
    false
}

/// Atomics, locks and threads come through the shim.
pub fn one_door(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.libraries() {
        let inside = path == DOOR || path.starts_with(MODEL);
        if inside || path.starts_with("crates/map-conformance/") {
            continue;
        }
        let code = code(text);
        let own = code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for (at, line) in own.lines().enumerate() {
            let line = HARMLESS.iter().fold(line.to_owned(), |line, name| line.replace(name, ""));
            let imports = ["use std::{", "use core::{"].iter().any(|start| line.contains(start))
                && ["sync", "thread"].iter().any(|module| words(&line, module).next().is_some());
            let named = BEHIND_DOOR.iter().find(|name| {
                let allowed = path.starts_with(LOCKSMITH.0) && **name == LOCKSMITH.1;
                !allowed && words(&line, name).next().is_some()
            });
            if let Some(name) = named.filter(|_| !line.contains("shim::")) {
                findings.push(Finding::at(path, at, format!("{name} outside {DOOR}")));
            } else if imports {
                findings.push(Finding::at(
                    path,
                    at,
                    format!("std's sync or thread outside {DOOR}"),
                ));
            }
        }
    }
    findings
}

/// No file is too long to be read.
pub fn length(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension(".rs") {
        let lines = text.lines().count();
        if lines > LINES {
            findings.push(Finding::of_file(path, format!("{lines} lines, more than {LINES}")));
        }
    }
    findings
}

/// No `todo!`, no test switched off and no lint silenced without a reason.
pub fn nothing_unfinished(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension(".rs") {
        let code = code(text);
        for (at, line) in code.lines().enumerate() {
            for name in ["todo", "unimplemented", "dbg"] {
                if words(line, name).any(|from| line[from + name.len()..].starts_with('!')) {
                    findings.push(Finding::at(path, at, format!("{name}!")));
                }
            }
            if line.contains("#[ignore]") {
                findings.push(Finding::at(path, at, "a test is ignored without a reason"));
            }
            for silenced in ["#[allow(", "#![allow(", "#[expect(", "#![expect("] {
                let Some((_, rest)) = line.split_once(silenced) else { continue };
                let attribute = code.lines().skip(at + 1).fold(rest.to_owned(), |text, line| {
                    if text.contains(")]") { text } else { text + line }
                });
                if !attribute.split(")]").next().unwrap_or_default().contains("reason =") {
                    findings.push(Finding::at(path, at, "a lint is silenced without a reason"));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "crates/map-x/src/map.rs";

    fn findings(rule: fn(&Tree) -> Vec<Finding>, path: &str, text: &str) -> usize {
        rule(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn unsafe_outside_raw_is_found() {
        let text = "// unsafe\nfn f() { unsafe { g() } }";
        assert_eq!(findings(unsafe_below_raw, SAMPLE, text), 1);
        assert_eq!(findings(unsafe_below_raw, "crates/map-x/src/raw/list.rs", text), 0);
        assert_eq!(findings(unsafe_below_raw, SAMPLE, "#![forbid(unsafe_code)]"), 0);
    }

    #[test]
    fn a_missing_safety_comment_is_found() {
        for good in [
            "// SAFETY: I1.\nunsafe { g() }",
            "// SAFETY: I1\n// and I2.\nlet x =\n    unsafe { g() };",
            "/// # Safety\n/// Never.\n#[inline]\npub unsafe fn f() {}",
            "// SAFETY: I1.\nunsafe impl Send for X {}",
            "// SAFETY: I1.\nunsafe impl A for B {\n    unsafe fn f() {}\n}",
            "type F = unsafe fn();\nlet f: unsafe fn() = g;\n// SAFETY: I1.\nunsafe { f() }",
        ] {
            assert_eq!(findings(safety_comments, SAMPLE, good), 0, "{good}");
        }
        for bad in [
            "unsafe { g() }",
            "// SAFETY: I1.\nlet x = 1;\nunsafe { g() }",
            "// SAFETY: I1.\n\nunsafe { g() }",
            "/// Never.\npub unsafe fn f() {}",
            "impl B {\n    unsafe fn f() {}\n}",
            "unsafe impl Send for X {}",
        ] {
            assert_eq!(findings(safety_comments, SAMPLE, bad), 1, "{bad}");
        }
    }

    #[test]
    fn another_door_is_found() {
        for bad in [
            "use std::sync::Mutex;",
            "use core::sync::atomic::AtomicUsize;",
            "use parking_lot::RwLock;",
            "use std::{fmt, sync::Mutex};",
            "std::thread::spawn(f);",
        ] {
            assert_eq!(findings(one_door, SAMPLE, bad), 1, "{bad}");
            assert_eq!(findings(one_door, DOOR, bad), 0, "{bad}");
        }
        for good in [
            "use map_sync::shim::atomic::AtomicUsize;",
            "/// std::sync::Mutex",
            "use std::sync::Arc;",
            "#[cfg(test)]\nmod tests { use std::thread; }",
        ] {
            assert_eq!(findings(one_door, SAMPLE, good), 0, "{good}");
        }
    }

    #[test]
    fn long_files_are_found() {
        assert_eq!(findings(length, SAMPLE, &"\n".repeat(LINES)), 0);
        assert_eq!(findings(length, SAMPLE, &"\n".repeat(LINES + 1)), 1);
    }

    #[test]
    fn unfinished_work_is_found() {
        for bad in [
            "fn f() { todo!() }",
            "unimplemented!(\"x\")",
            "dbg!(x);",
            "#[ignore]\n#[test]",
            "#[allow(dead_code)]",
            "#![allow(\n    dead_code\n)]\n// reason =",
        ] {
            assert_eq!(findings(nothing_unfinished, SAMPLE, bad), 1, "{bad}");
        }
        for good in [
            "// todo!()",
            "#[ignore = \"an hour long\"]",
            "#[allow(dead_code, reason = \"of a cfg\")]",
            "#[expect(\n    dead_code,\n    reason = \"x\"\n)]",
        ] {
            assert_eq!(findings(nothing_unfinished, SAMPLE, good), 0, "{good}");
        }
    }
}

//! `cargo xtask tidy`: the conventions that a program can check.
//!
//! Each rule is a function from the files of the workspace to findings, so that its test can hand it
//! a broken sample.

mod links;
mod rules;
mod siblings;
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Directories that hold nothing of ours: build output and what begins with a dot.
const FOREIGN: [&str; 2] = ["target", "atlas-report"];
/// Files that are looked into; of others only the path is known.
const TEXTS: [&str; 6] = ["rs", "md", "toml", "html", "css", "js"];

/// The workspace's files: their paths from the root, with `/`, and their text.
#[derive(Debug, Default)]
pub struct Tree(BTreeMap<String, String>);

/// A breach of a convention.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    path: String,
    line: Option<usize>,
    message: String,
}

/// A convention.
type Rule = fn(&Tree) -> Vec<Finding>;

/// All conventions.
const RULES: &[Rule] = &[
    siblings::files,
    siblings::sections,
    siblings::reexports,
    siblings::dependencies,
    siblings::registered,
    rules::unsafe_below_raw,
    rules::safety_comments,
    rules::one_door,
    rules::length,
    rules::nothing_unfinished,
    links::resolve,
];

/// Checks every convention and prints the findings.
pub fn run() -> Result<()> {
    let tree = Tree::read(&Workspace::find()?.root)?;
    let findings: Vec<_> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        let plural = if findings.len() == 1 { "" } else { "s" };
        bail!("{} finding{plural} in {} files", findings.len(), tree.0.len());
    }
    println!("{} files are tidy", tree.0.len());
    Ok(())
}

impl Tree {
    /// Reads all files below `root`.
    fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.visit(root, "")?;
        Ok(tree)
    }

    fn visit(&mut self, directory: &Path, prefix: &str) -> Result<()> {
        let context = || directory.display().to_string();
        for entry in fs::read_dir(directory).with_context(context)? {
            let path = entry.with_context(context)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let hidden = name.starts_with('.') && name != ".ci";
            if hidden || FOREIGN.contains(&name.as_str()) || name.starts_with("target-") {
                continue;
            }
            let from_root = format!("{prefix}{name}");
            if path.is_dir() {
                self.visit(&path, &format!("{from_root}/"))?;
                continue;
            }
            let is_text = path.extension().is_some_and(|e| TEXTS.iter().any(|text| e == *text));
            let text = if is_text {
                fs::read_to_string(&path).with_context(|| path.display().to_string())?
            } else {
                String::new()
            };
            self.0.insert(from_root, text);
        }
        Ok(())
    }

    /// The text of one file.
    fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// Whether there is such a file or directory.
    fn contains(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        path.is_empty() || self.0.keys().any(|known| known == path || known.starts_with(&inside))
    }

    /// All files whose name ends so.
    fn with_extension(&self, extension: &str) -> impl Iterator<Item = (&str, &str)> {
        let files = self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        files.filter(move |(path, _)| path.ends_with(extension))
    }

    /// The Rust files of our crates' libraries.
    fn libraries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.with_extension(".rs").filter(|(path, _)| {
            path.strip_prefix("crates/")
                .and_then(|rest| rest.split_once('/'))
                .is_some_and(|(_, inside)| inside.starts_with("src/"))
        })
    }
}

#[cfg(test)]
impl Tree {
    /// A made-up workspace.
    fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect())
    }
}

impl Finding {
    fn of_file(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.into(), line: None, message: message.into() }
    }

    /// At a line, counted from 0.
    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line: Some(line + 1), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_name_file_and_line() {
        assert_eq!(Finding::at("a.rs", 0, "bad").to_string(), "a.rs:1: bad");
        assert_eq!(Finding::of_file("a.rs", "bad").to_string(), "a.rs: bad");
    }

    #[test]
    fn directories_are_contained() {
        let tree = Tree::of(&[("docs/a.md", "")]);
        assert!(tree.contains("docs") && tree.contains("docs/a.md") && tree.contains(""));
        assert!(!tree.contains("doc") && !tree.contains("docs/a"));
    }
}

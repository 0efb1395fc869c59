//! `cargo xtask docs`: the figures in the documents, from stored data.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use atlas_bench_data::Results;

use crate::bench::{read_results, write};
use crate::flags::Docs;
use crate::report;
use crate::workspace::Workspace;

/// The stored results.
const DATA: &str = "docs/data/benchmarks.json";
/// The generated part of the README.
const BEGIN: &str = "<!-- benchmarks:begin -->\n";
const END: &str = "<!-- benchmarks:end -->";

/// Writes the documents, or checks them.
pub fn run(flags: &Docs) -> Result<()> {
    let root = Workspace::find()?.root;
    if let Some(path) = &flags.from {
        let results = read_results(path)?;
        write(&root.join(DATA), &(serde_json::to_string_pretty(&results)? + "\n"))?;
    }
    let documents = generate(&root)?;
    if flags.check {
        let stale: Vec<_> = documents
            .iter()
            .filter(|(path, text)| fs::read_to_string(root.join(path)).ok().as_ref() != Some(text))
            .map(|(path, _)| *path)
            .collect();
        if !stale.is_empty() {
            bail!("{} do not match {DATA}; run `cargo xtask docs`", stale.join(", "));
        }
    } else {
        for (path, text) in &documents {
            write(&root.join(path), text)?;
            println!("{path}");
        }
    }
    Ok(())
}

/// Every generated document: its path and its text.
fn generate(root: &Path) -> Result<[(&'static str, String); 3]> {
    if !root.join(DATA).exists() {
        bail!("{DATA} is missing; store a run with `cargo xtask docs --from results.json`");
    }
    let results = read_results(&root.join(DATA))?;
    let readme = fs::read_to_string(root.join("README.md")).context("README.md")?;
    Ok([
        ("docs/benchmarks.md", report::markdown(&results)),
        ("docs/images/report.svg", report::summary_svg(&results)),
        ("README.md", splice(&readme, &results)?),
    ])
}

/// Puts the short table between the README's markers.
fn splice(readme: &str, results: &Results) -> Result<String> {
    let between = readme
        .split_once(BEGIN)
        .and_then(|(before, rest)| rest.split_once(END).map(|(_, after)| (before, after)));
    let (before, after) = between.context("README.md has lost its benchmarks:begin/end markers")?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", report::readme_table(results)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_between_the_markers_changes() {
        let results = report::sample();
        let readme = format!("head\n{BEGIN}old\n{END}\ntail\n");
        let spliced = splice(&readme, &results).expect("markers");
        assert!(spliced.starts_with("head\n") && spliced.ends_with("\ntail\n"));
        assert!(!spliced.contains("old\n"));
        assert_eq!(splice(&spliced, &results).expect("markers"), spliced);
        assert!(splice("no markers", &results).is_err());
    }
}

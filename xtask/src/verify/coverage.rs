//! `cargo xtask verify coverage`: which lines and regions of the library crates their tests come to.
//!
//! `cargo llvm-cov` builds, runs and counts; here its summary becomes a table with a row for each crate, and for what lies
//! below its `raw` module. It needs LLVM's tools, from rustup's component `llvm-tools` or, by the variables `LLVM_COV` and
//! `LLVM_PROFDATA`, from anywhere else.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::PARTS;
use crate::maps::MAPS;
use crate::workspace::{self, Workspace, cargo_path};

/// The summary of `cargo llvm-cov --json --summary-only`.
#[derive(Debug, Deserialize)]
struct Summary {
    data: Vec<Export>,
}

#[derive(Debug, Deserialize)]
struct Export {
    files: Vec<File>,
}

#[derive(Debug, Deserialize)]
struct File {
    filename: String,
    summary: Counts,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Counts {
    lines: Count,
    regions: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Count {
    count: u64,
    covered: u64,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.covered += other.covered;
    }

    fn cell(self) -> String {
        if self.count == 0 {
            return "–".to_owned();
        }
        let percent = self.covered as f64 * 100.0 / self.count as f64;
        format!("{percent:.1} % of {}", self.count)
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.lines.add(other.lines);
        self.regions.add(other.regions);
    }
}

/// What is counted of one crate.
#[derive(Debug, Default)]
struct Row {
    raw: Counts,
    whole: Counts,
}

/// Runs the tests of the library crates and prints the table.
pub fn run(workspace: &Workspace) -> Result<()> {
    let version = Command::new(cargo_path())
        .args(["llvm-cov", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ensure!(
        version.is_ok_and(|status| status.success()),
        "cargo llvm-cov cannot be run: cargo install --locked cargo-llvm-cov"
    );
    let path = workspace.target.join("coverage.json");
    let mut tests = Command::new(cargo_path());
    tests.current_dir(&workspace.root).args(["llvm-cov", "test", "--locked", "--lib", "--tests"]);
    tests.args(["--json", "--summary-only", "--output-path"]).arg(&path);
    let libraries = PARTS.into_iter().chain(MAPS.iter().map(|map| map.name)).chain(["map-core"]);
    tests.args(libraries.map(|package| format!("--package={package}")));
    workspace::run(&mut tests)?;
    let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let summary: Summary = serde_json::from_slice(&text).context("not a summary of llvm-cov")?;
    print(&rows(&summary));
    Ok(())
}

/// The counts of each crate below `crates/`, without its tests.
fn rows(summary: &Summary) -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::<_, Row>::new();
    for file in summary.data.iter().flat_map(|export| &export.files) {
        let Some((_, path)) = file.filename.rsplit_once("/crates/") else { continue };
        let Some((name, rest)) = path.split_once("/src/") else { continue };
        if name == "map-conformance" || rest.ends_with("_tests.rs") {
            continue;
        }
        let row = rows.entry(name.to_owned()).or_default();
        row.whole.add(file.summary);
        if rest.starts_with("raw/") {
            row.raw.add(file.summary);
        }
    }
    rows
}

fn print(rows: &BTreeMap<String, Row>) {
    println!("| crate | lines below `raw` | regions below `raw` | lines | regions |");
    println!("|---|---|---|---|---|");
    let mut all = Row::default();
    for (name, row) in rows {
        print_row(&format!("`{name}`"), row);
        all.raw.add(row.raw);
        all.whole.add(row.whole);
    }
    print_row("all", &all);
}

fn print_row(name: &str, Row { raw, whole }: &Row) {
    let cells = [raw.lines, raw.regions, whole.lines, whole.regions].map(Count::cell);
    println!("| {name} | {} |", cells.join(" | "));
}

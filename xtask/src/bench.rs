//! `cargo xtask bench`: builds and runs the measuring programs, merges what they wrote, reports.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use atlas_bench_data::{FORMAT, Results};

use crate::flags::Bench;
use crate::sections::{self, programs};
use crate::workspace::{self, Workspace};
use crate::{compare, criterion, report, trace};

/// Measures, then writes the report.
pub fn run(flags: &Bench) -> Result<()> {
    for path in &flags.trace {
        trace::check(path)?;
    }
    if let Some(go) = flags.go.as_ref().filter(|go| !is_bare(go)) {
        ensure!(go.is_file(), "there is no `go` command at {}", go.display());
    }
    let workspace = Workspace::find()?;
    if flags.list {
        println!("sections");
        for section in sections::SECTIONS {
            println!("  {:17} {}", section.name, section.about);
        }
        return workspace::run(
            workspace
                .cargo("run")
                .args(["--release", "--package", sections::PACKAGE, "--bin", programs::COMMON])
                .args(["--", "matrix", "--list"]),
        );
    }
    let here = std::env::current_dir().context("the current directory")?;
    let out = here.join(flags.out.clone().unwrap_or(workspace.target.join("atlas-report")));
    create_dir(&out)?;
    if let Some(parent) = flags.json.as_deref().and_then(Path::parent) {
        create_dir(&here.join(parent))?;
    }

    let earlier = flags.against.as_deref().map(|which| compare::earlier(&workspace, &here, which));
    let earlier = earlier.transpose()?;
    let results = match &flags.from {
        Some(path) => read_results(path)?,
        None => measure(&workspace, flags, &here, &out)?,
    };
    let json = serde_json::to_string_pretty(&results)? + "\n";
    write(&out.join("results.json"), &json)?;
    if let Some(path) = &flags.json {
        write(&here.join(path), &json)?;
    }
    if let Some(name) = &flags.save {
        compare::save(&workspace, name, &json)?;
    }
    let comparison = earlier.map(|earlier| compare::compare(&earlier, &results));
    let page = out.join("report.html");
    write(&page, &report::html(&results, comparison.as_ref())?)?;
    print!("{}", report::terminal(&results));
    if let Some(comparison) = &comparison {
        print!("{}", report::terminal_comparison(comparison));
    }
    println!("\nreport:  {}\nresults: {}", page.display(), out.join("results.json").display());
    Ok(())
}

/// Whether a program is named without a directory, so that it is looked up in PATH.
pub fn is_bare(program: &Path) -> bool {
    program.components().count() == 1
}

/// Builds and runs the wanted sections and merges what they found.
fn measure(workspace: &Workspace, flags: &Bench, here: &Path, out: &Path) -> Result<Results> {
    let wanted = sections::wanted(flags);
    sections::build(workspace, &wanted)?;
    let mut results = Results { format: FORMAT, ..Results::default() };
    for section in wanted {
        eprintln!("\n{}: {}", section.name, section.about);
        let begin = Instant::now();
        results.merge(section.run(workspace, flags, here, out)?);
        eprintln!("{} took {:.0} s", section.name, begin.elapsed().as_secs_f64());
    }
    ensure!(!results.is_empty(), "nothing was measured: no workload and no map matches the filter");
    criterion::complete_contenders(&mut results);
    results.settings.arguments = std::env::args().skip(1).collect();
    Ok(results)
}

/// Reads stored results.
pub fn read_results(path: &Path) -> Result<Results> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let results: Results = serde_json::from_str(&text)
        .with_context(|| format!("{} does not hold results", path.display()))?;
    ensure!(
        results.format == FORMAT,
        "{} has format {}, this program reads format {FORMAT}",
        path.display(),
        results.format
    );
    Ok(results)
}

fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))
}

/// Writes a file, creating its directory.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        create_dir(parent)?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

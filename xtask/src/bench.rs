//! `cargo xtask bench`: builds and runs the measuring programs, merges what they wrote, reports.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use atlas_bench_data::{FORMAT, Results};

use crate::flags::{Bench, Program};
use crate::workspace::{self, Workspace};
use crate::{criterion, report, trace};

/// The package with the measuring programs.
const PACKAGE: &str = "atlas-benches";
/// Its program that fills [`Results`].
const MATRIX: &str = "matrix";
/// Its criterion target.
const CRITERION: &str = "maps";

/// Measures, then writes the report.
pub fn run(flags: &Bench) -> Result<()> {
    for path in &flags.trace {
        trace::check(path)?;
    }
    let workspace = Workspace::find()?;
    if flags.list {
        return workspace::run(
            workspace
                .cargo("run")
                .args(["--release", "--package", PACKAGE, "--bin", MATRIX])
                .args(["--", "--list"]),
        );
    }
    let here = std::env::current_dir().context("the current directory")?;
    let out = here.join(flags.out.clone().unwrap_or(workspace.target.join("atlas-report")));
    create_dir(&out)?;
    if let Some(parent) = flags.json.as_deref().and_then(Path::parent) {
        create_dir(&here.join(parent))?;
    }

    let results = match &flags.from {
        Some(path) => read_results(path)?,
        None => measure(&workspace, flags, &here, &out)?,
    };
    let json = serde_json::to_string_pretty(&results)? + "\n";
    write(&out.join("results.json"), &json)?;
    if let Some(path) = &flags.json {
        write(&here.join(path), &json)?;
    }
    let page = out.join("report.html");
    write(&page, &report::html(&results)?)?;
    print!("{}", report::terminal(&results));
    println!("\nreport:  {}\nresults: {}", page.display(), out.join("results.json").display());
    Ok(())
}

/// Builds and runs the measuring programs and merges what they found.
fn measure(workspace: &Workspace, flags: &Bench, here: &Path, out: &Path) -> Result<Results> {
    let wanted = |program| flags.only.is_none_or(|only| only == program);
    if wanted(Program::Matrix) {
        build(workspace, &["build", "--release", "--bin", MATRIX])?;
    }
    if wanted(Program::Criterion) {
        build(workspace, &["bench", "--no-run", "--bench", CRITERION])?;
    }

    let mut results = Results { format: FORMAT, ..Results::default() };
    if wanted(Program::Matrix) {
        results = run_matrix(workspace, flags, here, &out.join("matrix.json"))?;
    }
    if wanted(Program::Criterion) {
        let start = SystemTime::now();
        run_criterion(workspace, flags)?;
        results.criterion = criterion::collect(&criterion_home(workspace), start)?;
        if results.criterion.is_empty() {
            results.notes.push("No criterion comparison matches the filter.".into());
        }
    }
    let nothing = results.matrix.is_empty() && results.criterion.is_empty();
    ensure!(!nothing, "nothing was measured: no workload and no map matches the filter");
    criterion::complete_contenders(&mut results);
    results.settings.arguments = std::env::args().skip(1).collect();

    Ok(results)
}

fn build(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    let (subcommand, rest) = arguments.split_first().context("a subcommand")?;
    workspace::run(workspace.cargo(subcommand).args(["--package", PACKAGE]).args(rest))
}

/// Runs the throughput matrix and reads what it stored in `json`.
fn run_matrix(workspace: &Workspace, flags: &Bench, here: &Path, json: &Path) -> Result<Results> {
    let program = workspace
        .target
        .join("release")
        .join(MATRIX)
        .with_extension(std::env::consts::EXE_EXTENSION);
    let mut command = Command::new(program);
    command.arg("--json").arg(json).args(matrix_arguments(flags));
    for path in &flags.trace {
        command.arg("--trace").arg(here.join(path));
    }
    // The report's own table follows, so the program's is not wanted.
    workspace::run(command.stdout(Stdio::null()))?;
    let results = read_results(json)?;
    fs::remove_file(json).with_context(|| json.display().to_string())?;
    Ok(results)
}

/// The flags that the matrix understands as they are.
fn matrix_arguments(flags: &Bench) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut add = |flag: &str, value: String| arguments.extend([format!("--{flag}"), value]);
    for text in &flags.filter {
        add("filter", text.clone());
    }
    if !flags.threads.is_empty() {
        add("threads", flags.threads.iter().map(u32::to_string).collect::<Vec<_>>().join(","));
    }
    if !flags.keys.is_empty() {
        add("keys", flags.keys.join(","));
    }
    if let Some(rounds) = flags.rounds {
        add("rounds", rounds.to_string());
    }
    if let Some(seconds) = flags.seconds_per_round {
        add("seconds-per-round", seconds.to_string());
    }
    if let Some(seed) = flags.seed {
        add("seed", seed.to_string());
    }
    if flags.quick {
        arguments.push("--quick".into());
    }
    arguments
}

/// Runs the criterion target. Its lengthy output is shown as one line a group.
fn run_criterion(workspace: &Workspace, flags: &Bench) -> Result<()> {
    let mut command = workspace.cargo("bench");
    command
        .args(["--package", PACKAGE, "--bench", CRITERION, "--", "--color", "never"])
        .args(flags.quick.then_some("--quick"))
        .args(criterion::filter(&flags.filter))
        .env("CRITERION_HOME", criterion_home(workspace))
        .stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot run cargo bench")?;
    let mut group = String::new();
    for line in BufReader::new(child.stdout.take().context("no output of criterion")?).lines() {
        let line = line.context("cannot read the output of criterion")?;
        if let Some(now) = criterion::group_of(&line)
            && now != group
        {
            eprintln!("criterion: {now}");
            now.clone_into(&mut group);
        }
    }
    workspace::check(child.wait()?)
}

fn criterion_home(workspace: &Workspace) -> PathBuf {
    workspace.target.join("criterion")
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

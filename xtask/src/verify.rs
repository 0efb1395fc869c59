//! `cargo xtask verify`: the layers that look for errors for longer than `cargo test` does.
//!
//! | layer | what runs |
//! |---|---|
//! | `linearizability` | random histories of all maps, judged; then the same of maps that are broken on purpose |
//! | `sanitizers` | the suites, the tests of the parts and a stress program, with AddressSanitizer and LeakSanitizer |
//! | `reentrancy` | every operation inside every piece of the user's code; compared with `docs/reentrancy.md` |
//! | `frozen` | a thread stopped at every access to memory of an operation of `map-caslist` |
//! | `hostile` | capacities that no machine has room for; what colliding keys cost |
//! | `models` | models of the locks, every schedule up to a bound |
//! | `memory` | short-lived threads, churn, drops on a small stack |
//! | `fuzz` | inputs that a fuzzer makes: sequences of operations on all maps, and the content of traces |
//!
//! What each can show and what it cannot: `docs/reliability.md`.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::flags::{Layer, Verify};
use crate::maps::MAPS;
use crate::workspace::{self, Workspace};

/// The one target for which the sanitizers are known to work here.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Runs the layers that are asked for, all of them even if one fails.
pub fn run(flags: &Verify) -> Result<()> {
    let workspace = Workspace::find()?;
    let layers = if flags.layer.is_empty() { Layer::ALL } else { &flags.layer };
    let mut failed = Vec::new();
    for layer in layers {
        eprintln!("{}:", layer.name());
        let result = match layer {
            Layer::Linearizability => linearizability(&workspace, flags),
            Layer::Sanitizers => sanitizers(&workspace, flags),
            Layer::Reentrancy => reentrancy(&workspace, flags),
            Layer::Frozen => frozen(&workspace),
            Layer::Hostile => program(&workspace, flags, "hostile"),
            Layer::Models => models(&workspace, flags),
            Layer::Memory => program(&workspace, flags, "memory"),
            Layer::Fuzz => fuzz(&workspace, flags),
        };
        if let Err(error) = result {
            eprintln!("{}: {error:#}", layer.name());
            failed.push(layer.name());
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// A program of `verify/`, in release mode.
fn program(workspace: &Workspace, flags: &Verify, name: &str) -> Result<()> {
    let mut command = workspace.cargo("run");
    command.args(["--release", "--package", "atlas-verify", "--bin", name, "--"]);
    workspace::run(command.args(handed_on(flags)))
}

/// The flags that every program knows.
fn handed_on(flags: &Verify) -> Vec<OsString> {
    let minutes = flags.minutes.iter().map(|minutes| format!("--minutes={minutes}"));
    let seed = flags.seed.iter().map(|seed| format!("--seed={seed}"));
    let again = flags.again.then(|| "--again".to_owned());
    let maps = flags.map.iter().map(|map| format!("--map={}", map.trim_start_matches("map-")));
    minutes.chain(seed).chain(again).chain(maps).map(OsString::from).collect()
}

fn linearizability(workspace: &Workspace, flags: &Verify) -> Result<()> {
    program(workspace, flags, "linearizability")?;
    let mut broken = workspace.cargo("test");
    broken.args(["--package", "map-conformance", "--test", "broken", "unexplained"]);
    workspace::run(with_seed(broken.args(["--", "--nocapture"]), flags))
}

fn sanitizers(workspace: &Workspace, flags: &Verify) -> Result<()> {
    ensure!(
        cfg!(all(target_arch = "x86_64", target_os = "linux")),
        "the sanitizers are run on {TARGET} only"
    );
    let sanitized = |subcommand: &str| {
        let mut command = workspace.cargo(subcommand);
        command
            .args(["--target", TARGET])
            // The sanitizers are not stable; this is the one use of what is not.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "-Zsanitizer=address")
            // Capacities that are too large are to be refused, not reported.
            .env("ASAN_OPTIONS", "allocator_may_return_null=1")
            .env("CARGO_TARGET_DIR", workspace.target.join("sanitizers"));
        command
    };
    let chosen = |map: &str| {
        let short = map.trim_start_matches("map-");
        flags.map.is_empty()
            || flags.map.iter().any(|name| name.trim_start_matches("map-") == short)
    };
    let mut tests = sanitized("test");
    tests.args(["--lib", "--tests", "--no-fail-fast"]);
    for part in ["map-sync", "map-table", "map-buckets"] {
        tests.args(["--package", part]);
    }
    for map in MAPS.iter().filter(|map| chosen(map.name)) {
        tests.args(["--package", map.name]);
    }
    if let Some(minutes) = flags.minutes {
        // The suites of all maps take about a minute each time.
        tests.env("ATLAS_CASES", format!("{:.0}", minutes.max(1.0)));
    }
    let tests = workspace::run(with_seed(&mut tests, flags));
    let mut stress = sanitized("run");
    stress.args(["--package", "atlas-verify", "--bin", "stress", "--"]);
    tests.and(workspace::run(stress.args(handed_on(flags))))
}

/// In a debug build, which `cargo test` has made most of.
fn reentrancy(workspace: &Workspace, flags: &Verify) -> Result<()> {
    let mut command = workspace.cargo("run");
    command.args(["--package", "atlas-verify", "--bin", "reentrancy", "--"]);
    command.arg("--page").arg(workspace.root.join("docs/reentrancy.md"));
    command.args(flags.write.then_some("--write"));
    workspace::run(command.args(handed_on(flags)))
}

/// In a build of its own, in which accesses to memory can be stopped.
fn frozen(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo("test");
    command
        .args(["--package", "map-caslist", "--test", "frozen", "--", "--nocapture"])
        .env("RUSTFLAGS", "--cfg atlas_freeze")
        .env("CARGO_TARGET_DIR", workspace.target.join("frozen"));
    workspace::run(&mut command)
}

fn models(workspace: &Workspace, flags: &Verify) -> Result<()> {
    let mut command = workspace.cargo("test");
    command.args([
        "--release",
        "--package",
        "atlas-models",
        "--",
        "--nocapture",
        "--test-threads=1",
    ]);
    if flags.minutes.is_some() {
        command.env("LOOM_MAX_PREEMPTIONS", "4");
    }
    workspace::run(&mut command)
}

/// The targets of `fuzz/`, a workspace of its own, for a minute each. What they learn and find is kept below `target/fuzz`.
fn fuzz(workspace: &Workspace, flags: &Verify) -> Result<()> {
    let cargo_fuzz = || {
        let mut command = Command::new(workspace::cargo_path());
        command.current_dir(&workspace.root).arg("fuzz");
        // The sanitizers that a fuzzer needs are not stable.
        command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", workspace.target.join("fuzz"));
        command
    };
    let installed = cargo_fuzz().arg("--version").output();
    if !installed.is_ok_and(|output| output.status.success()) {
        bail!("it needs cargo-fuzz: cargo install --locked cargo-fuzz");
    }
    let seconds = (flags.minutes.unwrap_or(1.0) * 60.0).ceil() as u64;
    for target in ["operations", "trace"] {
        let [corpus, found] =
            ["corpus", "found"].map(|kind| workspace.target.join("fuzz").join(kind).join(target));
        for folder in [&corpus, &found] {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        let mut command = cargo_fuzz();
        command.args(["run", target]).arg(corpus);
        command.args(["--", "-timeout=60", "-rss_limit_mb=1024"]);
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-artifact_prefix={}/", found.display()));
        command.args(flags.seed.map(|seed| format!("-seed={}", seed as u32)));
        workspace::run(&mut command)?;
    }
    Ok(())
}

fn with_seed<'a>(command: &'a mut Command, flags: &Verify) -> &'a mut Command {
    if let Some(seed) = flags.seed {
        command.env("ATLAS_SEED", seed.to_string());
    }
    command
}

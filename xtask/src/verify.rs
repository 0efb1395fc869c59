//! `cargo xtask verify`: the layers that look for errors for longer than `cargo test` does.
//!
//! | layer | what runs |
//! |---|---|
//! | `linearizability` | random histories of all maps, judged; then the same of maps that are broken on purpose |
//! | `sanitizers` | the suites, the tests of the parts and a stress program, with AddressSanitizer and LeakSanitizer; races, with ThreadSanitizer |
//! | `reentrancy` | every operation inside every piece of the user's code; compared with `docs/reentrancy.md` |
//! | `frozen` | a thread stopped at every access to memory of an operation of `map-caslist` |
//! | `hostile` | capacities that no machine has room for; what colliding keys cost |
//! | `models` | models of the small protocols in every schedule up to a bound, of whole maps in schedules by chance |
//! | `memory` | short-lived threads, churn, a reader that stands still, drops on a small stack |
//! | `valgrind` | the tests of the maps and of their parts under memcheck; needs valgrind |
//! | `coverage` | which lines and regions the tests come to; needs cargo-llvm-cov and LLVM's tools |
//! | `fuzz` | inputs that a fuzzer makes: sequences of operations on all maps, and the content of traces |
//!
//! What each can show and what it cannot: `docs/reliability.md`.

mod coverage;

use std::ffi::OsString;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::flags::{Layer, Verify};
use crate::maps::MAPS;
use crate::workspace::{self, Workspace};

/// The one target for which the sanitizers are known to work here.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// What the maps are made of.
const PARTS: [&str; 3] = ["map-sync", "map-table", "map-buckets"];

/// Runs the layers that are asked for, all of them even if one fails.
pub fn run(flags: &Verify) -> Result<()> {
    let workspace = Workspace::find()?;
    let layers = if flags.layer.is_empty() { Layer::USUAL } else { &flags.layer };
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
            Layer::Valgrind => valgrind(&workspace, flags),
            Layer::Coverage => coverage::run(&workspace),
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

/// The crates whose tests prove the maps: the parts, and the maps that are asked for.
fn proven(flags: &Verify) -> impl Iterator<Item = &'static str> {
    let chosen = |map: &str| {
        let short = map.trim_start_matches("map-");
        flags.map.is_empty()
            || flags.map.iter().any(|name| name.trim_start_matches("map-") == short)
    };
    PARTS.into_iter().chain(MAPS.iter().map(|map| map.name).filter(move |map| chosen(map)))
}

fn sanitizers(workspace: &Workspace, flags: &Verify) -> Result<()> {
    ensure!(
        cfg!(all(target_arch = "x86_64", target_os = "linux")),
        "the sanitizers are run on {TARGET} only"
    );
    let address = |subcommand: &str| {
        let mut command = sanitized(workspace, subcommand, "-Zsanitizer=address", "sanitizers");
        // Capacities that are too large are to be refused, not reported.
        command.env("ASAN_OPTIONS", "allocator_may_return_null=1");
        command
    };
    let mut tests = address("test");
    tests.args(["--lib", "--tests", "--no-fail-fast"]);
    tests.args(proven(flags).map(|package| format!("--package={package}")));
    if let Some(minutes) = flags.minutes {
        // The suites of all maps take about a minute each time.
        tests.env("ATLAS_CASES", format!("{:.0}", minutes.max(1.0)));
    }
    let tests = workspace::run(with_seed(&mut tests, flags));
    let mut stress = address("run");
    stress.args(["--package", "atlas-verify", "--bin", "stress", "--"]);
    let stress = workspace::run(stress.args(handed_on(flags)));
    tests.and(stress).and(races(workspace, flags))
}

/// Cargo with a sanitizer, in a target directory of its own. They are not stable; this is the one use of what is not.
fn sanitized(workspace: &Workspace, subcommand: &str, rustflags: &str, target: &str) -> Command {
    let mut command = workspace.cargo(subcommand);
    command.args(["--target", TARGET]).env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", rustflags);
    command.env("CARGO_TARGET_DIR", workspace.target.join(target));
    command
}

/// ThreadSanitizer, on the maps that it understands: `docs/reliability.md` says which and why.
fn races(workspace: &Workspace, flags: &Verify) -> Result<()> {
    // The standard library is not instrumented, which the flag allows.
    let rustflags = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer";
    let suppressions = workspace.root.join("verify/thread-sanitizer.supp");
    let mut command = sanitized(workspace, "run", rustflags, "thread-sanitizer");
    command.env("TSAN_OPTIONS", format!("suppressions={}", suppressions.display()));
    command.args(["--release", "--package", "atlas-verify", "--bin", "races", "--"]);
    workspace::run(command.args(handed_on(flags)))
}

/// Memcheck calls every error one, but not memory that can still be reached at the end: statics keep some.
const MEMCHECK: [&str; 7] = [
    "valgrind",
    "--quiet",
    "--leak-check=full",
    "--show-leak-kinds=definite,indirect",
    "--errors-for-leak-kinds=definite,indirect",
    "--error-exitcode=99",
    // Threads take turns in order; by default one that spins may keep the others from running.
    "--fair-sched=yes",
];

/// In a debug build, in which every freed block goes back to the allocator at once.
fn valgrind(workspace: &Workspace, flags: &Verify) -> Result<()> {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    ensure!(version.is_ok_and(|status| status.success()), "valgrind cannot be run: install it");
    let mut tests = workspace.cargo("test");
    tests.args(["--lib", "--tests", "--no-fail-fast"]);
    tests.arg("--config").arg(format!("target.'cfg(all())'.runner={MEMCHECK:?}"));
    tests.args(proven(flags).map(|package| format!("--package={package}")));
    // In a child of `fork`, whose other threads are gone, what these owned is lost.
    tests.args(["--", "--skip=forked_child"]);
    workspace::run(with_seed(&mut tests, flags))
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

/// In two builds of their own, in which the checkers' atomics and locks take the place of the real ones.
fn models(workspace: &Workspace, flags: &Verify) -> Result<()> {
    for checker in ["loom", "shuttle"] {
        let mut command = workspace.cargo("test");
        command
            .args(["--release", "--package", "atlas-models", "--lib", "--"])
            .args(["--nocapture", "--test-threads=1"])
            .args(flags.map.iter().map(|map| map.trim_start_matches("map-")))
            .env("RUSTFLAGS", format!("--cfg atlas_{checker}"))
            .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "true")
            .env("CARGO_TARGET_DIR", workspace.target.join(checker));
        if let Some(minutes) = flags.minutes {
            // Half of the time for each of the two.
            command.env("ATLAS_MINUTES", (minutes / 2.0).to_string());
        }
        workspace::run(with_seed(&mut command, flags))?;
    }
    Ok(())
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

//! The sections of the benchmark: which there are, and how each is built and run.
//!
//! Most sections are a program of the package [`PACKAGE`] that writes the results of its own section as
//! JSON ([`programs`]). All of them understand `--quick`, `--full`, `--filter`, `--seed`, `--json` and
//! `--may-be-empty`; which other flags one understands is in the list. A program says itself how long it
//! will take, because that follows from its flags.

pub mod programs;
mod weight;

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;

use anyhow::{Context, Result};
use atlas_bench_data::Results;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use self::programs::Program;
use crate::bench::is_bare;
use crate::criterion;
use crate::flags::Bench;
use crate::workspace::{self, Workspace};

/// The package with the measuring programs.
pub const PACKAGE: &str = "atlas-benches";

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// What `--only` calls it.
    pub name: &'static str,
    /// One line: what it measures.
    pub about: &'static str,
    /// When it runs without being asked for.
    runs: Runs,
    target: Target,
    /// The flags that it understands besides those that all understand.
    flags: &'static [&'static str],
}

/// When a section runs without being asked for by `--only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runs {
    /// Always.
    Always,
    /// Unless the run is to be quick.
    NotQuick,
    /// With `--full`.
    Full,
}

/// What is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// A program that writes results.
    Program(Program<'static>),
    /// A criterion target.
    Criterion(&'static str),
    /// Packages that are made for the purpose ([`weight`]).
    Packages,
}

/// Every section, in the order in which they run.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "matrix",
        about: "throughput on mixes of operations and recorded traces, and memory",
        runs: Runs::Always,
        target: Target::Program(Program::common("matrix")),
        flags: &["threads", "keys", "rounds", "seconds-per-round", "trace", "go"],
    },
    Section {
        name: "latency",
        about: "times of single operations, in a closed loop and at fixed arrival rates",
        runs: Runs::NotQuick,
        target: Target::Program(Program::common("latency")),
        flags: &["threads", "keys", "rounds", "seconds-per-round"],
    },
    Section {
        name: "growth",
        about: "one map from empty to its full size with a reader beside: the longest operations",
        runs: Runs::NotQuick,
        target: Target::Program(Program::common("growth")),
        flags: &["keys"],
    },
    Section {
        name: "moves",
        about: "entries that single insertions move inside our maps, by a build that counts them",
        runs: Runs::Full,
        target: Target::Program(Program::with_features("moves", "contention-counters")),
        flags: &["keys"],
    },
    Section {
        name: "contention",
        about: "threads in each other's way: hot keys, stampedes, iteration, too many threads",
        runs: Runs::NotQuick,
        target: Target::Program(Program::common("contention")),
        flags: &["threads", "rounds", "seconds-per-round"],
    },
    Section {
        name: "contention-counts",
        about: "waits, retries and failed exchanges in our maps, by a build that counts them",
        runs: Runs::Full,
        target: Target::Program(Program::with_features("contention-counts", "contention-counters")),
        flags: &["threads", "seconds-per-round"],
    },
    Section {
        name: "scenarios",
        about: "production situations with up to 1024 workers, and the columns that describe them",
        runs: Runs::Full,
        target: Target::Program(Program::common("scenarios")),
        flags: &["threads", "keys", "rounds", "seconds-per-round"],
    },
    Section {
        name: "batches",
        about: "look-ups of many keys in one call, against the same keys one by one",
        runs: Runs::Full,
        target: Target::Program(Program::common("batches")),
        flags: &["threads", "keys", "rounds", "seconds-per-round"],
    },
    Section {
        name: "criterion",
        about: "single operations on one thread, by criterion",
        runs: Runs::Always,
        target: Target::Criterion("maps"),
        flags: &[],
    },
    Section {
        name: "cost",
        about: "allocations, heap, memory that a stalled reader holds back, resident memory",
        runs: Runs::NotQuick,
        target: Target::Program(Program::common("cost")),
        flags: &[],
    },
    Section {
        name: "instructions",
        about: "simulated instructions and cache misses of an operation, and hardware counters",
        runs: Runs::Full,
        target: Target::Program(Program::with_features("instructions", "fixed-seeds")),
        flags: &["keys"],
    },
    Section {
        name: "weight",
        about: "what a map adds to a program: bytes, build time, crates",
        runs: Runs::Full,
        target: Target::Packages,
        flags: &[],
    },
];

/// Reads the name of a section.
pub fn parser() -> impl TypedValueParser<Value = &'static Section> {
    let values =
        SECTIONS.iter().map(|section| PossibleValue::new(section.name).help(section.about));
    // Only the names in the list get past the parser.
    PossibleValuesParser::new(values)
        .map(|name| SECTIONS.iter().find(|section| section.name == name).unwrap_or(&SECTIONS[0]))
}

/// The program of the section of this name, if it is one that has a program.
pub fn program(name: &str) -> Option<Program<'static>> {
    match SECTIONS.iter().find(|section| section.name == name)?.target {
        Target::Program(program) => Some(program),
        Target::Criterion(_) | Target::Packages => None,
    }
}

/// The sections that a run has, in order.
pub fn wanted(flags: &Bench) -> Vec<&'static Section> {
    let all = SECTIONS.iter();
    if flags.only.is_empty() {
        let fits = |section: &&Section| match section.runs {
            Runs::Always => true,
            Runs::NotQuick => !flags.quick,
            Runs::Full => flags.full,
        };
        all.filter(fits).collect()
    } else {
        all.filter(|section| flags.only.contains(section)).collect()
    }
}

/// Builds what the sections run.
pub fn build(workspace: &Workspace, sections: &[&Section]) -> Result<()> {
    let mut built = Vec::new();
    for section in sections {
        if let Target::Program(program) = section.target
            && !built.contains(&program.binary())
        {
            program.build(workspace)?;
            built.push(program.binary());
        }
    }
    for section in sections {
        if let Target::Criterion(target) = section.target {
            let mut cargo = workspace.cargo("bench");
            workspace::run(cargo.args(["--package", PACKAGE, "--no-run", "--bench", target]))?;
        }
    }
    Ok(())
}

impl Section {
    /// Measures the section; it must have been built.
    pub fn run(
        &self,
        workspace: &Workspace,
        flags: &Bench,
        here: &Path,
        out: &Path,
    ) -> Result<Results> {
        match self.target {
            Target::Program(program) => self.run_program(workspace, program, flags, here, out),
            Target::Criterion(target) => run_criterion(workspace, target, flags),
            Target::Packages => weight::measure(workspace, flags),
        }
    }

    /// Runs a program and reads what it stored.
    fn run_program(
        &self,
        workspace: &Workspace,
        program: Program<'_>,
        flags: &Bench,
        here: &Path,
        out: &Path,
    ) -> Result<Results> {
        let mut arguments = vec!["--may-be-empty".into()];
        arguments.extend(self.arguments(flags).into_iter().map(OsString::from));
        if self.flags.contains(&"trace") {
            let traces = flags.trace.iter().map(|path| here.join(path).into_os_string());
            arguments.extend(traces.flat_map(|path| ["--trace".into(), path]));
        }
        if let Some(path) = flags.go.as_ref().filter(|_| self.flags.contains(&"go")) {
            let path = if is_bare(path) { path.clone() } else { here.join(path) };
            arguments.extend(["--go".into(), path.into_os_string()]);
        }
        program.run(workspace, &arguments, &out.join(self.name).with_extension("json"))
    }

    /// The flags to hand on, as they are.
    fn arguments(&self, flags: &Bench) -> Vec<String> {
        let mut arguments = Vec::new();
        let mut add = |flag: &str, value: String| arguments.extend([format!("--{flag}"), value]);
        for text in &flags.filter {
            add("filter", text.clone());
        }
        if let Some(seed) = flags.seed {
            add("seed", seed.to_string());
        }
        let threads: Vec<_> = flags.threads.iter().map(u32::to_string).collect();
        for (flag, value) in [
            ("threads", Some(threads.join(","))),
            ("keys", Some(flags.keys.join(","))),
            ("rounds", flags.rounds.map(|rounds| rounds.to_string())),
            ("seconds-per-round", flags.seconds_per_round.map(|seconds| seconds.to_string())),
        ] {
            let value = value.filter(|value| !value.is_empty() && self.flags.contains(&flag));
            if let Some(value) = value {
                add(flag, value);
            }
        }
        for (flag, is_set) in [("--quick", flags.quick), ("--full", flags.full)] {
            arguments.extend(is_set.then(|| flag.to_owned()));
        }
        arguments
    }
}

/// Runs the criterion target. Its lengthy output is shown as one line a group.
fn run_criterion(workspace: &Workspace, target: &str, flags: &Bench) -> Result<Results> {
    let about = if flags.quick { 25 } else { 100 };
    eprintln!("about {about} s without a filter");
    let home: PathBuf = workspace.target.join("criterion");
    let start = SystemTime::now();
    let mut command = workspace.cargo("bench");
    command
        .args(["--package", PACKAGE, "--bench", target, "--", "--color", "never"])
        .args(flags.quick.then_some("--quick"))
        .args(criterion::filter(&flags.filter))
        .env("CRITERION_HOME", &home)
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
    workspace::check(child.wait()?)?;
    let mut results =
        Results { criterion: criterion::collect(&home, start)?, ..Results::default() };
    if results.criterion.is_empty() {
        results.notes.push("No criterion comparison matches the filter.".into());
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        bench: Bench,
    }

    fn flags(arguments: &[&str]) -> Bench {
        Cli::parse_from(["bench"].iter().chain(arguments)).bench
    }

    fn names(arguments: &[&str]) -> Vec<&'static str> {
        wanted(&flags(arguments)).iter().map(|section| section.name).collect()
    }

    #[test]
    fn sections_are_chosen() {
        assert_eq!(names(&["--full"]).len(), SECTIONS.len());
        let default = ["matrix", "latency", "growth", "contention", "criterion", "cost"];
        assert_eq!(names(&[]), default);
        assert_eq!(names(&["--only", "weight"]), ["weight"]);
        assert_eq!(names(&["--quick"]), ["matrix", "criterion"]);
        assert_eq!(names(&["--only", "criterion"]), ["criterion"]);
        assert_eq!(names(&["--only", "criterion", "--only", "matrix"]), ["matrix", "criterion"]);
    }

    #[test]
    fn a_section_gets_the_flags_that_it_understands() {
        let given = flags(&["--keys", "1K,4M", "--threads", "1,2", "--seed", "7", "--full"]);
        let common = ["--seed", "7"];
        let own = ["--threads", "1,2", "--keys", "1K,4M"];
        assert_eq!(SECTIONS[0].arguments(&given), [&common[..], &own, &["--full"]].concat());
        let none = Section { flags: &[], ..SECTIONS[0] };
        assert_eq!(none.arguments(&given), [&common[..], &["--full"]].concat());
    }

    #[test]
    fn names_are_unique() {
        for (at, section) in SECTIONS.iter().enumerate() {
            assert!(SECTIONS[..at].iter().all(|other| other.name != section.name));
        }
    }
}

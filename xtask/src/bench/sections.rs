//! The sections of the benchmark: which there are, and how each is built and run.
//!
//! A section is a program of the package [`PACKAGE`] that writes the results of its own section as
//! JSON. All programs understand `--quick`, `--full`, `--filter`, `--seed`, `--json` and
//! `--may-be-empty`; which other flags one understands is in the list.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result};
use atlas_bench_data::Results;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::read_results;
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
    /// Whether `--quick` runs it without being asked to.
    quick: bool,
    target: Target,
    /// The flags that it understands besides those that all understand.
    flags: &'static [&'static str],
}

/// What is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// A program that writes results, with the features of the package that it needs.
    Program(&'static str, &'static str),
    /// A criterion target.
    Criterion(&'static str),
}

/// Every section, in the order in which they run.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "matrix",
        about: "throughput on mixes of operations and recorded traces, and memory",
        quick: true,
        target: Target::Program("matrix", ""),
        flags: &["threads", "keys", "rounds", "seconds-per-round", "trace", "go"],
    },
    Section {
        name: "criterion",
        about: "single operations on one thread, by criterion",
        quick: true,
        target: Target::Criterion("maps"),
        flags: &[],
    },
    Section {
        name: "cost",
        about: "allocations, heap, memory that a stalled reader holds back, resident memory",
        quick: false,
        target: Target::Program("cost", ""),
        flags: &[],
    },
    Section {
        name: "instructions",
        about: "simulated instructions and cache misses of an operation, and hardware counters",
        quick: false,
        target: Target::Program("instructions", "fixed-seeds"),
        flags: &["keys"],
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

/// The sections that a run has, in order.
pub fn wanted(flags: &Bench) -> Vec<&'static Section> {
    let all = SECTIONS.iter();
    if flags.only.is_empty() {
        all.filter(|section| section.quick || !flags.quick).collect()
    } else {
        all.filter(|section| flags.only.contains(section)).collect()
    }
}

/// Builds what the sections run: one call for all programs with the same features, one for criterion.
pub fn build(workspace: &Workspace, sections: &[&Section]) -> Result<()> {
    let mut programs: Vec<(&str, Vec<&str>)> = Vec::new();
    for section in sections {
        if let Target::Program(program, features) = section.target {
            match programs.iter_mut().find(|(known, _)| *known == features) {
                Some((_, all)) => all.push(program),
                None => programs.push((features, vec![program])),
            }
        }
    }
    for (features, programs) in programs {
        let mut cargo = workspace.cargo("build");
        cargo.args(["--release", "--package", PACKAGE, "--features", features]);
        workspace::run(cargo.args(programs.iter().flat_map(|program| ["--bin", program])))?;
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
            Target::Program(program, _) => self.run_program(workspace, program, flags, here, out),
            Target::Criterion(target) => run_criterion(workspace, target, flags),
        }
    }

    /// Runs a program and reads what it stored.
    fn run_program(
        &self,
        workspace: &Workspace,
        program: &str,
        flags: &Bench,
        here: &Path,
        out: &Path,
    ) -> Result<Results> {
        let path = workspace.target.join("release").join(program);
        let json = out.join(program).with_extension("json");
        let mut command = Command::new(path.with_extension(std::env::consts::EXE_EXTENSION));
        command.arg("--json").arg(&json).arg("--may-be-empty").args(self.arguments(flags));
        if self.flags.contains(&"trace") {
            for path in &flags.trace {
                command.arg("--trace").arg(here.join(path));
            }
        }
        if let Some(path) = flags.go.as_ref().filter(|_| self.flags.contains(&"go")) {
            // A bare name is looked up in PATH.
            let bare = path.components().count() == 1;
            command.arg("--go").arg(if bare { path.clone() } else { here.join(path) });
        }
        // The report's own tables follow, so the program's are not wanted.
        workspace::run(command.stdout(Stdio::null()))?;
        let results = read_results(&json)?;
        fs::remove_file(&json).with_context(|| json.display().to_string())?;
        Ok(results)
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
        assert_eq!(names(&[]).len(), SECTIONS.len());
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

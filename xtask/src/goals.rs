//! `cargo xtask goals`: measures what the goals speak of and judges each.
//!
//! [`data`] reads the goals and says which cells they need, [`judge`] turns results into verdicts,
//! [`show`] into text. This file runs the measuring programs in between.

mod data;
mod judge;
mod show;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use atlas_bench_data::{FORMAT, GoalResult, Results, Verdict};

pub use show::markdown;

use crate::bench::{is_bare, read_results, write};
use crate::flags::{Goals, size};
use crate::maps::MAPS;
use crate::sections::program;
use crate::workspace::Workspace;
use data::{Check, MatrixNeeds, Of, Over, Rows};

/// Entries of the maps that `--quick` leaves out of the matrix.
const TOO_LARGE: u64 = 1_000_000;

/// What was measured, and why the rest was not.
struct Measured {
    results: Results,
    missing: BTreeMap<String, String>,
}

/// Measures, judges and prints; fails if a goal is not reached.
pub fn run(flags: &Goals) -> Result<()> {
    let goals = data::read(&flags.only)?;
    if let Some(path) = flags.go.as_ref().filter(|path| !is_bare(path)) {
        ensure!(path.is_file(), "--go {}: no such file", path.display());
    }
    // Read now, so that a bad file is refused before anything is measured.
    let stored =
        flags.into.as_deref().map(|path| Ok::<_, anyhow::Error>((path, read_results(path)?)));
    let stored = stored.transpose()?;
    let workspace = Workspace::find()?;
    let measured = match &flags.from {
        Some(path) => Measured { results: read_results(path)?, missing: BTreeMap::new() },
        None => measure(&workspace, flags, &goals)?,
    };
    let mut results = measured.results;
    let evidence = judge::Evidence {
        results: &results,
        document: &serde_json::to_value(&results)?,
        peers: &goals.peers,
        missing: measured.missing,
    };
    let verdicts = judge::judge(&goals.goals, &evidence);
    print!("{}", show::terminal(&verdicts, &results.machine));
    results.goals.clone_from(&verdicts);
    if let Some(path) = &flags.json {
        write_results(path, &results)?;
    }
    if let Some((path, mut results)) = stored {
        results.goals.clone_from(&verdicts);
        write_results(path, &results)?;
    }
    conclude(&verdicts)
}

fn write_results(path: &Path, results: &Results) -> Result<()> {
    write(path, &(serde_json::to_string_pretty(results)? + "\n"))
}

/// Fails if a goal falls short.
fn conclude(verdicts: &[GoalResult]) -> Result<()> {
    let short: Vec<_> = verdicts
        .iter()
        .filter(|goal| goal.verdict == Verdict::FallsShort)
        .map(|goal| goal.id.as_str())
        .collect();
    if !short.is_empty() {
        bail!("{} of {} goals fall short: {}", short.len(), verdicts.len(), short.join(", "));
    }
    Ok(())
}

/// Runs every program that the goals need.
fn measure(workspace: &Workspace, flags: &Goals, goals: &data::Goals) -> Result<Measured> {
    let (runs, missing) = plan(flags, goals);
    let mut results = Results { format: FORMAT, ..Results::default() };
    for (name, arguments) in &runs {
        let program = program(name).with_context(|| format!("{name} has no program"))?;
        program.build(workspace)?;
        eprintln!("\n{name}:");
        let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
        let json = workspace.target.join(format!("atlas-goals-{name}.json"));
        results.merge(program.run(workspace, &arguments, &json)?);
    }
    Ok(Measured { results, missing })
}

/// A measuring program and its arguments.
type Run = (String, Vec<String>);

fn list(flag: &str, items: &[impl ToString]) -> [String; 2] {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    [format!("--{flag}"), items.join(",")]
}

/// The programs to run, and why some cells will be missing.
fn plan(flags: &Goals, goals: &data::Goals) -> (Vec<Run>, BTreeMap<String, String>) {
    let mut runs: Vec<Run> = Vec::new();
    let mut missing = BTreeMap::new();
    let too_large = if flags.quick { TOO_LARGE } else { u64::MAX };
    let quick = || flags.quick.then(|| "--quick".to_owned());
    let rounds = || flags.rounds.iter().flat_map(|rounds| list("rounds", &[rounds]));
    let needs = MatrixNeeds::of(goals, too_large);
    if !needs.cells.is_empty() {
        let mut arguments: Vec<_> = rounds().chain(quick()).collect();
        arguments.extend(list("filter", &needs.cells));
        if !needs.keys.is_empty() {
            arguments.extend(list("keys", &needs.keys));
            arguments.extend(list("threads", &needs.threads));
        }
        let go = flags.go.as_ref().map(|path| ["--go".into(), path.display().to_string()]);
        arguments.extend(go.into_iter().flatten());
        runs.push(("matrix".into(), arguments));
    }
    for check in goals.goals.iter().flat_map(|goal| &goal.checks) {
        let ratio = match check {
            Check::Figure(figure) => {
                if runs.iter().all(|(name, _)| *name != figure.program) {
                    let mut arguments: Vec<_> = quick().into_iter().collect();
                    arguments.extend(list("filter", &judged(goals, &figure.program)));
                    let keys = figure.keys.as_ref().filter(|_| !flags.quick);
                    arguments.extend(keys.iter().flat_map(|keys| list("keys", &[keys])));
                    runs.push((figure.program.clone(), arguments));
                }
                continue;
            }
            Check::Ratio(ratio) => ratio,
        };
        if let (Over::BestOf(ids), None) = (&ratio.over, &flags.go) {
            for id in ids.iter().filter(|id| id.starts_with("go-")) {
                missing.insert(id.clone(), "needs --go".into());
            }
        }
        match ratio.rows {
            Rows::Matrix => {
                for keys in ratio.keys.iter().filter(|k| size(k).is_some_and(|n| n >= too_large)) {
                    let reason = format!("--quick leaves out maps of {keys}");
                    missing.insert(format!("matrix {keys}"), reason);
                }
            }
            Rows::Batches if runs.iter().all(|(name, _)| name != "batches") => {
                let mut arguments: Vec<_> = rounds().chain(quick()).collect();
                arguments.extend(list("keys", &ratio.keys));
                arguments.extend(list("threads", &ratio.threads));
                runs.push(("batches".into(), arguments));
            }
            Rows::Batches => {}
        }
    }
    (runs, missing)
}

/// The maps that are judged by figures of a program.
fn judged(goals: &data::Goals, program: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for check in goals.goals.iter().flat_map(|goal| &goal.checks) {
        match check {
            Check::Figure(figure) if figure.program == program => match &figure.of {
                Of::Map(id) => ids.push(id.clone()),
                _ => ids.extend(MAPS.iter().map(|map| map.name.to_owned())),
            },
            _ => {}
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(quick: bool, only: &str) -> (Vec<Run>, BTreeMap<String, String>) {
        let flags = Goals { quick, ..Goals::default() };
        let goals = data::read(&[only.into()]).expect("a goal");
        plan(&flags, &goals)
    }

    #[test]
    fn programs_and_reasons() {
        let names = |runs: &[Run]| runs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let has = |run: &Run, text: &str| run.1.iter().any(|argument| argument == text);
        let (runs, missing) = planned(false, "P5");
        assert_eq!(names(&runs), ["matrix", "batches"]);
        assert!(missing.is_empty() && has(&runs[0], "4M"));
        let (runs, missing) = planned(true, "P5");
        assert_eq!(names(&runs), ["batches"]);
        assert!(has(&runs[0], "4M") && missing["matrix 4M"].contains("--quick"));
        let (runs, _) = planned(false, "P12");
        assert_eq!(names(&runs), ["moves", "growth"]);
        for run in &runs {
            assert!(program(&run.0).is_some() && has(run, "4M"));
            assert!(has(run, "map-caslist,map-readdirty,map-rwlock,map-sharded"));
        }
        assert!(!has(&planned(true, "P12").0[0], "4M"));
        let (_, missing) = planned(false, "P11");
        assert!(missing["go-sync-map-new"].contains("needs --go"));
    }

    #[test]
    fn one_short_goal_fails_the_run() {
        let goal = |verdict| GoalResult { id: "P1".into(), verdict, ..GoalResult::default() };
        assert!(conclude(&[goal(Verdict::Met), goal(Verdict::NotMeasured)]).is_ok());
        let error = conclude(&[goal(Verdict::Met), goal(Verdict::FallsShort)]).expect_err("short");
        assert_eq!(error.to_string(), "1 of 2 goals fall short: P1");
    }
}

//! `cargo xtask goals`: measures what the goals speak of and judges each.
//!
//! [`data`] reads the goals and says which cells they need, [`judge`] turns results into verdicts,
//! [`show`] into text. This file runs the measuring programs in between.

mod data;
mod judge;
mod show;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use atlas_bench_data::{GoalResult, Results, Verdict};
use serde_json::Value;

pub use show::markdown;

use crate::bench::{read_results, write};
use crate::flags::{Goals, size};
use crate::sections;
use crate::workspace::Workspace;
use data::{Check, MatrixNeeds, Over, Rows};

/// Entries of the maps that `--quick` leaves out.
const TOO_LARGE: u64 = 1_000_000;

/// What was measured, and why the rest was not.
struct Measured {
    document: Value,
    missing: BTreeMap<String, String>,
}

/// Measures, judges and prints; fails if a goal is not reached.
pub fn run(flags: &Goals) -> Result<()> {
    let goals = data::read(&flags.only)?;
    if let Some(path) = &flags.go {
        ensure!(path.is_file(), "--go {}: no such file", path.display());
    }
    // Read now, so that a bad file is refused before anything is measured.
    let stored =
        flags.into.as_deref().map(|path| Ok::<_, anyhow::Error>((path, read_results(path)?)));
    let stored = stored.transpose()?;
    let workspace = Workspace::find()?;
    let measured = match &flags.from {
        Some(path) => Measured {
            document: serde_json::to_value(read_results(path)?)?,
            missing: BTreeMap::new(),
        },
        None => measure(&workspace, flags, &goals)?,
    };
    let mut results: Results = serde_json::from_value(measured.document.clone())
        .context("a measuring program did not write results")?;
    let evidence = judge::Evidence {
        results: &results,
        document: &measured.document,
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
    let (runs, missing) = plan(flags, goals, |name| sections::exists(workspace, name));
    let names: Vec<_> = runs.iter().map(|(name, _)| name.as_str()).collect();
    if !names.is_empty() {
        sections::build(workspace, &names)?;
    }
    let mut document =
        serde_json::to_value(Results { format: atlas_bench_data::FORMAT, ..Results::default() })?;
    for (at, (name, arguments)) in runs.iter().enumerate() {
        eprintln!("{name}:");
        let json = workspace.target.join(format!("atlas-goals-{name}.json"));
        let found = sections::run(workspace, name, arguments, &json)?;
        if at == 0 {
            // The machine, the versions and the settings are those of the first program.
            document = found;
        } else {
            sections::merge(&mut document, found);
        }
    }
    Ok(Measured { document, missing })
}

/// A measuring program and its arguments.
type Run = (String, Vec<String>);

/// The programs to run, and why some cells will be missing.
fn plan(
    flags: &Goals,
    goals: &data::Goals,
    exists: impl Fn(&str) -> bool,
) -> (Vec<Run>, BTreeMap<String, String>) {
    let mut runs: Vec<Run> = Vec::new();
    let mut missing = BTreeMap::new();
    let too_large = if flags.quick { TOO_LARGE } else { u64::MAX };
    let common = || {
        let rounds = flags.rounds.map(|rounds| ["--rounds".to_owned(), rounds.to_string()]);
        let mut arguments: Vec<_> = rounds.into_iter().flatten().collect();
        arguments.extend(flags.quick.then(|| "--quick".into()));
        arguments
    };
    let needs = MatrixNeeds::of(goals, too_large);
    if !needs.cells.is_empty() {
        let mut arguments = common();
        arguments.extend(["--filter".into(), needs.cells.join(",")]);
        if !needs.keys.is_empty() {
            let threads: Vec<_> = needs.threads.iter().map(u32::to_string).collect();
            arguments.extend(["--keys".into(), needs.keys.join(",")]);
            arguments.extend(["--threads".into(), threads.join(",")]);
        }
        let go = flags.go.as_ref().map(|path| ["--go".into(), path.display().to_string()]);
        arguments.extend(go.into_iter().flatten());
        runs.push(("matrix".into(), arguments));
    }
    for check in goals.goals.iter().flat_map(|goal| &goal.checks) {
        let program = match check {
            Check::Figure(figure) => figure.program.as_str(),
            Check::Ratio(ratio) => {
                for keys in ratio.keys.iter().filter(|k| size(k).is_some_and(|n| n >= too_large)) {
                    missing.insert(keys.clone(), format!("--quick leaves out maps of {keys}"));
                }
                if let (Over::BestOf(ids), None) = (&ratio.over, &flags.go) {
                    for id in ids.iter().filter(|id| id.starts_with("go-")) {
                        missing.insert(id.clone(), "needs --go".into());
                    }
                }
                match ratio.rows {
                    Rows::Matrix => continue,
                    Rows::Batches if ratio.keys.iter().all(|keys| missing.contains_key(keys)) => {
                        continue;
                    }
                    Rows::Batches => "batches",
                }
            }
        };
        if !exists(program) {
            missing.insert(program.into(), format!("there is no measuring program {program}"));
        } else if runs.iter().all(|(name, _)| name != program) {
            let quick = flags.quick.then(|| "--quick".into());
            runs.push((program.into(), quick.into_iter().collect()));
        }
    }
    (runs, missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(quick: bool, only: &str) -> (Vec<Run>, BTreeMap<String, String>) {
        let flags = Goals { quick, ..Goals::default() };
        let goals = data::read(&[only.into()]).expect("a goal");
        plan(&flags, &goals, |name| name != "growth")
    }

    #[test]
    fn programs_and_reasons() {
        let (runs, missing) = planned(false, "P5");
        assert_eq!(runs.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["matrix", "batches"]);
        assert!(missing.is_empty() && runs[0].1.contains(&"4M".to_owned()));
        let (runs, missing) = planned(true, "P5");
        assert!(runs.is_empty() && missing["4M"].contains("--quick"));
        let (runs, missing) = planned(false, "P12");
        assert!(runs.is_empty() && missing["growth"].contains("no measuring program"));
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

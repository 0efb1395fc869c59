//! Brings maps into situations in which threads get in each other's way.

use std::process::ExitCode;

use anyhow::Result;
use atlas_bench_data::{Contention, median};
use atlas_benches::measure::contention::{self, Strains};
use atlas_benches::options;
use atlas_benches::progress::Progress;
use clap::Parser;

/// Measures maps in situations in which threads get in each other's way: one hot key, few keys, a
/// stampede for fresh keys, iteration beside writers, more threads than processors.
///
/// Prints million operations per second, the slowest thread's share of the mean, and how the threads
/// used the processors.
#[derive(Debug, Parser)]
#[command(name = "contention", max_term_width = 100)]
struct Options {
    #[command(flatten)]
    strains: Strains,
}

fn table(cells: &[Contention]) -> String {
    let Some(first) = cells.first() else { return String::new() };
    let mut text = format!(
        "\n{}, {} threads\n{:14}{:>9}{:>9}{:>9}{:>13}{:>13}{:>12}{:>9}",
        first.situation,
        first.threads,
        "",
        "Mop/s",
        "visited",
        "slowest",
        "sleeps/kop",
        "taken/kop",
        "processors",
        "makes"
    );
    for cell in cells {
        let series = |values: &[f64]| match values {
            [] => String::new(),
            values => format!("{:.2}", median(values)),
        };
        let figure = |value: Option<f64>, factor: f64| {
            value.map_or(String::new(), |value| format!("{:.3}", value * factor))
        };
        text += &format!(
            "\n{:14}{:>9.2}{:>9}{:>9}{:>13}{:>13}{:>12}{:>9}",
            cell.contender,
            cell.median(),
            series(&cell.visited_mops),
            series(&cell.fairness),
            figure(cell.voluntary_switches, 1e3),
            figure(cell.involuntary_switches, 1e3),
            figure(cell.processors_used, 1.0),
            figure(cell.makes_per_key, 1.0)
        );
    }
    text
}

fn run(options: &Options) -> Result<()> {
    let (common, plan) = (&options.strains.common, options.strains.plan());
    let mut results = common.begin(plan.rounds, plan.limit, |contender| plan.has(contender))?;
    results.workloads = plan.workloads();
    results.notes.clone_from(&plan.notes);
    let progress = std::cell::RefCell::new(Progress::new(plan.steps()));
    let outcome = contention::run(
        &plan,
        || progress.borrow_mut().step(),
        |cells| {
            progress.borrow().print(&table(cells));
            results.contention.extend_from_slice(cells);
        },
    );
    progress.borrow().finish();
    outcome?;
    common.end(&results)
}

fn main() -> ExitCode {
    options::main(run)
}

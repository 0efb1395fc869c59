//! Brings maps into situations in which threads get in each other's way.

use anyhow::Result;
use atlas_bench_data::{Contention, median};
use atlas_benches::measure::contention::{self, Strains};
use atlas_benches::progress::Progress;
use atlas_benches::table::{figure, table};
use clap::Args;

/// Measures maps in situations in which threads get in each other's way: one hot key, few keys, a
/// stampede for fresh keys, iteration beside writers, more threads than processors.
///
/// Prints million operations per second, the slowest thread's share of the mean, and how the threads
/// used the processors.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    strains: Strains,
}

fn show(cells: &[Contention]) -> String {
    let Some(first) = cells.first() else { return String::new() };
    let title = format!("{}, {} threads", first.situation, first.threads);
    let columns = ["Mop/s", "visited", "slowest", "sleeps/kop", "taken/kop", "processors", "makes"];
    let series = |values: &[f64]| figure((!values.is_empty()).then(|| median(values)), 2);
    let per_thousand = |value: Option<f64>| figure(value.map(|value| value * 1e3), 3);
    let row = |cell: &Contention| {
        let figures = vec![
            series(&cell.mops),
            series(&cell.visited_mops),
            series(&cell.fairness),
            per_thousand(cell.voluntary_switches),
            per_thousand(cell.involuntary_switches),
            figure(cell.processors_used, 3),
            figure(cell.makes_per_key, 3),
        ];
        (cell.contender.clone(), figures)
    };
    table(&title, &columns, cells.iter().map(row))
}

/// Measures, prints tables and stores the results.
pub(crate) fn run(options: &Options) -> Result<()> {
    let (common, plan) = (&options.strains.common, options.strains.plan());
    let mut results = common.begin(plan.rounds, plan.limit, |contender| plan.has(contender))?;
    results.workloads = plan.workloads();
    results.notes.clone_from(&plan.notes);
    let progress = Progress::new(plan.steps(), plan.estimate());
    contention::run(
        &plan,
        || progress.step(),
        |cells| {
            progress.print(&show(cells));
            results.contention.extend_from_slice(cells);
        },
    )?;
    drop(progress);
    common.end(&results)
}

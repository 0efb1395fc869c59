//! Counts the waiting inside our maps in the situations of the program `contention`.

use std::process::ExitCode;

use anyhow::Result;
use atlas_bench_data::ContentionCounts;
use atlas_benches::measure::contention::{self, Strains};
use atlas_benches::options;
use atlas_benches::progress::Progress;
use atlas_benches::table::{figure, table};
use clap::Parser;

/// Counts lock waits, retries and failed compare-and-swaps of our maps, in the situations of the program
/// `contention`. Times are not kept, because counting may change them.
#[derive(Debug, Parser)]
#[command(name = "contention-counts", max_term_width = 100)]
struct Options {
    #[command(flatten)]
    strains: Strains,
}

fn show(cells: &[ContentionCounts]) -> String {
    let Some(first) = cells.first() else { return String::new() };
    let title = format!("{}, {} threads, per 1000 operations", first.situation, first.threads);
    let columns = ["lock waits", "ns waited", "retries", "failed exchanges"];
    let row = |cell: &ContentionCounts| {
        let share = |count: u64| figure(Some(count as f64 * 1e3 / cell.ops.max(1) as f64), 3);
        let counts = [cell.lock_waits, cell.waited_ns, cell.retries, cell.failed_exchanges];
        (cell.contender.clone(), counts.map(share).to_vec())
    };
    table(&title, &columns, cells.iter().map(row))
}

fn run(options: &Options) -> Result<()> {
    let (common, mut plan) = (&options.strains.common, options.strains.plan());
    plan.only_ours();
    plan.rounds = 1;
    let mut results = common.begin(1, plan.limit, |contender| plan.has(contender))?;
    results.workloads = plan.workloads();
    let progress = Progress::new(plan.steps(), plan.estimate());
    contention::count(
        &plan,
        || progress.step(),
        |cells| {
            progress.print(&show(cells));
            results.contention_counts.extend_from_slice(cells);
        },
    )?;
    drop(progress);
    common.end(&results)
}

fn main() -> ExitCode {
    options::main(run)
}

//! Counts the waiting inside our maps in the situations of the program `contention`.

use std::process::ExitCode;

use anyhow::Result;
use atlas_bench_data::ContentionCounts;
use atlas_benches::measure::contention::{self, Strains};
use atlas_benches::options;
use clap::Parser;

/// Counts lock waits, retries and failed compare-and-swaps of our maps, in the situations of the program
/// `contention`. Times are not kept, because counting may change them.
#[derive(Debug, Parser)]
#[command(name = "contention-counts", max_term_width = 100)]
struct Options {
    #[command(flatten)]
    strains: Strains,
}

fn table(cells: &[ContentionCounts]) -> String {
    let Some(first) = cells.first() else { return String::new() };
    let mut text = format!(
        "\n{}, {} threads, per 1000 operations\n{:14}{:>12}{:>14}{:>10}{:>18}",
        first.situation,
        first.threads,
        "",
        "lock waits",
        "ns waited",
        "retries",
        "failed exchanges"
    );
    for cell in cells {
        let share = |count: u64| count as f64 * 1e3 / cell.ops.max(1) as f64;
        text += &format!(
            "\n{:14}{:>12.3}{:>14.1}{:>10.3}{:>18.3}",
            cell.contender,
            share(cell.lock_waits),
            share(cell.waited_ns),
            share(cell.retries),
            share(cell.failed_exchanges)
        );
    }
    text
}

fn run(options: &Options) -> Result<()> {
    let (common, mut plan) = (&options.strains.common, options.strains.plan());
    plan.only_ours();
    let mut results = common.begin(1, plan.limit, |contender| plan.has(contender))?;
    results.workloads = plan.workloads();
    contention::count(&plan, |cells| {
        println!("{}", table(cells));
        results.contention_counts.extend_from_slice(cells);
    })?;
    common.end(&results)
}

fn main() -> ExitCode {
    options::main(run)
}

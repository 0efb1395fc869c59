//! Measures look-ups of many keys in one call, against the same keys one by one.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use atlas_bench_data::{BatchCell, median};
use atlas_benches::contenders::CONTENDERS;
use atlas_benches::measure::batches::{Plan, Way};
use atlas_benches::measure::size_name;
use atlas_benches::options::{self, Common, Keys, Rounds, Threads, or};
use atlas_benches::progress::Progress;
use clap::Parser;

/// Compares look-ups one by one with look-ups of many keys in one call, on large maps.
///
/// Prints million keys per second, medians of interleaved rounds. A map that answers wrongly ends the
/// run.
#[derive(Debug, Parser)]
#[command(name = "batches", max_term_width = 100)]
struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    keys: Keys,
    #[command(flatten)]
    rounds: Rounds,
}

/// One size and number of threads as a table.
fn table(cells: &[BatchCell], threads: u32) -> String {
    let keys = cells.first().map_or(0, |cell| cell.keys);
    let mut text = format!(
        "\n{} keys, {threads} threads, million keys per second\n{:16}",
        size_name(keys),
        ""
    );
    for way in Way::ALL {
        let _ = write!(text, "{:>17}", way.id());
    }
    for contender in CONTENDERS {
        let mine: Vec<_> = cells
            .iter()
            .filter(|cell| cell.contender == contender.id && cell.threads == threads)
            .collect();
        if mine.is_empty() {
            continue;
        }
        let _ = write!(text, "\n{:16}", contender.id);
        for way in Way::ALL {
            let cell = mine.iter().find(|cell| cell.way == way.id());
            let figure = cell.map_or(String::new(), |cell| format!("{:.1}", median(&cell.mkeys)));
            let _ = write!(text, "{figure:>17}");
        }
    }
    text
}

fn run(options: &Options) -> Result<()> {
    let common = &options.common;
    let sizes = common.choose(vec![100_000], vec![4_000_000], vec![4_000_000, 20_000_000]);
    let plan = Plan {
        sizes: or(&options.keys.keys, &sizes),
        threads: or(&options.threads.threads, &[1, 2]),
        rounds: options.rounds.rounds(common.choose(2, 3, 5)),
        limit: options.rounds.limit(common.choose(0.01, 0.05, 0.1)),
        seed: common.seed,
        filters: common.filter.clone(),
    };
    let mut results = common.begin(plan.rounds, plan.limit, |contender| plan.has(contender))?;
    let progress = RefCell::new(Progress::new(plan.steps()));
    let outcome = plan.run(
        || progress.borrow_mut().step(),
        |cells| {
            for &threads in &plan.threads {
                progress.borrow().print(&table(cells, threads as u32));
            }
            results.batches.extend_from_slice(cells);
        },
    );
    progress.borrow().finish();
    outcome?;
    common.end(&results)
}

fn main() -> ExitCode {
    options::main(run)
}

//! Measures look-ups of many keys in one call, against the same keys one by one.

use anyhow::Result;
use atlas_bench_data::{BatchCell, median};
use atlas_benches::contenders::{CONTENDERS, Contender};
use atlas_benches::measure::batches::{Plan, Way};
use atlas_benches::measure::size_name;
use atlas_benches::options::{Compare, or};
use atlas_benches::progress::Progress;
use atlas_benches::table::{figure, table};
use clap::Args;

/// Compares look-ups one by one with look-ups of many keys in one call, on large maps.
///
/// Prints million keys per second, medians of interleaved rounds. A map that answers wrongly ends the
/// run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    compare: Compare,
}

/// One size and number of threads as a table.
fn show(cells: &[BatchCell], threads: u32) -> String {
    let keys = cells.first().map_or(0, |cell| cell.keys);
    let title = format!("{} keys, {threads} threads, million keys per second", size_name(keys));
    let row = |contender: &Contender| {
        let of = |way: Way| {
            let cell = cells.iter().find(|cell| {
                (cell.contender == contender.id && cell.threads == threads) && cell.way == way.id()
            });
            cell.map(|cell| median(&cell.mkeys))
        };
        let figures = Way::ALL.map(of);
        let measured = figures.iter().any(Option::is_some);
        let figures = figures.map(|rate| figure(rate, 1)).to_vec();
        measured.then(|| (contender.id.to_owned(), figures))
    };
    table(&title, &Way::ALL.map(Way::id), CONTENDERS.iter().filter_map(row))
}

/// Measures, prints tables and stores the results.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Compare { common, threads, keys, rounds } = &options.compare;
    let sizes = common.choose([100_000], [4_000_000], [4_000_000]);
    let plan = Plan {
        sizes: or(&keys.keys, &sizes),
        threads: or(&threads.threads, &[1, 2]),
        rounds: rounds.rounds(common.choose(2, 3, 5)),
        limit: rounds.limit(common.choose(0.01, 0.05, 0.05)),
        seed: common.seed,
        filters: common.filter.clone(),
    };
    let mut results = common.begin(plan.rounds, plan.limit, |contender| plan.has(contender))?;
    let progress = Progress::new(plan.steps(), plan.estimate());
    plan.run(
        || progress.step(),
        |cells| {
            for &threads in &plan.threads {
                progress.print(&show(cells, threads as u32));
            }
            results.batches.extend_from_slice(cells);
        },
    )?;
    drop(progress);
    common.end(&results)
}

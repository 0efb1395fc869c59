//! Measures look-ups of many keys in one call, against the same keys one by one.

use anyhow::Result;
use atlas_bench_data::{BatchCell, median};
use atlas_benches::circumstances;
use atlas_benches::contenders::{CONTENDERS, Contender};
use atlas_benches::measure::batches::{Plan, Way};
use atlas_benches::measure::size_name;
use atlas_benches::options::{Compare, or};
use atlas_benches::progress::Progress;
use atlas_benches::table::{figure, table};
use clap::Args;

/// What an entry takes in all contenders together, roughly.
const BYTES_OF_ALL_MAPS: u64 = 500;

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

/// Splits the sizes into those at which all maps together leave half of the memory free, and the others.
fn fitting(sizes: Vec<u64>, memory_bytes: u64) -> (Vec<u64>, Vec<u64>) {
    let known = memory_bytes > 0;
    sizes.into_iter().partition(|size| !known || size * BYTES_OF_ALL_MAPS <= memory_bytes / 2)
}

/// Measures, prints tables and stores the results.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Compare { common, threads, keys, rounds } = &options.compare;
    let sizes = or(&keys.keys, common.choose(&[100_000], &[4_000_000], &[4_000_000, 20_000_000]));
    let (sizes, too_large) = fitting(sizes, circumstances::machine().memory_bytes);
    let plan = Plan {
        sizes,
        threads: or(&threads.threads, &[1, 2]),
        rounds: rounds.rounds(common.choose(2, 3, 3)),
        limit: rounds.limit(common.choose(0.01, 0.05, 0.05)),
        seed: common.seed,
        filters: common.filter.clone(),
    };
    let mut results = common.begin(plan.rounds, plan.limit, |contender| plan.has(contender))?;
    results.notes.extend(too_large.iter().map(|size| {
        let size = size_name(*size);
        format!("Batches of {size} keys were left out: the maps would not fit into memory.")
    }));
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

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn sizes_that_do_not_fit_are_told_apart() {
        let sizes = || vec![100_000, 4_000_000, 20_000_000];
        assert_eq!(fitting(sizes(), 8 << 30), (vec![100_000, 4_000_000], vec![20_000_000]));
        assert_eq!(fitting(sizes(), 0), (sizes(), vec![]));
    }
}

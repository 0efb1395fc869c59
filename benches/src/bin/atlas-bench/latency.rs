//! Times single operations, in a closed loop and at fixed arrival rates.

use std::time::Duration;

use anyhow::Result;
use atlas_bench_data::{Latency, Percentiles};
use atlas_benches::entries::{Entries, Numbers};
use atlas_benches::measure::{Plan, Workload, latency, size_name};
use atlas_benches::options::{Compare, or};
use atlas_benches::progress::Progress;
use atlas_benches::table::table;
use atlas_benches::workloads::Mix;
use clap::Args;

/// Times single operations: in a closed loop, and at arrival rates of 50 and 80 % of the contender's own
/// peak, counted from the moment at which each operation was due.
///
/// Prints nanoseconds; `~` marks the operations during which the system left the thread alone.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    compare: Compare,
}

/// The mixes whose latency is measured.
const MIXES: [Mix; 3] = [Mix::Read98, Mix::Zipf95, Mix::Exchange];
/// How long the clock's floor is measured.
const FLOOR: Duration = Duration::from_millis(300);

impl Options {
    fn plan(&self) -> Plan {
        let Compare { common, threads, keys, rounds } = &self.compare;
        let mut plan = Plan {
            rounds: rounds.rounds(common.choose(1, 3, 3)),
            limit: rounds.limit(common.choose(0.05, 0.1, 0.1)),
            seed: common.seed,
            ..Plan::default()
        };
        let threads = or(&threads.threads, &[2]);
        let sizes = or(&keys.keys, &[100_000]);
        for keys in sizes {
            for mix in MIXES {
                plan.add(Workload::Mix(mix, Numbers::NAME, keys), &threads, &common.filter);
            }
        }
        plan
    }
}

const COLUMNS: [&str; 6] = ["p50", "p90", "p99", "p99.9", "p99.99", "max"];

fn row(name: String, times: Percentiles) -> (String, Vec<u64>) {
    let Percentiles { p50, p90, p99, p99_9, p99_99, max, .. } = times;
    (name, vec![p50, p90, p99, p99_9, p99_99, max])
}

fn show(cells: &[Latency]) -> String {
    let Some(Latency { workload, entry, keys, threads, .. }) = cells.first() else {
        return String::new();
    };
    let title = format!("{workload} {entry} {}, {threads} threads, ns", size_name(*keys));
    let rows = cells.iter().flat_map(|cell| {
        cell.loops.iter().flat_map(move |each| {
            let load =
                each.load.map_or("closed".to_owned(), |load| format!("{:.0} %", load * 100.0));
            let name = format!("{} {load}", cell.contender);
            [row(name.clone(), each.all), row(name + " ~", each.undisturbed)]
        })
    });
    table(&title, &COLUMNS, rows)
}

/// Measures, prints tables and stores the results.
pub(crate) fn run(options: &Options) -> Result<()> {
    let (common, plan) = (&options.compare.common, options.plan());
    let takes_part = |contender: &_| plan.contenders().contains(&contender);
    let mut results = common.begin(plan.rounds, plan.limit, takes_part)?;
    results.workloads = plan.workloads();
    results.notes.clone_from(&plan.notes);
    if !plan.groups.is_empty() {
        results.clock = Some(latency::clock_floor(FLOOR));
    }
    let progress = Progress::new(plan.steps(), latency::estimate(&plan));
    latency::run(
        &plan,
        || progress.step(),
        |cells| {
            progress.print(&show(cells));
            results.latency.extend_from_slice(cells);
        },
    )?;
    drop(progress);
    if let Some(clock) = results.clock {
        let title = format!(
            "the clock and the loop alone, ns; two readings of the clock: {}",
            clock.reading_ns
        );
        let rows = [("idle", clock.idle), ("idle ~", clock.idle_undisturbed)];
        let rows = rows.map(|(name, times)| row(name.to_owned(), times));
        println!("{}", table(&title, &COLUMNS, rows));
    }
    common.end(&results)
}

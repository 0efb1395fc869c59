//! Times single operations, in a closed loop and at fixed arrival rates.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use atlas_bench_data::{Latency, Percentiles};
use atlas_benches::entries::{Entries, Numbers};
use atlas_benches::measure::{Plan, Workload, latency, size_name};
use atlas_benches::options::{self, Common, Keys, Rounds, Threads, or};
use atlas_benches::progress::Progress;
use atlas_benches::workloads::Mix;
use clap::Parser;

/// Times single operations: in a closed loop, and at arrival rates of 50 and 80 % of the contender's own
/// peak, counted from the moment at which each operation was due.
///
/// Prints nanoseconds; `~` marks the operations during which the system left the thread alone.
#[derive(Debug, Parser)]
#[command(name = "latency", max_term_width = 100)]
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

/// The mixes whose latency is measured.
const MIXES: [Mix; 3] = [Mix::Read98, Mix::Zipf95, Mix::Exchange];
/// How long the clock's floor is measured.
const FLOOR: Duration = Duration::from_millis(300);

impl Options {
    fn plan(&self) -> Plan {
        let common = &self.common;
        let mut plan = Plan {
            rounds: self.rounds.rounds(common.choose(1, 3, 5)),
            limit: self.rounds.limit(common.choose(0.05, 0.1, 0.3)),
            seed: common.seed,
            ..Plan::default()
        };
        let threads = or(&self.threads.threads, &[2]);
        let sizes =
            or(&self.keys.keys, common.choose(&[100_000], &[100_000], &[100_000, 4_000_000]));
        for keys in sizes {
            for mix in MIXES {
                plan.add(Workload::Mix(mix, Numbers::NAME, keys), &threads, &common.filter);
            }
        }
        plan
    }
}

fn row(name: &str, times: Percentiles) -> String {
    let Percentiles { p50, p90, p99, p99_9, p99_99, max, .. } = times;
    format!("\n{name:23}{p50:>11}{p90:>11}{p99:>11}{p99_9:>11}{p99_99:>11}{max:>11}")
}

fn table(cells: &[Latency]) -> String {
    let Some(first) = cells.first() else { return String::new() };
    let mut text = format!(
        "\n{} {} {}, {} threads, ns\n{:23}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}",
        first.workload,
        first.entry,
        size_name(first.keys),
        first.threads,
        "",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "p99.99",
        "max"
    );
    for cell in cells {
        for each in &cell.loops {
            let load =
                each.load.map_or("closed".to_owned(), |load| format!("{:.0} %", load * 100.0));
            text += &row(&format!("{:14} {load}", cell.contender), each.all);
            text += &row(&format!("{:14} {load} ~", ""), each.undisturbed);
        }
    }
    text
}

fn run(options: &Options) -> Result<()> {
    let (common, plan) = (&options.common, options.plan());
    let takes_part = |contender: &_| plan.contenders().contains(&contender);
    let mut results = common.begin(plan.rounds, plan.limit, takes_part)?;
    results.workloads = plan.workloads();
    results.notes.clone_from(&plan.notes);
    if !plan.groups.is_empty() {
        results.clock = Some(latency::clock_floor(FLOOR));
    }
    let progress = std::cell::RefCell::new(Progress::new(plan.steps()));
    let outcome = latency::run(
        &plan,
        || progress.borrow_mut().step(),
        |cells| {
            progress.borrow().print(&table(cells));
            results.latency.extend_from_slice(cells);
        },
    );
    progress.borrow().finish();
    outcome?;
    if let Some(clock) = results.clock {
        println!("\nthe clock and the loop alone, ns; two readings: {}", clock.reading_ns);
        println!("{}{}", row("idle", clock.idle), row("idle ~", clock.idle_undisturbed));
    }
    common.end(&results)
}

fn main() -> ExitCode {
    options::main(run)
}

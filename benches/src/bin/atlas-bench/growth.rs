//! Grows one map after the other from empty, with a reader beside, and times every operation.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use atlas_bench_data::{Growth, Workload};
use atlas_benches::contenders::{CONTENDERS, Contender};
use atlas_benches::entries::{Entries, Numbers};
use atlas_benches::measure::{self, growth, latency, size_name};
use atlas_benches::options::{Common, Keys, or};
use atlas_benches::progress::Progress;
use atlas_benches::table::table;
use clap::Args;

/// Grows maps from empty while a second thread reads: the longest insertions and reads, a time-line,
/// and what the busiest insertion did.
///
/// Prints nanoseconds; `undist.` leaves out milliseconds in which the system took the processor away.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    keys: Keys,
}

/// What an entry takes in both passes, roughly.
const SECONDS_PER_ENTRY: f64 = 1.5e-6;
/// The id of the workload.
const WORKLOAD: &str = "growth";

const COLUMNS: [&str; 8] =
    ["p99.9", "p99.99", "longest", "undist.", "read", "undist.", "moved", "peak, bytes"];

fn row(line: &Growth) -> (String, Vec<String>) {
    let figures = [
        line.inserts.p99_9,
        line.inserts.p99_99,
        line.inserts.max,
        line.longest_insert_undisturbed,
        line.reads.max,
        line.longest_read_undisturbed,
    ];
    let mut figures = figures.map(|figure| figure.to_string()).to_vec();
    figures.push(line.work.moved.map_or("-".to_owned(), |moved| moved.to_string()));
    figures.push(line.work.peak_bytes.to_string());
    (line.contender.clone(), figures)
}

/// Measures, prints tables and stores the results.
pub(crate) fn run(options: &Options) -> Result<()> {
    let common = &options.common;
    let sizes = or(&options.keys.keys, common.choose(&[100_000], &[1_000_000], &[4_000_000]));
    let mut notes = Vec::new();
    let mut cells: Vec<(u64, &Contender)> = Vec::new();
    for &entries in &sizes {
        for contender in CONTENDERS {
            let threads = if contender.is_local() { 1 } else { 2 };
            let (size, entry) = (size_name(entries), Numbers::NAME);
            let cell = format!("{WORKLOAD}/{entry}/{size}/t{threads}/{}", contender.id);
            if !measure::admits(&common.filter, &cell) {
                continue;
            }
            match measure::sits_out(contender, true, entries) {
                None => cells.push((entries, contender)),
                Some(reason) if !notes.contains(&reason) => notes.push(reason),
                Some(_) => {}
            }
        }
    }
    let takes_part = |contender: &Contender| cells.iter().any(|(_, known)| *known == contender);
    let mut results = common.begin(1, Duration::ZERO, takes_part)?;
    results.notes = notes;
    if cells.is_empty() {
        return common.end(&results);
    }
    results.workloads.push(Workload {
        id: WORKLOAD.to_owned(),
        description: "one thread inserts new keys into an empty map, another reads keys present"
            .to_owned(),
    });
    let clock_ns = latency::reading_of_the_clock();
    let reads = Arc::new(growth::reads(common.seed));
    println!("two readings of the clock: {clock_ns} ns, part of every time below");
    let entries: u64 = cells.iter().map(|(entries, _)| entries).sum();
    let progress = Progress::new(cells.len(), entries as f64 * SECONDS_PER_ENTRY);
    for (entries, contender) in cells {
        results.growth.push(growth::measure(contender, entries, &reads, clock_ns)?);
        progress.step();
    }
    drop(progress);
    for entries in sizes {
        let title = format!("growth to {}, ns", size_name(entries));
        let lines = results.growth.iter().filter(|line| line.entries == entries);
        println!("{}", table(&title, &COLUMNS, lines.map(row)));
    }
    common.end(&results)
}

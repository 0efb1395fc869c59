//! Measures the named scenarios and prints the same table for every map.

use anyhow::Result;
use atlas_bench_data::{GO_AFFINITY_GAIN, ScenarioRow, Workload as WorkloadData};
use atlas_benches::measure::sampled::SAMPLED;
use atlas_benches::measure::scenarios::{Plan, Scale, Scenario};
use atlas_benches::options::Compare;
use atlas_benches::progress::Progress;
use atlas_benches::table::{figure, table};
use clap::Args;

/// Measures production situations: writers under stress, read-mostly, half reads half writes, and
/// fresh keys from many writers, with the columns that describe each.
///
/// Waiting is the share of the workers' time in which they were neither on a core nor in line for one.
/// The workers of read-mostly let others run after each 1024 operations, so that all of them take part.
/// A blocked write is one during which its thread slept, or that took longer than 50 µs.
/// Fresh keys are also written to map-sharded by threads pinned to cores: with any keys; with those of their own shards,
/// sorted out before the clock starts (routed); and as owners of these shards (owned).
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    compare: Compare,
}

fn share(share: Option<f64>) -> String {
    share.map_or("not offered".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

fn micro_and_milli(nanoseconds: Option<u64>) -> String {
    let nanoseconds = nanoseconds.unwrap_or(0) as f64;
    format!("{:.2} µs {:.4} ms", nanoseconds / 1e3, nanoseconds / 1e6)
}

/// The names and figures of a scenario's own columns.
fn columns(row: &ScenarioRow) -> Vec<(&'static str, String)> {
    let qps = ("Mop/s", format!("{:.2}", row.ops_per_second / 1e6));
    let mean = ("mean, µs", format!("{:.2}", row.mean_ns / 1e3));
    match row.scenario.as_str() {
        "stress" => vec![
            qps,
            ("P50 of a write", micro_and_milli(row.write_p50_ns)),
            ("P99 of a write", micro_and_milli(row.write_p99_ns)),
            ("waiting", share(row.waiting)),
        ],
        "read-mostly" => vec![
            qps,
            ("allocs/op", figure(row.allocations, 4)),
            ("cache misses", share(row.cache_miss)),
        ],
        "half-half" => vec![qps, mean, ("blocked writes", share(row.blocked_writes))],
        _ => vec![qps, mean],
    }
}

fn show(rows: &[ScenarioRow]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let title = format!("{}, {} workers", first.scenario, first.workers);
    let names: Vec<_> = columns(first).into_iter().map(|(name, _)| name).collect();
    let row = |row: &ScenarioRow| {
        let figures = columns(row).into_iter().map(|(_, figure)| figure).collect();
        (row.name(), figures)
    };
    let mut text = table(&title, &names, rows.iter().map(row));
    let gains = rows.iter().filter(|row| !row.affinity.is_empty()).filter_map(|row| {
        let gain = row.gain(rows, "")?;
        Some(format!("{} {gain:.2} ×", row.affinity))
    });
    let gains: Vec<_> = gains.collect();
    if !gains.is_empty() {
        let gains = gains.join("; ");
        text += &format!("\nof the shared map: {gains}; in Go affinity gave {GO_AFFINITY_GAIN} ×");
    }
    text
}

/// Measures, prints tables and stores the results.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Compare { common, threads, keys, rounds } = &options.compare;
    // The first size given is that of the steady states, the last that of the fresh keys.
    let keys = &keys.keys;
    let scale = Scale {
        rounds: rounds.rounds(common.choose(1, 2, 2)),
        limit: rounds.limit(common.choose(0.05, 0.1, 0.2)),
        entries: keys.first().copied().unwrap_or(common.choose(10_000, 100_000, 100_000)),
        fresh: keys.last().copied().unwrap_or(common.choose(100_000, 1_000_000, 10_000_000)),
        seed: common.seed,
    };
    let plan = Plan::new(scale, &threads.threads, &common.filter);
    let mut results = common.begin(scale.rounds, scale.limit, |contender| {
        plan.groups.iter().any(|(.., entries)| entries.iter().any(|e| e.contender == contender))
    })?;
    results.notes.clone_from(&plan.notes);
    for scenario in Scenario::ALL {
        if plan.groups.iter().any(|(known, ..)| *known == scenario) {
            results.workloads.push(WorkloadData {
                id: scenario.id().to_owned(),
                description: scenario.description().to_owned(),
            });
        }
    }
    let progress = Progress::new(plan.steps(), plan.estimate());
    plan.run(
        || progress.step(),
        |rows| {
            progress.print(&show(rows));
            results.scenarios.extend_from_slice(rows);
        },
    )?;
    drop(progress);
    println!("\nOne operation in {SAMPLED} was timed.");
    for note in &results.notes {
        println!("note: {note}");
    }
    common.end(&results)
}

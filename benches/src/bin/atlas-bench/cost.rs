//! Measures what contenders cost beside time: allocations, heap, memory held back, resident memory.
//!
//! Each part of each contender is measured by a child process of its own, this program again.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use atlas_bench_data::{Cost, Heap, Resident};
use atlas_benches::contenders::{CONTENDERS, Contender};
use atlas_benches::entries::{Entries, Numbers, Strings};
use atlas_benches::measure::admits;
use atlas_benches::measure::cost::{Part, Scope, measure};
use atlas_benches::options::Common;
use atlas_benches::progress::Progress;
use atlas_benches::table::{figure, table};
use clap::Args;

/// Weighs concurrent maps: allocations per operation, heap and resident memory per entry, and what a
/// stalled reader holds back. The id of a cell is cost/ENTRY/PART/CONTENDER; PART is heap, allocations,
/// stalled or resident.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    common: Common,
    /// Measure this in the present process and print it: CONTENDER ENTRY PART ENTRIES.
    #[arg(long, hide = true, num_args = 4)]
    part: Vec<String>,
}

/// What a cell takes, roughly.
const SECONDS_PER_CELL: f64 = 0.4;

/// A part of the costs of a contender.
struct Cell {
    contender: &'static Contender,
    entry: &'static str,
    part: Part,
    most: u64,
}

impl Options {
    fn cells(&self) -> Vec<Cell> {
        let entries =
            if self.common.quick { &[Numbers::NAME][..] } else { &[Numbers::NAME, Strings::NAME] };
        let mut cells = Vec::new();
        for &entry in entries {
            let large = self.common.full || (entry == Numbers::NAME && !self.common.quick);
            let most = if large { 1_000_000 } else { 100_000 };
            for contender in CONTENDERS {
                for part in Part::ALL {
                    let id = format!("cost/{entry}/{}/{}", part.name(), contender.id);
                    let alone = part == Part::Stalled && contender.is_local();
                    if !alone && admits(&self.common.filter, &id) {
                        cells.push(Cell { contender, entry, part, most });
                    }
                }
            }
        }
        cells
    }
}

/// Measures a cell in a process of its own.
fn in_child(cell: &Cell, seed: u64) -> Result<Cost> {
    let what = || format!("{}, {}, {}", cell.contender.id, cell.entry, cell.part.name());
    let output = Command::new(std::env::current_exe().context("the path of this program")?)
        .args(["cost", "--part", cell.contender.id, cell.entry, cell.part.name()])
        .args([cell.most.to_string(), "--seed".to_owned(), seed.to_string()])
        .stderr(Stdio::piped())
        .output()
        .with_context(what)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim().trim_start_matches("error: ");
    ensure!(output.status.success(), "{}: {} {said}", what(), output.status);
    serde_json::from_slice(&output.stdout).with_context(what)
}

/// Measures the cell of the hidden flag and prints it.
fn part(words: &[String], seed: u64) -> Result<()> {
    let [contender, entry, part, most] = words else { unreachable!("clap counts the words") };
    let contender = Contender::by_id(contender).context("no such contender")?;
    let part = Part::by_name(part).context("no such part")?;
    ensure!([Numbers::NAME, Strings::NAME].contains(&entry.as_str()), "no such entries");
    let scope = Scope { most: most.parse().context("not a number of entries")?, seed };
    println!("{}", serde_json::to_string(&measure(contender, entry, part, scope)?)?);
    Ok(())
}

/// Adds a part to what is known of the same contender and kind of entry.
fn add(costs: &mut Vec<Cost>, part: Part, new: Cost) {
    let known = |cost: &&mut Cost| cost.contender == new.contender && cost.entry == new.entry;
    match costs.iter_mut().find(known) {
        None => costs.push(new),
        Some(known) => match part {
            Part::Heap => {
                known.heap = new.heap;
                known.empty_bytes = new.empty_bytes;
                known.growth = new.growth;
            }
            Part::Allocations => known.allocations = new.allocations,
            Part::Stalled => known.stalled = new.stalled,
            Part::Resident => known.resident = new.resident,
        },
    }
}

const COLUMNS: [&str; 7] = [
    "overwrite, allocs/op",
    "churn",
    "exchange",
    "heap, bytes/entry",
    "peak",
    "resident",
    "stalled, bytes/op",
];

fn row(cost: &Cost) -> (String, Vec<String>) {
    let of = |id| cost.allocations.iter().find(|cell| cell.workload == id);
    let allocations = |id| figure(of(id).map(|cell| cell.per_op), 3);
    let stalled = match cost.stalled.first() {
        Some(stalled) if stalled.writers_wait => "waits".to_owned(),
        stalled => figure(stalled.map(|stalled| stalled.bytes_per_op), 1),
    };
    let figures = vec![
        allocations("overwrite"),
        allocations("churn"),
        allocations("exchange"),
        figure(cost.heap.last().map(Heap::bytes_per_entry), 1),
        figure(cost.growth.as_ref().map(|growth| growth.peak_bytes_per_entry), 1),
        figure(cost.resident.as_ref().map(Resident::bytes_per_entry), 1),
        stalled,
    ];
    (format!("{} {}", cost.contender, cost.entry), figures)
}

/// Measures, prints tables and stores the results.
pub(crate) fn run(options: &Options) -> Result<()> {
    let seed = options.common.seed;
    if !options.part.is_empty() {
        return part(&options.part, seed);
    }
    let cells = options.cells();
    let takes_part = |contender: &Contender| cells.iter().any(|cell| cell.contender == contender);
    let mut results = options.common.begin(0, Duration::ZERO, takes_part)?;
    let progress = Progress::new(cells.len(), cells.len() as f64 * SECONDS_PER_CELL);
    for cell in &cells {
        add(&mut results.cost, cell.part, in_child(cell, seed)?);
        progress.step();
    }
    drop(progress);
    println!("{}", table("costs", &COLUMNS, results.cost.iter().map(row)));
    options.common.end(&results)
}

//! Measures what contenders cost beside time: allocations, heap, memory held back, resident memory.
//!
//! Each part of each contender is measured by a child process of its own, this program again.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use atlas_bench_data::Cost;
use atlas_benches::contenders::{CONTENDERS, Contender};
use atlas_benches::entries::{Entries, Numbers, Strings};
use atlas_benches::measure::admits;
use atlas_benches::measure::cost::{Part, Scope, measure};
use atlas_benches::options::{self, Common};
use atlas_benches::progress::Progress;
use atlas_benches::raw::counting::CountingAllocator;
use clap::Parser;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Weighs concurrent maps: allocations per operation, heap and resident memory per entry, and what a
/// stalled reader holds back. The id of a cell is cost/ENTRY/PART/CONTENDER; PART is heap, allocations,
/// stalled or resident.
#[derive(Debug, Parser)]
#[command(name = "cost", max_term_width = 100)]
struct Options {
    #[command(flatten)]
    common: Common,
    /// Measure this in the present process and print it: CONTENDER ENTRY PART ENTRIES.
    #[arg(long, hide = true, num_args = 4)]
    part: Vec<String>,
}

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
        .args(["--part", cell.contender.id, cell.entry, cell.part.name()])
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

/// One line of the table on standard output.
fn line(cost: &Cost) -> String {
    let of = |id| cost.allocations.iter().find(|cell| cell.workload == id);
    let allocations = |id| of(id).map_or(f64::NAN, |cell| cell.per_op);
    let heap = cost.heap.last().map_or(f64::NAN, |heap| heap.bytes_per_entry());
    let peak = cost.growth.as_ref().map_or(f64::NAN, |growth| growth.peak_bytes_per_entry);
    let resident = cost.resident.as_ref().map_or(f64::NAN, |resident| resident.bytes_per_entry());
    let stalled = match cost.stalled.first() {
        None => String::new(),
        Some(stalled) if stalled.writers_wait => "waits".to_owned(),
        Some(stalled) => format!("{:.1}", stalled.bytes_per_op),
    };
    format!(
        "{:14} {:>7}{:>11.3}{:>11.3}{:>11.3}{heap:>10.1}{peak:>10.1}{resident:>10.1}{stalled:>10}",
        cost.contender,
        cost.entry,
        allocations("overwrite"),
        allocations("churn"),
        allocations("exchange")
    )
}

fn run(options: &Options) -> Result<()> {
    let seed = options.common.seed;
    if !options.part.is_empty() {
        return part(&options.part, seed);
    }
    let cells = options.cells();
    let takes_part = |contender: &Contender| cells.iter().any(|cell| cell.contender == contender);
    let mut results = options.common.begin(0, Duration::ZERO, takes_part)?;
    let begin = Instant::now();
    let mut progress = Progress::new(cells.len());
    for cell in &cells {
        add(&mut results.cost, cell.part, in_child(cell, seed)?);
        progress.step();
    }
    progress.finish();
    println!(
        "{:22}{:>11}{:>11}{:>11}{:>10}{:>10}{:>10}{:>10}",
        "", "overwrite", "churn", "exchange", "heap", "peak", "resident", "stalled"
    );
    println!("{:22}{:>33}{:>30}{:>10}", "", "allocations/op", "bytes/entry", "bytes/op");
    results.cost.iter().for_each(|cost| println!("{}", line(cost)));
    eprintln!("measured in {:.0} s", begin.elapsed().as_secs_f64());
    options.common.end(&results)
}

fn main() -> ExitCode {
    options::main(run)
}

//! Counts what the processor does for an operation: under a simulator, and with its own counters.
//!
//! For the simulator this program runs itself, once for each contender and size.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use atlas_bench_data::{Counters as CountersData, Instructions, Results};
use atlas_benches::contenders::{CONTENDERS, Contender};
use atlas_benches::measure::counters::Counters;
use atlas_benches::measure::probe::{COUNTED, Probe, atlas_counted_stretch};
use atlas_benches::measure::{admits, callgrind, sits_out, size_name};
use atlas_benches::options::{self, Common, Keys, or};
use atlas_benches::progress::Progress;
use atlas_benches::table::{figure, table};
use atlas_benches::workloads::{Mix, Streams};
use clap::Parser;

/// The mixes, in the order in which they run on one map: the last changes which keys are present.
const MIXES: [Mix; 3] = [Mix::Read100, Mix::Zipf95, Mix::Exchange];
/// Times as many operations for the processor's own counters, which cost nothing.
const MORE: usize = 4;

/// Counts instructions, cache misses and mispredicted branches per operation, on one thread.
///
/// Needs Valgrind for the simulation. The id of a cell is instructions/MIX/KEYS/CONTENDER.
#[derive(Debug, Parser)]
#[command(name = "instructions", max_term_width = 100)]
struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    keys: Keys,
    /// Run the streams in these files on this contender: CONTENDER FILE...
    #[arg(long, hide = true, num_args = 2..)]
    probe: Vec<String>,
}

/// One contender at one size with its mixes.
struct Cell {
    contender: &'static Contender,
    entries: u64,
    mixes: Vec<Mix>,
}

impl Options {
    fn cells(&self, notes: &mut Vec<String>) -> Vec<Cell> {
        let common = &self.common;
        let sizes = or(&self.keys.keys, common.choose(&[1000], &[1000, 100_000], &[1000, 100_000]));
        let mut cells = Vec::new();
        for entries in sizes {
            for contender in CONTENDERS {
                let mut mixes = MIXES.to_vec();
                mixes.retain(|mix| {
                    let size = size_name(entries);
                    let id = format!("instructions/{}/{size}/{}", mix.id(), contender.id);
                    let out = sits_out(contender, mix.writes(), entries);
                    let takes_part = admits(&common.filter, &id) && out.is_none();
                    notes.extend(out.filter(|note| !notes.contains(note)));
                    takes_part
                });
                if !mixes.is_empty() {
                    cells.push(Cell { contender, entries, mixes });
                }
            }
        }
        cells
    }
}

/// A directory for the time of the run.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("atlas-instructions-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left in a temporary directory does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// In the child: runs the streams.
fn probe(words: &[String]) -> Result<()> {
    let (contender, files) = words.split_first().context("no contender")?;
    let contender = Contender::by_id(contender).context("no such contender")?;
    let streams: Vec<_> =
        files.iter().map(|file| Streams::read(Path::new(file))).collect::<Result<_>>()?;
    contender
        .visit(Probe { streams: &streams, around: &mut |_, job| atlas_counted_stretch(job) })?;
    Ok(())
}

fn per(count: u64, operations: usize) -> f64 {
    count as f64 / operations as f64
}

/// Counts a cell under the simulator.
fn simulate(cell: &Cell, streams: &[Streams], scratch: &Path) -> Result<Vec<Instructions>> {
    let mut arguments = vec!["--probe".to_owned(), cell.contender.id.to_owned()];
    for streams in streams {
        let path = scratch.join(streams.mix.id());
        streams.write(&path)?;
        arguments.push(path.display().to_string());
    }
    let program = std::env::current_exe().context("the path of this program")?;
    let calls = callgrind::count(&program, &arguments, COUNTED, scratch)
        .with_context(|| format!("{}, {} entries", cell.contender.id, cell.entries))?;
    ensure!(
        calls.len() == streams.len(),
        "valgrind saw {} of {} mixes",
        calls.len(),
        streams.len()
    );
    let line = |(streams, events): (&Streams, callgrind::Events)| {
        let operations = streams.threads[0].len() / 2;
        Instructions {
            contender: cell.contender.id.to_owned(),
            workload: streams.mix.id().to_owned(),
            entries: cell.entries,
            operations: operations as u64,
            instructions: per(events.instructions, operations),
            l1_misses: per(events.l1_misses, operations),
            last_level_misses: per(events.last_level_misses, operations),
            mispredictions: per(events.mispredictions, operations),
        }
    };
    Ok(streams.iter().zip(calls).map(line).collect())
}

/// Counts a cell with the processor's own counters.
fn count(cell: &Cell, streams: &[Streams], counters: &mut Counters) -> Result<Vec<CountersData>> {
    let mut lines = Vec::new();
    let mut failed = None;
    let operations = streams.first().map_or(1, |streams| streams.threads[0].len() / 2);
    let around = &mut |mix: Mix, job: &mut dyn FnMut()| match counters.count(job) {
        Err(error) => failed = Some(error),
        Ok(count) => lines.push(CountersData {
            contender: cell.contender.id.to_owned(),
            workload: mix.id().to_owned(),
            entries: cell.entries,
            operations: operations as u64,
            cycles: per(count.cycles, operations),
            instructions: per(count.instructions, operations),
            last_level_misses: count.last_level_misses.map(|misses| per(misses, operations)),
        }),
    };
    cell.contender.visit(Probe { streams, around })?;
    match failed {
        Some(error) => Err(error).context("the processor's counters"),
        None => Ok(lines),
    }
}

fn show(results: &Results) -> String {
    let name = |contender: &str, workload: &str, entries| {
        format!("{contender} {workload} {}", size_name(entries))
    };
    let simulated = results.instructions.iter().map(|line| {
        let figures =
            [line.instructions, line.l1_misses, line.last_level_misses, line.mispredictions];
        let name = name(&line.contender, &line.workload, line.entries);
        (name, figures.map(|count| figure(Some(count), 3)).to_vec())
    });
    let counted = results.counters.iter().map(|line| {
        let figures = [Some(line.cycles), Some(line.instructions), line.last_level_misses];
        let name = name(&line.contender, &line.workload, line.entries);
        (name, figures.map(|count| figure(count, 3)).to_vec())
    });
    let columns = ["instructions", "L1 miss", "LL miss", "mispredicted"];
    let mut text = table("simulated, per operation", &columns, simulated);
    if !results.counters.is_empty() {
        let columns = ["cycles", "instructions", "LL miss"];
        text += &table("\nthe processor's own counts, per operation", &columns, counted);
    }
    text
}

fn run(options: &Options) -> Result<()> {
    if !options.probe.is_empty() {
        return probe(&options.probe);
    }
    let common = &options.common;
    let mut notes = Vec::new();
    let cells = options.cells(&mut notes);
    let takes_part = |contender: &Contender| cells.iter().any(|cell| cell.contender == contender);
    let mut results = common.begin(0, Duration::ZERO, takes_part)?;
    let simulated = callgrind::is_installed();
    if !simulated {
        notes.push("Valgrind is not installed; instructions were not counted.".to_owned());
    }
    let mut counters = Counters::new();
    if let Err(error) = &counters {
        notes.push(format!(
            "The processor's counters cannot be read here ({error}); cycles were not counted."
        ));
    }
    results.notes = notes;
    let scratch = Scratch::new()?;
    let length = 2 * common.choose(5000, 20_000, 40_000);
    let seconds = common.choose(1.0, 2.5, 4.0) * cells.len() as f64;
    let progress = Progress::new(cells.len(), seconds);
    for cell in &cells {
        let streams = |length| -> Vec<_> {
            let whole = |&mix| Streams::new(mix, cell.entries, 1, common.seed);
            cell.mixes.iter().map(|mix| whole(mix).shortened(length)).collect()
        };
        if simulated {
            results.instructions.extend(simulate(cell, &streams(length), &scratch.0)?);
        }
        if let Ok(counters) = &mut counters {
            results.counters.extend(count(cell, &streams(MORE * length), counters)?);
        }
        progress.step();
    }
    drop(progress);
    println!("{}", show(&results));
    for note in &results.notes {
        println!("\nnote: {note}");
    }
    common.end(&results)
}

fn main() -> ExitCode {
    options::main(run)
}

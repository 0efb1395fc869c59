//! Measures all contenders on all workloads, interleaved round by round, with every answer checked.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use atlas_bench_data::{Cell, Contender as ContenderData, FORMAT, Results, Settings};
use atlas_bench_data::{Memory, Workload as WorkloadData};
use atlas_benches::contenders::{CONTENDERS, Contender};
use atlas_benches::entries::{Entries, MAX_IDS, Numbers, Strings};
use atlas_benches::measure::{self, Group, MAX_THREADS, Plan, Workload, size_name};
use atlas_benches::raw::counting::CountingAllocator;
use atlas_benches::workloads::{Mix, trace::Trace};
use atlas_benches::{circumstances, progress::Progress};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Entries of the maps whose memory is measured.
const WEIGHED: u64 = 100_000;

/// Compares concurrent maps: throughput on mixes of operations and on recorded traces, and memory.
///
/// Prints million operations per second, medians of interleaved rounds. A map that answers wrongly
/// ends the run.
#[derive(Debug, Parser)]
#[command(name = "matrix", max_term_width = 100)]
struct Options {
    /// A first look: two threads, no strings, short rounds.
    #[arg(long)]
    quick: bool,
    /// Only cells whose id WORKLOAD/ENTRY/KEYS/tTHREADS/CONTENDER contains TEXT, or one of its
    /// comma-separated parts; given several times, all must hold.
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,
    /// Numbers of threads, at most 64 [default: 1,2,8].
    #[arg(long, value_delimiter = ',', value_parser = parse_threads)]
    threads: Vec<usize>,
    /// Entries in the maps, for example 1K,100K,4M [default: 1K,100K].
    #[arg(long, value_delimiter = ',', value_parser = parse_keys)]
    keys: Vec<u64>,
    /// A recorded trace to replay: one key a line, or 32-bit big-endian numbers, or either in xz.
    #[arg(long, value_name = "FILE")]
    trace: Vec<PathBuf>,
    /// Rounds of each cell [default: 5, quick 3].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: Option<u16>,
    /// Seconds that one map is measured in one round [default: 0.03, quick 0.015].
    #[arg(long, value_parser = parse_seconds)]
    seconds_per_round: Option<f64>,
    /// The seed of all operation streams.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the results to FILE as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// List contenders and workloads and exit.
    #[arg(long)]
    list: bool,
}

fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=MAX_THREADS).contains(&n) => Ok(n),
        _ => Err(format!("not a number from 1 to {MAX_THREADS}")),
    }
}

fn parse_keys(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.strip_suffix(['K', 'k', 'M', 'm']) {
        Some(digits) if text.ends_with(['K', 'k']) => (digits, 1000),
        Some(digits) => (digits, 1_000_000),
        None => (text, 1),
    };
    let most = MAX_IDS / 2;
    match digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)) {
        Some(n) if (16..=most).contains(&n) => Ok(n),
        _ => Err(format!("not a size from 16 to {}M", most / 1_000_000)),
    }
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=60.0).contains(&seconds) => Ok(seconds),
        _ => Err("not a number of seconds from 0.001 to 60".to_owned()),
    }
}

impl Options {
    fn plan(&self) -> Result<Plan> {
        let traces: Vec<Arc<Trace>> =
            self.trace.iter().map(|path| Trace::open(path).map(Arc::new)).collect::<Result<_>>()?;
        let seconds = self.seconds_per_round.unwrap_or(if self.quick { 0.015 } else { 0.03 });
        let mut plan = Plan {
            rounds: self.rounds.map_or(if self.quick { 3 } else { 5 }, usize::from),
            limit: Duration::from_secs_f64(seconds),
            seed: self.seed,
            ..Plan::default()
        };
        let or = |given: &[usize], default: &[usize]| {
            if given.is_empty() { default.to_vec() } else { given.to_vec() }
        };
        let threads = or(&self.threads, if self.quick { &[2] } else { &[1, 2, 8] });
        let string_threads = or(&self.threads, &[2]);
        let sizes = if self.keys.is_empty() { &[1000, 100_000][..] } else { &self.keys };
        for trace in traces {
            plan.add(Workload::Trace(trace), &threads, &self.filter);
        }
        for &keys in sizes {
            for mix in Mix::ALL {
                plan.add(Workload::Mix(mix, Numbers::NAME, keys), &threads, &self.filter);
            }
        }
        for &keys in sizes.iter().filter(|_| !self.quick) {
            for mix in Mix::ALL {
                plan.add(Workload::Mix(mix, Strings::NAME, keys), &string_threads, &self.filter);
            }
        }
        Ok(plan)
    }

    /// The contenders whose memory is measured.
    fn weighed(&self) -> Vec<(&'static Contender, &'static str)> {
        let admitted = |(contender, entry): &(&Contender, &str)| {
            let cell = format!("memory/{entry}/{}/t1/{}", size_name(WEIGHED), contender.id);
            measure::admits(&self.filter, &cell)
        };
        let all = |entry| CONTENDERS.iter().map(move |contender| (contender, entry));
        all(Numbers::NAME).chain(all(Strings::NAME)).filter(admitted).collect()
    }
}

/// The groups' medians as a table.
fn table(group: &Group, cells: &[Cell]) -> String {
    let workload = &group.workload;
    let keys = size_name(workload.keys());
    let mut text = format!("\n{} {} {keys}, Mop/s\n{:16}", workload.id(), workload.entry(), "");
    for (threads, _) in &group.cells {
        let _ = write!(text, "{:>9}", format!("{threads} thr"));
    }
    for contender in CONTENDERS {
        let mine: Vec<_> = cells.iter().filter(|cell| cell.contender == contender.id).collect();
        if mine.is_empty() {
            continue;
        }
        let _ = write!(text, "\n{:16}", contender.id);
        for (threads, _) in &group.cells {
            let figure = match mine.iter().find(|cell| cell.threads as usize == *threads) {
                Some(cell) => format!("{:.1}", cell.median()),
                None => String::new(),
            };
            let _ = write!(text, "{figure:>9}");
        }
    }
    text
}

fn memory_table(memory: &[Memory]) -> String {
    let mut text = format!(
        "\nheap at {} entries\n{:16}{:>9}{:>15}{:>15}{:>14}",
        size_name(WEIGHED),
        "",
        "entry",
        "bytes/entry",
        "peak/entry",
        "empty, bytes"
    );
    for line in memory {
        let peak = line.peak_bytes as f64 / line.entries as f64;
        let _ = write!(
            text,
            "\n{:16}{:>9}{:>15.1}{peak:>15.1}{:>14}",
            line.contender,
            line.entry,
            line.bytes_per_entry(),
            line.empty_bytes
        );
    }
    text
}

fn list() {
    println!("contenders");
    for contender in CONTENDERS {
        println!("  {:14} {}", contender.id, contender.description);
    }
    println!("workloads");
    for mix in Mix::ALL {
        println!("  {:14} {}", mix.id(), mix.description());
    }
    println!("  {:14} heap bytes per entry", "memory");
    println!("  {:14} a recorded trace, see --trace", "trace:FILE");
}

fn workloads(plan: &Plan) -> Vec<WorkloadData> {
    let mut workloads: Vec<WorkloadData> = Vec::new();
    for group in &plan.groups {
        if workloads.iter().all(|known| known.id != group.workload.id()) {
            workloads.push(WorkloadData {
                id: group.workload.id().to_owned(),
                description: group.workload.description(),
            });
        }
    }
    workloads
}

fn run(options: &Options) -> Result<()> {
    if options.list {
        list();
        return Ok(());
    }
    let plan = options.plan()?;
    let weighed = options.weighed();
    ensure!(
        !plan.groups.is_empty() || !weighed.is_empty(),
        "no cell fits --filter {}; --list shows what there is",
        options.filter.join(" --filter ")
    );
    let takes_part = |contender: &&Contender| {
        plan.contenders().contains(contender)
            || weighed.iter().any(|(weighed, _)| weighed == contender)
    };
    let mut results = Results {
        format: FORMAT,
        machine: circumstances::machine(),
        versions: circumstances::versions(),
        settings: Settings {
            arguments: std::env::args().skip(1).collect(),
            rounds: plan.rounds as u32,
            seconds_per_round: plan.limit.as_secs_f64(),
            seed: plan.seed,
        },
        contenders: CONTENDERS
            .iter()
            .filter(takes_part)
            .map(|contender| ContenderData {
                id: contender.id.to_owned(),
                kind: contender.kind,
                description: contender.description.to_owned(),
            })
            .collect(),
        workloads: workloads(&plan),
        notes: plan.notes.clone(),
        ..Results::default()
    };
    // Fails now rather than after the measurement.
    if let Some(path) = &options.json {
        fs::write(path, "").with_context(|| format!("cannot write {}", path.display()))?;
    }
    eprintln!("{} measurements, about {:.0} s", plan.steps(), plan.estimate());
    let begin = Instant::now();
    for (contender, entry) in weighed {
        let weigh = if entry == Numbers::NAME {
            measure::memory::<Numbers>
        } else {
            measure::memory::<Strings>
        };
        results.memory.push(weigh(contender, WEIGHED));
    }
    let progress = std::cell::RefCell::new(Progress::new(plan.steps()));
    let outcome = plan.run(
        || progress.borrow_mut().step(),
        |group, cells| {
            progress.borrow().print(&table(group, cells));
            results.matrix.extend_from_slice(cells);
        },
    );
    progress.borrow().finish();
    outcome?;
    println!("{}", memory_table(&results.memory));
    for note in &results.notes {
        println!("\nnote: {note}");
    }
    eprintln!("measured in {:.0} s", begin.elapsed().as_secs_f64());
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(&results)?;
        fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

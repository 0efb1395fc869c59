//! Measures all contenders on all workloads, interleaved round by round, with every answer checked.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use atlas_bench_data::{Cell, Memory, Version, Workload as WorkloadData};
use atlas_benches::contenders::{CONTENDERS, Contender, go::GO};
use atlas_benches::entries::{Entries, Numbers, Strings};
use atlas_benches::measure::{self, Group, Plan, Workload, go::Go, size_name};
use atlas_benches::options::{self, Common, Keys, Rounds, Threads, or};
use atlas_benches::progress::Progress;
use atlas_benches::raw::counting::CountingAllocator;
use atlas_benches::workloads::{Mix, trace::Trace};
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
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    keys: Keys,
    #[command(flatten)]
    rounds: Rounds,
    /// A recorded trace to replay: one key a line, or 32-bit big-endian numbers, or either in xz.
    #[arg(long, value_name = "FILE")]
    trace: Vec<PathBuf>,
    /// Measure Go's maps too, with the Go toolchain whose `go` command this is.
    #[arg(long, value_name = "PATH")]
    go: Option<PathBuf>,
    /// Break one answer of Go's maps; the run must fail.
    #[arg(long, hide = true, requires = "go")]
    go_fault: bool,
    /// List contenders and workloads and exit.
    #[arg(long)]
    list: bool,
}

impl Options {
    fn plan(&self) -> Result<Plan> {
        let traces: Vec<Arc<Trace>> =
            self.trace.iter().map(|path| Trace::open(path).map(Arc::new)).collect::<Result<_>>()?;
        let common = &self.common;
        let go = self.go.as_ref().map(|path| Go::build(path, self.go_fault).map(Arc::new));
        let mut plan = Plan {
            go: go.transpose()?,
            rounds: self.rounds.rounds(common.choose(3, 5, 5)),
            limit: self.rounds.limit(common.choose(0.015, 0.03, 0.04)),
            seed: common.seed,
            ..Plan::default()
        };
        let given = &self.threads.threads;
        let threads = or(given, common.choose(&[2], &[1, 2, 8], &[1, 2, 8, 64]));
        let string_threads = or(given, &[2]);
        let sizes = or(
            &self.keys.keys,
            common.choose(&[1000, 100_000], &[1000, 100_000], &[1000, 100_000, 4_000_000]),
        );
        // Millions of strings in a dozen maps at once take more memory than a common machine has.
        let string_sizes = or(&self.keys.keys, &[1000, 100_000]);
        for trace in traces {
            plan.add(Workload::Trace(trace), &threads, &self.common.filter);
        }
        for &keys in &sizes {
            for mix in Mix::ALL {
                plan.add(Workload::Mix(mix, Numbers::NAME, keys), &threads, &self.common.filter);
            }
        }
        for &keys in string_sizes.iter().filter(|_| !common.quick) {
            for mix in Mix::ALL {
                plan.add(
                    Workload::Mix(mix, Strings::NAME, keys),
                    &string_threads,
                    &self.common.filter,
                );
            }
        }
        match &plan.go {
            Some(go) => plan.notes.extend_from_slice(&go.notes),
            None => plan.notes.push("Go was not measured; give --go PATH.".to_owned()),
        }
        Ok(plan)
    }

    /// The contenders whose memory is measured.
    fn weighed(&self) -> Vec<(&'static Contender, &'static str)> {
        let admitted = |(contender, entry): &(&Contender, &str)| {
            let cell = format!("memory/{entry}/{}/t1/{}", size_name(WEIGHED), contender.id);
            measure::admits(&self.common.filter, &cell)
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
    for contender in CONTENDERS.iter().chain(GO) {
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
    for contender in GO {
        println!("  {:14} {}; with --go", contender.id, contender.description);
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
    let takes_part = |contender: &Contender| {
        plan.contenders().contains(&contender)
            || weighed.iter().any(|(weighed, _)| *weighed == contender)
    };
    let mut results = options.common.begin(plan.rounds, plan.limit, takes_part)?;
    for contender in plan.contenders().into_iter().filter(|contender| GO.contains(contender)) {
        results.contenders.push(contender.data());
    }
    results.versions.extend(
        plan.go.iter().map(|go| Version { name: "go".to_owned(), version: go.version.clone() }),
    );
    results.workloads = workloads(&plan);
    results.notes.clone_from(&plan.notes);
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
    options.common.end(&results)
}

fn main() -> ExitCode {
    options::main(run)
}

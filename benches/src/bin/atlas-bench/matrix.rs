//! Measures all contenders on all workloads, interleaved round by round, with every answer checked.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use atlas_bench_data::{Cell, Memory, Version};
use atlas_benches::contenders::{CONTENDERS, Contender, go::GO};
use atlas_benches::entries::{Entries, Numbers, Strings};
use atlas_benches::measure::{self, Group, Plan, Workload, go::Go, size_name};
use atlas_benches::options::{Compare, or};
use atlas_benches::progress::Progress;
use atlas_benches::table::{figure, table};
use atlas_benches::workloads::{Mix, trace::Trace};
use clap::Args;

/// Entries of the maps whose memory is measured.
const WEIGHED: u64 = 100_000;
/// Entries from which on a map is large.
const LARGE: u64 = 1_000_000;
/// What is measured on such maps by itself: reads, skew, turnover. The section `growth` has growth.
const LARGE_MIXES: [Mix; 3] = [Mix::Read100, Mix::Zipf95, Mix::Exchange];

/// Compares concurrent maps: throughput on mixes of operations and on recorded traces, and memory.
///
/// Prints million operations per second, medians of interleaved rounds. A map that answers wrongly
/// ends the run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    compare: Compare,
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
        let Compare { common, threads, keys, rounds } = &self.compare;
        let go = self.go.as_ref().map(|path| Go::build(path, self.go_fault).map(Arc::new));
        let mut plan = Plan {
            go: go.transpose()?,
            rounds: rounds.rounds(common.choose(3, 5, 3)),
            limit: rounds.limit(common.choose(0.015, 0.03, 0.03)),
            seed: common.seed,
            ..Plan::default()
        };
        let given = &threads.threads;
        let threads = or(given, common.choose(&[2], &[1, 2, 8], &[1, 2, 8, 64]));
        let string_threads = or(given, &[2]);
        let sizes = or(
            &keys.keys,
            common.choose(&[1000, 100_000], &[1000, 100_000], &[1000, 100_000, 4_000_000]),
        );
        // Millions of strings in a dozen maps at once take more memory than a common machine has.
        let string_sizes = or(&keys.keys, &[1000, 100_000]);
        for trace in traces {
            plan.add(Workload::Trace(trace), &threads, &self.compare.common.filter);
        }
        // A map of millions with dozens of threads on a few cores measures the scheduler, for minutes.
        let few = or(given, &[1, 2]);
        let sizes_are_usual = keys.keys.is_empty();
        for &keys in &sizes {
            let threads = if keys < LARGE { &threads } else { &few };
            for mix in Mix::ALL {
                // To fill a dozen maps with millions takes minutes of the run's twenty, if nobody has asked for it.
                if keys >= LARGE && sizes_are_usual && !LARGE_MIXES.contains(&mix) {
                    continue;
                }
                plan.add(Workload::Mix(mix, Numbers::NAME, keys), threads, &common.filter);
            }
        }
        for &keys in string_sizes.iter().filter(|_| !common.quick) {
            for mix in Mix::ALL {
                plan.add(
                    Workload::Mix(mix, Strings::NAME, keys),
                    &string_threads,
                    &self.compare.common.filter,
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
            measure::admits(&self.compare.common.filter, &cell)
        };
        let all = |entry| CONTENDERS.iter().map(move |contender| (contender, entry));
        all(Numbers::NAME).chain(all(Strings::NAME)).filter(admitted).collect()
    }
}

/// The groups' medians as a table.
fn show(group: &Group, cells: &[Cell]) -> String {
    let workload = &group.workload;
    let keys = size_name(workload.keys());
    let title = format!("{} {} {keys}, Mop/s", workload.id(), workload.entry());
    let columns: Vec<_> =
        group.cells.iter().map(|(threads, _)| format!("{threads} threads")).collect();
    let row = |contender: &Contender| {
        let mine = |threads: usize| {
            let fits =
                |cell: &&Cell| cell.contender == contender.id && cell.threads as usize == threads;
            cells.iter().find(fits).map(Cell::median)
        };
        let figures: Vec<_> = group.cells.iter().map(|(threads, _)| mine(*threads)).collect();
        let measured = figures.iter().any(Option::is_some);
        let figures = figures.into_iter().map(|rate| figure(rate, 1)).collect();
        measured.then(|| (contender.id.to_owned(), figures))
    };
    table(&title, &columns, CONTENDERS.iter().chain(GO).filter_map(row))
}

fn show_memory(memory: &[Memory]) -> String {
    let title = format!("heap at {} entries", size_name(WEIGHED));
    let row = |line: &Memory| {
        let peak = line.peak_bytes as f64 / line.entries as f64;
        let figures = vec![
            figure(Some(line.bytes_per_entry()), 1),
            figure(Some(peak), 1),
            line.empty_bytes.to_string(),
        ];
        (format!("{} {}", line.contender, line.entry), figures)
    };
    table(&title, &["bytes/entry", "peak/entry", "empty, bytes"], memory.iter().map(row))
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

/// Measures, prints tables and stores the results.
pub(crate) fn run(options: &Options) -> Result<()> {
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
    let mut results = options.compare.common.begin(plan.rounds, plan.limit, takes_part)?;
    for contender in plan.contenders().into_iter().filter(|contender| GO.contains(contender)) {
        results.contenders.push(contender.data());
    }
    results.versions.extend(
        plan.go.iter().map(|go| Version { name: "go".to_owned(), version: go.version.clone() }),
    );
    results.workloads = plan.workloads();
    results.notes.clone_from(&plan.notes);
    let progress = Progress::new(plan.steps(), plan.estimate());
    for (contender, entry) in weighed {
        let weigh = if entry == Numbers::NAME {
            measure::memory::<Numbers>
        } else {
            measure::memory::<Strings>
        };
        results.memory.push(weigh(contender, WEIGHED));
    }
    plan.run(
        || progress.step(),
        |group, cells| {
            progress.print(&show(group, cells));
            results.matrix.extend_from_slice(cells);
        },
    )?;
    drop(progress);
    println!("{}", show_memory(&results.memory));
    for note in &results.notes {
        println!("\nnote: {note}");
    }
    options.compare.common.end(&results)
}

//! Measures one described workload, or a recorded trace, on all maps.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use atlas_bench_data::{Choice, ChoiceRow, Results, median};
use atlas_benches::contenders::{CONTENDERS, Contender};
use atlas_benches::entries::{Entries, Numbers, Payload, Record, Strings, With};
use atlas_benches::measure::sampled::{OfShape, OfTrace, SAMPLED, Sampled, Sampler};
use atlas_benches::measure::{memory, sits_out, size_name, turns};
use atlas_benches::options::{Common, parse_keys, parse_threads};
use atlas_benches::progress::Progress;
use atlas_benches::table::{figure, table};
use atlas_benches::workloads::{Shape, trace::Trace};
use clap::Args;

/// Interleaved rounds.
const ROUNDS: u32 = 5;

/// Measures one described workload, or a recorded trace, on all maps: throughput, a sample of
/// latencies, and memory per entry.
///
/// What reads, updates and churn leave of the operations overwrites values of present keys.
/// `cargo xtask choose` runs this and ranks the maps.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Percent of the operations that read.
    #[arg(long, default_value_t = 95.0, value_parser = parse_percent)]
    reads: f64,
    /// Percent that read, modify and write the value of a present key.
    #[arg(long, default_value_t = 0.0, value_parser = parse_percent)]
    updates: f64,
    /// Percent that insert and remove keys, half each.
    #[arg(long, default_value_t = 0.0, value_parser = parse_percent)]
    churn: f64,
    /// All writes insert new keys; the map starts empty.
    #[arg(long)]
    growing: bool,
    /// Exponent of the Zipf distribution of the keys; 0 is uniform.
    #[arg(long, default_value_t = 0.0, value_parser = parse_skew)]
    skew: f64,
    /// Entries in the map.
    #[arg(long, default_value = "100K", value_parser = parse_keys)]
    keys: u64,
    /// Bytes of a key: 8, or 28 for a String.
    #[arg(long, default_value = "8", value_parser = ["8", "28"])]
    key_size: String,
    /// Bytes of a value: 8, or a multiple of 8; one above 128 is a box.
    #[arg(long, default_value_t = 8, value_parser = parse_value_size)]
    value_size: usize,
    /// Threads [default: as many as the machine has].
    #[arg(long, value_parser = parse_threads)]
    threads: Option<usize>,
    /// Replay this recorded trace instead.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Seconds for each map, in five rounds.
    #[arg(long, default_value_t = 0.5, value_parser = parse_seconds)]
    seconds: f64,
    /// The seed of the operation streams.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the results to FILE as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn parse_number(text: &str, low: f64, high: f64) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (low..=high).contains(&number) => Ok(number),
        _ => Err(format!("not a number from {low} to {high}")),
    }
}

fn parse_percent(text: &str) -> Result<f64, String> {
    parse_number(text, 0.0, 100.0)
}

fn parse_skew(text: &str) -> Result<f64, String> {
    parse_number(text, 0.0, 4.0)
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    parse_number(text, 0.005, 60.0)
}

fn parse_value_size(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(bytes) if (8..=1 << 20).contains(&bytes) && bytes.is_multiple_of(8) => Ok(bytes),
        _ => Err("not a multiple of 8 from 8 to 1048576".to_owned()),
    }
}

/// Makes the sampler of a contender.
type MakeSampler = dyn Fn(&Contender) -> Box<dyn Sampler>;

/// What is measured: samplers, and memory per entry.
struct Subject {
    sampler: Box<MakeSampler>,
    bytes_per_entry: fn(&'static Contender, u64) -> f64,
    entries: u64,
    writes: f64,
    description: String,
}

fn bytes_per_entry<E: Entries>(contender: &'static Contender, entries: u64) -> f64 {
    memory::<E>(contender, entries).bytes_per_entry()
}

fn of_shape<E: Entries>(shape: Shape, threads: usize, seed: u64) -> Subject {
    let subject = OfShape::<E>::new(shape, threads, seed);
    Subject {
        sampler: Box::new(move |contender| contender.visit(subject.share())),
        bytes_per_entry: bytes_per_entry::<E>,
        entries: shape.entries,
        writes: shape.writes(),
        description: shape.description(),
    }
}

impl Options {
    fn shape(&self) -> Result<Shape> {
        let shape = Shape {
            entries: self.keys,
            gets: self.reads,
            updates: self.updates,
            churn: self.churn,
            skew: self.skew,
            growing: self.growing,
            ..Shape::default()
        };
        shape.check()?;
        Ok(shape)
    }

    fn subject(&self, threads: usize) -> Result<Subject> {
        if let Some(path) = &self.trace {
            let trace = Arc::new(Trace::open(path)?);
            return Ok(Subject {
                entries: trace.distinct,
                writes: trace.distinct as f64 / trace.keys.len() as f64,
                description: format!("{}: {}", trace.id, trace.description()),
                bytes_per_entry: bytes_per_entry::<Numbers>,
                sampler: Box::new(move |contender| contender.visit(OfTrace(trace.clone()))),
            });
        }
        let shape = self.shape()?;
        Payload::set_bytes(self.value_size);
        let make = match (self.key_size.as_str(), self.value_size) {
            ("8", 8) => of_shape::<Numbers>,
            ("8", 128) => of_shape::<With<Numbers, Record>>,
            ("8", _) => of_shape::<With<Numbers, Payload>>,
            (_, 8) => of_shape::<With<Strings, u64>>,
            (_, 128) => of_shape::<Strings>,
            _ => of_shape::<With<Strings, Payload>>,
        };
        let mut subject = make(shape, threads, self.seed);
        let key = if self.key_size == "8" { "8-byte keys" } else { "28-byte String keys" };
        let boxed = if self.value_size > 128 { ", boxed" } else { "" };
        subject.description += &format!("; {key}, {}-byte values{boxed}", self.value_size);
        Ok(subject)
    }
}

/// Measures all that can take part, in turn, in rounds.
fn measure(subject: &Subject, threads: usize, limit: Duration) -> Result<Vec<ChoiceRow>> {
    let contenders: Vec<_> = CONTENDERS
        .iter()
        .filter(|contender| !contender.is_local())
        .filter(|contender| sits_out(contender, subject.writes > 0.0, subject.entries).is_none())
        .collect();
    let bytes: Vec<_> = contenders
        .iter()
        .map(|contender| (subject.bytes_per_entry)(contender, subject.entries))
        .collect();
    let mut samplers: Vec<_> =
        contenders.iter().map(|contender| (subject.sampler)(contender)).collect();
    let mut rounds: Vec<Vec<Sampled>> = vec![Vec::new(); contenders.len()];
    let steps = contenders.len() * ROUNDS as usize;
    let progress = Progress::new(steps, steps as f64 * limit.as_secs_f64());
    // One more round than is kept: the first warms caches, branches and the map's own state.
    for (number, at) in turns(ROUNDS as usize, contenders.len()) {
        let limit = if number == 0 { limit / 4 } else { limit };
        let round = samplers[at]
            .round(threads, limit)
            .with_context(|| format!("{} gave a wrong answer", contenders[at].id))?;
        if number > 0 {
            rounds[at].push(round);
            progress.step();
        }
    }
    drop(progress);
    let row = |((contender, rounds), bytes_per_entry): ((&&Contender, Vec<Sampled>), f64)| {
        let mops = rounds.iter().map(Sampled::mops).collect();
        let all = rounds.into_iter().reduce(|mut all, round| {
            all.add_samples(&round);
            all
        });
        let quantile = |q| all.as_ref().map_or(0, |all| all.all.value_at_quantile(q));
        ChoiceRow {
            contender: contender.id.to_owned(),
            mops,
            p50_ns: quantile(0.5),
            p99_ns: quantile(0.99),
            p999_ns: quantile(0.999),
            bytes_per_entry,
        }
    };
    Ok(contenders.iter().zip(rounds).zip(bytes).map(row).collect())
}

/// Measures, prints tables and stores the results.
pub(crate) fn run(options: &Options) -> Result<()> {
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = options.threads.unwrap_or(available);
    let subject = options.subject(threads)?;
    let limit = Duration::from_secs_f64(options.seconds / f64::from(ROUNDS));
    let common = Common { seed: options.seed, json: options.json.clone(), ..Common::default() };
    let takes_part = |contender: &Contender| !contender.is_local();
    let mut results: Results = common.begin(ROUNDS as usize, limit, takes_part)?;
    let keys = size_name(subject.entries);
    let maps = measure(&subject, threads, limit)?;
    let title = format!("{}, {keys} entries, {threads} threads", subject.description);
    let row = |row: &ChoiceRow| {
        let mut figures = vec![figure(Some(median(&row.mops)), 1)];
        figures.extend([row.p50_ns, row.p99_ns, row.p999_ns].map(|time| time.to_string()));
        figures.push(figure(Some(row.bytes_per_entry), 1));
        (row.contender.clone(), figures)
    };
    let columns = ["Mop/s", "p50, ns", "p99, ns", "p99.9, ns", "bytes/entry"];
    println!("{}", table(&title, &columns, maps.iter().map(row)));
    results.choice = Some(Choice {
        workload: subject.description,
        threads: threads as u32,
        writes: subject.writes,
        sampled: SAMPLED as u32,
        maps,
    });
    common.end(&results)
}

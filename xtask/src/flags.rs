//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::compare;
use crate::sections::{self, Section};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure all maps and their peers; leave an HTML report
    Bench(Box<Bench>),
    /// Measure one described workload on all maps and rank them for it
    Choose(Choose),
    /// Drive the conformance suites for longer than `cargo test` does
    Conformance(Conformance),
    /// Write the figures in the documents from the stored results
    Docs(Docs),
    /// Measure what the performance goals speak of and judge each
    Goals(Goals),
    /// Check the conventions that a program can check
    Tidy,
    /// Look for errors for longer than `cargo test` does: histories, sanitizers, models, memory
    Verify(Verify),
}

/// Measures all maps and their peers, then writes `report.html` and `results.json`.
///
/// The default takes about six minutes on two cores after the build. It builds the measuring
/// programs in release mode, one for each section, runs them one after the other and merges what they
/// found. A flag goes to the sections that understand it.
#[derive(Debug, Args)]
pub struct Bench {
    /// Less of everything, and only the sections `matrix` and `criterion` unless --only names others:
    /// under a minute after the build, for a first look
    #[arg(long)]
    pub quick: bool,
    /// More of everything: larger maps, more threads; under twenty minutes after the build
    #[arg(long, conflicts_with = "quick")]
    pub full: bool,
    /// Only cells whose id contains this: a workload, criterion group or map; `a,b` is either,
    /// a second --filter must hold too
    #[arg(long, value_name = "TEXT", value_parser = non_empty)]
    pub filter: Vec<String>,
    /// Numbers of threads, such as 1,2,8
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub threads: Vec<u32>,
    /// Sizes of the key space, such as 1K,100K,4M
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = keys)]
    pub keys: Vec<String>,
    /// Replay a recorded trace as well: one key a line, big-endian u32, or either in xz (repeatable)
    #[arg(long, value_name = "FILE")]
    pub trace: Vec<PathBuf>,
    /// Measure Go's maps too, with the Go toolchain whose `go` command this is
    #[arg(long, value_name = "PATH")]
    pub go: Option<PathBuf>,
    /// Interleaved rounds per cell
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: Option<u32>,
    /// Seconds that each map is measured in one round
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub seconds_per_round: Option<f64>,
    /// The seed of all operation streams
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Run this section only (repeatable)
    #[arg(long, value_name = "SECTION", value_parser = sections::parser())]
    pub only: Vec<&'static Section>,
    /// Measure nothing: make the report of stored results (the `results.json` of a run)
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "quick", "full", "filter", "threads", "keys", "trace", "go", "rounds", "seconds_per_round", "seed",
        "only",
    ])]
    pub from: Option<PathBuf>,
    /// Measure nothing: say which maps and workloads there are
    #[arg(long, conflicts_with = "from")]
    pub list: bool,
    /// Keep the results under this name, below target/atlas-saved, for a later --against
    #[arg(long, value_name = "NAME", value_parser = compare::name)]
    pub save: Option<String>,
    /// Compare with an earlier run: its name, or a file of results
    #[arg(long, value_name = "NAME|FILE")]
    pub against: Option<String>,
    /// Where to write the report [default: target/atlas-report]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write the results to this file too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Drives the conformance suites with many more cases than `cargo test` does, in release mode.
#[derive(Debug, Args)]
pub struct Conformance {
    /// Only this map (repeatable)
    #[arg(long, value_name = "NAME")]
    pub map: Vec<String>,
    /// How many times as much as `cargo test` tries
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub cases: u32,
    /// The seed of all cases [default: another each time; it is printed]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// Writes `docs/benchmarks.md`, `docs/images/report.svg` and the table in `README.md` from
/// `docs/data/benchmarks.json`.
#[derive(Debug, Args)]
pub struct Docs {
    /// Write nothing; fail if a document does not match the stored results
    #[arg(long, conflicts_with = "from")]
    pub check: bool,
    /// Store these results first (the `results.json` of a run)
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

/// Measures what the performance goals speak of, all contenders in turn, and judges each goal: met,
/// falls short or not measured. Ends with status 1 if one falls short.
///
/// All goals take about five minutes on two idle cores after the build.
#[derive(Debug, Default, Args)]
pub struct Goals {
    /// Only these goals, such as P4,P7
    #[arg(long, value_name = "ID,…", value_delimiter = ',', value_parser = non_empty)]
    pub only: Vec<String>,
    /// Fewer and shorter rounds, and no maps of a million entries
    #[arg(long)]
    pub quick: bool,
    /// Interleaved rounds per cell
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,
    /// The Go compiler, for the goals that compare with Go's maps
    #[arg(long, value_name = "PATH")]
    pub go: Option<PathBuf>,
    /// Measure nothing: judge stored results (the `results.json` of a run)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["quick", "rounds", "go"])]
    pub from: Option<PathBuf>,
    /// Write results and verdicts to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Put the verdicts into these stored results, such as docs/data/benchmarks.json
    #[arg(long, value_name = "FILE")]
    pub into: Option<PathBuf>,
}

/// Answers "which map is for me?": measures the workload that is described, or a recorded trace, on
/// all maps for some seconds and ranks them by throughput, tail latency and memory.
///
/// What reads, updates and churn leave of the operations overwrites values of present keys.
#[derive(Debug, Default, Args)]
pub struct Choose {
    /// Percent of the operations that read [default: 95]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub reads: Option<f64>,
    /// Percent that read, modify and write the value of a present key
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub updates: Option<f64>,
    /// Percent that insert and remove keys, half each
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub churn: Option<f64>,
    /// All writes insert new keys; the map starts empty and grows to --keys
    #[arg(long, conflicts_with_all = ["updates", "churn", "skew"])]
    pub growing: bool,
    /// Exponent of the Zipf distribution of the keys; 0 is uniform [default: 0]
    #[arg(long, value_name = "EXPONENT", value_parser = skew)]
    pub skew: Option<f64>,
    /// Entries in the map [default: 100K]
    #[arg(long, value_name = "N", value_parser = keys)]
    pub keys: Option<String>,
    /// Bytes of a key: 8 (a number) or 28 (a String) [default: 8]
    #[arg(long, value_name = "BYTES", value_parser = key_size)]
    pub key_size: Option<u32>,
    /// Bytes of a value: 8, or a multiple of 8 up to 1 MiB; above 128 it is a box [default: 8]
    #[arg(long, value_name = "BYTES", value_parser = value_size)]
    pub value_size: Option<u32>,
    /// Threads [default: as many as the machine has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub threads: Option<u32>,
    /// Replay a recorded trace instead: get, and insert on a miss
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "reads", "updates", "churn", "growing", "skew", "keys", "key_size", "value_size",
    ])]
    pub trace: Option<PathBuf>,
    /// Seconds for each map [default: 0.5]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub seconds: Option<f64>,
    /// The seed of the operation streams
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Write the figures to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Looks for errors for longer than `cargo test` does; about ten minutes without `--minutes`.
#[derive(Debug, Args)]
pub struct Verify {
    /// What to run [default: all but valgrind and coverage, which need tools of their own]
    #[arg(value_enum, value_name = "LAYER")]
    pub layer: Vec<Layer>,
    /// How long the random layers run, in minutes each; models search further
    #[arg(long, value_name = "N", value_parser = minutes)]
    pub minutes: Option<f64>,
    /// The seed of all random choices [default: another each time; it is printed]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Make the one history with this seed again and again, as a failure says
    #[arg(long, requires = "seed")]
    pub again: bool,
    /// Write docs/reentrancy.md from what is measured, instead of comparing it
    #[arg(long, conflicts_with_all = ["map", "again"])]
    pub write: bool,
    /// Only this map (repeatable)
    #[arg(long, value_name = "NAME", value_parser = map)]
    pub map: Vec<String>,
}

/// A layer of the verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layer {
    /// Random histories of single keys, each with an order that explains it
    Linearizability,
    /// The suites and a stress program with AddressSanitizer and LeakSanitizer, races with ThreadSanitizer
    Sanitizers,
    /// Every operation inside every piece of the user's code: works or is refused
    Reentrancy,
    /// A thread stopped at every point of an operation of map-caslist, while others go on
    Frozen,
    /// Capacities that no machine has room for; what colliding keys cost
    Hostile,
    /// Models: small protocols in every schedule up to a bound, whole maps in schedules by chance
    Models,
    /// Short-lived threads, churn, a reader that stands still, drops on a small stack
    Memory,
    /// The tests of the maps and of their parts under valgrind's memcheck
    Valgrind,
    /// Which lines and regions of the library crates the tests come to
    Coverage,
    /// Inputs that a fuzzer makes (needs cargo-fuzz), for --minutes each kind [default: 1]
    Fuzz,
}

impl Layer {
    /// Those that need nothing but the compiler.
    pub const USUAL: &[Self] = &[
        Self::Linearizability,
        Self::Sanitizers,
        Self::Reentrancy,
        Self::Frozen,
        Self::Hostile,
        Self::Models,
        Self::Memory,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linearizability => "linearizability",
            Self::Sanitizers => "sanitizers",
            Self::Reentrancy => "reentrancy",
            Self::Frozen => "frozen",
            Self::Hostile => "hostile",
            Self::Models => "models",
            Self::Memory => "memory",
            Self::Valgrind => "valgrind",
            Self::Coverage => "coverage",
            Self::Fuzz => "fuzz",
        }
    }
}

/// Reads the command line. A mistake is reported in one line.
pub fn parse() -> Result<Command, ExitCode> {
    Cli::try_parse().map(|cli| cli.command).map_err(|error| {
        let asked_for_help = matches!(
            error.kind(),
            ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
        if asked_for_help {
            // Nothing better can be done about a closed output than to end.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
        eprintln!("{}; see --help", one_line(&error.to_string()));
        ExitCode::from(2)
    })
}

/// Clap's message without its usage text: everything before the first empty line, and the tips.
fn one_line(message: &str) -> String {
    let words = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paragraphs = message.split("\n\n");
    let mut line = words(paragraphs.next().unwrap_or_default());
    for tip in paragraphs.filter_map(|paragraph| paragraph.trim().strip_prefix("tip:")) {
        line.push_str("; ");
        line.push_str(&words(tip.lines().next().unwrap_or_default()));
    }
    line
}

fn non_empty(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it is empty".into()) } else { Ok(text.trim().into()) }
}

/// A size such as `1000`, `100K` or `4M`; it is handed on as written.
fn keys(text: &str) -> Result<String, String> {
    match size(text) {
        Some(n) if (16..=100_000_000).contains(&n) => Ok(text.into()),
        Some(n) => Err(format!("{n} is not between 16 and 100M")),
        None => Err("expected a number such as 1000, 100K or 4M".into()),
    }
}

/// The number that a size such as `100K` stands for.
pub fn size(text: &str) -> Option<u64> {
    let (digits, factor) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1_000),
        Some((at, 'm' | 'M')) => (&text[..at], 1_000_000),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor))
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("expected a number from 0 to 100".into()),
    }
}

fn skew(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(skew) if (0.0..=4.0).contains(&skew) => Ok(skew),
        _ => Err("expected a number from 0 to 4".into()),
    }
}

fn key_size(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(bytes @ (8 | 28)) => Ok(bytes),
        _ => Err("expected 8 or 28".into()),
    }
}

fn value_size(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(bytes) if (8..=1 << 20).contains(&bytes) && bytes.is_multiple_of(8) => Ok(bytes),
        _ => Err("expected a multiple of 8 from 8 to 1048576".into()),
    }
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes <= 10_000.0 => Ok(minutes),
        _ => Err("expected a number of minutes".into()),
    }
}

fn map(text: &str) -> Result<String, String> {
    let unknown = || format!("no map is called so; there are {}", crate::maps::names());
    crate::maps::find(text).map(|map| map.name.to_owned()).ok_or_else(unknown)
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 60.0 => Ok(seconds),
        _ => Err("expected a number of seconds up to 60".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(arguments: &[&str]) -> String {
        let command_line = ["xtask"].iter().chain(arguments);
        one_line(&Cli::try_parse_from(command_line).expect_err("a mistake").to_string())
    }

    #[test]
    fn the_definition_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn mistakes_are_one_line() {
        for arguments in [
            &["bench", "--thread", "2"][..],
            &["bench", "--threads", "0"],
            &["bench", "--threads", ""],
            &["bench", "--keys", "many"],
            &["bench", "--keys", "1"],
            &["bench", "--filter", ""],
            &["bench", "--only", "neither"],
            &["bench", "--seconds-per-round", "-1"],
            &["bench", "--from", "x", "--quick"],
            &["bench", "--full", "--quick"],
            &["bench", "--save", "../elsewhere"],
            &["docs", "--check", "--from", "x"],
            &["conformance", "--cases", "0"],
            &["goals", "--rounds", "0"],
            &["goals", "--from", "x", "--quick"],
            &["choose", "--reads", "101"],
            &["choose", "--reads", "NaN"],
            &["choose", "--skew", "-1"],
            &["choose", "--key-size", "9"],
            &["choose", "--value-size", "12"],
            &["choose", "--growing", "--churn", "5"],
            &["choose", "--trace", "x", "--reads", "5"],
            &["tidier"],
            &["verify", "everything"],
            &["verify", "memory", "--minutes", "0"],
            &["verify", "--map", "map-nosuch"],
            &["verify", "--again"],
            &["verify", "--write", "--map", "rwlock"],
        ] {
            let line = error(arguments);
            assert!(line.starts_with("error: ") && !line.contains('\n'), "{arguments:?}: {line}");
        }
    }

    #[test]
    fn sizes() {
        for good in ["16", "1000", "1K", "1k", "4M"] {
            assert_eq!(keys(good), Ok(good.to_owned()));
        }
        for bad in ["", "K", "-1", "1G", "1.5K", "0", "99999999999999999999K"] {
            assert!(keys(bad).is_err(), "{bad}");
        }
    }
}

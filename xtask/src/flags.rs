//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};

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
    Bench(Bench),
    /// Drive the conformance suites for longer than `cargo test` does
    Conformance(Conformance),
    /// Write the figures in the documents from the stored results
    Docs(Docs),
    /// Check the conventions that a program can check
    Tidy,
    /// Look for errors for longer than `cargo test` does: histories, sanitizers, models, memory
    Verify(Verify),
}

/// Measures all maps and their peers, then writes `report.html` and `results.json`.
///
/// The default takes about five minutes on two cores after the build. It builds the measuring
/// programs in release mode, runs the interleaved throughput matrix and the criterion comparisons,
/// and merges both.
#[derive(Debug, Args)]
pub struct Bench {
    /// Less of everything: under a minute after the build, for a first look
    #[arg(long)]
    pub quick: bool,
    /// Only cells whose id contains this: a workload, criterion group or map; `a,b` is either,
    /// a second --filter must hold too
    #[arg(long, value_name = "TEXT", value_parser = non_empty)]
    pub filter: Vec<String>,
    /// Numbers of threads, such as 1,2,8
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=64))]
    pub threads: Vec<u32>,
    /// Sizes of the key space, such as 1K,100K,4M
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = keys)]
    pub keys: Vec<String>,
    /// Replay a recorded trace as well: one key a line, big-endian u32, or either in xz (repeatable)
    #[arg(long, value_name = "FILE")]
    pub trace: Vec<PathBuf>,
    /// Interleaved rounds per cell of the matrix
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: Option<u32>,
    /// Seconds that each map is measured in one round of the matrix
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub seconds_per_round: Option<f64>,
    /// The seed of all operation streams of the matrix
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Run one of the two programs only
    #[arg(long, value_enum)]
    pub only: Option<Program>,
    /// Measure nothing: make the report of stored results (the `results.json` of a run)
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "quick", "filter", "threads", "keys", "trace", "rounds", "seconds_per_round", "seed", "only",
    ])]
    pub from: Option<PathBuf>,
    /// Measure nothing: say which maps and workloads there are
    #[arg(long, conflicts_with = "from")]
    pub list: bool,
    /// Where to write the report [default: target/atlas-report]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write the results to this file too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// A measuring program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Program {
    /// The criterion comparisons of single operations
    Criterion,
    /// The interleaved throughput matrix and the memory figures
    Matrix,
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

/// Looks for errors for longer than `cargo test` does; about ten minutes without `--minutes`.
#[derive(Debug, Args)]
pub struct Verify {
    /// What to run [default: all]
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
    /// Only this map (repeatable)
    #[arg(long, value_name = "NAME", value_parser = map)]
    pub map: Vec<String>,
}

/// A layer of the verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layer {
    /// Random histories of single keys, each with an order that explains it
    Linearizability,
    /// The suites and a stress program with AddressSanitizer and LeakSanitizer
    Sanitizers,
    /// Models of the locks, every schedule up to a bound
    Models,
    /// Short-lived threads, churn, drops on a small stack
    Memory,
}

impl Layer {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Linearizability, Self::Sanitizers, Self::Models, Self::Memory];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linearizability => "linearizability",
            Self::Sanitizers => "sanitizers",
            Self::Models => "models",
            Self::Memory => "memory",
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
    let (digits, factor) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1_000),
        Some((at, 'm' | 'M')) => (&text[..at], 1_000_000),
        _ => (text, 1),
    };
    match digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)) {
        Some(n) if (16..=100_000_000).contains(&n) => Ok(text.into()),
        Some(n) => Err(format!("{n} is not between 16 and 100M")),
        None => Err("expected a number such as 1000, 100K or 4M".into()),
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
            &["docs", "--check", "--from", "x"],
            &["conformance", "--cases", "0"],
            &["tidier"],
            &["verify", "everything"],
            &["verify", "memory", "--minutes", "0"],
            &["verify", "--map", "map-nosuch"],
            &["verify", "--again"],
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

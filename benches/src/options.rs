//! What the section programs have in common: their flags, and how they begin and end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use atlas_bench_data::{FORMAT, Results, Settings};
use clap::{Args, Parser};

use crate::circumstances;
use crate::contenders::{CONTENDERS, Contender};
use crate::entries::MAX_IDS;
use crate::measure::MAX_THREADS;

/// The flags of every section program.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// Less of everything, for a first look.
    #[arg(long)]
    pub quick: bool,
    /// More of everything.
    #[arg(long, conflicts_with = "quick")]
    pub full: bool,
    /// Only cells whose id WORKLOAD/ENTRY/KEYS/tTHREADS/CONTENDER contains TEXT, or one of its
    /// comma-separated parts; given several times, all must hold.
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,
    /// The seed of all operation streams.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Write the results to FILE as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Succeed with empty results if no cell fits the filter.
    #[arg(long, hide = true)]
    pub may_be_empty: bool,
}

/// Numbers of threads.
#[derive(Clone, Debug, Default, Args)]
pub struct Threads {
    /// Numbers of threads, at most 1024.
    #[arg(long, value_delimiter = ',', value_parser = parse_threads)]
    pub threads: Vec<usize>,
}

/// Sizes of maps.
#[derive(Clone, Debug, Default, Args)]
pub struct Keys {
    /// Entries in the maps, for example 1K,100K,4M.
    #[arg(long, value_delimiter = ',', value_parser = parse_keys)]
    pub keys: Vec<u64>,
}

/// How often and how long.
#[derive(Clone, Debug, Default, Args)]
pub struct Rounds {
    /// Rounds of each cell.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: Option<u16>,
    /// Seconds that one map is measured in one round.
    #[arg(long, value_parser = parse_seconds)]
    pub seconds_per_round: Option<f64>,
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

/// What was given, or else the default.
pub fn or<T: Clone>(given: &[T], default: &[T]) -> Vec<T> {
    if given.is_empty() { default.to_vec() } else { given.to_vec() }
}

impl Rounds {
    /// The number of rounds, or else the default.
    pub fn rounds(&self, default: usize) -> usize {
        self.rounds.map_or(default, usize::from)
    }

    /// The time of a round, or else the default.
    pub fn limit(&self, default: f64) -> Duration {
        Duration::from_secs_f64(self.seconds_per_round.unwrap_or(default))
    }
}

impl Common {
    /// One of three, as the flags have it.
    pub fn choose<T>(&self, quick: T, default: T, full: T) -> T {
        match (self.quick, self.full) {
            (true, _) => quick,
            (_, true) => full,
            _ => default,
        }
    }

    /// Results without figures: circumstances, settings and the contenders that take part.
    ///
    /// # Errors
    ///
    /// If there is nothing to measure, unless that is allowed; and if the results could not be
    /// written later.
    pub fn begin(
        &self,
        rounds: usize,
        limit: Duration,
        takes_part: impl Fn(&Contender) -> bool,
    ) -> Result<Results> {
        let contenders: Vec<_> = CONTENDERS
            .iter()
            .filter(|contender| takes_part(contender))
            .map(Contender::data)
            .collect();
        ensure!(
            self.may_be_empty || !contenders.is_empty(),
            "no cell fits --filter {}",
            self.filter.join(" --filter ")
        );
        if let Some(path) = &self.json {
            write(path, "")?;
        }
        Ok(Results {
            format: FORMAT,
            machine: circumstances::machine(),
            versions: circumstances::versions(),
            settings: Settings {
                arguments: std::env::args().skip(1).collect(),
                rounds: rounds as u32,
                seconds_per_round: limit.as_secs_f64(),
                seed: self.seed,
            },
            contenders,
            ..Results::default()
        })
    }

    /// Writes the results where they are wanted.
    ///
    /// # Errors
    ///
    /// If that cannot be done.
    pub fn end(&self, results: &Results) -> Result<()> {
        match &self.json {
            Some(path) => write(path, &serde_json::to_string_pretty(results)?),
            None => Ok(()),
        }
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The `main` of a section program: a failure is one line on stderr and a status other than zero.
pub fn main<O: Parser>(run: impl FnOnce(&O) -> Result<()>) -> ExitCode {
    match run(&O::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_keys("4M"), Ok(4_000_000));
        assert_eq!(parse_keys("1k"), Ok(1000));
        for bad in ["", "K", "15", "9M", "1G", "-1"] {
            assert!(parse_keys(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn threads_and_seconds() {
        assert_eq!(parse_threads("1024"), Ok(1024));
        assert!(["0", "1025", "two"].iter().all(|bad| parse_threads(bad).is_err()));
        assert!(["0", "61", "NaN"].iter().all(|bad| parse_seconds(bad).is_err()));
    }

    #[test]
    fn nothing_to_measure_is_refused_unless_allowed() {
        let strict = Common::default();
        assert!(strict.begin(1, Duration::ZERO, |_| false).is_err());
        let lenient = Common { may_be_empty: true, ..Common::default() };
        assert!(lenient.begin(1, Duration::ZERO, |_| false).is_ok_and(|r| r.contenders.is_empty()));
    }
}

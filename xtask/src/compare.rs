//! One run against another: what has become faster, what slower, what shows no change.
//!
//! `--save NAME` keeps a run, `--against NAME` (or a file) compares the next one with it, cell by cell.
//!
//! *Method.* A cell of the matrix has a handful of rounds. The figure is the ratio of the two medians;
//! its interval comes from a bootstrap: both runs' rounds are drawn anew with replacement, 2000 times,
//! and the interval holds 99 % of the ratios so found. With so few rounds that is nearly the whole range
//! of what the rounds allow, which is meant: hundreds of cells are judged at once, and at 95 % one in
//! twenty would be named without cause. Criterion keeps no rounds but an interval of each median; the
//! ratio's interval there is the quotient of the two intervals' opposite ends. Either way a cell is
//! *faster* or *slower* only if its whole interval lies more than 3 % away from 1, since two runs of
//! one program differ by about so much (memory layout, clock speed) without any of their rounds
//! showing it. Heap bytes and simulated instructions
//! are exact and are judged by the 3 % alone. What has no rounds (latencies, growth) is not compared.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use atlas_bench_data::{Results, median};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;

use crate::bench::{read_results, write};
use crate::workspace::Workspace;

/// How often rounds are drawn anew.
const DRAWS: usize = 2000;
/// The share of the drawn ratios that lies below the interval, and above it.
const TAIL: f64 = 0.005;
/// What two runs may differ by without a cause.
const NOISE: f64 = 0.03;

/// What became of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The interval comes near 1 or holds it.
    None,
    /// More operations in the same time, or less memory.
    Better,
    /// Fewer operations in the same time, or more memory.
    Worse,
}

/// What a cell measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// Million operations per second.
    Throughput,
    /// Nanoseconds.
    Time,
    /// Heap bytes per entry.
    Memory,
    /// Instructions per operation on a simulated processor.
    Instructions,
}

/// One cell of both runs.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was done, at which size and with how many threads.
    pub cell: String,
    /// The contender's id.
    pub contender: String,
    /// What it measures.
    pub measure: Measure,
    /// The earlier run's figure.
    pub before: f64,
    /// This run's figure.
    pub after: f64,
    /// How many times as good this run is; above 1 is faster (or smaller).
    pub ratio: f64,
    /// The lower end of the ratio's interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The verdict.
    pub change: Change,
}

/// Everything that both runs have.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// What this run is compared with: the name it was saved under, or a file.
    pub with: String,
    /// When that run began, in seconds since the Unix epoch.
    pub unix_time: u64,
    /// Why the comparison may mislead.
    pub notes: Vec<String>,
    /// The cells of both.
    pub rows: Vec<Row>,
    /// Cells that only one of the runs has.
    pub unmatched: usize,
}

impl Measure {
    /// Whether it depends on the machine's speed.
    fn is_speed(self) -> bool {
        matches!(self, Self::Throughput | Self::Time)
    }
}

impl Row {
    /// The verdict in words.
    pub fn words(&self) -> &'static str {
        match (self.change, self.measure) {
            (Change::None, _) => "no change",
            (Change::Better, Measure::Memory) => "smaller",
            (Change::Worse, Measure::Memory) => "larger",
            (Change::Better, Measure::Instructions) => "fewer",
            (Change::Worse, Measure::Instructions) => "more",
            (Change::Better, _) => "faster",
            (Change::Worse, _) => "slower",
        }
    }
}

/// Where a saved run lies.
fn saved(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.target.join("atlas-saved").join(format!("{name}.json"))
}

/// Checks the name of a run: letters, digits, dashes, dots, and no dot in front.
///
/// # Errors
///
/// What is wrong with it.
pub fn name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if text.is_empty() || text.starts_with('.') || !text.chars().all(allowed) {
        return Err("a name is made of letters, digits, `-` and `.` and begins with no dot".into());
    }
    Ok(text.into())
}

/// Stores a run under a name, in place of an earlier one of that name.
pub fn save(workspace: &Workspace, label: &str, json: &str) -> Result<()> {
    write(&saved(workspace, label), json)
}

/// An earlier run that the next one can be compared with.
pub struct Earlier {
    with: String,
    results: Results,
}

/// Finds and reads an earlier run: one saved under that name, or else a file of results.
pub fn earlier(workspace: &Workspace, here: &Path, which: &str) -> Result<Earlier> {
    let named = name(which).ok().map(|which| saved(workspace, &which));
    let path = match named {
        Some(path) if path.exists() => path,
        _ => here.join(which),
    };
    if !path.exists() {
        bail!("no run was saved as `{which}`, and there is no such file");
    }
    let results = read_results(&path).context("--against")?;
    ensure!(!cells(&results).is_empty(), "{} holds nothing to compare with", path.display());
    Ok(Earlier { with: which.into(), results })
}

/// One run's part of a row, reduced to what both sides need.
struct Side {
    key: (Measure, String, String),
    values: Values,
}

enum Values {
    Rounds(Vec<f64>),
    Interval { median: f64, low: f64, high: f64 },
    Exact(f64),
}

impl Values {
    fn figure(&self) -> f64 {
        match self {
            Self::Rounds(rounds) => median(rounds),
            Self::Interval { median, .. } => *median,
            Self::Exact(value) => *value,
        }
    }
}

fn cells(results: &Results) -> Vec<Side> {
    use crate::report::{entry, keys, threads};
    let mut sides = Vec::new();
    let mut add = |measure, cell: String, contender: &str, values: Values| {
        if values.figure() > 0.0 {
            sides.push(Side { key: (measure, cell, contender.into()), values });
        }
    };
    for c in &results.matrix {
        let kind = if c.entry == "u64" { String::new() } else { format!(", {}", entry(&c.entry)) };
        let cell = format!("{}, {} keys{kind}, {}", c.workload, keys(c.keys), threads(c.threads));
        add(Measure::Throughput, cell, &c.contender, Values::Rounds(c.mops.clone()));
    }
    for c in &results.criterion {
        let cell = format!("{} {}", c.group, c.parameter);
        let values = Values::Interval { median: c.median_ns, low: c.low_ns, high: c.high_ns };
        add(Measure::Time, cell.trim_end().into(), &c.contender, values);
    }
    for c in &results.contention {
        let cell = format!("{}, {} keys, {}", c.situation, keys(c.keys), threads(c.threads));
        add(Measure::Throughput, cell, &c.contender, Values::Rounds(c.mops.clone()));
    }
    for b in &results.batches {
        let cell = format!("{}, {} keys, {}", b.way, keys(b.keys), threads(b.threads));
        add(Measure::Throughput, cell, &b.contender, Values::Rounds(b.mkeys.clone()));
    }
    for i in &results.instructions {
        let cell = format!("{}, {} entries", i.workload, keys(i.entries));
        add(Measure::Instructions, cell, &i.contender, Values::Exact(i.instructions));
    }
    for m in &results.memory {
        let cell = format!("memory, {} entries, {}", keys(m.entries), entry(&m.entry));
        add(Measure::Memory, cell, &m.contender, Values::Exact(m.bytes_per_entry()));
    }
    sides
}

/// Compares a run with an earlier one.
pub fn compare(earlier: &Earlier, now: &Results) -> Comparison {
    let (before, after) = (cells(&earlier.results), cells(now));
    let mut random = SmallRng::seed_from_u64(1);
    let mut rows = Vec::new();
    for side in &after {
        let Some(old) = before.iter().find(|old| old.key == side.key) else { continue };
        let (measure, cell, contender) = side.key.clone();
        let (low, high) = interval(&old.values, &side.values, &mut random);
        let (was, is) = (old.values.figure(), side.values.figure());
        let mut row = Row {
            cell,
            contender,
            measure,
            before: was,
            after: is,
            ratio: is / was,
            low,
            high,
            change: Change::None,
        };
        if measure != Measure::Throughput {
            (row.ratio, row.low, row.high) = (was / is, 1.0 / high, 1.0 / low);
        }
        if row.low > 1.0 + NOISE {
            row.change = Change::Better;
        } else if row.high < 1.0 / (1.0 + NOISE) {
            row.change = Change::Worse;
        }
        rows.push(row);
    }
    let unmatched = before.len() + after.len() - 2 * rows.len();
    let mut notes = differences(&earlier.results, now);
    notes.extend(drift(now, &rows));
    Comparison {
        with: earlier.with.clone(),
        unix_time: earlier.results.machine.unix_time,
        notes,
        rows,
        unmatched,
    }
}

/// The interval of the ratio of the new figure to the old one.
fn interval(old: &Values, new: &Values, random: &mut impl Rng) -> (f64, f64) {
    match (old, new) {
        (Values::Rounds(old), Values::Rounds(new)) => bootstrap(old, new, random),
        (
            Values::Interval { low: old_low, high: old_high, .. },
            Values::Interval { low: new_low, high: new_high, .. },
        ) => (new_low / old_high, new_high / old_low),
        _ => {
            let ratio = new.figure() / old.figure();
            (ratio, ratio)
        }
    }
}

/// Draws rounds of both runs anew and gives the interval of the ratios of medians.
fn bootstrap(old: &[f64], new: &[f64], random: &mut impl Rng) -> (f64, f64) {
    let mut draw = |rounds: &[f64]| {
        let drawn: Vec<_> =
            rounds.iter().map(|_| rounds[random.random_range(0..rounds.len())]).collect();
        median(&drawn)
    };
    let mut ratios: Vec<_> = (0..DRAWS).map(|_| draw(new) / draw(old)).collect();
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios[(share * (DRAWS - 1) as f64).round() as usize];
    (at(TAIL), at(1.0 - TAIL))
}

/// What else differs between the runs.
fn differences(before: &Results, now: &Results) -> Vec<String> {
    let mut notes = Vec::new();
    let mut differ = |what: &str, old: String, new: String| {
        if old != new {
            notes.push(format!("{what} differs: `{old}` before, `{new}` now."));
        }
    };
    let (old, new) = (&before.machine, &now.machine);
    differ("The processor", old.cpu.clone(), new.cpu.clone());
    let count = |n: u32| n.to_string();
    let hardware = "The number of hardware threads";
    differ(hardware, count(old.hardware_threads), count(new.hardware_threads));
    differ("The system", old.os.clone(), new.os.clone());
    let (old, new) = (&before.settings, &now.settings);
    differ("The number of rounds", count(old.rounds), count(new.rounds));
    let length = |seconds: f64| format!("{seconds} s");
    differ("The length of a round", length(old.seconds_per_round), length(new.seconds_per_round));
    differ("The seed", old.seed.to_string(), new.seed.to_string());
    for part in &now.versions {
        let known = before.versions.iter().find(|known| known.name == part.name);
        if let Some(known) = known {
            let what = format!("The version of {}", part.name);
            differ(&what, known.version.clone(), part.version.clone());
        }
    }
    notes
}

/// A warning if the peers, whose code has not changed, are not as fast as they were.
fn drift(now: &Results, rows: &[Row]) -> Option<String> {
    use atlas_bench_data::ContenderKind::Peer;
    let peers = rows.iter().filter(|row| row.measure.is_speed()).filter(|row| {
        now.contenders.iter().any(|known| known.id == row.contender && known.kind == Peer)
    });
    let mean = crate::report::geometric_mean(peers.map(|row| row.ratio))?;
    ((mean - 1.0).abs() > NOISE).then(|| {
        format!(
            "The peers run at {mean:.2} × of what they did, on average. Unless their versions differ, \
             that is the machine, and our maps' ratios are to be read against it."
        )
    })
}

impl Comparison {
    /// The cells with a change, the largest first.
    pub fn changed(&self) -> Vec<&Row> {
        let mut rows: Vec<_> = self.rows.iter().filter(|row| row.change != Change::None).collect();
        rows.sort_by(|a, b| b.ratio.ln().abs().total_cmp(&a.ratio.ln().abs()));
        rows
    }

    /// How many cells have this change.
    pub fn count(&self, change: Change) -> usize {
        self.rows.iter().filter(|row| row.change == change).count()
    }

    /// The comparison in a sentence.
    pub fn headline(&self) -> String {
        let mut text = format!(
            "Against `{}`, {} cells: {} better, {} worse, {} without a change that shows.",
            self.with,
            self.rows.len(),
            self.count(Change::Better),
            self.count(Change::Worse),
            self.count(Change::None)
        );
        if self.unmatched > 0 {
            let _ = write!(text, " {} cells are in one of the runs only.", self.unmatched);
        }
        text
    }

    /// Each contender with its mean ratio in speed and its numbers of better and worse cells.
    pub fn by_contender(&self) -> Vec<(&str, f64, usize, usize)> {
        let mut ids: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !ids.contains(&row.contender.as_str()) {
                ids.push(&row.contender);
            }
        }
        let of = |id| self.rows.iter().filter(move |row| row.contender == id);
        let lines = ids.into_iter().map(|id| {
            let speeds = of(id).filter(|row| row.measure.is_speed()).map(|row| row.ratio);
            let count = |change| of(id).filter(|row| row.change == change).count();
            let mean = crate::report::geometric_mean(speeds).unwrap_or(1.0);
            (id, mean, count(Change::Better), count(Change::Worse))
        });
        lines.collect()
    }
}

#[cfg(test)]
#[path = "compare/tests.rs"]
mod tests;

//! The goals as data, and which cells have to be measured for them.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::flags::size;

const GOALS: &str = include_str!("../../data/goals.json");

/// The stored goals.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goals {
    /// The contenders that "the best peer" is taken from.
    pub peers: Vec<String>,
    /// The goals, in order.
    pub goals: Vec<Goal>,
}

/// A goal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// A stable, short id.
    pub id: String,
    /// The goal in one line.
    pub text: String,
    /// What must hold.
    pub checks: Vec<Check>,
}

/// Something that must hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// One throughput is so many times another.
    Ratio(Ratio),
    /// A figure is not above a bound.
    Figure(Figure),
}

/// One throughput over another, in every combination of workload, size and threads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// Whose cells.
    #[serde(default)]
    pub rows: Rows,
    /// Workloads.
    pub workloads: Vec<String>,
    /// What an entry is.
    #[serde(default = "u64_entries")]
    pub entry: String,
    /// Sizes, such as `1K`.
    pub keys: Vec<String>,
    /// Numbers of threads.
    pub threads: Vec<u32>,
    /// Who is judged.
    pub of: Of,
    /// What it is compared with.
    pub over: Over,
    /// The workload of what it is compared with, if it is another.
    pub over_workload: Option<String>,
    /// The least ratio.
    pub at_least: f64,
}

/// Where a ratio's cells come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rows {
    /// The throughput matrix.
    #[default]
    Matrix,
    /// The section on batches, whose ways are the workloads.
    Batches,
}

/// Who is judged.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// In each cell, the one of our maps that is fastest.
    BestOfOurs,
    /// Each of our maps by itself.
    EachOfOurs,
    /// One map.
    Map(String),
}

/// What a throughput is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// In each cell, the fastest of [`Goals::peers`].
    BestPeer,
    /// In each cell, the fastest of these.
    BestOf(Vec<String>),
    /// The table without synchronisation on one thread, times the number of threads.
    PlainTimesThreads,
    /// The same map with so many threads.
    ItselfWithThreads(u32),
}

/// A figure that some program writes into its results.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The measuring program.
    pub program: String,
    /// The size that the program is asked for, unless the run is to be quick.
    pub keys: Option<String>,
    /// The list of the results in which there is a row for each map.
    pub rows: String,
    /// A list inside the row whose elements are looked at instead, if there is one.
    pub within: Option<String>,
    /// The field, or the path to it, such as `inserts.p99_9`.
    pub field: String,
    /// A field by which it is divided.
    pub per: Option<String>,
    /// What other fields of the row must be.
    #[serde(default, rename = "where")]
    pub condition: serde_json::Map<String, serde_json::Value>,
    /// Who is judged.
    pub of: Of,
    /// The highest figure.
    pub at_most: f64,
}

fn u64_entries() -> String {
    "u64".into()
}

/// Reads the goals; with ids in `only`, these alone.
pub fn read(only: &[String]) -> Result<Goals> {
    let mut all: Goals = serde_json::from_str(GOALS).context("xtask/data/goals.json")?;
    let ids = all.goals.iter().map(|goal| goal.id.clone()).collect::<Vec<_>>();
    for id in only {
        ensure!(ids.contains(id), "there is no goal {id}; there are {}", ids.join(", "));
    }
    all.goals.retain(|goal| only.is_empty() || only.contains(&goal.id));
    Ok(all)
}

/// A cell's id without its contender, as the measuring programs write it.
pub fn cell(workload: &str, entry: &str, keys: &str, threads: u32) -> String {
    format!("{workload}/{entry}/{keys}/t{threads}")
}

/// What the matrix has to measure.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MatrixNeeds {
    /// Parts of a filter that lets exactly the wanted cells pass.
    pub cells: Vec<String>,
    /// Sizes.
    pub keys: Vec<String>,
    /// Numbers of threads.
    pub threads: Vec<u32>,
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

impl MatrixNeeds {
    /// What `goals` need; maps of `too_large` entries and more are left out.
    pub fn of(goals: &Goals, too_large: u64) -> Self {
        let mut needs = Self::default();
        for check in goals.goals.iter().flat_map(|goal| &goal.checks) {
            match check {
                Check::Ratio(ratio) if ratio.rows == Rows::Matrix => {
                    needs.add(ratio, &goals.peers, too_large)
                }
                Check::Figure(figure) if figure.program == "matrix" => {
                    let entry = figure.condition.get("entry").and_then(|entry| entry.as_str());
                    let cell = format!("{}/{}/", figure.rows, entry.unwrap_or("u64"));
                    push(&mut needs.cells, cell);
                }
                _ => {}
            }
        }
        needs
    }

    fn add(&mut self, ratio: &Ratio, peers: &[String], too_large: u64) {
        for keys in ratio.keys.iter().filter(|keys| size(keys).is_some_and(|n| n < too_large)) {
            push(&mut self.keys, keys.clone());
            for &threads in &ratio.threads {
                for workload in &ratio.workloads {
                    self.add_cell(ratio, peers, workload, keys, threads);
                }
            }
        }
    }

    fn add_cell(
        &mut self,
        ratio: &Ratio,
        peers: &[String],
        workload: &str,
        keys: &str,
        threads: u32,
    ) {
        let mut want = |workload: &str, threads: u32, contender: &str| {
            push(&mut self.threads, threads);
            let cell = cell(workload, &ratio.entry, keys, threads);
            push(&mut self.cells, format!("{cell}/{contender}"));
        };
        let judged = match &ratio.of {
            Of::BestOfOurs | Of::EachOfOurs => "map-",
            Of::Map(id) => id,
        };
        want(workload, threads, judged);
        let other = ratio.over_workload.as_deref().unwrap_or(workload);
        match &ratio.over {
            Over::BestPeer => peers.iter().for_each(|id| want(other, threads, id)),
            Over::BestOf(ids) => ids.iter().for_each(|id| want(other, threads, id)),
            Over::PlainTimesThreads => want(other, 1, "plain"),
            Over::ItselfWithThreads(fewer) => want(other, *fewer, judged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::program;

    #[test]
    fn the_stored_goals_are_sound() {
        let goals = read(&[]).expect("goals");
        assert_eq!(goals.goals.len(), 15);
        for check in goals.goals.iter().flat_map(|goal| &goal.checks) {
            if let Check::Ratio(ratio) = check {
                assert!(ratio.keys.iter().all(|keys| size(keys).is_some()), "{ratio:?}");
                assert!(ratio.at_least > 0.0 && !ratio.workloads.is_empty(), "{ratio:?}");
            }
            let of = match check {
                Check::Ratio(ratio) => &ratio.of,
                Check::Figure(figure) => &figure.of,
            };
            if let Check::Figure(figure) = check {
                assert!(program(&figure.program).is_some(), "{figure:?}");
                assert!(figure.keys.as_deref().is_none_or(|keys| size(keys).is_some()));
            }
            if let Of::Map(id) = of {
                assert!(crate::maps::MAPS.iter().any(|map| map.name == id), "{id}");
            }
        }
    }

    #[test]
    fn only_the_named_goals() {
        let ids = |only: &[&str]| {
            let only: Vec<_> = only.iter().map(|&id| id.to_owned()).collect();
            read(&only).map(|all| all.goals.into_iter().map(|goal| goal.id).collect::<Vec<_>>())
        };
        assert_eq!(ids(&["P7", "P4"]).expect("known"), ["P4", "P7"]);
        assert!(ids(&["P4", "P99"]).is_err());
    }

    #[test]
    fn needs_name_the_cells() {
        let goals = read(&["P4".into(), "P7".into(), "P14".into()]).expect("goals");
        let needs = MatrixNeeds::of(&goals, u64::MAX);
        assert_eq!(needs.keys, ["1900K", "1K", "100K"]);
        assert_eq!(needs.threads, [2, 8, 64]);
        for cell in ["grow/u64/1900K/t2/scc", "exchange/u64/1K/t64/map-", "memory/u64/"] {
            assert!(needs.cells.iter().any(|known| known == cell), "{cell}");
        }
        assert!(!MatrixNeeds::of(&goals, 1_000_000).keys.contains(&"1900K".to_owned()));
    }
}

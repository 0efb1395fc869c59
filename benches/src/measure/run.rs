//! A run: which cells there are, and the loop over them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use atlas_bench_data::{Cell, Workload as WorkloadData};

use super::go::Go;
use super::{OfMix, OfTrace, Round, Subject, circumstances_of, order, sits_out};
use crate::contenders::{CONTENDERS, Contender, go::GO};
use crate::entries::{Entries, Numbers, Strings};
use crate::workloads::trace::Trace;
use crate::workloads::{Mix, Streams};

/// Entries from which on growth has no round that is not kept.
const LONG_GROWTH: u64 = 1_000_000;

/// The seconds that starting and ending one thread takes, roughly.
const START: f64 = 1e-4;
/// The seconds that making one thread's stream takes, roughly.
const STREAM: f64 = 0.008;

/// What is done to a map.
#[derive(Clone, Debug)]
pub enum Workload {
    /// A mix on entries of the kind of this name ([`Entries::NAME`]) at this size.
    Mix(Mix, &'static str, u64),
    /// A recorded trace.
    Trace(Arc<Trace>),
}

impl Workload {
    /// The stable id in results.
    pub fn id(&self) -> &str {
        match self {
            Self::Mix(mix, ..) => mix.id(),
            Self::Trace(trace) => &trace.id,
        }
    }

    /// One line: what it does.
    pub fn description(&self) -> String {
        match self {
            Self::Mix(mix, ..) => mix.description().to_owned(),
            Self::Trace(trace) => trace.description(),
        }
    }

    /// What an entry is.
    pub fn entry(&self) -> &'static str {
        match self {
            Self::Mix(_, entry, _) => entry,
            Self::Trace(_) => Numbers::NAME,
        }
    }

    /// Entries in the steady state, or different keys in the trace.
    pub fn keys(&self) -> u64 {
        match self {
            Self::Mix(.., keys) => *keys,
            Self::Trace(trace) => trace.distinct,
        }
    }

    fn writes(&self) -> bool {
        match self {
            Self::Mix(mix, ..) => mix.writes(),
            Self::Trace(_) => true,
        }
    }

    /// Growth to millions of entries warms itself, and takes seconds.
    fn first_round(&self) -> usize {
        match self {
            Self::Mix(Mix::Grow, _, keys) if *keys >= LONG_GROWTH => 1,
            _ => 0,
        }
    }

    /// The seconds that one round takes, roughly.
    fn seconds(&self, limit: Duration) -> f64 {
        match self {
            Self::Mix(Mix::Grow, _, keys) => *keys.max(&100_000) as f64 * 2.5e-7,
            Self::Mix(..) => limit.as_secs_f64() + 0.005,
            Self::Trace(trace) => trace.keys.len().max(500_000) as f64 * 1e-7,
        }
    }
}

/// One workload with the contenders that take part in it, at each number of threads.
#[derive(Clone, Debug)]
pub struct Group {
    /// The workload.
    pub workload: Workload,
    /// Numbers of threads, each with its contenders.
    pub cells: Vec<(usize, Vec<&'static Contender>)>,
}

/// All that is to be measured.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The groups, in order.
    pub groups: Vec<Group>,
    /// What was left out and why.
    pub notes: Vec<String>,
    /// Interleaved rounds per cell.
    pub rounds: usize,
    /// The time of one contender in one round.
    pub limit: Duration,
    /// The seed of all streams.
    pub seed: u64,
    /// Go's maps, if they take part.
    pub go: Option<Arc<Go>>,
}

/// A size as the command line has it: `1K`, `100K`, `4M`.
pub fn size_name(keys: u64) -> String {
    match keys {
        n if n >= 1_000_000 && n % 1_000_000 == 0 => format!("{}M", n / 1_000_000),
        n if n >= 1000 && n % 1000 == 0 => format!("{}K", n / 1000),
        n => n.to_string(),
    }
}

/// Whether a cell's id contains, for each filter, one of its comma-separated parts.
pub fn admits(filters: &[String], cell: &str) -> bool {
    filters.iter().all(|filter| filter.split(',').any(|part| cell.contains(part)))
}

impl Plan {
    /// Adds a workload for these numbers of threads, with the contenders that `filters` leave.
    pub fn add(&mut self, workload: Workload, threads: &[usize], filters: &[String]) {
        let mut cells = Vec::new();
        for &threads in threads {
            let mut takes_part = Vec::new();
            let of_numbers = matches!(workload, Workload::Mix(_, Numbers::NAME, _));
            let known = self.known().filter(|known| of_numbers || !GO.contains(known));
            for contender in known {
                let (entry, keys) = (workload.entry(), size_name(workload.keys()));
                let cell = format!("{}/{entry}/{keys}/t{threads}/{}", workload.id(), contender.id);
                if !admits(filters, &cell) || (contender.is_local() && threads != 1) {
                    continue;
                }
                match sits_out(contender, workload.writes(), workload.keys()) {
                    None => takes_part.push(contender),
                    Some(reason) if !self.notes.contains(&reason) => self.notes.push(reason),
                    Some(_) => {}
                }
            }
            if !takes_part.is_empty() {
                cells.push((threads, takes_part));
            }
        }
        if !cells.is_empty() {
            self.groups.push(Group { workload, cells });
        }
    }

    /// The contenders that take part in anything, in display order.
    pub fn contenders(&self) -> Vec<&'static Contender> {
        let takes_part = |contender: &&Contender| {
            self.groups
                .iter()
                .flat_map(|group| &group.cells)
                .any(|(_, all)| all.contains(contender))
        };
        self.known().filter(takes_part).collect()
    }

    /// All contenders that can take part, in display order.
    fn known(&self) -> impl Iterator<Item = &'static Contender> + use<> {
        let go: Vec<_> = self.go.iter().flat_map(|go| go.contenders()).collect();
        CONTENDERS.iter().chain(go)
    }

    /// The workloads, in display order.
    pub fn workloads(&self) -> Vec<WorkloadData> {
        let mut workloads: Vec<WorkloadData> = Vec::new();
        for group in &self.groups {
            if workloads.iter().all(|known| known.id != group.workload.id()) {
                workloads.push(WorkloadData {
                    id: group.workload.id().to_owned(),
                    description: group.workload.description(),
                });
            }
        }
        workloads
    }

    /// How many times a contender is measured.
    pub fn steps(&self) -> usize {
        let cells = self.groups.iter().flat_map(|group| &group.cells);
        cells.map(|(_, contenders)| contenders.len() * self.rounds).sum()
    }

    /// How many seconds all that takes, roughly.
    pub fn estimate(&self) -> f64 {
        let group = |group: &Group| {
            let round = group.workload.seconds(self.limit);
            let cells = group.cells.iter().map(|(threads, contenders)| {
                (round + START * *threads as f64) * contenders.len() as f64
            });
            let fill = 3e-7 * group.workload.keys() as f64 * CONTENDERS.len() as f64;
            let most = group.cells.iter().map(|(threads, _)| *threads).max().unwrap_or(0);
            cells.sum::<f64>() * self.rounds as f64 + fill + STREAM * most as f64 + 0.02
        };
        self.groups.iter().map(group).sum()
    }

    /// Measures everything; `step` is called after each round of a contender and `done` after each
    /// group.
    ///
    /// # Errors
    ///
    /// If a contender gives a wrong answer.
    pub fn run(&self, mut step: impl FnMut(), mut done: impl FnMut(&Group, &[Cell])) -> Result<()> {
        for group in &self.groups {
            let cells = match &group.workload {
                Workload::Mix(mix, entry, keys) if *entry == Strings::NAME => {
                    self.run_mix::<Strings>(group, *mix, *keys, &mut step)?
                }
                Workload::Mix(mix, _, keys) => {
                    self.run_mix::<Numbers>(group, *mix, *keys, &mut step)?
                }
                Workload::Trace(trace) => self.run_group(
                    group,
                    |contender| Ok(contender.visit(OfTrace(trace.clone()))),
                    &mut step,
                )?,
            };
            done(group, &cells);
        }
        Ok(())
    }

    fn run_mix<E: Entries>(
        &self,
        group: &Group,
        mix: Mix,
        keys: u64,
        step: &mut impl FnMut(),
    ) -> Result<Vec<Cell>> {
        let most = group.cells.iter().map(|&(threads, _)| threads).max().unwrap_or(1);
        let streams = if mix == Mix::Grow {
            Streams { mix, entries: keys, threads: Vec::new() }
        } else {
            Streams::new(mix, keys, most, self.seed)
        };
        let (streams, entries) = (Arc::new(streams), Arc::new(E::new(mix.universe(keys))));
        let subject = |contender: &Contender| {
            let go = self.go.as_ref().and_then(|go| go.subject(contender, &streams, self.seed));
            if let Some(subject) = go {
                return subject.with_context(|| contender.id.to_owned());
            }
            let (entries, streams) = (entries.clone(), streams.clone());
            Ok(contender.visit(OfMix { entries, streams, seed: self.seed }))
        };
        self.run_group(group, subject, step)
    }

    fn run_group(
        &self,
        group: &Group,
        subject: impl Fn(&Contender) -> Result<Box<dyn Subject>>,
        step: &mut impl FnMut(),
    ) -> Result<Vec<Cell>> {
        let mut subjects: Vec<(&Contender, Box<dyn Subject>)> = Vec::new();
        for &contender in group.cells.iter().flat_map(|(_, contenders)| contenders) {
            if subjects.iter().all(|(known, _)| *known != contender) {
                subjects.push((contender, subject(contender)?));
            }
        }
        let mut rounds: Vec<Vec<Vec<Round>>> =
            group.cells.iter().map(|(_, contenders)| vec![Vec::new(); contenders.len()]).collect();
        // One more round than is kept: the first warms caches, branches and the map's own state. A round
        // has all numbers of threads, so that they too are compared side by side.
        for number in group.workload.first_round()..=self.rounds {
            for ((threads, contenders), rounds) in group.cells.iter().zip(&mut rounds) {
                for index in order(number, contenders.len()) {
                    let contender = contenders[index];
                    let found = subjects.iter_mut().find(|(known, _)| *known == contender);
                    let Some((_, subject)) = found else { continue };
                    let limit = if number == 0 { self.limit / 4 } else { self.limit };
                    let round = subject.round(*threads, limit).map_err(|wrong| {
                        circumstances_of(wrong, contender, &group.workload, *threads)
                    })?;
                    if number > 0 {
                        rounds[index].push(round);
                        step();
                    }
                }
            }
        }
        let mut cells = Vec::new();
        for ((threads, contenders), rounds) in group.cells.iter().zip(rounds) {
            for (contender, rounds) in contenders.iter().zip(rounds) {
                let gets: u64 = rounds.iter().map(|round| round.gets).sum();
                let hits: u64 = rounds.iter().map(|round| round.hits).sum();
                cells.push(Cell {
                    workload: group.workload.id().to_owned(),
                    contender: contender.id.to_owned(),
                    entry: group.workload.entry().to_owned(),
                    keys: group.workload.keys(),
                    threads: *threads as u32,
                    mops: rounds.iter().map(Round::mops).collect(),
                    hit_ratio: (gets > 0).then(|| hits as f64 / gets as f64),
                });
            }
        }
        Ok(cells)
    }
}

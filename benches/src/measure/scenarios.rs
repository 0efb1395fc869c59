//! Named scenarios: production situations with the columns that describe them.
//!
//! Every map gets the same rows and columns. All scenarios sample latencies as
//! [`sampled`](super::sampled) does, check every answer, and interleave the maps round by round.

use std::time::Duration;

use anyhow::{Context, Result};
use atlas_bench_data::ScenarioRow;

use super::cores::Cores;
use super::sampled::{Affinity, MOST_OWNERS, OfShape, Sampled, Sampler, WithAffinity};
use super::{WrongAnswer, admits, counters, order, sits_out, size_name};
use crate::contenders::{CONTENDERS, Contender};
use crate::entries::{Entries, Numbers, Record, With};
use crate::raw::counting;
use crate::workloads::Shape;

/// Operations after which a worker of [`Scenario::ReadMostly`] lets others run.
const PAUSE: u64 = 1024;

/// A production situation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Writers on one map.
    Stress,
    /// Skewed reads of values of two cache lines, with some overwrites.
    ReadMostly,
    /// As many writes as reads.
    HalfHalf,
    /// Fresh keys from many writers.
    ShardedWrites,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Rounds of each row.
    pub rounds: usize,
    /// The time of one map in one round, where the scenario has no end of its own.
    pub limit: Duration,
    /// Entries in the steady state.
    pub entries: u64,
    /// Fresh keys of [`Scenario::ShardedWrites`].
    pub fresh: u64,
    /// The seed of all streams.
    pub seed: u64,
}

impl Scenario {
    /// All scenarios, in display order.
    pub const ALL: [Self; 4] =
        [Self::Stress, Self::ReadMostly, Self::HalfHalf, Self::ShardedWrites];

    /// The stable id in results.
    pub fn id(self) -> &'static str {
        match self {
            Self::Stress => "stress",
            Self::ReadMostly => "read-mostly",
            Self::HalfHalf => "half-half",
            Self::ShardedWrites => "sharded-writes",
        }
    }

    /// One line: what it does.
    pub fn description(self) -> &'static str {
        match self {
            Self::Stress => "writers on one map, uniform; half the keys are new at first",
            Self::ReadMostly => "95 % get, 5 % put of present keys, Zipf 0.9, 128-byte values",
            Self::HalfHalf => "50 % get, 50 % put of present keys, uniform",
            Self::ShardedWrites => "fresh keys into an empty map",
        }
    }

    /// Numbers of workers.
    pub fn workers(self) -> &'static [usize] {
        match self {
            Self::Stress => &[1, 50, 100],
            Self::ReadMostly => &[16, 256, 1024],
            Self::HalfHalf => &[100],
            Self::ShardedWrites => &[16],
        }
    }

    fn shape(self, scale: &Scale) -> Shape {
        let entries = scale.entries;
        let shape = Shape { entries, ..Shape::default() };
        match self {
            Self::Stress => Shape { absent: entries, ..shape },
            Self::ReadMostly => Shape { gets: 95.0, skew: 0.9, pause: PAUSE, ..shape },
            Self::HalfHalf => Shape { gets: 50.0, ..shape },
            Self::ShardedWrites => Shape { entries: scale.fresh, growing: true, ..shape },
        }
    }

    fn entry(self) -> &'static str {
        if self == Self::ReadMostly { "record" } else { Numbers::NAME }
    }

    /// Rounds of each row: growth to millions takes seconds and is measured once.
    fn rounds(self, scale: &Scale) -> usize {
        if self == Self::ShardedWrites && scale.fresh > 1_000_000 { 1 } else { scale.rounds }
    }

    fn cell(self, workers: usize, scale: &Scale, entry: &Entry) -> String {
        let keys = size_name(self.shape(scale).entries);
        format!("{}/{}/{keys}/t{workers}/{}", self.id(), self.entry(), entry.name())
    }

    /// How the threads of a contender may keep to cores and keys here.
    fn affinities(self, contender: &Contender) -> &'static [Affinity] {
        if self == Self::ShardedWrites && contender.id == Affinity::CONTENDER {
            &Affinity::ALL
        } else {
            &[]
        }
    }
}

/// What is to become a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The map.
    pub contender: &'static Contender,
    /// How its threads keep to cores and keys, if they do.
    pub affinity: Option<Affinity>,
}

impl Entry {
    fn affinity_id(&self) -> &'static str {
        self.affinity.map_or("", Affinity::id)
    }

    fn name(&self) -> String {
        ScenarioRow::name_of(self.contender.id, self.affinity_id())
    }
}

/// One row to be.
struct Entrant {
    entry: Entry,
    sampler: Box<dyn Sampler>,
    rounds: Vec<Sampled>,
}

/// The scenarios that are measured, each with a number of workers and the maps that take part.
#[derive(Debug)]
pub struct Plan {
    /// How much.
    pub scale: Scale,
    /// Scenario, workers and maps.
    pub groups: Vec<(Scenario, usize, Vec<Entry>)>,
    /// What was left out and why.
    pub notes: Vec<String>,
    /// Where threads can be pinned.
    cores: Option<Cores>,
}

impl Plan {
    /// Plans what `filters` leave; with `workers`, these numbers instead of the scenarios' own.
    pub fn new(scale: Scale, workers: &[usize], filters: &[String]) -> Self {
        let cores = Cores::find();
        let mut plan = Self { scale, groups: Vec::new(), notes: Vec::new(), cores };
        for scenario in Scenario::ALL {
            let workers = if workers.is_empty() { scenario.workers() } else { workers };
            for &workers in workers {
                let entries = scenario.shape(&scale).entries;
                let mut takes_part = Vec::new();
                for contender in CONTENDERS.iter().filter(|contender| !contender.is_local()) {
                    let affinities = scenario.affinities(contender).iter().copied().map(Some);
                    for affinity in [None].into_iter().chain(affinities) {
                        let entry = Entry { contender, affinity };
                        if !admits(filters, &scenario.cell(workers, &scale, &entry)) {
                            continue;
                        }
                        let reason = sits_out(contender, true, entries);
                        match reason.or_else(|| plan.no_affinity(affinity?, workers)) {
                            None => takes_part.push(entry),
                            Some(reason) if plan.notes.contains(&reason) => {}
                            Some(reason) => plan.notes.push(reason),
                        }
                    }
                }
                if !takes_part.is_empty() {
                    plan.groups.push((scenario, workers, takes_part));
                }
            }
        }
        plan
    }

    /// Why an affinity is not measured, if it is not.
    fn no_affinity(&self, affinity: Affinity, workers: usize) -> Option<String> {
        let id = affinity.id();
        if self.cores.is_none() {
            return Some(format!("{id}: left out, since threads cannot be pinned to cores here"));
        }
        let owners = affinity != Affinity::Pinned;
        (owners && workers > MOST_OWNERS).then(|| {
            format!("{id}: left out above {MOST_OWNERS} workers, the most that own shards")
        })
    }

    /// How many times a map is measured.
    pub fn steps(&self) -> usize {
        let steps = |(scenario, _, entries): &(Scenario, usize, Vec<_>)| {
            entries.len() * scenario.rounds(&self.scale)
        };
        self.groups.iter().map(steps).sum()
    }

    /// How many seconds all that takes, roughly.
    pub fn estimate(&self) -> f64 {
        let Scale { limit, entries, fresh, .. } = self.scale;
        let group = |(scenario, workers, of_it): &(Scenario, usize, Vec<_>)| {
            let once = match scenario {
                Scenario::ShardedWrites => fresh as f64 * 3e-7,
                _ => limit.as_secs_f64() + *workers as f64 * 2e-4,
            };
            let rounds = scenario.rounds(&self.scale);
            let counted = if *scenario == Scenario::ReadMostly { 2 } else { 0 };
            of_it.len() as f64 * (once * (rounds + counted) as f64 + entries as f64 * 3e-7)
        };
        self.groups.iter().map(group).sum()
    }

    /// Measures everything; `step` is called after each round of a map, `done` after each group.
    ///
    /// # Errors
    ///
    /// If a map gives a wrong answer.
    pub fn run(&self, mut step: impl FnMut(), mut done: impl FnMut(&[ScenarioRow])) -> Result<()> {
        for (scenario, workers, entries) in &self.groups {
            let rows = if *scenario == Scenario::ReadMostly {
                self.group::<With<Numbers, Record>>(*scenario, *workers, entries, &mut step)?
            } else {
                self.group::<Numbers>(*scenario, *workers, entries, &mut step)?
            };
            done(&rows);
        }
        Ok(())
    }

    fn group<E: Entries>(
        &self,
        scenario: Scenario,
        workers: usize,
        entries: &[Entry],
        step: &mut impl FnMut(),
    ) -> Result<Vec<ScenarioRow>> {
        let (shape, seed) = (scenario.shape(&self.scale), self.scale.seed);
        let subject = OfShape::<E>::new(shape, workers, seed);
        let mut entrants = Vec::new();
        for &entry in entries {
            let sampler = match entry.affinity.zip(self.cores.clone()) {
                None => entry.contender.visit(subject.share()),
                Some((affinity, cores)) => {
                    Box::new(WithAffinity::new(affinity, cores, shape, seed))
                }
            };
            entrants.push(Entrant { entry, sampler, rounds: Vec::new() });
        }
        let wrong = |entrant: &Entrant| {
            format!(
                "{} gave a wrong answer in {}, {workers} workers",
                entrant.entry.name(),
                scenario.id()
            )
        };
        for number in 0..scenario.rounds(&self.scale) {
            for at in order(number, entrants.len()) {
                let entrant = &mut entrants[at];
                let round = entrant.sampler.round(workers, self.scale.limit);
                let round = round.with_context(|| wrong(entrant))?;
                entrant.rounds.push(round);
                step();
            }
        }
        entrants
            .into_iter()
            .map(|mut entrant| {
                let mut row = row(scenario, workers, &entrant);
                if scenario == Scenario::ReadMostly {
                    let counted = self.count(&mut *entrant.sampler, workers);
                    (row.allocations, row.cache_miss) = counted.with_context(|| wrong(&entrant))?;
                }
                Ok(row)
            })
            .collect()
    }

    /// Allocations per operation and cache misses, in rounds of their own: counting takes time.
    ///
    /// What starting and ending the workers allocates is in a round without time too, and is taken off.
    fn count(
        &self,
        sampler: &mut dyn Sampler,
        workers: usize,
    ) -> Result<(Option<f64>, Option<f64>), WrongAnswer> {
        let mut calls = |limit| {
            counting::count(|counter| {
                let round = sampler.round(workers, limit)?;
                Ok((counter.calls(), round.ops))
            })
        };
        let (idle, few) = calls(Duration::ZERO)?;
        let (all, many) = calls(self.scale.limit)?;
        let ops = many.saturating_sub(few);
        let per_op = (ops > 0).then(|| all.saturating_sub(idle) as f64 / ops as f64);
        let (round, misses) = counters::cache_misses(|offered| {
            offered.then(|| sampler.round(workers, self.scale.limit))
        });
        round.transpose()?;
        Ok((per_op, misses))
    }
}

/// A row, but for what is counted in rounds of their own.
fn row(scenario: Scenario, workers: usize, entrant: &Entrant) -> ScenarioRow {
    let mut rates: Vec<f64> =
        entrant.rounds.iter().map(|round| round.ops as f64 / round.seconds).collect();
    let asleep: Vec<f64> = entrant.rounds.iter().filter_map(|round| round.asleep).collect();
    let mut rounds = entrant.rounds.iter().cloned();
    let Some(mut all) = rounds.next() else { return ScenarioRow::default() };
    rounds.for_each(|round| all.add_samples(&round));
    rates.sort_by(f64::total_cmp);
    let writes = all.writes.len();
    let has = |column: bool| column && writes > 0;
    let stress = scenario == Scenario::Stress;
    ScenarioRow {
        scenario: scenario.id().to_owned(),
        contender: entrant.entry.contender.id.to_owned(),
        affinity: entrant.entry.affinity_id().to_owned(),
        workers: workers as u32,
        ops_per_second: atlas_bench_data::median(&rates),
        samples: all.all.len(),
        mean_ns: all.all.mean(),
        write_p50_ns: has(stress).then(|| all.writes.value_at_quantile(0.5)),
        write_p99_ns: has(stress).then(|| all.writes.value_at_quantile(0.99)),
        waiting: (stress && !asleep.is_empty()).then(|| atlas_bench_data::median(&asleep)),
        blocked_writes: has(scenario == Scenario::HalfHalf)
            .then(|| all.blocked as f64 / writes as f64),
        allocations: None,
        cache_miss: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(workers: &[usize]) -> Plan {
        let scale = Scale { rounds: 2, limit: Duration::ZERO, entries: 1000, fresh: 3000, seed: 1 };
        Plan::new(scale, workers, &["sharded-writes".to_owned(), "map-sharded".to_owned()])
    }

    #[test]
    fn affinity_is_measured_beside_the_shared_map() {
        let plan = plan(&[3]);
        let mut names = Vec::new();
        let rows = |rows: &[ScenarioRow]| {
            names.extend(rows.iter().map(ScenarioRow::name));
            assert!(rows.iter().all(|row| row.ops_per_second > 0.0 && row.samples > 0));
        };
        plan.run(|| {}, rows).expect("right answers");
        let mut expected = vec!["map-sharded"];
        if Cores::find().is_some() {
            expected.extend([
                "map-sharded, pinned",
                "map-sharded, pinned, routed",
                "map-sharded, pinned, owned",
            ]);
        }
        assert_eq!(names, expected);
    }

    #[test]
    fn what_cannot_be_owned_is_left_out_with_a_word() {
        let plan = plan(&[MOST_OWNERS + 1]);
        let forms: Vec<_> = plan.groups[0].2.iter().map(Entry::affinity_id).collect();
        assert!(!forms.contains(&"pinned, owned") && !forms.contains(&"pinned, routed"));
        assert!(plan.notes.iter().any(|note| note.starts_with("pinned, owned: left out")));
    }
}

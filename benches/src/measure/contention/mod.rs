//! Contention: throughput, fairness and waiting in situations made to be hard.
//!
//! What threads wait is taken from the system, alike for all contenders: how often they gave up the
//! processor, and how much processor time they used. For our own maps a build with the feature
//! `contention-counters` says more ([`count`]); what it measures in time is not kept.

mod same_hash;
mod situations;
mod strains;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use atlas_bench_data::{ContenderKind, Contention, ContentionCounts, Workload};

pub use situations::{Outcome, Situation, Strain, Strained};
pub use strains::Strains;

use super::{WrongAnswer, admits, size_name, turns};
use crate::contenders::{CONTENDERS, Contender};
use crate::raw::usage::Usage;

/// One situation with one number of threads.
#[derive(Clone, Debug)]
pub struct Place {
    /// The situation.
    pub situation: Situation,
    /// Threads.
    pub threads: usize,
    /// Who takes part.
    pub contenders: Vec<&'static Contender>,
}

/// All that is to be measured.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The places, in order.
    pub places: Vec<Place>,
    /// What was left out and why.
    pub notes: Vec<String>,
    /// Interleaved rounds.
    pub rounds: usize,
    /// The time of one contender in one round. Crowds get more, so that every thread has a turn.
    pub limit: Duration,
    /// The seed of all streams.
    pub seed: u64,
}

impl Plan {
    /// Adds a situation for these numbers of threads, with the contenders that `filters` leave.
    pub fn add(&mut self, situation: Situation, threads: &[usize], filters: &[String]) {
        for &threads in threads {
            // One who iterates and one who writes; one thread cannot be in another's way.
            if threads < 2 {
                continue;
            }
            let (id, size) = (situation.id(), size_name(situation.keys()));
            let mut contenders = Vec::new();
            for contender in CONTENDERS.iter().filter(|contender| !contender.is_local()) {
                if !admits(filters, &format!("{id}/u64/{size}/t{threads}/{}", contender.id)) {
                    continue;
                }
                match situation.sits_out(contender) {
                    None => contenders.push(contender),
                    Some(reason) if !self.notes.contains(&reason) => self.notes.push(reason),
                    Some(_) => {}
                }
            }
            if !contenders.is_empty() {
                self.places.push(Place { situation, threads, contenders });
            }
        }
    }

    /// Leaves only our own maps.
    pub fn only_ours(&mut self) {
        for place in &mut self.places {
            place.contenders.retain(|contender| contender.kind == ContenderKind::Ours);
        }
        self.places.retain(|place| !place.contenders.is_empty());
    }

    /// Whether a contender takes part in anything.
    pub fn has(&self, contender: &Contender) -> bool {
        self.places.iter().any(|place| place.contenders.contains(&contender))
    }

    /// How many times a contender is measured.
    pub fn steps(&self) -> usize {
        self.places.iter().map(|place| place.contenders.len() * self.rounds).sum()
    }

    /// How many seconds all that takes, roughly.
    pub fn estimate(&self) -> f64 {
        let place = |place: &Place| {
            let once = self.limit(place).as_secs_f64() + 0.005 + 1e-4 * place.threads as f64;
            once * place.contenders.len() as f64 * (self.rounds as f64 + 0.25)
        };
        self.places.iter().map(place).sum()
    }

    /// The situations as workloads, in display order.
    pub fn workloads(&self) -> Vec<Workload> {
        let takes_place =
            |situation: &Situation| self.places.iter().any(|place| place.situation == *situation);
        let workload = |situation: Situation| Workload {
            id: situation.id().to_owned(),
            description: situation.description().to_owned(),
        };
        Situation::ALL.into_iter().filter(takes_place).map(workload).collect()
    }

    fn limit(&self, place: &Place) -> Duration {
        self.limit + self.limit * place.threads as u32 / 64
    }
}

impl Place {
    fn subjects(&self, seed: u64) -> Vec<(&'static Contender, Box<dyn Strained>)> {
        let streams = Arc::new(self.situation.streams(self.threads, seed));
        let subject = |contender: &&'static Contender| {
            let strain = Strain { situation: self.situation, streams: streams.clone() };
            (*contender, contender.visit(strain))
        };
        self.contenders.iter().map(subject).collect()
    }

    fn wrong(&self, contender: &Contender, wrong: WrongAnswer) -> anyhow::Error {
        let (id, threads) = (self.situation.id(), self.threads);
        let context = format!("{} gave a wrong answer in {id}, {threads} threads", contender.id);
        anyhow::Error::new(wrong).context(context)
    }

    fn data(&self, contender: &Contender, rounds: &[Outcome]) -> Contention {
        let ops: u64 = rounds.iter().map(|outcome| outcome.round.ops).sum();
        let seconds: f64 = rounds.iter().map(|outcome| outcome.round.seconds).sum();
        let usages = rounds.iter().map(|outcome| outcome.round.usage);
        let usage: Option<Usage> = usages.reduce(|all, one| Some(all? + one?)).flatten();
        let per_op = |count: u64| count as f64 / ops.max(1) as f64;
        let makes = rounds.iter().filter_map(|outcome| outcome.makes);
        let made = |sum: u64| sum as f64 / (self.situation.keys() * rounds.len() as u64) as f64;
        Contention {
            situation: self.situation.id().to_owned(),
            contender: contender.id.to_owned(),
            keys: self.situation.keys(),
            threads: self.threads as u32,
            mops: rounds.iter().map(|outcome| outcome.round.mops()).collect(),
            visited_mops: rounds
                .iter()
                .filter_map(|outcome| Some(outcome.visited? as f64 / outcome.round.seconds / 1e6))
                .collect(),
            fairness: rounds.iter().filter_map(Outcome::fairness).collect(),
            voluntary_switches: usage.map(|usage| per_op(usage.voluntary)),
            involuntary_switches: usage.map(|usage| per_op(usage.involuntary)),
            processors_used: usage.map(|usage| usage.cpu.as_secs_f64() / seconds),
            makes_per_key: makes.clone().map(|(sum, _)| sum).reduce(|a, b| a + b).map(made),
            most_makes: makes.map(|(_, most)| most).max(),
        }
    }
}

/// Measures all places; `step` is called after each round of a contender and `done` after each place.
///
/// # Errors
///
/// If a contender gives a wrong answer.
pub fn run(plan: &Plan, mut step: impl FnMut(), mut done: impl FnMut(&[Contention])) -> Result<()> {
    for place in &plan.places {
        let mut subjects = place.subjects(plan.seed);
        let mut rounds = vec![Vec::new(); subjects.len()];
        let limit = plan.limit(place);
        for (round, turn) in turns(plan.rounds, subjects.len()) {
            let (contender, subject) = &mut subjects[turn];
            let limit = if round == 0 { limit / 4 } else { limit };
            let outcome = subject
                .strain(place.threads, limit)
                .map_err(|wrong| place.wrong(contender, wrong))?;
            if round > 0 {
                rounds[turn].push(outcome);
                step();
            }
        }
        let all = place.contenders.iter().zip(&rounds);
        done(&all.map(|(contender, rounds)| place.data(contender, rounds)).collect::<Vec<_>>());
    }
    Ok(())
}

/// Counts the waiting inside our maps in all places, one round each; `step` is called after each map and `done`
/// after each place.
///
/// All counts are zero unless the feature `contention-counters` is on.
///
/// # Errors
///
/// If a map gives a wrong answer.
pub fn count(
    plan: &Plan,
    mut step: impl FnMut(),
    mut done: impl FnMut(&[ContentionCounts]),
) -> Result<()> {
    for place in &plan.places {
        let mut counts = Vec::new();
        for (contender, mut subject) in place.subjects(plan.seed) {
            let mut strain = |limit| {
                subject.strain(place.threads, limit).map_err(|wrong| place.wrong(contender, wrong))
            };
            let limit = plan.limit(place);
            strain(limit / 4)?;
            let before = map_sync::contention::totals();
            let outcome = strain(limit)?;
            let counted = map_sync::contention::totals().since(before);
            counts.push(ContentionCounts {
                situation: place.situation.id().to_owned(),
                contender: contender.id.to_owned(),
                keys: place.situation.keys(),
                threads: place.threads as u32,
                ops: outcome.round.ops,
                lock_waits: counted.lock_waits,
                waited_ns: counted.waited_ns,
                retries: counted.retries,
                failed_exchanges: counted.failed_exchanges,
            });
            step();
        }
        done(&counts);
    }
    Ok(())
}

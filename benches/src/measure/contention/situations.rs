//! The situations, and how each is brought about on a map.

use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use map_core::ConcurrentMap;

use super::super::steady::Worker;
use super::super::{
    Alone, Host, Round, Shared, Steady, Stop, WrongAnswer, expect, fresh, sits_out,
};
use super::same_hash::SameHash;
use crate::contenders::{Contender, LocalFamily, SharedFamily, Visitor};
use crate::entries::{Entries, Numbers, Stamped};
use crate::workloads::{Mix, Streams};

/// Fresh keys of a stampede.
const STAMPEDE: u64 = 10_000;
/// Entries of the map that is iterated.
const ITERATED: u64 = 10_000;
/// Entries whose keys have the same hash: few, because a map must look at all of them one by one.
const ALIKE: u64 = 16;
/// Entries of the map that more threads use than there are cores.
const CROWDED: u64 = 1000;

/// Operations, or entries iterated, between two looks at whether the round is over: few, because some maps
/// take long over them here.
const LOOK: usize = 64;

/// A way in which threads get in each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    /// All threads update one key.
    HotUpdate,
    /// All threads overwrite one key.
    HotOverwrite,
    /// All threads read and update the same eight keys.
    FewKeys,
    /// All threads insert and remove keys that have the same hash.
    SameHash,
    /// All threads ask for the same fresh keys in the same order.
    Stampede,
    /// One thread iterates, the others overwrite.
    Iteration,
    /// Many threads read, rarely insert and remove.
    CrowdRead98,
    /// Many threads insert and remove.
    CrowdExchange,
}

impl Situation {
    /// All of them, in display order.
    pub const ALL: [Self; 8] = [
        Self::HotUpdate,
        Self::HotOverwrite,
        Self::FewKeys,
        Self::SameHash,
        Self::Stampede,
        Self::Iteration,
        Self::CrowdRead98,
        Self::CrowdExchange,
    ];

    /// The stable id in results.
    pub fn id(self) -> &'static str {
        match self {
            Self::HotUpdate => "hot-update",
            Self::HotOverwrite => "hot-overwrite",
            Self::FewKeys => "few-keys",
            Self::SameHash => "same-hash",
            Self::Stampede => "stampede",
            Self::Iteration => "iteration-beside-writers",
            Self::CrowdRead98 => "crowd-read98",
            Self::CrowdExchange => "crowd-exchange",
        }
    }

    /// One line: what happens.
    pub fn description(self) -> &'static str {
        match self {
            Self::HotUpdate => "all threads read, modify and write the same key",
            Self::HotOverwrite => "all threads overwrite the same key",
            Self::FewKeys => "50 % get, 50 % read-modify-write of the same eight keys",
            Self::SameHash => "exchange on 16 entries whose keys all have the same hash",
            Self::Stampede => {
                "all threads get or insert the same fresh keys in the same order; a value takes about \
                 a microsecond to make"
            }
            Self::Iteration => {
                "one thread iterates without a pause, the others overwrite present keys"
            }
            Self::CrowdRead98 => "read98 on 1000 entries, with more threads than processors",
            Self::CrowdExchange => "exchange on 1000 entries, with more threads than processors",
        }
    }

    /// Keys in the map.
    pub fn keys(self) -> u64 {
        match self {
            Self::HotUpdate | Self::HotOverwrite => 1,
            Self::FewKeys => 8,
            Self::Stampede => STAMPEDE,
            Self::Iteration => ITERATED,
            Self::SameHash => ALIKE,
            Self::CrowdRead98 | Self::CrowdExchange => CROWDED,
        }
    }

    /// Whether it is about numbers of threads.
    pub fn is_crowd(self) -> bool {
        matches!(self, Self::CrowdRead98 | Self::CrowdExchange)
    }

    /// Why a contender sits it out, if it does.
    pub fn sits_out(self, contender: &Contender) -> Option<String> {
        let orders = self == Self::SameHash && contender.id == "flurry";
        let reason =
            "flurry is left out of same-hash: it puts such keys in order, which ours have not";
        orders.then(|| reason.to_owned()).or_else(|| sits_out(contender, true, self.keys()))
    }

    fn mix(self) -> Mix {
        match self {
            Self::HotUpdate => Mix::Update,
            Self::HotOverwrite | Self::Iteration => Mix::Overwrite,
            Self::FewKeys => Mix::Half,
            Self::CrowdRead98 => Mix::Read98,
            Self::SameHash | Self::CrowdExchange => Mix::Exchange,
            Self::Stampede => Mix::Grow,
        }
    }

    /// The streams of so many threads; a stampede has none.
    pub fn streams(self, threads: usize, seed: u64) -> Streams {
        let threads = if self == Self::Stampede { 0 } else { threads };
        Streams::new(self.mix(), self.keys(), threads, seed)
    }
}

/// What came of one round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Operations, time and use of the system.
    pub round: Round,
    /// Operations of each thread that was free to do as many as it could.
    pub each: Vec<u64>,
    /// Entries that the iterating thread visited.
    pub visited: Option<u64>,
    /// Runs of the closure for all fresh keys together, and the most for one.
    pub makes: Option<(u64, u64)>,
}

impl Outcome {
    /// Operations of the slowest thread divided by the mean.
    pub fn fairness(&self) -> Option<f64> {
        let sum: u64 = self.each.iter().sum();
        let least = *self.each.iter().min()?;
        (sum > 0).then(|| least as f64 * self.each.len() as f64 / sum as f64)
    }
}

/// A contender in a situation.
pub trait Strained {
    /// Measures one round with so many threads.
    ///
    /// # Errors
    ///
    /// If the map gave a wrong answer.
    fn strain(&mut self, threads: usize, limit: Duration) -> Result<Outcome, WrongAnswer>;
}

/// All threads do as much as they can.
struct Everyone<H: Host<E>, E: Entries>(Steady<H, E>);

impl<H: Host<E>, E: Entries> Strained for Everyone<H, E> {
    fn strain(&mut self, threads: usize, limit: Duration) -> Result<Outcome, WrongAnswer> {
        let job = |worker: &mut Worker<'_, H::Map, _>, _, stop: &Stop| worker.run_until(stop, LOOK);
        let (round, each) = self.0.work(threads, Some(limit), job)?;
        Ok(Outcome { round, each, ..Outcome::default() })
    }
}

/// The first thread iterates, the others work.
struct Iterating<H: Host<Numbers>>(Steady<H, Numbers>);

/// What the iterating thread saw, or how many operations a writer did.
enum Part {
    Walked(u64, Result<(), WrongAnswer>),
    Wrote(u64),
}

/// Iterates until `stop`. No key comes or goes, so each pass must visit every key once.
fn walk<M: ConcurrentMap<u64, u64>>(map: &M, stop: &Stop) -> Part {
    let (mut visited, mut right) = (0, Ok(()));
    while !stop.is_set() && right.is_ok() {
        let (mut passed, mut ids) = (0, 0);
        let pass: ControlFlow<()> = map.try_for_each(|key, value| {
            passed += 1;
            ids += if *key == value.id() { *key } else { u64::from(u32::MAX) };
            let over = passed % LOOK as u64 == 0 && stop.is_set();
            if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        visited += passed;
        if pass.is_continue() {
            right = expect("entries that a pass visited", passed, ITERATED).and(expect(
                "sum of the ids visited",
                ids,
                (0..ITERATED).sum(),
            ));
        }
    }
    Part::Walked(visited, right)
}

impl<H: Host<Numbers>> Strained for Iterating<H> {
    fn strain(&mut self, threads: usize, limit: Duration) -> Result<Outcome, WrongAnswer> {
        let job = |worker: &mut Worker<'_, H::Map, _>, thread, stop: &Stop| match thread {
            0 => walk(worker.map(), stop),
            _ => Part::Wrote(worker.run_until(stop, LOOK)),
        };
        let (round, parts) = self.0.work(threads, Some(limit), job)?;
        let mut outcome = Outcome { round, ..Outcome::default() };
        for part in parts {
            match part {
                Part::Walked(visited, right) => {
                    right?;
                    outcome.visited = Some(visited);
                }
                Part::Wrote(ops) => outcome.each.push(ops),
            }
        }
        Ok(outcome)
    }
}

/// All threads ask for the same fresh keys.
struct Stampede<H>(PhantomData<H>);

/// About a microsecond of work that no compiler leaves out.
fn make(id: u64, thread: usize) -> u64 {
    let work =
        (0..300).fold(id, |x, _| std::hint::black_box(x.wrapping_mul(0x5851_F42D_4C95_7F2D)));
    std::hint::black_box(work);
    u64::stamped(id, thread as u64)
}

impl<H: Host<Numbers>> Strained for Stampede<H> {
    fn strain(&mut self, threads: usize, _: Duration) -> Result<Outcome, WrongAnswer> {
        let map = [fresh::<Numbers, H>()];
        let makes: Vec<AtomicU32> = (0..STAMPEDE).map(|_| AtomicU32::new(0)).collect();
        // All callers must be lent the one value that is kept, so these sums are the same for all.
        let weighed = |value: u64, id: u64| value.wrapping_mul(2 * id + 1);
        let timed = H::run(&map, threads, None, |map, thread, _| {
            (0..STAMPEDE).fold(0_u64, |sum, id| {
                let value = map[0].get_or_insert_with(
                    id,
                    || {
                        // Relaxed: read after the threads have been joined.
                        makes[id as usize].fetch_add(1, Relaxed);
                        make(id, thread)
                    },
                    |value| *value,
                );
                sum.wrapping_add(weighed(value, id))
            })
        });
        let makes: Vec<_> = makes.into_iter().map(|makes| u64::from(makes.into_inner())).collect();
        let (sum, most) = (makes.iter().sum(), makes.iter().copied().max().unwrap_or(0));
        expect("len()", map[0].len() as u64, STAMPEDE)?;
        expect(
            "keys for which no value was made",
            makes.iter().filter(|n| **n == 0).count() as u64,
            0,
        )?;
        if <H::Map as ConcurrentMap<u64, u64>>::GUARANTEES.single_flight {
            expect("values made for one key by a map that promises one", most, 1)?;
        }
        let (mut kept, mut ids) = (0_u64, 0);
        map[0].for_each(|key, value| {
            ids += value.id();
            kept = kept.wrapping_add(weighed(*value, *key));
        });
        expect("sum of the ids present", ids, (0..STAMPEDE).sum())?;
        for seen in timed.results {
            expect("weighed sum of the values that a thread was lent", seen, kept)?;
        }
        let ops = STAMPEDE * threads as u64;
        let round = Round { ops, seconds: timed.seconds, usage: timed.usage, ..Round::default() };
        Ok(Outcome { round, makes: Some((sum, most)), ..Outcome::default() })
    }
}

/// Brings a contender into a situation.
#[derive(Debug)]
pub struct Strain {
    /// The situation.
    pub situation: Situation,
    /// Its streams.
    pub streams: Arc<Streams>,
}

impl Strain {
    fn subject<H: Host<Numbers> + Host<SameHash>>(self) -> Box<dyn Strained> {
        match self.situation {
            Situation::Stampede => Box::new(Stampede::<H>(PhantomData)),
            Situation::Iteration => Box::new(Iterating(self.steady::<H, _>())),
            Situation::SameHash => Box::new(Everyone(self.steady::<H, SameHash>())),
            _ => Box::new(Everyone(self.steady::<H, Numbers>())),
        }
    }

    fn steady<H: Host<E>, E: Entries>(self) -> Steady<H, E> {
        let entries = Arc::new(E::new(self.streams.mix.universe(self.streams.entries)));
        Steady::new(entries, self.streams)
    }
}

impl Visitor for Strain {
    type Output = Box<dyn Strained>;

    fn shared<F: SharedFamily>(self) -> Self::Output {
        self.subject::<Shared<F>>()
    }

    fn local<F: LocalFamily>(self) -> Self::Output {
        self.subject::<Alone<F>>()
    }
}

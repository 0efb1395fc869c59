//! The measuring loop: contenders in turn, round by round, every answer checked.

pub mod batches;
pub mod callgrind;
pub mod contention;
pub mod cores;
pub mod cost;
pub mod counters;
pub mod go;
mod grow;
pub mod growth;
mod host;
pub mod latency;
mod memory;
pub mod moves;
pub mod probe;
pub mod record;
mod replay;
mod run;
pub mod sampled;
pub mod scenarios;
mod steady;
mod stop;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use grow::Grow;
pub use host::{Alone, Host, Shared};
pub use memory::measure as memory;
pub use replay::Replay;
pub use run::{Group, Plan, Workload, admits, size_name};
pub use steady::Steady;
pub use stop::Stop;

use crate::contenders::{Contender, LocalFamily, SharedFamily, Visitor};
use crate::entries::{Entries, Numbers};
use crate::raw::usage::Usage;
use crate::workloads::trace::Trace;
use crate::workloads::{Mix, Streams};

/// The most threads a workload can have.
pub const MAX_THREADS: usize = 1024;

/// A contender with a workload, ready to be measured.
pub trait Subject {
    /// Measures one round with so many threads.
    ///
    /// A workload without an end stops after `limit`.
    ///
    /// # Errors
    ///
    /// If the map gave a wrong answer.
    fn round(&mut self, threads: usize, limit: Duration) -> Result<Round, WrongAnswer>;
}

/// What came of one round.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Round {
    /// Operations that all threads did together.
    pub ops: u64,
    /// Seconds from the first thread's beginning to the last one's end.
    pub seconds: f64,
    /// Reads among the operations.
    pub gets: u64,
    /// Reads that found their key.
    pub hits: u64,
    /// What all threads used together; `None` if the system does not say.
    pub usage: Option<Usage>,
}

impl Round {
    /// Million operations per second.
    pub fn mops(&self) -> f64 {
        self.ops as f64 / self.seconds / 1e6
    }
}

/// A map answered wrongly; what it measured is worth nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongAnswer(String);

impl fmt::Display for WrongAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for WrongAnswer {}

/// Compares what a map said with what is true.
fn expect(what: &str, found: u64, expected: u64) -> Result<(), WrongAnswer> {
    if found == expected {
        return Ok(());
    }
    Err(WrongAnswer(format!("{what}: {found} where {expected} is right")))
}

/// Makes the subject of a mix from a contender.
#[derive(Debug)]
pub struct OfMix<E> {
    /// The keys.
    pub entries: Arc<E>,
    /// The streams; unused by [`Mix::Grow`].
    pub streams: Arc<Streams>,
    /// The seed of what is not in the streams.
    pub seed: u64,
}

impl<E: Entries> OfMix<E> {
    fn subject<H: Host<E>>(self) -> Box<dyn Subject> {
        if self.streams.mix == Mix::Grow {
            Box::new(Grow::<H, E>::new(self.entries, self.streams.entries, self.seed))
        } else {
            Box::new(Steady::<H, E>::new(self.entries, self.streams))
        }
    }
}

impl<E: Entries> Visitor for OfMix<E> {
    type Output = Box<dyn Subject>;

    fn shared<F: SharedFamily>(self) -> Self::Output {
        self.subject::<Shared<F>>()
    }

    fn local<F: LocalFamily>(self) -> Self::Output {
        self.subject::<Alone<F>>()
    }
}

/// Makes the subject of a trace from a contender.
#[derive(Debug)]
pub struct OfTrace(pub Arc<Trace>);

impl Visitor for OfTrace {
    type Output = Box<dyn Subject>;

    fn shared<F: SharedFamily>(self) -> Self::Output {
        Box::new(Replay::<Shared<F>>::new(self.0))
    }

    fn local<F: LocalFamily>(self) -> Self::Output {
        Box::new(Replay::<Alone<F>>::new(self.0))
    }
}

/// The most entries at which a map that is copied by each write takes part in workloads that write.
const COPY_LIMIT: u64 = 2000;

/// Why `contender` sits a workload out, if it does.
pub fn sits_out(contender: &Contender, writes: bool, entries: u64) -> Option<String> {
    (contender.copies_on_write && writes && entries > COPY_LIMIT).then(|| {
        format!(
            "{} is left out of workloads that write to more than {COPY_LIMIT} entries: each write \
             copies the map",
            contender.id
        )
    })
}

/// In which order contenders take their turns in a round: each time another one first.
fn order(round: usize, contenders: usize) -> impl Iterator<Item = usize> {
    (0..contenders).map(move |turn| (turn + round) % contenders)
}

/// Rounds and, in each, whose turn it is. Round 0 comes before the `rounds` that count.
pub fn turns(rounds: usize, contenders: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..=rounds).flat_map(move |round| order(round, contenders).map(move |index| (round, index)))
}

/// A wrong answer with where it was given.
fn circumstances_of(
    wrong: WrongAnswer,
    contender: &Contender,
    workload: &Workload,
    threads: usize,
) -> anyhow::Error {
    anyhow::Error::new(wrong).context(format!(
        "{} gave a wrong answer in {}, {} keys, {threads} threads",
        contender.id,
        workload.id(),
        size_name(workload.keys())
    ))
}

/// A fresh map of a host.
fn fresh<E: Entries, H: Host<E>>() -> H::Map {
    map_core::BuildMap::with_capacity_and_hasher(0, crate::contenders::Hasher::default())
}

/// Keys and values that are their own ids, for traces.
type TraceEntries = Numbers;

//! The measuring loop: contenders in turn, round by round, every answer checked.

pub mod callgrind;
pub mod cost;
pub mod counters;
pub mod go;
mod grow;
mod host;
mod memory;
pub mod probe;
mod replay;
mod run;
mod steady;

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

use crate::contenders::{Contender, LocalFamily, SharedFamily, Visitor};
use crate::entries::{Entries, Numbers};
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

/// A fresh map of a host.
fn fresh<E: Entries, H: Host<E>>() -> H::Map {
    map_core::BuildMap::with_capacity_and_hasher(0, crate::contenders::Hasher::default())
}

/// Keys and values that are their own ids, for traces.
type TraceEntries = Numbers;

//! A described workload with a sample of latencies, and what the system says of the threads.
//!
//! One operation in [`SAMPLED`] is timed, each time another one of its batch, so that throughput and
//! latency come from the same run; the two readings of the clock are part of a latency. What is true
//! afterwards follows from the streams and from what the map said: every value read was written for
//! its key; without insertions and removals every get, overwrite and update finds its key; number
//! and sum of the ids present are those of before, plus what insertions said was new, less what
//! removals said was there. That no overwrite is lost is for the matrix to check.

mod affinity;
mod subjects;

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use map_core::ConcurrentMap;

pub use affinity::{Affinity, MOST_OWNERS, WithAffinity};
pub use subjects::{OfShape, OfTrace};

use super::host::Timed;
use super::{Host, Stop, WrongAnswer};
use crate::entries::{Entries, STAMP_MASK, Stamped};
use crate::raw::usage;
use crate::workloads::{BATCH, Op};

/// One operation in so many is timed.
pub const SAMPLED: u64 = 64;
/// A write that took longer was blocked, whether or not its thread slept: it may have spun.
pub const BLOCKED: Duration = Duration::from_micros(50);
/// The most threads whose use of time is watched: more would be busy with asking for it.
const MOST_WATCHED: usize = 128;
/// Latencies that a histogram has room for from the beginning.
const USUAL_NS: u64 = 1_000_000;

/// What came of one round.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// Operations that all threads did together.
    pub ops: u64,
    /// Seconds from the first thread's beginning to the last one's end.
    pub seconds: f64,
    /// Nanoseconds of the sampled operations.
    pub all: Histogram<u64>,
    /// Nanoseconds of the sampled writes.
    pub writes: Histogram<u64>,
    /// Sampled writes that were blocked: the thread gave up its core, or [`BLOCKED`] passed.
    pub blocked: u64,
    /// Share of the threads' time in which they were neither on a core nor in line for one; `None`
    /// where the system does not count it, and with more than 128 threads.
    pub asleep: Option<f64>,
}

impl Sampled {
    /// Million operations per second.
    pub fn mops(&self) -> f64 {
        self.ops as f64 / self.seconds / 1e6
    }

    /// Adds the samples of another round.
    pub fn add_samples(&mut self, other: &Self) {
        // Neither can be refused: a histogram grows as it must.
        let _ = self.all.add(&other.all);
        let _ = self.writes.add(&other.writes);
        self.blocked += other.blocked;
    }
}

/// A contender with a described workload.
pub trait Sampler {
    /// Measures one round; a workload without an end stops after `limit`.
    ///
    /// # Errors
    ///
    /// If the map gave a wrong answer.
    fn round(&mut self, threads: usize, limit: Duration) -> Result<Sampled, WrongAnswer>;
}

/// A histogram of nanoseconds, to two digits; it grows if an operation takes longer than [`USUAL_NS`].
fn histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new_with_max(USUAL_NS, 2)
        .unwrap_or_else(|error| unreachable!("the bounds are constants: {error}"));
    histogram.auto(true);
    histogram
}

/// What one thread saw.
#[derive(Clone, Debug)]
struct Tally {
    ops: u64,
    hits: u64,
    strange: u64,
    inserted: u64,
    inserted_ids: u64,
    removed: u64,
    removed_ids: u64,
    updated: u64,
    all: Histogram<u64>,
    writes: Histogram<u64>,
    blocked: u64,
    /// Seconds of life, on a core, and in line for one.
    time: Option<[f64; 3]>,
}

/// What a map answered.
#[derive(Clone, Copy)]
struct Answer {
    /// Found, new, removed or updated.
    yes: bool,
    /// The id in a value that was read.
    id: u64,
}

impl Tally {
    fn new() -> Self {
        Self {
            ops: 0,
            hits: 0,
            strange: 0,
            inserted: 0,
            inserted_ids: 0,
            removed: 0,
            removed_ids: 0,
            updated: 0,
            all: histogram(),
            writes: histogram(),
            blocked: 0,
            time: None,
        }
    }

    /// Does one operation, timed if it is its turn.
    #[inline(always)]
    fn act<M, E>(&mut self, map: &M, entries: &E, op: Op, id: u64)
    where
        E: Entries,
        M: ConcurrentMap<E::Key, E::Value>,
    {
        self.act_by(op, id, |n| perform(map, entries, op, id, n));
    }

    /// As [`act`](Self::act), where `perform` does the thread's operation of that number.
    #[inline(always)]
    fn act_by(&mut self, op: Op, id: u64, perform: impl FnOnce(u64) -> Answer) {
        let n = self.ops;
        self.ops += 1;
        let answer = if n % SAMPLED == (n / BATCH as u64) % SAMPLED {
            self.timed(op != Op::Get, || perform(n))
        } else {
            perform(n)
        };
        let yes = u64::from(answer.yes);
        match op {
            Op::Get => {
                self.hits += yes;
                self.strange |= answer.id ^ id;
            }
            Op::Put => {
                self.inserted += yes;
                self.inserted_ids = self.inserted_ids.wrapping_add(yes * id);
            }
            Op::Remove => {
                self.removed += yes;
                self.removed_ids = self.removed_ids.wrapping_add(yes * id);
            }
            Op::Update => self.updated += yes,
        }
    }

    #[cold]
    #[inline(never)]
    fn timed<R>(&mut self, write: bool, op: impl FnOnce() -> R) -> R {
        let sleeps = || usage::thread().map(|usage| usage.voluntary);
        let before = if write { sleeps() } else { None };
        let begin = Instant::now();
        let result = op();
        let time = begin.elapsed();
        let nanoseconds = time.as_nanos() as u64;
        self.all.saturating_record(nanoseconds);
        if write {
            self.writes.saturating_record(nanoseconds);
            let slept = before < sleeps();
            self.blocked += u64::from(slept || time > BLOCKED);
        }
        result
    }
}

#[inline(always)]
fn perform<M, E>(map: &M, entries: &E, op: Op, id: u64, n: u64) -> Answer
where
    E: Entries,
    M: ConcurrentMap<E::Key, E::Value>,
{
    match op {
        Op::Get => {
            let found = map.read(entries.look(&id), E::Value::id);
            Answer { yes: found.is_some(), id: found.unwrap_or(id) }
        }
        Op::Put => {
            let value = E::Value::stamped(id, n & STAMP_MASK);
            Answer { yes: map.insert(entries.key(id), value), id }
        }
        Op::Remove => Answer { yes: map.remove(entries.look(&id)), id },
        Op::Update => Answer { yes: map.update(entries.look(&id), E::Value::bumped), id },
    }
}

/// What all threads saw.
struct Seen {
    sampled: Sampled,
    sum: Tally,
    /// The operations of each thread.
    ops: Vec<u64>,
}

/// Runs `work(map, thread, stop, tally)` on threads and puts together what they saw.
fn run<H: Host<E>, E: Entries>(
    map: &[H::Map],
    threads: usize,
    limit: Option<Duration>,
    work: impl Fn(&H::Map, usize, &Stop, &mut Tally) + Sync,
) -> Seen {
    sum_up(H::run(map, threads, limit, |map, thread, stop| {
        watched(threads, |tally| work(&map[0], thread, stop, tally))
    }))
}

/// What one of `threads` threads sees in `work`, and what it uses.
fn watched(threads: usize, work: impl FnOnce(&mut Tally)) -> Tally {
    let mut tally = Tally::new();
    let used = || {
        (threads <= MOST_WATCHED).then_some(())?;
        Some([usage::thread()?.cpu.as_secs_f64(), usage::queued_seconds()?])
    };
    let (begin, before) = (Instant::now(), used());
    work(&mut tally);
    let after = used();
    if let (Some(before), Some(after)) = (before, after) {
        let life = begin.elapsed().as_secs_f64();
        tally.time = Some([life, after[0] - before[0], after[1] - before[1]]);
    }
    tally
}

/// Puts together what the threads saw.
fn sum_up(timed: Timed<Tally>) -> Seen {
    let mut sum = Tally::new();
    let mut time = [0.0; 3];
    for tally in &timed.results {
        sum.ops += tally.ops;
        sum.hits += tally.hits;
        sum.strange |= tally.strange;
        sum.inserted += tally.inserted;
        sum.inserted_ids = sum.inserted_ids.wrapping_add(tally.inserted_ids);
        sum.removed += tally.removed;
        sum.removed_ids = sum.removed_ids.wrapping_add(tally.removed_ids);
        sum.updated += tally.updated;
        sum.blocked += tally.blocked;
        let _ = sum.all.add(&tally.all);
        let _ = sum.writes.add(&tally.writes);
        for (sum, part) in time.iter_mut().zip(tally.time.unwrap_or_default()) {
            *sum += part;
        }
    }
    let [life, running, queued] = time;
    let counted = timed.results.iter().all(|tally| tally.time.is_some()) && life > 0.0;
    let sampled = Sampled {
        ops: sum.ops,
        seconds: timed.seconds,
        all: sum.all.clone(),
        writes: sum.writes.clone(),
        blocked: sum.blocked,
        asleep: counted.then(|| (1.0 - (running + queued) / life).clamp(0.0, 1.0)),
    };
    Seen { sampled, sum, ops: timed.results.iter().map(|tally| tally.ops).collect() }
}

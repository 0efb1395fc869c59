//! Latency: how long single operations take, in a closed loop and at fixed arrival rates.
//!
//! A closed loop asks again only when it has been answered, so a stall hides the operations that would
//! have met it (*coordinated omission*). The open loops have a schedule instead, made from the
//! contender's own peak, and count from the moment at which an operation was due.

mod schedule;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use atlas_bench_data::{ClockFloor, Latency, LatencyLoop};

pub use schedule::Schedule;

use super::record::{Samples, Times, WINDOW};
use super::steady::Worker;
use super::{Group, Host, OfMix, Plan, Round, Steady, Stop, Subject, Workload, WrongAnswer};
use super::{circumstances_of, turns};
use crate::circumstances::Steal;
use crate::contenders::{Contender, LocalFamily, SharedFamily, Visitor};
use crate::entries::{Entries, Numbers};
use crate::measure::{Alone, Shared};
use crate::workloads::Streams;
use map_core::ConcurrentMap;

/// The loads of the open loops, as shares of the peak.
pub const LOADS: [f64; 2] = [0.5, 0.8];
/// One in so many operations is timed in the closed loop.
const CLOSED_GROUP: u32 = 32;
/// Samples of one thread in one round, at the most.
const MOST_SAMPLES: usize = 1 << 22;
/// The closed loop makes room for a sample in so many nanoseconds, fewer than a sample takes.
const FASTEST_SAMPLE: u128 = 50;
/// The peak is the best of so many short rounds.
const PEAK_ROUNDS: usize = 3;
/// An open loop is given up after so many times its length.
const PATIENCE: u64 = 3;

/// What came of one loop, over all its rounds.
#[derive(Clone, Debug, Default)]
pub struct Loop {
    /// Operations done.
    pub ops: u64,
    /// Seconds that they took.
    pub seconds: f64,
    /// Arrivals that were given up.
    pub abandoned: u64,
    /// All times.
    pub all: Times,
    /// The times of undisturbed windows.
    pub undisturbed: Times,
}

impl Loop {
    fn add(&mut self, round: Round, threads: Vec<(Samples, u64)>) {
        self.ops += round.ops;
        self.seconds += round.seconds;
        for (samples, abandoned) in threads {
            let (all, undisturbed) = samples.sort();
            self.all.merge(&all);
            self.undisturbed.merge(&undisturbed);
            self.abandoned += abandoned;
        }
    }

    fn data(&self, load: Option<f64>, target_mops: f64, group: u32, interval: f64) -> LatencyLoop {
        LatencyLoop {
            load,
            target_mops,
            mops: self.ops as f64 / self.seconds.max(1e-9) / 1e6,
            timed_one_in: group,
            interval_ns: interval,
            abandoned: self.abandoned,
            all: self.all.percentiles(),
            undisturbed: self.undisturbed.percentiles(),
        }
    }
}

/// A contender whose operations can be timed one by one.
pub trait Timed: Subject {
    /// Adds a round of the closed loop to `to`.
    ///
    /// # Errors
    ///
    /// If the map gave a wrong answer.
    fn closed(&mut self, threads: usize, limit: Duration, to: &mut Loop)
    -> Result<(), WrongAnswer>;

    /// Adds a round of the open loop to `to`; `schedule` is that of one thread.
    ///
    /// # Errors
    ///
    /// If the map gave a wrong answer.
    fn open(
        &mut self,
        threads: usize,
        schedule: Schedule,
        to: &mut Loop,
    ) -> Result<(), WrongAnswer>;
}

impl<H: Host<E>, E: Entries> Timed for Steady<H, E> {
    fn closed(
        &mut self,
        threads: usize,
        limit: Duration,
        to: &mut Loop,
    ) -> Result<(), WrongAnswer> {
        let room = ((limit.as_nanos() / FASTEST_SAMPLE) as usize).min(MOST_SAMPLES);
        let job = |worker: &mut Worker<'_, H::Map, E>, _, stop: &Stop| {
            (closed_loop(worker, room, stop), 0)
        };
        let (round, samples) = self.work(threads, Some(limit), job)?;
        to.add(round, samples);
        Ok(())
    }

    fn open(
        &mut self,
        threads: usize,
        schedule: Schedule,
        to: &mut Loop,
    ) -> Result<(), WrongAnswer> {
        let job = |worker: &mut Worker<'_, H::Map, E>, thread, _: &Stop| {
            open_loop(schedule, thread, threads, |count| worker.run(count))
        };
        let (round, samples) = self.work(threads, None, job)?;
        to.add(round, samples);
        Ok(())
    }
}

fn closed_loop<M, E>(worker: &mut Worker<'_, M, E>, room: usize, stop: &Stop) -> Samples
where
    E: Entries,
    M: ConcurrentMap<E::Key, E::Value>,
{
    let mut samples = Samples::with_room_for(room);
    while !stop.is_set() && samples.has_room() {
        for _ in 0..WINDOW {
            let begin = Instant::now();
            worker.run(1);
            samples.add(begin.elapsed().as_nanos() as u64);
            worker.run(CLOSED_GROUP as usize - 1);
            if stop.is_set() {
                break;
            }
        }
        samples.end_window(false);
    }
    samples
}

/// Does a group of operations whenever one is due; returns the times and how many were given up.
fn open_loop(
    schedule: Schedule,
    thread: usize,
    threads: usize,
    mut work: impl FnMut(usize),
) -> (Samples, u64) {
    let mut samples = Samples::with_room_for(schedule.groups as usize);
    let patience = PATIENCE * schedule.due(schedule.groups, 0, 1);
    let begin = Instant::now();
    let elapsed = || begin.elapsed().as_nanos() as u64;
    for group in 0..schedule.groups {
        let due = schedule.due(group, thread, threads);
        let mut now = elapsed();
        let late = now > due;
        while now < due {
            std::hint::spin_loop();
            now = elapsed();
        }
        if (group + 1) % WINDOW as u64 == 0 {
            // Nothing is due now, so that reading the count delays nothing.
            samples.end_window(late);
            continue;
        }
        if now > patience {
            let left = group..schedule.groups;
            let abandoned = left.end - left.start;
            left.for_each(|group| {
                samples.add(now.saturating_sub(schedule.due(group, thread, threads)))
            });
            samples.end_window(true);
            return (samples, abandoned);
        }
        work(1);
        samples.add(elapsed().saturating_sub(due));
        work(schedule.group as usize - 1);
    }
    samples.end_window(false);
    (samples, 0)
}

/// Makes the timed subject of a mix from a contender.
#[derive(Debug)]
pub struct TimedMix<E>(pub OfMix<E>);

impl<E: Entries> Visitor for TimedMix<E> {
    type Output = Box<dyn Timed>;

    fn shared<F: SharedFamily>(self) -> Self::Output {
        Box::new(Steady::<Shared<F>, E>::new(self.0.entries, self.0.streams))
    }

    fn local<F: LocalFamily>(self) -> Self::Output {
        Box::new(Steady::<Alone<F>, E>::new(self.0.entries, self.0.streams))
    }
}

/// Nanoseconds between two readings of the clock in a row, the median.
pub fn reading_of_the_clock() -> u64 {
    let mut readings = Times::default();
    for _ in 0..100_000 {
        let begin = Instant::now();
        readings.add(begin.elapsed().as_nanos() as u64);
    }
    readings.percentiles().p50
}

/// Measures what the clock and the loop cost by themselves.
pub fn clock_floor(limit: Duration) -> ClockFloor {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let schedule = Schedule::new(1e6, limit.as_secs_f64());
    let mut idle = Loop::default();
    let samples = std::thread::scope(|scope| {
        let start = |thread| scope.spawn(move || open_loop(schedule, thread, threads, |_| ()));
        let handles: Vec<_> = (0..threads).map(start).collect();
        handles.into_iter().filter_map(|handle| handle.join().ok()).collect()
    });
    idle.add(Round::default(), samples);
    ClockFloor {
        reading_ns: reading_of_the_clock(),
        idle: idle.all.percentiles(),
        idle_undisturbed: idle.undisturbed.percentiles(),
    }
}

struct Measured {
    contender: &'static Contender,
    subject: Box<dyn Timed>,
    peak: f64,
    closed: Loop,
    open: [Loop; LOADS.len()],
    steal: Steal,
}

/// How many seconds [`run`] takes, roughly.
pub fn estimate(plan: &Plan) -> f64 {
    // The peak takes as long as an open loop, the closed loop half as long.
    let loops = plan.rounds as f64 * (LOADS.len() as f64 + 0.5) + 1.0;
    let steps = plan.steps() as f64 / plan.rounds as f64;
    steps * loops * (plan.limit.as_secs_f64() + 0.01)
}

/// Measures the groups of a plan; `step` is called after each round of a contender and `done` after
/// each group and number of threads.
///
/// # Errors
///
/// If a contender gives a wrong answer.
pub fn run(plan: &Plan, mut step: impl FnMut(), mut done: impl FnMut(&[Latency])) -> Result<()> {
    for group in &plan.groups {
        let Workload::Mix(mix, _, keys) = group.workload else { continue };
        for (threads, contenders) in &group.cells {
            let streams = Arc::new(Streams::new(mix, keys, *threads, plan.seed));
            let entries = Arc::new(Numbers::new(mix.universe(keys)));
            let subject = |contender: &&'static Contender| Measured {
                contender,
                subject: contender.visit(TimedMix(OfMix {
                    entries: entries.clone(),
                    streams: streams.clone(),
                    seed: plan.seed,
                })),
                peak: 0.0,
                closed: Loop::default(),
                open: Default::default(),
                steal: Steal::default(),
            };
            let mut measured: Vec<_> = contenders.iter().map(subject).collect();
            for (round, turn) in turns(plan.rounds, measured.len()) {
                let one = &mut measured[turn];
                round_of(one, round, *threads, plan.limit).map_err(|wrong| {
                    circumstances_of(wrong, one.contender, &group.workload, *threads)
                })?;
                if round > 0 {
                    step();
                }
            }
            let data: Vec<_> =
                measured.iter().map(|one| data(one, group, *threads, plan.limit)).collect();
            done(&data);
        }
    }
    Ok(())
}

/// Round 0 warms the map and finds its peak.
fn round_of(
    one: &mut Measured,
    round: usize,
    threads: usize,
    limit: Duration,
) -> Result<(), WrongAnswer> {
    if round == 0 {
        one.subject.round(threads, limit / 4)?;
        for _ in 0..PEAK_ROUNDS {
            one.peak = one.peak.max(one.subject.round(threads, limit / 4)?.mops());
        }
        return Ok(());
    }
    one.steal.begin();
    one.subject.closed(threads, limit / 2, &mut one.closed)?;
    for (load, to) in LOADS.into_iter().zip(&mut one.open) {
        one.subject.open(threads, schedule(one.peak, load, threads, limit), to)?;
    }
    one.steal.end();
    Ok(())
}

fn schedule(peak_mops: f64, load: f64, threads: usize, limit: Duration) -> Schedule {
    Schedule::new(peak_mops * 1e6 * load / threads as f64, limit.as_secs_f64())
}

fn data(one: &Measured, group: &Group, threads: usize, limit: Duration) -> Latency {
    let mut loops = vec![one.closed.data(None, 0.0, CLOSED_GROUP, 0.0)];
    for (load, open) in LOADS.into_iter().zip(&one.open) {
        let schedule = schedule(one.peak, load, threads, limit);
        loops.push(open.data(Some(load), one.peak * load, schedule.group, schedule.interval));
    }
    Latency {
        workload: group.workload.id().to_owned(),
        contender: one.contender.id.to_owned(),
        entry: group.workload.entry().to_owned(),
        keys: group.workload.keys(),
        threads: threads as u32,
        peak_mops: one.peak,
        steal: one.steal.share(),
        loops,
    }
}

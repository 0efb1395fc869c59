//! The workloads that are sampled: a shape in its steady state, growth, a recorded trace.

use std::marker::PhantomData;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use map_core::ConcurrentMap;

use super::{Sampled, Sampler, Seen, run};
use crate::contenders::{LocalFamily, SharedFamily, Visitor};
use crate::entries::{Entries, Numbers, Stamped, Unstamped, With};
use crate::measure::{Alone, Host, Shared, WrongAnswer, expect, fresh};
use crate::workloads::trace::Trace;
use crate::workloads::{BATCH, Counts, Op, Shape, Stream};

/// Accesses of a trace that one thread takes at a time.
const BLOCK: usize = 1024;

/// Keys of a trace, which may be any number, and values that are their own keys.
type TraceEntries = With<Numbers, Unstamped>;

/// Compares number and sum of the ids in a map, and that no read saw a value of another key.
pub(super) fn expect_contents<E: Entries, M: ConcurrentMap<E::Key, E::Value>>(
    map: &M,
    strange: u64,
    len: u64,
    ids: u64,
) -> Result<(), WrongAnswer> {
    expect("bits in which values read differ from their keys", strange, 0)?;
    let mut found = 0_u64;
    map.for_each(|_, value| found = found.wrapping_add(value.id()));
    expect("len()", map.len() as u64, len)?;
    expect("sum of the ids present", found, ids)
}

/// A shape on a map in its steady state.
struct Shaped<H: Host<E>, E: Entries> {
    map: [H::Map; 1],
    entries: Arc<E>,
    shape: Shape,
    streams: Arc<Vec<Stream>>,
    /// The number of the next operation of each thread.
    next: Vec<u64>,
    len: u64,
    ids: u64,
}

impl<H: Host<E>, E: Entries> Shaped<H, E> {
    /// Fills a map with the entries of the steady state.
    fn new(entries: Arc<E>, shape: Shape, streams: Arc<Vec<Stream>>) -> Self {
        let map = fresh::<E, H>();
        let len = shape.entries;
        map.insert_many((0..len).map(|id| (entries.key(id), E::Value::stamped(id, 0))));
        Self { map: [map], entries, shape, streams, next: Vec::new(), len, ids: (0..len).sum() }
    }

    fn check(&mut self, seen: &Seen, counts: Counts) -> Result<(), WrongAnswer> {
        let sum = &seen.sum;
        if !self.shape.churns() {
            expect("reads that found their key", sum.hits, counts.gets)?;
            expect("overwrites that were told their key is new", sum.inserted, 0)?;
            expect("updates that found their key", sum.updated, counts.updates)?;
        }
        self.len = (self.len + sum.inserted).wrapping_sub(sum.removed);
        self.ids = self.ids.wrapping_add(sum.inserted_ids).wrapping_sub(sum.removed_ids);
        expect_contents::<E, _>(&self.map[0], sum.strange, self.len, self.ids)
    }
}

impl<H: Host<E>, E: Entries> Sampler for Shaped<H, E> {
    fn round(&mut self, threads: usize, limit: Duration) -> Result<Sampled, WrongAnswer> {
        for thread in self.next.len()..threads {
            self.next.push(Shape::start(thread));
        }
        let stream = |thread: usize| &self.streams[thread % self.streams.len()];
        let (entries, next, pause) = (&*self.entries, &self.next, self.shape.pause);
        let seen = run::<H, E>(&self.map, threads, Some(limit), |map, worker, stop, tally| {
            let mut n = next[worker];
            while !stop.is_set() {
                for (op, id) in stream(worker).part(n, BATCH) {
                    tally.act(map, entries, op, id);
                }
                n += BATCH as u64;
                if pause > 0 && n % pause < BATCH as u64 {
                    thread::yield_now();
                }
            }
        });
        let mut counts = Counts::default();
        for (thread, ops) in seen.ops.iter().enumerate() {
            let begin = next[thread];
            counts = counts + stream(thread).counts(begin, begin + ops);
        }
        self.check(&seen, counts)?;
        for (next, ops) in self.next.iter_mut().zip(&seen.ops) {
            *next += ops;
        }
        Ok(seen.sampled)
    }
}

/// Fresh maps that grow.
struct Growth<H, E> {
    entries: Arc<E>,
    shape: Shape,
    seed: u64,
    streams: Vec<Stream>,
    host: PhantomData<H>,
}

impl<H: Host<E>, E: Entries> Growth<H, E> {
    /// Prepares to grow maps as `shape` says.
    fn new(entries: Arc<E>, shape: Shape, seed: u64) -> Self {
        Self { entries, shape, seed, streams: Vec::new(), host: PhantomData }
    }
}

impl<H: Host<E>, E: Entries> Sampler for Growth<H, E> {
    fn round(&mut self, threads: usize, _: Duration) -> Result<Sampled, WrongAnswer> {
        if self.streams.len() != threads {
            self.streams = self.shape.growth(threads, self.seed);
        }
        let (maps, entries, streams) = ([fresh::<E, H>()], &*self.entries, &self.streams);
        let seen = run::<H, E>(&maps, threads, None, |map, thread, _, tally| {
            for (op, id) in streams[thread].once() {
                tally.act(map, entries, op, id);
            }
        });
        let len = self.shape.entries;
        expect("keys that were new", seen.sum.inserted, len)?;
        expect("reads that found their key", seen.sum.hits, seen.sum.ops - len)?;
        expect_contents::<E, _>(&maps[0], seen.sum.strange, len, (0..len).sum())?;
        Ok(seen.sampled)
    }
}

/// A recorded trace: get, and insert on a miss; the threads take blocks of it in turn.
struct Replay<H> {
    trace: Arc<Trace>,
    host: PhantomData<H>,
}

impl<H: Host<TraceEntries>> Sampler for Replay<H> {
    fn round(&mut self, threads: usize, _: Duration) -> Result<Sampled, WrongAnswer> {
        let (maps, keys) = ([fresh::<TraceEntries, H>()], &self.trace.keys);
        let entries = &TraceEntries::new(0);
        let seen = run::<H, TraceEntries>(&maps, threads, None, |map, thread, _, tally| {
            for block in keys.chunks(BLOCK).skip(thread).step_by(threads) {
                for &key in block {
                    let hits = tally.hits;
                    tally.act(map, entries, Op::Get, u64::from(key));
                    if tally.hits == hits {
                        tally.act(map, entries, Op::Put, u64::from(key));
                    }
                }
            }
        });
        let sum = &seen.sum;
        // Two threads may miss the same key; only one of them finds it new.
        let (accesses, distinct) = (keys.len() as u64, self.trace.distinct);
        expect("keys that were new", sum.inserted, distinct)?;
        expect("hits and insertions", 2 * accesses - sum.hits, sum.ops)?;
        expect_contents::<TraceEntries, _>(&maps[0], sum.strange, distinct, sum.inserted_ids)?;
        Ok(seen.sampled)
    }
}

/// Makes the sampler of a shape from a contender.
#[derive(Debug)]
pub struct OfShape<E> {
    /// The keys.
    pub entries: Arc<E>,
    /// The workload.
    pub shape: Shape,
    /// Its streams; unused by one that grows.
    pub streams: Arc<Vec<Stream>>,
    /// The seed of what is not in the streams.
    pub seed: u64,
}

impl<E: Entries> OfShape<E> {
    /// Prepares keys and streams for so many threads.
    pub fn new(shape: Shape, threads: usize, seed: u64) -> Self {
        let streams = if shape.growing { Vec::new() } else { shape.steady(threads, seed) };
        let entries = Arc::new(E::new(shape.universe()));
        Self { entries, shape, streams: Arc::new(streams), seed }
    }

    /// The same once more.
    #[must_use]
    pub fn share(&self) -> Self {
        let (entries, streams) = (self.entries.clone(), self.streams.clone());
        Self { entries, streams, shape: self.shape, seed: self.seed }
    }

    fn sampler<H: Host<E>>(self) -> Box<dyn Sampler> {
        if self.shape.growing {
            Box::new(Growth::<H, E>::new(self.entries, self.shape, self.seed))
        } else {
            Box::new(Shaped::<H, E>::new(self.entries, self.shape, self.streams))
        }
    }
}

impl<E: Entries> Visitor for OfShape<E> {
    type Output = Box<dyn Sampler>;

    fn shared<F: SharedFamily>(self) -> Self::Output {
        self.sampler::<Shared<F>>()
    }

    fn local<F: LocalFamily>(self) -> Self::Output {
        self.sampler::<Alone<F>>()
    }
}

/// Makes the sampler of a trace from a contender.
#[derive(Debug)]
pub struct OfTrace(pub Arc<Trace>);

impl Visitor for OfTrace {
    type Output = Box<dyn Sampler>;

    fn shared<F: SharedFamily>(self) -> Self::Output {
        Box::new(Replay::<Shared<F>> { trace: self.0, host: PhantomData })
    }

    fn local<F: LocalFamily>(self) -> Self::Output {
        Box::new(Replay::<Alone<F>> { trace: self.0, host: PhantomData })
    }
}

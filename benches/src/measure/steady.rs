//! Mixes on a map in its steady state, for a time.
//!
//! How many operations a thread gets done is not known beforehand; the streams are, so what is true
//! afterwards follows from how far each thread came:
//!
//! - every value read was written for the key that was asked for (all mixes);
//! - the number of hits, where no key comes or goes;
//! - with keys that come and go, number and sum of the ids present: those of before, plus what
//!   insertions said was new, less what removals said was there;
//! - where all writes are updates, the sum of all stamps: one more for each update;
//! - where all writes are overwrites, every stamp names an overwrite of its key, and the last overwrites of each thread
//!   can only have given way to overwrites of this round.

use std::sync::Arc;
use std::time::Duration;

use map_core::ConcurrentMap;

use super::{Host, Round, Stop, Subject, WrongAnswer, expect, fresh};
use crate::entries::{Entries, STAMP_BITS, STAMP_MASK, Stamped};
use crate::workloads::{BATCH, Counts, Mix, Op, Stream, Streams};

/// Overwrites of each thread that are looked up after a round.
const LAST_PUTS: usize = 256;

/// How stamps name an operation: its number above its thread.
#[derive(Clone, Copy, Debug)]
struct Stamps {
    thread_bits: u32,
}

impl Stamps {
    fn new(threads: usize) -> Self {
        Self { thread_bits: (threads + 1).next_power_of_two().trailing_zeros() }
    }

    /// The thread in the stamps that no operation wrote.
    fn fill(self) -> u64 {
        (1 << self.thread_bits) - 1
    }

    #[inline]
    fn pack(self, n: u64, thread: u64) -> u64 {
        (n << self.thread_bits | thread) & STAMP_MASK
    }

    fn unpack(self, stamp: u64) -> (u64, u64) {
        (stamp >> self.thread_bits, stamp & self.fill())
    }
}

/// A map in a steady state under one mix.
#[derive(Debug)]
pub struct Steady<H: Host<E>, E: Entries> {
    map: [H::Map; 1],
    entries: Arc<E>,
    streams: Arc<Streams>,
    /// The number of the next operation of each thread.
    next: Vec<u64>,
    stamps: Stamps,
    len: u64,
    ids: u64,
    updates: u64,
}

/// What one thread saw.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    end: u64,
    hits: u64,
    /// Not zero if a value was of another key.
    strange: u64,
    inserted: u64,
    inserted_ids: u64,
    removed: u64,
    removed_ids: u64,
    updated: u64,
}

/// A thread at work on its stream.
pub(super) struct Worker<'a, M, E> {
    map: &'a M,
    entries: &'a E,
    stream: &'a Stream,
    stamps: Stamps,
    thread: u64,
    /// The number of the next operation.
    n: u64,
    tally: Tally,
}

impl<M, E> Worker<'_, M, E>
where
    E: Entries,
    M: ConcurrentMap<E::Key, E::Value>,
{
    /// Does the next `count` operations, which must not reach into another batch of [`BATCH`].
    #[inline(always)]
    pub(super) fn run(&mut self, count: usize) {
        let Self { map, entries, tally, .. } = self;
        for (k, (op, id)) in self.stream.part(self.n, count).enumerate() {
            match op {
                Op::Get => {
                    if let Some(found) = map.read(entries.look(&id), E::Value::id) {
                        tally.hits += 1;
                        tally.strange |= found ^ id;
                    }
                }
                Op::Put => {
                    let stamp = self.stamps.pack(self.n + k as u64, self.thread);
                    let new = u64::from(map.insert(entries.key(id), E::Value::stamped(id, stamp)));
                    tally.inserted += new;
                    tally.inserted_ids += new * id;
                }
                Op::Remove => {
                    let removed = u64::from(map.remove(entries.look(&id)));
                    tally.removed += removed;
                    tally.removed_ids += removed * id;
                }
                Op::Update => {
                    tally.updated += u64::from(map.update(entries.look(&id), E::Value::bumped));
                }
            }
        }
        self.n += count as u64;
    }

    /// The map.
    pub(super) fn map(&self) -> &M {
        self.map
    }

    /// Does operations until `stop`, at which it looks after every `count`; returns how many.
    #[inline]
    pub(super) fn run_until(&mut self, stop: &Stop, count: usize) -> u64 {
        let start = self.n;
        while !stop.is_set() {
            self.run(count);
        }
        self.n - start
    }
}

impl<H: Host<E>, E: Entries> Steady<H, E> {
    /// Fills a map with the entries of the steady state.
    pub fn new(entries: Arc<E>, streams: Arc<Streams>) -> Self {
        let map = fresh::<E, H>();
        let stamps = Stamps::new(streams.threads.len());
        let first = if streams.mix.overwrites() { stamps.pack(0, stamps.fill()) } else { 0 };
        let len = streams.entries;
        map.insert_many((0..len).map(|id| (entries.key(id), E::Value::stamped(id, first))));
        let ids = (0..len).sum();
        let next = vec![0; streams.threads.len()];
        Self { map: [map], entries, streams, next, stamps, len, ids, updates: 0 }
    }

    fn check(&mut self, tallies: &[Tally], counts: Counts) -> Result<(), WrongAnswer> {
        let sum = |f: fn(&Tally) -> u64| tallies.iter().map(f).sum::<u64>();
        let strange = tallies.iter().fold(0, |all, tally| all | tally.strange);
        expect("bits in which values read differ from their keys", strange, 0)?;
        let mix = self.streams.mix;
        let hits = sum(|tally| tally.hits);
        match mix {
            Mix::Miss50 => expect("reads that found their key", hits, counts.gets_present)?,
            Mix::Read98 | Mix::Exchange => {}
            _ => expect("reads that found their key", hits, counts.gets)?,
        }
        if mix.churns() {
            let (inserted, removed) = (sum(|tally| tally.inserted), sum(|tally| tally.removed));
            self.len = (self.len + inserted).wrapping_sub(removed);
            self.ids = self.ids.wrapping_add(sum(|tally| tally.inserted_ids));
            self.ids = self.ids.wrapping_sub(sum(|tally| tally.removed_ids));
        } else {
            expect("overwrites that were told their key is new", sum(|tally| tally.inserted), 0)?;
            expect("updates that found their key", sum(|tally| tally.updated), counts.updates)?;
            self.updates += counts.updates;
        }
        expect("len()", self.map[0].len() as u64, self.len)?;
        if mix.writes() {
            self.check_contents()?;
        }
        if mix.overwrites() { self.check_last_puts(tallies) } else { Ok(()) }
    }

    fn check_contents(&self) -> Result<(), WrongAnswer> {
        let (mut len, mut ids, mut stamps) = (0_u64, 0_u64, 0_u64);
        let mut wrong_stamp = None;
        let overwritten = self.streams.mix.overwrites();
        self.map[0].for_each(|_, value| {
            len += 1;
            ids = ids.wrapping_add(value.id());
            stamps = stamps.wrapping_add(value.stamp());
            if overwritten && !self.is_plausible(value) {
                wrong_stamp = Some((value.id(), value.stamp()));
            }
        });
        expect("entries that iteration visits", len, self.len)?;
        expect("sum of the ids present", ids, self.ids)?;
        if self.streams.mix.only_updates() {
            let modulo = |sum: u64| sum % (1 << STAMP_BITS);
            expect("sum of all increments", modulo(stamps), modulo(self.updates))?;
        }
        match wrong_stamp {
            None => Ok(()),
            Some((id, stamp)) => Err(WrongAnswer(format!(
                "key {id} has a value (stamp {stamp}) that nobody wrote to it"
            ))),
        }
    }

    /// Whether a value is the first of its key or one that some thread's stream writes to it.
    fn is_plausible(&self, value: &E::Value) -> bool {
        let (n, thread) = self.stamps.unpack(value.stamp());
        if thread == self.stamps.fill() {
            return n == 0;
        }
        self.streams
            .threads
            .get(thread as usize)
            .is_some_and(|stream| stream.op(n) == (Op::Put, value.id()))
    }

    fn check_last_puts(&self, tallies: &[Tally]) -> Result<(), WrongAnswer> {
        for (thread, tally) in tallies.iter().enumerate() {
            let stream = &self.streams.threads[thread];
            let puts = (self.next[thread]..tally.end)
                .rev()
                .filter_map(|n| match stream.op(n) {
                    (Op::Put, id) => Some((n, id)),
                    _ => None,
                })
                .take(LAST_PUTS);
            for (n, id) in puts {
                let found = self.map[0].read(self.entries.look(&id), E::Value::stamp);
                let survived = found.is_some_and(|stamp| {
                    let (at, by) = self.stamps.unpack(stamp);
                    let begin = self.next.get(by as usize).copied();
                    let earliest = if by as usize == thread { Some(n) } else { begin };
                    (by as usize) < tallies.len() && earliest.is_some_and(|n| at >= n)
                });
                if !survived {
                    return Err(WrongAnswer(format!(
                        "an overwrite of key {id} is lost: it has the stamp {found:?}"
                    )));
                }
            }
        }
        Ok(())
    }
}

impl<H: Host<E>, E: Entries> Steady<H, E> {
    /// Has `threads` threads work as `job(worker, thread, stop)` says, and checks the answers.
    ///
    /// Returns what came of it and what the jobs returned.
    pub(super) fn work<T: Send>(
        &mut self,
        threads: usize,
        limit: Option<Duration>,
        job: impl Fn(&mut Worker<'_, H::Map, E>, usize, &Stop) -> T + Sync,
    ) -> Result<(Round, Vec<T>), WrongAnswer> {
        let (entries, streams, next) = (&*self.entries, &self.streams.threads, &self.next);
        let stamps = self.stamps;
        let timed = H::run(&self.map, threads, limit, |map, thread, stop| {
            let mut worker = Worker {
                map: &map[0],
                entries,
                stream: &streams[thread],
                stamps,
                thread: thread as u64,
                n: next[thread],
                tally: Tally::default(),
            };
            let result = job(&mut worker, thread, stop);
            worker.tally.end = worker.n;
            (worker.tally, result)
        });
        let (tallies, results): (Vec<_>, Vec<_>) = timed.results.into_iter().unzip();
        let mut ops = 0;
        let mut counts = Counts::default();
        for (thread, tally) in tallies.iter().enumerate() {
            ops += tally.end - self.next[thread];
            counts = counts + streams[thread].counts(self.next[thread], tally.end);
        }
        self.check(&tallies, counts)?;
        for (thread, tally) in tallies.iter().enumerate() {
            // Parts of any size must fit into the batch that comes next.
            self.next[thread] = tally.end.next_multiple_of(BATCH as u64);
        }
        let hits = tallies.iter().map(|tally| tally.hits).sum();
        let (seconds, usage) = (timed.seconds, timed.usage);
        Ok((Round { ops, seconds, gets: counts.gets, hits, usage }, results))
    }
}

impl<H: Host<E>, E: Entries> Subject for Steady<H, E> {
    fn round(&mut self, threads: usize, limit: Duration) -> Result<Round, WrongAnswer> {
        let job =
            |worker: &mut Worker<'_, H::Map, E>, _, stop: &Stop| worker.run_until(stop, BATCH);
        self.work(threads, Some(limit), job).map(|(round, _)| round)
    }
}

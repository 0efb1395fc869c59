//! Mixes on a map in its steady state, for a time.
//!
//! How many operations a thread gets done is not known beforehand; the streams are, so what is true
//! afterwards follows from how far each thread came:
//!
//! - every value read was written for the key that was asked for (all mixes);
//! - the number of hits, where no key comes or goes;
//! - with keys that come and go, number and sum of the ids present: those of before, plus what
//!   insertions said was new, less what removals said was there;
//! - in `zipf50-50u`, the sum of all stamps: one more for each update;
//! - in `zipf95-5`, every stamp names an overwrite of its key, and the last overwrites of each thread
//!   can only have given way to overwrites of this round.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use map_core::ConcurrentMap;

use super::{Host, MAX_THREADS, Round, Subject, WrongAnswer, expect, fresh};
use crate::entries::{Entries, STAMP_BITS, STAMP_MASK, Stamped};
use crate::workloads::{BATCH, Counts, Mix, Op, Stream, Streams};

const THREAD_BITS: u32 = 7;
/// The thread in the stamps that no operation wrote.
const FILL: u64 = (1 << THREAD_BITS) - 1;
/// Overwrites of each thread that are looked up after a round.
const LAST_PUTS: usize = 256;

fn stamp(n: u64, thread: u64) -> u64 {
    (n << THREAD_BITS | thread) & STAMP_MASK
}

/// A map in a steady state under one mix.
#[derive(Debug)]
pub struct Steady<H: Host<E>, E: Entries> {
    map: [H::Map; 1],
    entries: Arc<E>,
    streams: Arc<Streams>,
    /// The number of the next operation of each thread.
    next: [u64; MAX_THREADS],
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

fn work<M, E>(
    map: &M,
    entries: &E,
    stream: &Stream,
    thread: u64,
    start: u64,
    stop: &AtomicBool,
) -> Tally
where
    E: Entries,
    M: ConcurrentMap<E::Key, E::Value>,
{
    let mut tally = Tally::default();
    let mut n = start;
    while !stop.load(Relaxed) {
        for (k, (op, id)) in stream.batch(n).enumerate() {
            match op {
                Op::Get => {
                    if let Some(found) = map.read(entries.look(&id), E::Value::id) {
                        tally.hits += 1;
                        tally.strange |= found ^ id;
                    }
                }
                Op::Put => {
                    let value = E::Value::stamped(id, stamp(n + k as u64, thread));
                    let new = u64::from(map.insert(entries.key(id), value));
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
        n += BATCH as u64;
    }
    tally.end = n;
    tally
}

impl<H: Host<E>, E: Entries> Steady<H, E> {
    /// Fills a map with the entries of the steady state.
    pub fn new(entries: Arc<E>, streams: Arc<Streams>) -> Self {
        let map = fresh::<E, H>();
        let first = if streams.mix == Mix::Zipf95 { stamp(0, FILL) } else { 0 };
        let len = streams.entries;
        map.insert_many((0..len).map(|id| (entries.key(id), E::Value::stamped(id, first))));
        let ids = (0..len).sum();
        Self { map: [map], entries, streams, next: [0; MAX_THREADS], len, ids, updates: 0 }
    }

    fn check(&mut self, tallies: &[Tally], counts: Counts) -> Result<(), WrongAnswer> {
        let sum = |f: fn(&Tally) -> u64| tallies.iter().map(f).sum::<u64>();
        let strange = tallies.iter().fold(0, |all, tally| all | tally.strange);
        expect("bits in which values read differ from their keys", strange, 0)?;
        let mix = self.streams.mix;
        let hits = sum(|tally| tally.hits);
        match mix {
            Mix::Miss50 => expect("reads that found their key", hits, counts.gets_present)?,
            Mix::Read100 | Mix::Zipf95 | Mix::Zipf50 => {
                expect("reads that found their key", hits, counts.gets)?;
            }
            Mix::Read98 | Mix::Exchange | Mix::Grow => {}
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
        if mix == Mix::Zipf95 { self.check_last_puts(tallies) } else { Ok(()) }
    }

    fn check_contents(&self) -> Result<(), WrongAnswer> {
        let (mut len, mut ids, mut stamps) = (0_u64, 0_u64, 0_u64);
        let mut wrong_stamp = None;
        let overwritten = self.streams.mix == Mix::Zipf95;
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
        if self.streams.mix == Mix::Zipf50 {
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
        let (n, thread) = (value.stamp() >> THREAD_BITS, value.stamp() & FILL);
        if thread == FILL {
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
                    let (at, by) = (stamp >> THREAD_BITS, (stamp & FILL) as usize);
                    let earliest =
                        if by == thread { n } else { self.next[by.min(MAX_THREADS - 1)] };
                    by < tallies.len() && at >= earliest
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

impl<H: Host<E>, E: Entries> Subject for Steady<H, E> {
    fn round(&mut self, threads: usize, limit: Duration) -> Result<Round, WrongAnswer> {
        let (entries, streams, next) = (&*self.entries, &self.streams.threads, &self.next);
        let timed = H::run(&self.map, threads, Some(limit), |map, thread, stop| {
            work(&map[0], entries, &streams[thread], thread as u64, next[thread], stop)
        });
        let mut ops = 0;
        let mut counts = Counts::default();
        for (thread, tally) in timed.results.iter().enumerate() {
            ops += tally.end - self.next[thread];
            counts = counts + streams[thread].counts(self.next[thread], tally.end);
        }
        self.check(&timed.results, counts)?;
        for (thread, tally) in timed.results.iter().enumerate() {
            self.next[thread] = tally.end;
        }
        let hits = timed.results.iter().map(|tally| tally.hits).sum();
        Ok(Round { ops, seconds: timed.seconds, gets: counts.gets, hits })
    }
}

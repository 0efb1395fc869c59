//! Replay of a recorded trace into an empty map: get, and insert on a miss.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use map_core::ConcurrentMap;

use super::{Host, Round, Subject, TraceEntries, WrongAnswer, expect, fresh};
use crate::workloads::trace::Trace;

/// Accesses that one thread takes at a time.
const BLOCK: usize = 1024;
/// Accesses in a round, at the least: a short trace is replayed many times, each into a fresh map.
const ACCESSES: usize = 500_000;

/// A trace and the kind of map that it is replayed into.
#[derive(Debug)]
pub struct Replay<H> {
    trace: Arc<Trace>,
    host: PhantomData<H>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    hits: u64,
    strange: u64,
    inserted: u64,
}

fn work<M: ConcurrentMap<u64, u64>>(
    map: &M,
    keys: &[u32],
    thread: usize,
    threads: usize,
    tally: &mut Tally,
) {
    for block in keys.chunks(BLOCK).skip(thread).step_by(threads) {
        for &key in block {
            let key = u64::from(key);
            match map.read(&key, |value| *value) {
                Some(value) => {
                    tally.hits += 1;
                    tally.strange |= value ^ key;
                }
                None => tally.inserted += u64::from(map.insert(key, key)),
            }
        }
    }
}

impl<H> Replay<H> {
    /// Prepares to replay `trace`.
    pub fn new(trace: Arc<Trace>) -> Self {
        Self { trace, host: PhantomData }
    }
}

impl<H: Host<TraceEntries>> Subject for Replay<H> {
    fn round(&mut self, threads: usize, _: Duration) -> Result<Round, WrongAnswer> {
        let keys = &self.trace.keys;
        let times = (ACCESSES / keys.len()).max(1);
        let maps: Vec<_> = (0..times).map(|_| fresh::<TraceEntries, H>()).collect();
        let timed = H::run(&maps, threads, None, |maps, thread, _| {
            let mut tally = Tally::default();
            for map in maps {
                work(map, keys, thread, threads, &mut tally);
            }
            tally
        });
        let sum = |f: fn(&Tally) -> u64| timed.results.iter().map(f).sum::<u64>();
        let strange = timed.results.iter().fold(0, |all, tally| all | tally.strange);
        let (gets, hits) = ((times * keys.len()) as u64, sum(|tally| tally.hits));
        let new = times as u64 * self.trace.distinct;
        expect("bits in which values read differ from their keys", strange, 0)?;
        expect("keys that were new", sum(|tally| tally.inserted), new)?;
        if threads == 1 {
            expect("reads that found their key", hits, gets - new)?;
        }
        for map in &maps {
            expect("len()", map.len() as u64, self.trace.distinct)?;
        }
        let ops = gets + (gets - hits);
        Ok(Round { ops, seconds: timed.seconds, gets, hits, usage: timed.usage })
    }
}

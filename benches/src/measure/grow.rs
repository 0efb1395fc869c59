//! `grow`: an empty map is filled, by all threads together, until all keys are in it.

use std::sync::Arc;
use std::time::Duration;

use map_core::ConcurrentMap;

use super::{Host, Round, Subject, WrongAnswer, expect, fresh};
use crate::entries::{Entries, Stamped};
use crate::workloads::{Op, Stream, growth};

/// Insertions in a round, at the least: a small map is filled many times over.
const INSERTIONS: u64 = 100_000;

/// Fresh maps that grow to the same number of entries.
#[derive(Debug)]
pub struct Grow<H: Host<E>, E: Entries> {
    entries: Arc<E>,
    size: u64,
    seed: u64,
    streams: Vec<Stream>,
    host: std::marker::PhantomData<H>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    gets: u64,
    hits: u64,
    strange: u64,
    inserted: u64,
}

fn work<M, E>(map: &M, entries: &E, stream: &Stream, tally: &mut Tally)
where
    E: Entries,
    M: ConcurrentMap<E::Key, E::Value>,
{
    for (op, id) in stream.once() {
        if op == Op::Put {
            let new = map.insert(entries.key(id), E::Value::stamped(id, 0));
            tally.inserted += u64::from(new);
        } else {
            tally.gets += 1;
            if let Some(found) = map.read(entries.look(&id), E::Value::id) {
                tally.hits += 1;
                tally.strange |= found ^ id;
            }
        }
    }
}

impl<H: Host<E>, E: Entries> Grow<H, E> {
    /// Prepares to grow maps to `size` entries.
    pub fn new(entries: Arc<E>, size: u64, seed: u64) -> Self {
        Self { entries, size, seed, streams: Vec::new(), host: std::marker::PhantomData }
    }
}

impl<H: Host<E>, E: Entries> Subject for Grow<H, E> {
    fn round(&mut self, threads: usize, _: Duration) -> Result<Round, WrongAnswer> {
        if self.streams.len() != threads {
            self.streams = growth(self.size, threads, self.seed);
        }
        let times = (INSERTIONS / self.size).max(1);
        let maps: Vec<_> = (0..times).map(|_| fresh::<E, H>()).collect();
        let (entries, streams) = (&*self.entries, &self.streams);
        let timed = H::run(&maps, threads, None, |maps, thread, _| {
            let mut tally = Tally::default();
            for map in maps {
                work(map, entries, &streams[thread], &mut tally);
            }
            tally
        });
        let sum = |f: fn(&Tally) -> u64| timed.results.iter().map(f).sum::<u64>();
        let strange = timed.results.iter().fold(0, |all, tally| all | tally.strange);
        let (gets, hits) = (sum(|tally| tally.gets), sum(|tally| tally.hits));
        expect("bits in which values read differ from their keys", strange, 0)?;
        expect("reads that found their key", hits, gets)?;
        expect("keys that were new", sum(|tally| tally.inserted), times * self.size)?;
        for map in &maps {
            expect("len()", map.len() as u64, self.size)?;
            let mut ids = 0;
            map.for_each(|_, value| ids += value.id());
            expect("sum of the ids present", ids, (0..self.size).sum())?;
        }
        Ok(Round {
            ops: times * self.size + gets,
            seconds: timed.seconds,
            gets,
            hits,
            usage: timed.usage,
        })
    }
}

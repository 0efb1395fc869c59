//! A `map-sharded` that grows, by threads that keep to their cores and, in two of three forms, to their keys.
//!
//! All insert the same keys as [`OfShape`](super::OfShape)'s threads. *Routed* streams are made of these before the clock starts: each
//! thread gets the keys of its own shards only, as in a thread-per-core program whose requests arrive
//! where they belong. *Owned* shards are those of a [`Worker`], without locks; it would refuse any other key, and
//! the answers would be wrong.

use std::time::Duration;

use map_sharded::{Router, ShardedMap, Worker};
use parking_lot::Mutex;

use super::subjects::expect_contents;
use super::{Answer, Sampled, Sampler, Seen, Tally, sum_up, watched};
use crate::contenders::Hasher;
use crate::entries::{Numbers, STAMP_MASK, Stamped};
use crate::measure::cores::Cores;
use crate::measure::host::on_threads;
use crate::measure::{WrongAnswer, expect};
use crate::workloads::{Op, Shape, Stream, routed};

/// The most workers that can own shards.
pub const MOST_OWNERS: usize = 256;

type Map = ShardedMap<u64, u64, Hasher>;

/// How threads keep to cores and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affinity {
    /// Each thread stays on a core; it has keys of all shards.
    Pinned,
    /// It also has keys of its own shards only, in the map that all share.
    Routed,
    /// It also owns these shards.
    Owned,
}

impl Affinity {
    /// All forms, in display order.
    pub const ALL: [Self; 3] = [Self::Pinned, Self::Routed, Self::Owned];
    /// The contender that has them.
    pub const CONTENDER: &str = "map-sharded";

    /// The stable id in results.
    pub fn id(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Routed => "pinned, routed",
            Self::Owned => "pinned, owned",
        }
    }
}

/// Grows maps with affinity.
#[derive(Debug)]
pub struct WithAffinity {
    affinity: Affinity,
    cores: Cores,
    shape: Shape,
    seed: u64,
    /// The same for each round's map, so that the streams are routed once.
    hasher: Hasher,
    streams: Vec<Stream>,
}

impl WithAffinity {
    /// Prepares to grow maps as `shape` says.
    pub fn new(affinity: Affinity, cores: Cores, shape: Shape, seed: u64) -> Self {
        Self { affinity, cores, shape, seed, hasher: Hasher::default(), streams: Vec::new() }
    }

    fn map(&self) -> Map {
        ShardedMap::with_hasher(self.hasher.clone())
    }

    fn workers(&self, threads: usize) -> Result<Vec<Worker<u64, u64, Hasher>>, WrongAnswer> {
        let split = self.map().into_workers(threads);
        split.map_err(|error| WrongAnswer(format!("workers refused: {error}")))
    }

    /// Makes the streams, unless there are some for so many threads.
    fn prepare(&mut self, threads: usize) -> Result<(), WrongAnswer> {
        if self.streams.len() != threads {
            self.streams = self.shape.growth(threads, self.seed);
            if self.affinity != Affinity::Pinned {
                let workers = self.workers(threads)?;
                if let Some(router) = workers.first().map(Worker::router) {
                    self.streams = by_owner(&self.streams, router);
                }
            }
        }
        Ok(())
    }

    /// Runs the streams on pinned threads.
    fn run(&self, work: impl Fn(usize, &Stream, &mut Tally) + Sync) -> Seen {
        let threads = self.streams.len();
        let pin = |thread| self.cores.pin(thread);
        sum_up(on_threads(threads, None, pin, |thread, _| {
            watched(threads, |tally| work(thread, &self.streams[thread], tally))
        }))
    }

    fn check(&self, map: &Map, seen: &Seen) -> Result<(), WrongAnswer> {
        let len = self.shape.entries;
        expect("keys that were new", seen.sum.inserted, len)?;
        expect("reads that found their key", seen.sum.hits, seen.sum.ops - len)?;
        expect_contents::<Numbers, _>(map, seen.sum.strange, len, (0..len).sum())
    }
}

/// The operations of `streams`, each in the stream of the worker that its key belongs to.
fn by_owner(streams: &[Stream], router: &Router<Hasher>) -> Vec<Stream> {
    routed(streams, router.workers(), |id| router.worker_of(&id))
}

impl Sampler for WithAffinity {
    fn round(&mut self, threads: usize, _: Duration) -> Result<Sampled, WrongAnswer> {
        self.prepare(threads)?;
        if self.affinity != Affinity::Owned {
            let map = self.map();
            let seen = self.run(|_, stream, tally| {
                for (op, id) in stream.once() {
                    tally.act(&map, &Numbers, op, id);
                }
            });
            self.check(&map, &seen)?;
            return Ok(seen.sampled);
        }
        let workers: Vec<_> = self.workers(threads)?.into_iter().map(Mutex::new).collect();
        let seen = self.run(|thread, stream, tally| {
            // Each worker has a thread of its own: nobody waits, and the lock is taken once.
            let worker = &mut *workers[thread].lock();
            for (op, id) in stream.once() {
                tally.act_by(op, id, |n| perform(worker, op, id, n));
            }
        });
        let map = ShardedMap::from_workers(workers.into_iter().map(Mutex::into_inner));
        let map = map.map_err(|error| WrongAnswer(format!("workers refused: {error}")))?;
        self.check(&map, &seen)?;
        Ok(seen.sampled)
    }
}

/// An operation of a growing map by the owner of the key; of a key of another worker nothing comes.
#[inline(always)]
fn perform(worker: &mut Worker<u64, u64, Hasher>, op: Op, id: u64, n: u64) -> Answer {
    match op {
        Op::Put => {
            let new = worker.insert(id, u64::stamped(id, n & STAMP_MASK));
            Answer { yes: matches!(new, Ok(None)), id }
        }
        _ => {
            let found = worker.get(&id).ok().flatten();
            Answer { yes: found.is_some(), id: found.map_or(id, u64::id) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(affinity: Affinity) -> Option<WithAffinity> {
        let shape = Shape { entries: 3000, gets: 20.0, growing: true, ..Shape::default() };
        Some(WithAffinity::new(affinity, Cores::find()?, shape, 1))
    }

    #[test]
    fn every_form_answers_rightly() {
        for affinity in Affinity::ALL {
            let Some(mut sampler) = sampler(affinity) else { return };
            for threads in [1, 3, 3, MOST_OWNERS] {
                let seen = sampler.round(threads, Duration::ZERO).expect("right answers");
                assert!(seen.ops > 3000 && seen.seconds > 0.0, "{affinity:?}");
            }
        }
    }

    #[test]
    fn a_key_at_the_wrong_owner_is_a_wrong_answer() {
        let Some(mut sampler) = sampler(Affinity::Owned) else { return };
        sampler.streams = sampler.shape.growth(2, 1);
        assert!(sampler.round(2, Duration::ZERO).is_err());
    }

    #[test]
    fn too_many_owners_are_refused() {
        let Some(mut sampler) = sampler(Affinity::Owned) else { return };
        let error = sampler.round(MOST_OWNERS + 1, Duration::ZERO).expect_err("too many");
        assert!(error.to_string().contains("from 1 to 256 workers"), "{error}");
    }
}

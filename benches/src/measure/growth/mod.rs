//! Growth: one map from empty to its full size, by one thread, while another reads what is there.
//!
//! Every insertion and every read is timed by itself, so each of the two loops is closed and slowed by
//! two readings of the clock per operation. What the insertions *do* is counted apart, in the module `work`.

mod counted;
mod work;

use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::Instant;

use anyhow::Result;
use atlas_bench_data::Growth;
use map_core::ConcurrentMap;
use map_sync::pad::CachePadded;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

pub use work::CountWork;

use super::record::{Times, interruptions};
use super::{Alone, Host, Shared, WrongAnswer, expect, fresh};
use crate::contenders::{Contender, LocalFamily, SharedFamily, Visitor};
use crate::entries::{Entries, Numbers, Stamped};

/// The length of a slot of the time-line, in nanoseconds.
const SLOT: u64 = 1_000_000;
/// Slots for which there is room before the clock starts.
const SLOTS: usize = 1 << 16;
/// The reader hears of new keys after so many insertions.
const ANNOUNCED: u64 = 64;
/// Reads in the reader's stream, which repeats.
const READS: usize = 1 << 20;

/// The reader's stream: which of the keys present to read next, as a share of 2³² of them.
pub fn reads(seed: u64) -> Vec<u32> {
    let mut rng = SmallRng::seed_from_u64(seed ^ 0x6772_6f77_7468);
    (0..READS).map(|_| rng.random()).collect()
}

/// What one thread recorded.
#[derive(Debug)]
struct Line {
    times: Times,
    per_slot: Vec<u32>,
    longest_undisturbed: u64,
    longest_in_slot: u64,
    slot: usize,
    interruptions: u64,
}

impl Line {
    fn new() -> Self {
        let mut per_slot = vec![u32::MAX; SLOTS];
        per_slot.fill(0);
        Self {
            times: Times::default(),
            per_slot,
            longest_undisturbed: 0,
            longest_in_slot: 0,
            slot: 0,
            interruptions: interruptions(),
        }
    }

    /// Adds an operation that took `ns` and ended `at` nanoseconds after the start.
    #[inline]
    fn add(&mut self, ns: u64, at: u64) {
        let slot = ((at / SLOT) as usize).min(SLOTS - 1);
        if slot != self.slot {
            self.begin_slot(slot, ns);
        } else {
            self.longest_in_slot = self.longest_in_slot.max(ns);
        }
        self.times.add(ns);
        self.per_slot[slot] += 1;
    }

    /// The operation of `ns` reaches into a new slot: it belongs to both.
    #[cold]
    fn begin_slot(&mut self, slot: usize, ns: u64) {
        let now = interruptions();
        if now == self.interruptions {
            self.longest_undisturbed = self.longest_undisturbed.max(self.longest_in_slot).max(ns);
        }
        (self.slot, self.interruptions, self.longest_in_slot) = (slot, now, 0);
    }

    fn end(mut self) -> Self {
        self.begin_slot(self.slot, 0);
        self.per_slot.truncate(self.slot + 1);
        self
    }
}

/// Grows a map to `entries` with a reader beside, if the map can be shared.
#[derive(Debug)]
pub struct Grow {
    /// Entries at the end.
    pub entries: u64,
    /// The reader's stream.
    pub reads: Arc<Vec<u32>>,
}

/// What the two threads share.
struct Progress {
    present: CachePadded<AtomicU64>,
    done: AtomicBool,
}

impl Grow {
    fn grow<H: Host<Numbers>>(self, threads: usize) -> Result<Growth, WrongAnswer> {
        let map = [fresh::<Numbers, H>()];
        let progress =
            Progress { present: CachePadded::new(AtomicU64::new(0)), done: AtomicBool::new(false) };
        let start = Instant::now();
        let (entries, reads) = (self.entries, &self.reads[..]);
        let timed = H::run(&map, threads, None, |map, thread, _| {
            if thread == 0 {
                insert(&map[0], entries, &progress, start)
            } else {
                read(&map[0], reads, &progress, start)
            }
        });
        let mut lines = timed.results;
        check(&map[0], entries)?;
        let reader = if threads > 1 { lines.pop() } else { None };
        let Some((inserts, wrong)) = lines.pop() else { unreachable!("one thread inserts") };
        expect("insertions that were told their key is not new", wrong, 0)?;
        let mut data = Growth {
            entry: Numbers::NAME.to_owned(),
            entries,
            seconds: timed.seconds,
            inserts: inserts.times.percentiles(),
            longest_insert_undisturbed: inserts.longest_undisturbed,
            inserts_per_ms: inserts.per_slot,
            ..Growth::default()
        };
        if let Some((reads, wrong)) = reader {
            expect("reads of present keys that did not find their value", wrong, 0)?;
            data.reads = reads.times.percentiles();
            data.longest_read_undisturbed = reads.longest_undisturbed;
            data.reads_per_ms = reads.per_slot;
        }
        Ok(data)
    }
}

fn check<M: ConcurrentMap<u64, u64>>(map: &M, entries: u64) -> Result<(), WrongAnswer> {
    expect("len()", map.len() as u64, entries)?;
    let mut ids = 0;
    map.for_each(|_, value| ids += value.id());
    expect("sum of the ids present", ids, (0..entries).sum())
}

/// Inserts every id; returns how many were not new.
fn insert<M: ConcurrentMap<u64, u64>>(
    map: &M,
    entries: u64,
    progress: &Progress,
    start: Instant,
) -> (Line, u64) {
    let (mut line, mut wrong) = (Line::new(), 0);
    for id in 0..entries {
        let begin = Instant::now();
        let new = map.insert(id, u64::stamped(id, 0));
        let end = Instant::now();
        wrong += u64::from(!new);
        line.add((end - begin).as_nanos() as u64, (end - start).as_nanos() as u64);
        if (id + 1) % ANNOUNCED == 0 {
            // Release: partner of the reader's acquire, so that what is announced is there.
            progress.present.store(id + 1, Release);
        }
    }
    progress.done.store(true, Relaxed);
    (line.end(), wrong)
}

/// Reads keys that are present until the last has been inserted; returns how many reads went wrong.
fn read<M: ConcurrentMap<u64, u64>>(
    map: &M,
    reads: &[u32],
    progress: &Progress,
    start: Instant,
) -> (Line, u64) {
    let (mut line, mut wrong) = (Line::new(), 0);
    for &share in reads.iter().cycle() {
        if progress.done.load(Relaxed) {
            break;
        }
        // Acquire: partner of the inserter's release.
        let present = progress.present.load(Acquire);
        if present == 0 {
            std::hint::spin_loop();
            continue;
        }
        let id = (u64::from(share) * present) >> 32;
        let begin = Instant::now();
        let found = map.read(&id, u64::id);
        let end = Instant::now();
        wrong += u64::from(found != Some(id));
        line.add((end - begin).as_nanos() as u64, (end - start).as_nanos() as u64);
    }
    (line.end(), wrong)
}

impl Visitor for Grow {
    type Output = Result<Growth, WrongAnswer>;

    fn shared<F: SharedFamily>(self) -> Self::Output {
        self.grow::<Shared<F>>(2)
    }

    fn local<F: LocalFamily>(self) -> Self::Output {
        self.grow::<Alone<F>>(1)
    }
}

/// Measures one contender: first the times, then the work.
///
/// # Errors
///
/// If the map gave a wrong answer.
pub fn measure(
    contender: &Contender,
    entries: u64,
    reads: &Arc<Vec<u32>>,
    clock_ns: u64,
) -> Result<Growth> {
    let wrong = |wrong| {
        let context = format!("{} gave a wrong answer while it grew", contender.id);
        anyhow::Error::new::<WrongAnswer>(wrong).context(context)
    };
    let mut data = contender.visit(Grow { entries, reads: reads.clone() }).map_err(wrong)?;
    data.work = contender.visit(CountWork { entries }).map_err(wrong)?;
    data.contender = contender.id.to_owned();
    data.clock_ns = clock_ns;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_line_counts_each_operation_where_it_ended() {
        let mut line = Line::new();
        for (ns, at) in [(10, 5), (20, SLOT - 1), (30, SLOT), (40, 3 * SLOT + 1)] {
            line.add(ns, at);
        }
        let line = line.end();
        assert_eq!(line.per_slot, [2, 1, 0, 1]);
        assert_eq!(line.times.percentiles().max, 40);
    }

    #[test]
    fn same_seed_same_reads() {
        assert_eq!(reads(1), reads(1));
        assert_ne!(reads(1), reads(2));
    }
}

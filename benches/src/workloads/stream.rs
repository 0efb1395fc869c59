//! Streams of operations: made from a seed, one per thread, repeated when they end.

use std::ops::Add;

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Zipf};

use super::Mix;

/// Operations between two looks at whether the round is over.
pub const BATCH: usize = 256;
/// Operations in a stream, at the least: long enough that no branch predictor learns it.
const LENGTH: usize = 1 << 18;
const LONGEST: usize = 1 << 21;
/// Operations in the streams of all threads together, at the most: a quarter of a gigabyte.
const LONGEST_TOGETHER: usize = 1 << 26;

/// An operation on one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Read the value.
    Get,
    /// Set the value.
    Put,
    /// Remove the key.
    Remove,
    /// Read, modify and write the value.
    Update,
}

/// How many operations of each kind a stretch of a stream has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Gets.
    pub gets: u64,
    /// Gets of keys that are present from the beginning.
    pub gets_present: u64,
    /// Puts.
    pub puts: u64,
    /// Updates.
    pub updates: u64,
}

impl Counts {
    fn of(ops: &[u32], entries: u64) -> Self {
        let mut counts = Self::default();
        for &word in ops {
            let (op, id) = unpack(word);
            match op {
                Op::Get => {
                    counts.gets += 1;
                    counts.gets_present += u64::from(id < entries);
                }
                Op::Put => counts.puts += 1,
                Op::Update => counts.updates += 1,
                Op::Remove => {}
            }
        }
        counts
    }

    fn times(self, n: u64) -> Self {
        Self {
            gets: n * self.gets,
            gets_present: n * self.gets_present,
            puts: n * self.puts,
            updates: n * self.updates,
        }
    }

    fn since(self, start: Self) -> Self {
        Self {
            gets: self.gets - start.gets,
            gets_present: self.gets_present - start.gets_present,
            puts: self.puts - start.puts,
            updates: self.updates - start.updates,
        }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            gets: self.gets + other.gets,
            gets_present: self.gets_present + other.gets_present,
            puts: self.puts + other.puts,
            updates: self.updates + other.updates,
        }
    }
}

/// What one thread does, over and over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    ops: Vec<u32>,
    /// The counts before each batch, and those of the whole.
    before: Vec<Counts>,
    entries: u64,
}

/// An operation and a key's id in one word.
pub(super) fn pack(op: Op, id: u64) -> u32 {
    (op as u32) << 30 | id as u32
}

/// Takes a word of a stream apart.
#[inline]
fn unpack(word: u32) -> (Op, u64) {
    let op = match word >> 30 {
        0 => Op::Get,
        1 => Op::Put,
        2 => Op::Remove,
        _ => Op::Update,
    };
    (op, u64::from(word & ((1 << 30) - 1)))
}

impl Stream {
    pub(super) fn new(ops: Vec<u32>, entries: u64) -> Self {
        let mut before = vec![Counts::default()];
        let mut now = Counts::default();
        for batch in ops.chunks(BATCH) {
            now = now + Counts::of(batch, entries);
            before.push(now);
        }
        Self { ops, before, entries }
    }

    /// The next `count` operations from number `n` on, which must not reach into another batch of
    /// [`BATCH`].
    #[inline]
    pub fn part(&self, n: u64, count: usize) -> impl Iterator<Item = (Op, u64)> {
        let start = (n % self.ops.len() as u64) as usize;
        self.ops[start..start + count].iter().map(|&word| unpack(word))
    }

    /// The operations as they are stored: the kind in the upper two bits, the key's id below.
    pub(super) fn words(&self) -> &[u32] {
        &self.ops
    }

    /// How many operations there are before they begin anew.
    #[expect(clippy::len_without_is_empty, reason = "no stream is empty")]
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Operation number `n`.
    pub fn op(&self, n: u64) -> (Op, u64) {
        unpack(self.ops[(n % self.ops.len() as u64) as usize])
    }

    /// All operations, once.
    #[inline]
    pub fn once(&self) -> impl Iterator<Item = (Op, u64)> {
        self.ops.iter().map(|&word| unpack(word))
    }

    fn until(&self, n: u64) -> Counts {
        let length = self.ops.len() as u64;
        let end = (n % length) as usize;
        let batch = end / BATCH;
        let rest = Counts::of(&self.ops[batch * BATCH..end], self.entries);
        self.before[batch] + rest + self.before[self.before.len() - 1].times(n / length)
    }

    /// What operations `start..end` are.
    pub fn counts(&self, start: u64, end: u64) -> Counts {
        self.until(end).since(self.until(start))
    }
}

/// The streams of one mix at one size, one for each thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streams {
    /// The mix.
    pub mix: Mix,
    /// Entries in the steady state.
    pub entries: u64,
    /// One stream for each thread.
    pub threads: Vec<Stream>,
}

fn generator(seed: u64, mix: Mix, thread: usize) -> SmallRng {
    SmallRng::seed_from_u64(seed ^ (mix as u64) << 56 ^ (thread as u64 + 1) << 40)
}

impl Streams {
    /// Makes the streams of `mix`, which is not [`Mix::Grow`]; the same for the same arguments.
    pub fn new(mix: Mix, entries: u64, threads: usize, seed: u64) -> Self {
        let longest = LONGEST_TOGETHER / threads.next_power_of_two();
        let length = (4 * entries as usize).next_power_of_two().clamp(LENGTH, LONGEST).min(longest);
        // Which keys are the hot ones: the same for all threads.
        let mut ids: Vec<u32> = Vec::new();
        if matches!(mix, Mix::Zipf95 | Mix::Zipf50) {
            ids.extend(0..entries as u32);
            ids.shuffle(&mut generator(seed, mix, usize::MAX >> 32));
        }
        let zipf = Zipf::new(entries as f64, 0.99).ok();
        let stream = |thread| {
            let rng = &mut generator(seed, mix, thread);
            let ops = (0..length).map(|_| {
                let percent = rng.random_range(0..100);
                let op = match (mix, percent) {
                    (Mix::Read98, 98) | (Mix::Zipf95, 95..) | (Mix::Exchange, 10..50) => Op::Put,
                    (Mix::Read98, 99) | (Mix::Exchange, 50..90) => Op::Remove,
                    (Mix::Zipf50 | Mix::Half, 50..) | (Mix::Exchange, 90..) | (Mix::Update, _) => {
                        Op::Update
                    }
                    (Mix::Overwrite, _) => Op::Put,
                    _ => Op::Get,
                };
                let id = match &zipf {
                    Some(zipf) if !ids.is_empty() => {
                        u64::from(ids[(zipf.sample(rng) as usize - 1) % ids.len()])
                    }
                    _ => rng.random_range(0..mix.universe(entries)),
                };
                pack(op, id)
            });
            Stream::new(ops.collect(), entries)
        };
        Self { mix, entries, threads: (0..threads).map(stream).collect() }
    }
}

impl Streams {
    /// The same streams, each with its first `length` operations only.
    #[must_use]
    pub fn shortened(&self, length: usize) -> Self {
        let short = |stream: &Stream| {
            Stream::new(stream.ops.iter().copied().take(length).collect(), self.entries)
        };
        Self { threads: self.threads.iter().map(short).collect(), ..*self }
    }
}

/// The streams of [`Mix::Grow`]: together the threads insert each id below `entries` once.
pub fn growth(entries: u64, threads: usize, seed: u64) -> Vec<Stream> {
    let share = |thread: usize| entries * thread as u64 / threads as u64;
    let stream = |thread| {
        let rng = &mut generator(seed, Mix::Grow, thread);
        let own = share(thread)..share(thread + 1);
        let mut ops = Vec::new();
        for id in own.clone() {
            // 5 gets on 95 insertions.
            if id > own.start && rng.random_range(0..95) < 5 {
                ops.push(pack(Op::Get, rng.random_range(own.start..id)));
            }
            ops.push(pack(Op::Put, id));
        }
        Stream::new(ops, entries)
    };
    (0..threads).map(stream).collect()
}

/// The operations of `streams` once more, each in that of so many streams which `stream_of` picks for its id. Those of one id keep
/// their order if they were in one stream.
pub fn routed(streams: &[Stream], count: usize, stream_of: impl Fn(u64) -> usize) -> Vec<Stream> {
    let mut ops = vec![Vec::new(); count];
    for &word in streams.iter().flat_map(|stream| &stream.ops) {
        ops[stream_of(unpack(word).1)].push(word);
    }
    let entries = streams.first().map_or(0, |stream| stream.entries);
    ops.into_iter().map(|ops| Stream::new(ops, entries)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_streams() {
        for mix in Mix::ALL.into_iter().filter(|&mix| mix != Mix::Grow) {
            let streams = Streams::new(mix, 1000, 2, 7);
            assert_eq!(streams, Streams::new(mix, 1000, 2, 7), "{}", mix.id());
            assert_ne!(streams, Streams::new(mix, 1000, 2, 8), "{}", mix.id());
            assert_ne!(streams.threads[0], streams.threads[1], "{}", mix.id());
        }
        assert_eq!(growth(1000, 3, 7), growth(1000, 3, 7));
    }

    #[test]
    fn shares_are_those_of_the_description() {
        let share = |mix: Mix, wanted: Op| {
            let streams = Streams::new(mix, 1000, 1, 1);
            let ops = &streams.threads[0];
            let hits = ops.once().filter(|&(op, _)| op == wanted).count();
            100.0 * hits as f64 / ops.once().count() as f64
        };
        for (mix, op, percent) in [
            (Mix::Read100, Op::Get, 100.0),
            (Mix::Read98, Op::Get, 98.0),
            (Mix::Read98, Op::Remove, 1.0),
            (Mix::Zipf95, Op::Put, 5.0),
            (Mix::Zipf50, Op::Update, 50.0),
            (Mix::Exchange, Op::Put, 40.0),
            (Mix::Exchange, Op::Remove, 40.0),
            (Mix::Exchange, Op::Update, 10.0),
            (Mix::Update, Op::Update, 100.0),
            (Mix::Overwrite, Op::Put, 100.0),
            (Mix::Half, Op::Update, 50.0),
        ] {
            let found = share(mix, op);
            assert!((found - percent).abs() < 0.5, "{} {op:?}: {found} %", mix.id());
        }
    }

    #[test]
    fn half_the_reads_of_miss50_miss() {
        let stream = &Streams::new(Mix::Miss50, 1000, 1, 1).threads[0];
        let counts = stream.counts(0, stream.ops.len() as u64);
        let share = counts.gets_present as f64 / counts.gets as f64;
        assert!((share - 0.5).abs() < 0.01, "{share}");
    }

    #[test]
    fn zipf_is_skewed() {
        let stream = &Streams::new(Mix::Zipf95, 1000, 1, 1).threads[0];
        let mut uses = vec![0_u32; 1000];
        stream.once().for_each(|(_, id)| uses[id as usize] += 1);
        uses.sort_unstable();
        // 1 / H(1000, 0.99), the share of the first rank, is 12.9 %.
        let share = f64::from(uses[999]) / stream.ops.len() as f64;
        assert!((share - 0.129).abs() < 0.01, "{share}");
    }

    #[test]
    fn counts_of_a_stretch_are_those_of_its_operations() {
        let stream = &Streams::new(Mix::Exchange, 1000, 1, 1).threads[0];
        let (start, end) = (3 * BATCH as u64, stream.ops.len() as u64 + 5 * BATCH as u64 + 7);
        let (mut gets, mut puts) = (0, 0);
        for n in start..end {
            gets += u64::from(stream.op(n).0 == Op::Get);
            puts += u64::from(stream.op(n).0 == Op::Put);
        }
        let counts = stream.counts(start, end);
        assert_eq!((counts.gets, counts.puts), (gets, puts));
    }

    #[test]
    fn routed_streams_have_all_operations_where_they_belong() {
        let streams = growth(1000, 3, 1);
        let routed = routed(&streams, 4, |id| (id % 4) as usize);
        for (number, stream) in routed.iter().enumerate() {
            let all = streams.iter().flat_map(Stream::once);
            assert!(stream.once().eq(all.filter(|(_, id)| id % 4 == number as u64)));
        }
    }

    #[test]
    fn growth_inserts_each_id_once_and_reads_only_its_own() {
        for threads in [1, 3] {
            let mut all = Vec::new();
            for stream in growth(1000, threads, 1) {
                let mut own = Vec::new();
                for (op, id) in stream.once() {
                    match op {
                        Op::Put => own.push(id),
                        _ => assert!(own.contains(&id)),
                    }
                }
                all.extend(own);
            }
            all.sort_unstable();
            assert_eq!(all, (0..1000).collect::<Vec<_>>());
        }
    }
}

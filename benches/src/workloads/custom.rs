//! A mix of operations that is described by numbers.

use anyhow::{Result, ensure};
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Zipf};

use super::stream::{BATCH, Op, Stream, pack};

/// Operations in a stream: long enough that no branch predictor learns it.
const LENGTH: usize = 1 << 18;
/// The most different streams; more threads share them, each beginning elsewhere.
const STREAMS: usize = 16;

/// Which operations on which keys. Shares are percent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shape {
    /// Entries in the steady state, or at the end of growth.
    pub entries: u64,
    /// Gets.
    pub gets: f64,
    /// Read-modify-writes.
    pub updates: f64,
    /// Insertions and removals, half each.
    pub churn: f64,
    /// Keys that are absent at first, beyond those that churn asks for.
    pub absent: u64,
    /// Exponent of the Zipf distribution of the keys; 0 is uniform.
    pub skew: f64,
    /// Operations, in a steady state, after which a thread lets others run; 0 if it never does. Of many
    /// more threads than cores, most would not run in a short round otherwise.
    pub pause: u64,
    /// Whether the map starts empty and all writes are insertions of new keys.
    pub growing: bool,
}

impl Shape {
    /// Refuses a description that cannot be.
    ///
    /// # Errors
    ///
    /// With the reason.
    pub fn check(&self) -> Result<()> {
        let sum = self.gets + self.updates + self.churn;
        ensure!(sum <= 100.0, "reads, updates and churn are {sum} % together");
        ensure!(!self.growing || self.gets < 100.0, "with 100 % reads nothing grows");
        Ok(())
    }

    /// Overwrites, or insertions of new keys while growing: what the others leave.
    pub fn puts(&self) -> f64 {
        100.0 - self.gets - self.updates - self.churn
    }

    /// The share of the operations that write, from 0 to 1.
    pub fn writes(&self) -> f64 {
        (100.0 - self.gets) / 100.0
    }

    /// How many keys exist: so many that as many as are wanted are present, when insertions and
    /// removals of the same keys balance.
    pub fn universe(&self) -> u64 {
        let removals = self.churn / 2.0;
        let insertions = self.puts() + removals;
        let balanced = if removals == 0.0 || self.growing {
            self.entries
        } else {
            (self.entries as f64 * (insertions + removals) / insertions).round() as u64
        };
        balanced + self.absent
    }

    /// Whether keys come and go.
    pub fn churns(&self) -> bool {
        self.churn > 0.0 || self.absent > 0
    }

    /// One line: what it does.
    pub fn description(&self) -> String {
        let write = if self.growing { "insert of new keys" } else { "overwrite" };
        let parts = [
            (self.gets, "get"),
            (self.puts(), write),
            (self.updates, "read-modify-write"),
            (self.churn / 2.0, "insert"),
            (self.churn / 2.0, "remove"),
        ];
        let parts = parts.iter().filter(|(share, _)| *share > 0.0);
        let parts = parts.map(|(share, name)| format!("{share} % {name}")).collect::<Vec<_>>();
        let keys = match self.skew {
            _ if self.growing => format!("from empty to {} entries", self.entries),
            0.0 => format!("uniform over {} keys", self.universe()),
            skew => format!("Zipf {skew} over {} keys", self.universe()),
        };
        format!("{}, {keys}", parts.join(", "))
    }

    /// The streams of a steady state; the same for the same arguments.
    pub fn steady(&self, threads: usize, seed: u64) -> Vec<Stream> {
        let universe = self.universe();
        // Which keys are the hot ones: the same for all threads.
        let mut ids: Vec<u32> = Vec::new();
        let zipf = Zipf::new(universe as f64, self.skew).ok().filter(|_| self.skew > 0.0);
        if zipf.is_some() {
            ids.extend(0..universe as u32);
            ids.shuffle(&mut SmallRng::seed_from_u64(seed ^ 0xA71A5));
        }
        let [puts, removes, updates] = [
            self.gets + self.puts() + self.churn / 2.0,
            self.gets + self.puts() + self.churn,
            100.0,
        ];
        let stream = |thread: usize| {
            let rng = &mut SmallRng::seed_from_u64(seed ^ (thread as u64 + 1) << 40);
            let ops = (0..LENGTH).map(|_| {
                let op = match rng.random_range(0.0..100.0) {
                    percent if percent < self.gets => Op::Get,
                    percent if percent < puts => Op::Put,
                    percent if percent < removes => Op::Remove,
                    percent if percent < updates => Op::Update,
                    _ => Op::Get,
                };
                let id = match &zipf {
                    Some(zipf) => u64::from(ids[(zipf.sample(rng) as usize - 1) % ids.len()]),
                    None => rng.random_range(0..universe),
                };
                pack(op, id)
            });
            Stream::new(ops.collect(), self.entries)
        };
        (0..threads.min(STREAMS)).map(stream).collect()
    }

    /// The streams of growth: together the threads insert each id once, and get what they inserted.
    pub fn growth(&self, threads: usize, seed: u64) -> Vec<Stream> {
        let share = |thread: usize| self.entries * thread as u64 / threads as u64;
        let stream = |thread: usize| {
            let rng = &mut SmallRng::seed_from_u64(seed ^ (thread as u64 + 1) << 40);
            let own = share(thread)..share(thread + 1);
            let mut ops = Vec::new();
            for id in own.clone() {
                ops.push(pack(Op::Put, id));
                while rng.random_range(0.0..100.0) < self.gets {
                    ops.push(pack(Op::Get, rng.random_range(own.start..=id)));
                }
            }
            Stream::new(ops, self.entries)
        };
        (0..threads).map(stream).collect()
    }

    /// The operation with which a thread begins on a stream that it shares.
    pub fn start(thread: usize) -> u64 {
        let batches = (LENGTH / BATCH) as u64;
        // An odd step reaches every batch.
        ((thread / STREAMS) as u64 * 389 % batches) * BATCH as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(streams: &[Stream]) -> [f64; 4] {
        let mut counts = [0.0; 4];
        streams[0].once().for_each(|(op, _)| counts[op as usize] += 1.0);
        let all: f64 = counts.iter().sum();
        counts.map(|count| 100.0 * count / all)
    }

    #[test]
    fn shares_are_those_of_the_description() {
        let shape =
            Shape { entries: 1000, gets: 60.0, updates: 5.0, churn: 20.0, ..Shape::default() };
        let expected = [60.0, 25.0, 10.0, 5.0];
        for (found, expected) in shares(&shape.steady(1, 1)).iter().zip(expected) {
            assert!((found - expected).abs() < 0.5, "{found} where {expected} is right");
        }
        // 25 % insertions or overwrites on 10 % removals: five sevenths of the keys are present.
        assert_eq!(shape.universe(), 1400);
    }

    #[test]
    fn skew_makes_some_keys_hot() {
        let hottest = |skew| {
            let shape = Shape { entries: 1000, gets: 95.0, skew, ..Shape::default() };
            let mut uses = vec![0_u32; 1000];
            shape.steady(1, 1)[0].once().for_each(|(_, id)| uses[id as usize] += 1);
            f64::from(uses.into_iter().max().unwrap_or(0)) / LENGTH as f64
        };
        assert!(hottest(0.0) < 0.002);
        // 1 / H(1000, 0.9), the share of the first rank, is 9.4 %.
        assert!((hottest(0.9) - 0.094).abs() < 0.01);
    }

    #[test]
    fn growth_inserts_each_id_once() {
        let shape = Shape { entries: 1000, gets: 90.0, growing: true, ..Shape::default() };
        let streams = shape.growth(3, 1);
        let mut ids: Vec<u64> = streams
            .iter()
            .flat_map(|stream| stream.once().filter(|(op, _)| *op == Op::Put).map(|(_, id)| id))
            .collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..1000).collect::<Vec<_>>());
        assert!((shares(&streams)[0] - 90.0).abs() < 2.0);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let shape = |gets, updates, growing| Shape { gets, updates, growing, ..Shape::default() };
        assert!(shape(60.0, 40.0, false).check().is_ok());
        assert!(shape(60.0, 41.0, false).check().is_err());
        assert!(shape(100.0, 0.0, true).check().is_err());
    }
}

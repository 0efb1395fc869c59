//! Many keys in one call, against the same keys one by one.
//!
//! A large map answers a get in the time of a cache miss. Gets whose keys are known beforehand
//! overlap their misses; gets whose next key follows from the value found cannot; a batch lets the
//! map itself overlap them. All keys are present, and the sum of the values found is checked.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use atlas_bench_data::BatchCell;
use map_core::ConcurrentMap;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::{Alone, Host, Shared, WrongAnswer, admits, expect, fresh, size_name, turns};
use crate::contenders::{CONTENDERS, Contender, LocalFamily, SharedFamily, Visitor};
use crate::entries::{Entries, Numbers};

/// Look-ups between two looks at whether the round is over.
const STRIDE: usize = 1024;
/// Keys in the list that each thread goes through, over and over.
const KEYS: usize = 1 << 20;

/// A way to look up keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One by one; the next key is known beforehand.
    Independent,
    /// One by one; the next key follows from the value found.
    Dependent,
    /// So many keys in a call.
    Many(usize),
}

impl Way {
    /// All ways, in display order.
    pub const ALL: [Self; 4] = [Self::Independent, Self::Dependent, Self::Many(16), Self::Many(64)];

    /// The stable id in results.
    pub fn id(self) -> String {
        match self {
            Self::Independent => "get-independent".to_owned(),
            Self::Dependent => "get-dependent".to_owned(),
            Self::Many(keys) => format!("get-many-{keys}"),
        }
    }
}

/// A full map, ready to be asked.
pub trait Asked {
    /// Looks keys up for `limit`; returns million keys per second, all threads together.
    ///
    /// # Errors
    ///
    /// If the map gave a wrong answer.
    fn ask(&self, way: Way, threads: usize, limit: Duration) -> Result<f64, WrongAnswer>;
}

/// The value of each key: where a dependent walk goes next. Odd, so that it is a permutation of the
/// numbers below a power of two.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// What a thread has done.
#[derive(Clone, Copy, Default)]
struct Tally {
    keys: u64,
    found: u64,
    sum: u64,
    expected: u64,
}

struct Full<H: Host<Numbers>> {
    map: [H::Map; 1],
    entries: u64,
    lists: Arc<Vec<Vec<u64>>>,
}

/// The value stored with a key.
#[inline]
fn value_of(key: u64) -> u64 {
    key.wrapping_mul(STEP)
}

/// The key that follows from a value: uniform over all keys.
#[inline]
fn next_key(value: u64, entries: u64) -> u64 {
    let mixed = (value ^ value >> 32).wrapping_mul(STEP);
    ((u128::from(mixed) * u128::from(entries)) >> 64) as u64
}

impl<H: Host<Numbers>> Asked for Full<H> {
    fn ask(&self, way: Way, threads: usize, limit: Duration) -> Result<f64, WrongAnswer> {
        let (lists, entries) = (&*self.lists, self.entries);
        let timed = H::run(&self.map, threads, Some(limit), |map, thread, stop| {
            let (map, list, mut tally) = (&map[0], &lists[thread], Tally::default());
            let mut walk = list[0];
            for block in list.chunks(STRIDE).cycle() {
                match way {
                    Way::Independent => one_by_one(map, block, &mut tally),
                    Way::Dependent => walk = follow(map, walk, entries, &mut tally),
                    Way::Many(count) => {
                        block.chunks(count).for_each(|keys| many(map, keys, &mut tally));
                    }
                }
                if stop.is_set() {
                    break;
                }
            }
            tally
        });
        let sum = |f: fn(&Tally) -> u64| timed.results.iter().map(f).fold(0_u64, u64::wrapping_add);
        expect("keys found", sum(|tally| tally.found), sum(|tally| tally.keys))?;
        expect("sum of the values", sum(|tally| tally.sum), sum(|tally| tally.expected))?;
        Ok(sum(|tally| tally.keys) as f64 / timed.seconds / 1e6)
    }
}

impl Tally {
    #[inline(always)]
    fn note(&mut self, key: u64, value: Option<u64>) {
        self.keys += 1;
        self.found += u64::from(value.is_some());
        self.sum = self.sum.wrapping_add(value.unwrap_or(0));
        self.expected = self.expected.wrapping_add(value_of(key));
    }
}

fn one_by_one<M: ConcurrentMap<u64, u64>>(map: &M, keys: &[u64], tally: &mut Tally) {
    for key in keys {
        tally.note(*key, map.read(key, |value| *value));
    }
}

/// Walks for as many look-ups as a block has; returns the key at which the walk goes on.
fn follow<M: ConcurrentMap<u64, u64>>(
    map: &M,
    mut key: u64,
    entries: u64,
    tally: &mut Tally,
) -> u64 {
    for n in 0..STRIDE as u64 {
        let found = map.read(&key, |value| *value);
        tally.note(key, found);
        // The number of the look-up keeps the walk from going in a small circle.
        key = next_key(found.unwrap_or(0) ^ ((tally.keys ^ n) << 20), entries);
    }
    key
}

fn many<M: ConcurrentMap<u64, u64>>(map: &M, keys: &[u64], tally: &mut Tally) {
    map.get_many(keys, |index, value| tally.note(keys[index], value.copied()));
}

/// Fills a contender.
struct Fill {
    entries: u64,
    lists: Arc<Vec<Vec<u64>>>,
}

impl Fill {
    fn fill<H: Host<Numbers>>(self) -> Box<dyn Asked> {
        let map = fresh::<Numbers, H>();
        map.insert_many((0..self.entries).map(|key| (Numbers.key(key), value_of(key))));
        Box::new(Full::<H> { map: [map], entries: self.entries, lists: self.lists })
    }
}

impl Visitor for Fill {
    type Output = Box<dyn Asked>;

    fn shared<F: SharedFamily>(self) -> Self::Output {
        self.fill::<Shared<F>>()
    }

    fn local<F: LocalFamily>(self) -> Self::Output {
        self.fill::<Alone<F>>()
    }
}

/// What is measured.
#[derive(Debug)]
pub struct Plan {
    /// Entries in the maps.
    pub sizes: Vec<u64>,
    /// Numbers of threads.
    pub threads: Vec<usize>,
    /// Rounds of each cell.
    pub rounds: usize,
    /// The time of one map in one round.
    pub limit: Duration,
    /// The seed of the lists of keys.
    pub seed: u64,
    /// What a cell's id must contain.
    pub filters: Vec<String>,
}

impl Plan {
    /// The ways, threads and maps of one size that the filters leave.
    fn cells(&self, entries: u64) -> Vec<(Way, usize, &'static Contender)> {
        let keys = size_name(entries);
        let mut cells = Vec::new();
        for way in Way::ALL {
            for &threads in &self.threads {
                for contender in CONTENDERS {
                    let cell = format!("{}/u64/{keys}/t{threads}/{}", way.id(), contender.id);
                    if (threads == 1 || !contender.is_local()) && admits(&self.filters, &cell) {
                        cells.push((way, threads, contender));
                    }
                }
            }
        }
        cells
    }

    /// Whether a contender takes part in anything.
    pub fn has(&self, contender: &Contender) -> bool {
        self.sizes.iter().any(|&size| self.cells(size).iter().any(|cell| cell.2 == contender))
    }

    /// How many times a map is measured.
    pub fn steps(&self) -> usize {
        self.sizes.iter().map(|&size| self.cells(size).len() * self.rounds).sum()
    }

    /// How many seconds all that takes, roughly.
    pub fn estimate(&self) -> f64 {
        let fill = self.sizes.iter().sum::<u64>() as f64 * 3e-7 * CONTENDERS.len() as f64;
        self.steps() as f64 * (self.limit.as_secs_f64() + 0.001) + fill
    }

    /// Measures everything; `step` is called after each round of a map, `done` after each size.
    ///
    /// # Errors
    ///
    /// If a map gives a wrong answer.
    pub fn run(&self, mut step: impl FnMut(), mut done: impl FnMut(&[BatchCell])) -> Result<()> {
        let most = self.threads.iter().copied().max().unwrap_or(1);
        for &entries in &self.sizes {
            let list = |thread: usize| {
                let mut rng = SmallRng::seed_from_u64(self.seed ^ (thread as u64 + 1) << 40);
                (0..KEYS).map(|_| rng.random_range(0..entries)).collect()
            };
            let lists = Arc::new((0..most).map(list).collect::<Vec<Vec<u64>>>());
            let cells = self.cells(entries);
            let mut maps: Vec<(&Contender, Box<dyn Asked>)> = Vec::new();
            for &(.., contender) in &cells {
                if maps.iter().all(|(known, _)| *known != contender) {
                    maps.push((contender, contender.visit(Fill { entries, lists: lists.clone() })));
                }
            }
            let mut found: Vec<BatchCell> = cells
                .iter()
                .map(|(way, threads, contender)| BatchCell {
                    way: way.id(),
                    contender: contender.id.to_owned(),
                    keys: entries,
                    threads: *threads as u32,
                    mkeys: Vec::new(),
                })
                .collect();
            // The first round warms and is not kept.
            for (round, index) in turns(self.rounds, cells.len()) {
                let (way, threads, contender) = cells[index];
                let map = maps.iter().find(|(known, _)| *known == contender);
                let Some((_, map)) = map else { continue };
                let limit = if round == 0 { self.limit / 4 } else { self.limit };
                let rate = map.ask(way, threads, limit).with_context(|| {
                    format!("{} gave a wrong answer in {}", contender.id, way.id())
                })?;
                if round > 0 {
                    found[index].mkeys.push(rate);
                    step();
                }
            }
            done(&found);
        }
        Ok(())
    }
}

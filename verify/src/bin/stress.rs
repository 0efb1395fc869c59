//! Many threads on maps so small that every rare path is a frequent one.
//!
//! Each round has a new map, on which eight to sixteen threads insert, overwrite, remove, iterate, clear, reserve and shrink.
//! A value tells its key, and every value that is lent is checked. What misuse of memory there is, AddressSanitizer and
//! LeakSanitizer see, with which `cargo xtask verify sanitizers` builds this program.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use atlas_verify::operations::operate;
use atlas_verify::{Flags, repeat};
use clap::Parser;
use map_caslist::CasListMap;
use map_conformance::harness::{Random, team};
use map_conformance::hashers::{Collide, Mixed};
use map_conformance::histories::Disturbances;
use map_conformance::types::{Large, TestKey, TestValue};
use map_core::{BuildMap, ConcurrentMap, PinMap, ShrinkMap};
use map_readdirty::ReadDirtyMap;
use map_rwlock::RwLockMap;
use map_sharded::ShardedMap;

/// Lets many threads loose on small maps.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
}

/// A key on the heap whose `Hash` panics now and then, under locks and without.
#[derive(Debug, PartialEq, Eq)]
struct Fussy(Box<u64>);

/// What `Fussy` panics with.
struct Fuss;

impl Hash for Fussy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        thread_local!(static CALLS: Cell<u64> = const { Cell::new(0) });
        CALLS.set(CALLS.get() + 1);
        if CALLS.get().is_multiple_of(97) {
            resume_unwind(Box::new(Fuss));
        }
        self.0.hash(state);
    }
}

impl TestKey for Fussy {
    type Query = Self;

    fn make(number: u64) -> Self {
        Self(Box::new(number))
    }

    fn number(&self) -> u64 {
        *self.0
    }
}

fn stress<K, V, M, S>(kind: &str, seed: u64, time: Duration, beyond: Disturbances<'_, M>)
where
    K: TestKey,
    V: TestValue,
    S: Default,
    M: ConcurrentMap<K, V> + PinMap<K, V> + BuildMap<S> + Sync,
{
    let mut seeds = Random::seeded(seed);
    let (mut rounds, mut ops, start) = (0_u64, 0_u64, Instant::now());
    repeat(time, || {
        let map = M::with_capacity_and_hasher(0, S::default());
        let round = seeds.draw();
        let threads = 8 + round % 9;
        let each = 40 + (round >> 8) % 400;
        team(threads as usize, |thread| {
            let mut random = Random::seeded(round ^ (thread as u64 + 1) << 48);
            for _ in 0..each {
                let done = catch_unwind(AssertUnwindSafe(|| match random.below(40) {
                    0 if !beyond.is_empty() => {
                        beyond[random.below(beyond.len() as u64) as usize](&map);
                    }
                    1..8 => operate(&map.pin(), &mut random),
                    _ => operate(&map, &mut random),
                }));
                if let Some(panic) = done.err().filter(|panic| !panic.is::<Fuss>()) {
                    resume_unwind(panic);
                }
            }
        });
        let mut entries = 0;
        map.for_each(|_, _| entries += 1);
        assert_eq!(map.len(), entries, "{kind}: the count is wrong after a round");
        rounds += 1;
        ops += threads * each;
    });
    println!(
        "{kind:<44} {rounds:>7} maps {ops:>10} calls {:>6.1} s",
        start.elapsed().as_secs_f64()
    );
}

macro_rules! stress {
    ($cli:ident, $seed:ident, $name:literal, $Map:ident, [$($beyond:path),*]) => {
        if $cli.flags.wants($name) {
            let time = $cli.flags.share(6, Duration::from_secs(48));
            macro_rules! kind {
                ($K:ty, $V:ty, $S:ty, $what:literal) => {
                    stress::<$K, $V, $Map<$K, $V, $S>, $S>(
                        concat!($name, ": ", $what),
                        $seed,
                        time,
                        &[|map| map.reserve(200), $($beyond),*],
                    );
                };
            }
            kind!(String, String, Mixed, "String → String");
            kind!(String, String, Collide, "String → String, colliding");
            kind!(u64, u128, Mixed, "u64 → u128");
            kind!(u64, (), Collide, "u64 → (), colliding");
            kind!(u64, Large, Mixed, "u64 → 1 KiB");
            kind!(Fussy, String, Mixed, "panics in Hash");
        }
    };
}

fn main() {
    let cli = Cli::parse();
    let seed = cli.flags.told_seed();
    stress!(cli, seed, "rwlock", RwLockMap, [ShrinkMap::shrink_to_fit]);
    stress!(cli, seed, "sharded", ShardedMap, [ShrinkMap::shrink_to_fit]);
    stress!(cli, seed, "readdirty", ReadDirtyMap, [ShrinkMap::shrink_to_fit]);
    stress!(cli, seed, "caslist", CasListMap, []);
}

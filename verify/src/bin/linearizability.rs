//! Makes histories of each map and looks for an order that explains them. See `map_conformance::histories`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use atlas_verify::{Flags, repeat};
use clap::Parser;
use map_caslist::CasListMap;
use map_conformance::harness::Random;
use map_conformance::hashers::{Collide, Mixed};
use map_conformance::histories::{Disturbances, Tally, try_one};
use map_conformance::types::{Canary, Large, TestKey, TestValue};
use map_core::{BuildMap, ConcurrentMap, PinMap, ShrinkMap};
use map_readdirty::ReadDirtyMap;
use map_rwlock::RwLockMap;
use map_sharded::ShardedMap;

/// Looks for histories of the maps that no order explains.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    /// The seed is that of one history, as a failure prints it: make this one again and again
    #[arg(long, requires = "seed")]
    again: bool,
}

/// One kind of entries and hashes takes its part of the time.
struct Part<'a> {
    cli: &'a Cli,
    seed: u64,
    time: Duration,
    map: &'static str,
}

impl Part<'_> {
    fn run<K, V, M, S>(&self, kind: &str, disturbances: Disturbances<'_, M>) -> Option<Tally>
    where
        K: TestKey,
        V: TestValue,
        S: Default,
        M: ConcurrentMap<K, V> + PinMap<K, V> + BuildMap<S> + Sync,
    {
        let mut seeds = Random::seeded(self.seed);
        let (mut tally, start, mut failed) = (Tally::default(), Instant::now(), false);
        repeat(self.time, || {
            let seed = if self.cli.again { self.seed } else { seeds.draw() };
            let make = || M::with_capacity_and_hasher(0, S::default());
            match try_one::<K, V, M>(seed, make, disturbances) {
                _ if failed => {}
                Ok(more) => tally.add(more),
                Err(unexplained) => {
                    failed = true;
                    eprintln!("{} {kind}: {unexplained}", self.map);
                    eprintln!("to try it again: --map {} --seed {seed} --again", self.map);
                }
            }
        });
        let Tally { histories, calls, overlapping, undecided } = tally;
        println!(
            "{:<10} {kind:<22} {histories:>8} histories {calls:>10} calls, {:>2} % overlapping, {undecided} undecided, {:.1} s",
            self.map,
            overlapping * 100 / calls.max(1),
            start.elapsed().as_secs_f64()
        );
        (!failed).then_some(tally)
    }
}

macro_rules! look_at {
    ($cli:ident, $seed:ident, $total:ident, $name:literal, $Map:ident, [$($beyond:path),*]) => {
        if $cli.flags.wants($name) {
            let time = $cli.flags.share(6, Duration::from_secs(20));
            let part = Part { cli: &$cli, seed: $seed, time, map: $name };
            $total.extend([
                part.run::<u64, u64, $Map<_, _, Mixed>, _>("u64 → u64", &[|map| map.reserve(30), $($beyond),*]),
                part.run::<u64, u64, $Map<_, _, Collide>, _>("u64 → u64, colliding", &[$($beyond),*]),
                part.run::<u64, u128, $Map<_, _, Mixed>, _>("u64 → u128", &[$($beyond),*]),
                part.run::<String, String, $Map<_, _, Mixed>, _>("String → String", &[|map| map.reserve(30), $($beyond),*]),
                part.run::<u64, Canary, $Map<_, _, Mixed>, _>("u64 → canary", &[$($beyond),*]),
                part.run::<u64, Large, $Map<_, _, Mixed>, _>("u64 → 1 KiB", &[$($beyond),*]),
            ]);
        }
    };
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let seed = cli.flags.told_seed();
    let mut parts: Vec<Option<Tally>> = Vec::new();
    look_at!(cli, seed, parts, "rwlock", RwLockMap, [ShrinkMap::shrink_to_fit]);
    look_at!(cli, seed, parts, "sharded", ShardedMap, [ShrinkMap::shrink_to_fit]);
    look_at!(cli, seed, parts, "readdirty", ReadDirtyMap, [ShrinkMap::shrink_to_fit]);
    look_at!(cli, seed, parts, "caslist", CasListMap, []);
    let mut total = Tally::default();
    parts.iter().flatten().for_each(|tally| total.add(*tally));
    println!("{} histories, {} calls explained", total.histories, total.calls);
    if parts.iter().all(Option::is_some) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! Races of data, as ThreadSanitizer sees them, with which `cargo xtask verify sanitizers` builds this program.
//!
//! The standard library that comes with the compiler is not instrumented: ThreadSanitizer does not see what its locks, barriers
//! and scopes order, and takes it for races. So the threads are spawned and joined, which it does see, and share nothing but the
//! map, and the maps are leaked, for it does not understand the end of an `Arc` either.
//!
//! `map-caslist` is left out unless it is asked for: `seize` orders its memory by fences, which ThreadSanitizer does not
//! understand, and has it report hundreds of races that are none.

use std::thread;
use std::time::{Duration, Instant};

use atlas_verify::operations::{check, operate};
use atlas_verify::{Flags, repeat};
use clap::Parser;
use map_caslist::CasListMap;
use map_conformance::harness::Random;
use map_conformance::hashers::{Collide, Mixed};
use map_conformance::types::{TestKey, TestValue};
use map_core::{BuildMap, ConcurrentMap, PinMap};
use map_readdirty::ReadDirtyMap;
use map_rwlock::RwLockMap;
use map_sharded::ShardedMap;

/// Lets threads loose on maps that they share.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
}

const THREADS: u64 = 4;

fn race<K, V, M, S>(kind: &str, seed: u64, time: Duration)
where
    K: TestKey,
    V: TestValue,
    S: Default,
    M: ConcurrentMap<K, V> + PinMap<K, V> + BuildMap<S> + Sync + 'static,
{
    let mut seeds = Random::seeded(seed);
    let (mut rounds, mut ops, start) = (0_u64, 0_u64, Instant::now());
    repeat(time, || {
        let map: &'static M = Box::leak(Box::new(M::with_capacity_and_hasher(0, S::default())));
        let round = seeds.draw();
        // Where there is no write for a while, locks turn to readers that announce themselves.
        let (each, write_every) =
            [(200 + (round >> 8) % 2000, 1), (10_000, 3000)][(round & 1) as usize];
        let threads = (1..=THREADS).map(|thread| {
            thread::spawn(move || {
                let mut random = Random::seeded(round ^ thread << 48);
                for _ in 0..each {
                    match random.below(8 * write_every) {
                        0 => operate(&map.pin(), &mut random),
                        1..8 => operate(map, &mut random),
                        _ => check(map, &mut random),
                    }
                }
            })
        });
        for thread in threads.collect::<Vec<_>>() {
            thread.join().expect("no operation panics");
        }
        rounds += 1;
        ops += THREADS * each;
    });
    println!(
        "{kind:<44} {rounds:>7} maps {ops:>10} calls {:>6.1} s",
        start.elapsed().as_secs_f64()
    );
}

macro_rules! race {
    ($cli:ident, $seed:ident, $name:literal, $Map:ident) => {
        if $cli.flags.wants($name) {
            let time = $cli.flags.share(4, Duration::from_secs(32));
            macro_rules! kind {
                ($K:ty, $V:ty, $S:ty, $what:literal) => {
                    race::<$K, $V, $Map<$K, $V, $S>, $S>(concat!($name, ": ", $what), $seed, time);
                };
            }
            kind!(String, String, Mixed, "String → String");
            kind!(String, String, Collide, "String → String, colliding");
            kind!(u64, u128, Mixed, "u64 → u128");
            kind!(u64, u64, Collide, "u64 → u64, colliding");
        }
    };
}

fn main() {
    let cli = Cli::parse();
    let seed = cli.flags.told_seed();
    race!(cli, seed, "rwlock", RwLockMap);
    race!(cli, seed, "sharded", ShardedMap);
    race!(cli, seed, "readdirty", ReadDirtyMap);
    if !cli.flags.map.is_empty() {
        race!(cli, seed, "caslist", CasListMap);
    }
}

//! Memory that grows though the map does not, and drops that need too much stack.

use std::fs;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use atlas_verify::{Flags, repeat};
use clap::Parser;
use map_caslist::CasListMap;
use map_conformance::hashers::{Collide, Mixed};
use map_core::{BuildMap, ConcurrentMap, PinMap};
use map_readdirty::ReadDirtyMap;
use map_rwlock::RwLockMap;
use map_sharded::ShardedMap;

/// Looks for memory that grows though the map does not.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
}

/// What the process may grow by for reasons of its own.
const SLACK_KIB: u64 = 4096;

/// The resident memory of this process.
fn resident_kib() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux tells the size of a process");
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("the second number is that of resident pages") * 4
}

fn assert_flat(what: &str, before: u64, after: u64) {
    println!("{what:<58} {before:>7} KiB, then {after:>7} KiB");
    assert!(after <= before + before / 20 + SLACK_KIB, "{what}: memory grows");
}

/// Ten thousand threads, eight at a time, leave nothing behind.
fn short_lived_threads<M: ConcurrentMap<u64, String> + PinMap<u64, String> + Sync>(
    name: &str,
    map: &M,
) {
    let run = |threads: u64| {
        for batch in 0..threads / 8 {
            thread::scope(|scope| {
                for member in 0..8 {
                    scope.spawn(move || {
                        let key = (batch * 8 + member) % 512;
                        map.insert(key, key.to_string());
                        black_box(map.pin().read(&key, String::len));
                        if key % 3 == 0 {
                            map.remove(&key);
                        }
                    });
                }
            });
        }
    };
    run(1000);
    let before = resident_kib();
    run(10_000);
    assert_flat(&format!("{name}: 10000 short-lived threads"), before, resident_kib());
}

/// Distinct keys come and go at a constant number of entries.
fn churn<M: ConcurrentMap<u64, String> + Sync>(name: &str, map: &M, time: Duration) {
    const LIVE: u64 = 5000;
    let mut key = 0;
    let mut turn_over = || {
        for _ in 0..10_000 {
            map.insert(key, format!("{key:032}"));
            if key >= LIVE {
                map.remove(&(key - LIVE));
            }
            key += 1;
        }
    };
    repeat(time / 2, &mut turn_over);
    let before = resident_kib();
    repeat(time / 2, &mut turn_over);
    let after = resident_kib();
    assert!(map.len() as u64 <= LIVE + 1024, "{} entries", map.len());
    assert_flat(&format!("{name}: churn of {key} distinct keys"), before, after);
}

/// Fills a map and drops it on a stack of 128 KiB.
fn drop_on_a_small_stack<M, S: Default>(name: &str, entries: u64)
where
    M: ConcurrentMap<u64, String> + BuildMap<S> + Send + 'static,
{
    let start = Instant::now();
    let map = M::with_capacity_and_hasher(0, S::default());
    for key in 0..entries {
        map.insert(key, String::from("value"));
    }
    let built = start.elapsed();
    let dropping = thread::Builder::new().stack_size(128 << 10).spawn(move || drop(map));
    dropping.expect("a thread").join().expect("a drop cannot panic");
    println!(
        "{name}: {entries} entries built in {:.1} s and dropped on a stack of 128 KiB",
        built.as_secs_f64()
    );
}

macro_rules! look_at {
    ($cli:ident, $name:literal, $Map:ident) => {
        if $cli.flags.wants($name) {
            let time = $cli.flags.share(1, Duration::from_secs(12));
            short_lived_threads($name, &$Map::<u64, String>::default());
            churn($name, &$Map::<u64, String>::default(), time);
            drop_on_a_small_stack::<$Map<u64, String, Mixed>, Mixed>($name, 1_000_000);
            drop_on_a_small_stack::<$Map<u64, String, Collide>, Collide>(
                concat!($name, ", colliding"),
                10_000,
            );
        }
    };
}

fn main() {
    let cli = Cli::parse();
    look_at!(cli, "rwlock", RwLockMap);
    look_at!(cli, "sharded", ShardedMap);
    look_at!(cli, "readdirty", ReadDirtyMap);
    look_at!(cli, "caslist", CasListMap);
}

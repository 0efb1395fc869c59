//! Memory that grows though the map does not, what a reader that stands still keeps, and drops that need too much stack.

mod flat;
mod stalled;

use std::thread;
use std::time::{Duration, Instant};

use atlas_verify::Flags;
use atlas_verify::counting::Counting;
use clap::Parser;
use map_caslist::CasListMap;
use map_conformance::hashers::{Collide, Mixed};
use map_core::{BuildMap, ConcurrentMap, ShrinkMap};
use map_readdirty::ReadDirtyMap;
use map_rwlock::RwLockMap;
use map_sharded::ShardedMap;
use stalled::Keeps;

/// Looks for memory that grows though the map does not.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How many entries collide. Building such a map takes quadratic time.
const COLLIDING: u64 = 10_000;
/// As `COLLIDING`, if minutes are given.
const MANY_COLLIDING: u64 = 100_000;

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
            flat::short_lived_threads($name, &$Map::<u64, String>::default());
            flat::churn($name, &$Map::<u64, String>::default(), time);
            drop_on_a_small_stack::<$Map<u64, String, Mixed>, Mixed>($name, 1_000_000);
            let colliding = if $cli.flags.minutes.is_some() { MANY_COLLIDING } else { COLLIDING };
            drop_on_a_small_stack::<$Map<u64, String, Collide>, Collide>(
                concat!($name, ", colliding"),
                colliding,
            );
        }
    };
}

macro_rules! stand_still {
    ($cli:ident, $name:literal, $Map:ident, $keeps:expr, $shrink:expr) => {
        if $cli.flags.wants($name) {
            let text = |number: u64| format!("{number:032}");
            stalled::look(concat!($name, ", String"), $keeps, text, $shrink as fn(&$Map<_, _>));
            stalled::look(concat!($name, ", u64"), $keeps, |n| n, $shrink as fn(&$Map<_, _>));
        }
    };
}

fn main() {
    let cli = Cli::parse();
    look_at!(cli, "rwlock", RwLockMap);
    look_at!(cli, "sharded", ShardedMap);
    look_at!(cli, "readdirty", ReadDirtyMap);
    look_at!(cli, "caslist", CasListMap);
    println!("{}", stalled::HEAD);
    stand_still!(cli, "rwlock", RwLockMap, Keeps::Nothing, ShrinkMap::shrink_to_fit);
    stand_still!(cli, "sharded", ShardedMap, Keeps::Nothing, ShrinkMap::shrink_to_fit);
    stand_still!(cli, "readdirty", ReadDirtyMap, Keeps::Retired, ShrinkMap::shrink_to_fit);
    stand_still!(cli, "caslist", CasListMap, Keeps::Retired, |_| ());
}

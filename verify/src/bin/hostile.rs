//! Hostile input: capacities that no machine has room for, and keys that all collide.
//!
//! **Capacities** are asked for in a child process whose address space is limited, so that an abort is seen and the machine is
//! not filled. What is refused must be refused by an error, soon, without keeping memory, and change nothing.
//!
//! **Collisions**: what the operations cost when N keys have one hash, beside what they cost with a hash that spreads. No map
//! can do better than time linear in N here, for it knows of keys nothing but `Hash` and `Eq`; the table says how much it is.

use std::fmt;
use std::hint::black_box;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use atlas_verify::Flags;
use atlas_verify::counting::{Counting, allocated};
use clap::Parser;
use map_caslist::CasListMap;
use map_conformance::hashers::{Collide, Mixed};
use map_conformance::types::{Large, TestKey, TestValue};
use map_core::{BuildMap, CapacityMap, ConcurrentMap};
use map_readdirty::ReadDirtyMap;
use map_rwlock::RwLockMap;
use map_sharded::ShardedMap;

/// Gives the maps capacities that no machine has room for, and keys that all collide.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    /// Ask for the capacities in this process, whose address space is limited already
    #[arg(long, hide = true)]
    limited: bool,
}

/// The limit of the child's address space.
const LIMIT_KIB: u64 = 3 << 20;
/// From here on entries do not fit the limit, whatever the map.
const IMPOSSIBLE: usize = 1 << 32;
/// What a map may keep after refusals, in bytes.
const KEPT: i64 = 4 << 10;
/// After how long the child is taken to hang.
const PATIENCE: Duration = Duration::from_secs(120);

const CAPACITIES: [usize; 14] = [
    usize::MAX,
    usize::MAX / 2,
    isize::MAX as usize,
    usize::MAX / 26,
    1 << 60,
    1 << 50,
    1 << 44,
    1 << 40,
    1 << 36,
    1 << 35,
    1 << 34,
    IMPOSSIBLE,
    1 << 30,
    1 << 27,
];

#[global_allocator]
static COUNTING: Counting = Counting;

/// Asks for each capacity, of a new map and of one that holds entries.
fn ask<K: TestKey, V: TestValue, M>(kind: &str)
where
    M: ConcurrentMap<K, V> + BuildMap<Mixed> + CapacityMap,
{
    let map = M::with_capacity_and_hasher(0, Mixed);
    map.insert_many((0..1000).map(|number| (K::make(number), V::make(number))));
    let before = allocated();
    let (mut maps, mut reservations, mut longest) = (0, 0, Duration::ZERO);
    for capacity in CAPACITIES {
        let start = Instant::now();
        let made = M::try_with_capacity_and_hasher(capacity, Mixed);
        if made.is_err() {
            longest = longest.max(start.elapsed());
        }
        assert!(made.is_err() || capacity < IMPOSSIBLE, "{kind}: a map of capacity {capacity}");
        maps += u32::from(made.is_err());
        drop(made);
        if capacity < IMPOSSIBLE {
            continue;
        }
        let (room, start) = (map.capacity(), Instant::now());
        assert!(map.try_reserve(capacity).is_err(), "{kind}: room for {capacity} more");
        longest = longest.max(start.elapsed());
        reservations += 1;
        assert_eq!(map.capacity(), room, "{kind}: a refusal for {capacity} changes the capacity");
    }
    let kept = allocated() - before;
    assert!(kept < KEPT, "{kind}: refusals keep {kept} bytes");
    assert_eq!(map.len(), 1000, "{kind}");
    for number in 0..2000 {
        assert_eq!(
            map.insert(K::make(number), V::make(number)),
            number >= 1000,
            "{kind}: {number}"
        );
    }
    println!(
        "{kind:<28} refused {maps} maps and {reservations} reservations, kept {kept} bytes, the slowest in {longest:.1?}"
    );
}

macro_rules! for_each_map {
    ($cli:ident, $look_at:ident) => {
        $look_at!($cli, "rwlock", RwLockMap);
        $look_at!($cli, "sharded", ShardedMap);
        $look_at!($cli, "readdirty", ReadDirtyMap);
        $look_at!($cli, "caslist", CasListMap);
    };
}

fn ask_all(cli: &Cli) {
    macro_rules! look_at {
        ($cli:ident, $name:literal, $Map:ident) => {
            if $cli.flags.wants($name) {
                ask::<u64, u64, $Map<_, _, Mixed>>(concat!($name, ", u64 → u64"));
                ask::<u64, (), $Map<_, _, Mixed>>(concat!($name, ", u64 → ()"));
                ask::<String, String, $Map<_, _, Mixed>>(concat!($name, ", String → String"));
                ask::<u64, Large, $Map<_, _, Mixed>>(concat!($name, ", u64 → 1 KiB"));
            }
        };
    }
    for_each_map!(cli, look_at);
}

/// Runs this program again with little address space; returns what is wrong.
fn run_limited(cli: &Cli) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {LIMIT_KIB} && exec \"$0\" --limited \"$@\"")]);
    command.arg(program).args(cli.flags.map.iter().map(|map| format!("--map={map}")));
    let mut child = command.stdin(Stdio::null()).spawn().map_err(|error| error.to_string())?;
    let end = Instant::now() + PATIENCE;
    loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => {
                return Err(format!("asking for impossible capacities ended with {status}"));
            }
            None if Instant::now() > end => {
                // It may have ended by itself just now.
                let _ = child.kill();
                return Err(format!(
                    "asking for impossible capacities took more than {PATIENCE:?}"
                ));
            }
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// How many keys collide.
const COLLIDING: [u64; 3] = [1000, 4000, 16_000];

/// Times in nanoseconds for each operation.
struct Cost {
    insert: f64,
    get: f64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} / {:.0}", self.insert, self.get)
    }
}

/// Inserts keys and looks each up.
fn cost<K: TestKey, M, S: Default>(keys: u64) -> Cost
where
    M: ConcurrentMap<K, u64> + BuildMap<S>,
{
    let (map, made) = (M::with_capacity_and_hasher(0, S::default()), (0..keys).map(K::make));
    let (made, asked): (Vec<_>, Vec<_>) = (made.collect(), (0..keys).map(K::make).collect());
    let each = |start: Instant| start.elapsed().as_secs_f64() * 1e9 / keys as f64;
    let start = Instant::now();
    for key in made {
        map.insert(key, keys);
    }
    let insert = each(start);
    let start = Instant::now();
    for key in &asked {
        assert_eq!(black_box(map.get(key.borrow())), Some(keys), "a key that was inserted");
    }
    Cost { insert, get: each(start) }
}

fn flood<K: TestKey, M, N>(kind: &str)
where
    M: ConcurrentMap<K, u64> + BuildMap<Collide>,
    N: ConcurrentMap<K, u64> + BuildMap<Mixed>,
{
    let spread = cost::<K, N, Mixed>(COLLIDING[2]);
    let costs = COLLIDING.map(|keys| cost::<K, M, Collide>(keys).to_string());
    println!("| {kind} | {spread} | {} |", costs.join(" | "));
}

fn flood_all(cli: &Cli) {
    println!(
        "\n| nanoseconds for an `insert` / a `get` | spread | 1000 collide | 4000 | 16 000 |\n|---|---|---|---|---|"
    );
    macro_rules! look_at {
        ($cli:ident, $name:literal, $Map:ident) => {
            if $cli.flags.wants($name) {
                flood::<u64, $Map<_, _, Collide>, $Map<_, _, Mixed>>(concat!(
                    "`map-", $name, "`, `u64`"
                ));
                flood::<String, $Map<_, _, Collide>, $Map<_, _, Mixed>>(concat!(
                    "`map-",
                    $name,
                    "`, `String`"
                ));
            }
        };
    }
    for_each_map!(cli, look_at);
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.limited {
        ask_all(&cli);
        return ExitCode::SUCCESS;
    }
    let limited = run_limited(&cli);
    flood_all(&cli);
    match limited {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

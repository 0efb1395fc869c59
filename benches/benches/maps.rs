//! Criterion comparisons: a group for each operation, a line for each map.
//!
//! Ids are `group/contender/entries`. One thread, but for `read98-2-threads`, whose figure is the time
//! of one operation on each of two threads.

use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use atlas_benches::contenders::{CONTENDERS, Hasher, LocalFamily, SharedFamily, Visitor};
use atlas_benches::workloads::{BATCH, Mix, Op, Streams};
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Criterion};
use map_core::{BuildMap, ConcurrentMap};

/// Entries of the maps.
const ENTRIES: u64 = 10_000;
/// Entries of the maps that are filled again and again.
const FILLED: u64 = 1000;

/// A group: its name, its entries and what is timed.
#[derive(Clone, Copy)]
enum Group {
    GetHit,
    GetMiss,
    InsertNew,
    Overwrite,
    RemoveInsert,
    Update,
    GetOrInsertHit,
    Iterate,
    Read98,
}

impl Group {
    const ALL: [Self; 9] = [
        Self::GetHit,
        Self::GetMiss,
        Self::InsertNew,
        Self::Overwrite,
        Self::RemoveInsert,
        Self::Update,
        Self::GetOrInsertHit,
        Self::Iterate,
        Self::Read98,
    ];

    fn id(self) -> &'static str {
        match self {
            Self::GetHit => "get-hit",
            Self::GetMiss => "get-miss",
            Self::InsertNew => "insert-new-1000",
            Self::Overwrite => "overwrite",
            Self::RemoveInsert => "remove-insert",
            Self::Update => "update",
            Self::GetOrInsertHit => "get-or-insert-hit",
            Self::Iterate => "iterate-all",
            Self::Read98 => "read98-2-threads",
        }
    }

    fn entries(self) -> u64 {
        if matches!(self, Self::InsertNew) { FILLED } else { ENTRIES }
    }

    fn writes(self) -> bool {
        !matches!(self, Self::GetHit | Self::GetMiss | Self::GetOrInsertHit | Self::Iterate)
    }
}

/// Keys below `ENTRIES` in an order that no prefetcher guesses, over and over.
struct Keys(Cell<u64>);

impl Keys {
    fn next(&self) -> u64 {
        // 7919 is prime, so every key comes once in a turn.
        let key = (self.0.get() + 7919) % ENTRIES;
        self.0.set(key);
        key
    }
}

fn filled<M: ConcurrentMap<u64, u64> + BuildMap<Hasher>>(entries: u64) -> M {
    let map = M::with_capacity_and_hasher(0, Hasher::default());
    map.insert_many((0..entries).map(|key| (key, key)));
    map
}

struct Line<'a, 'c> {
    group: Group,
    id: BenchmarkId,
    criterion: &'a mut BenchmarkGroup<'c, WallTime>,
}

impl Line<'_, '_> {
    /// The groups of one thread.
    fn alone<M: ConcurrentMap<u64, u64> + BuildMap<Hasher>>(self) {
        let Self { group, id, criterion } = self;
        let map: M = filled(group.entries());
        let keys = Keys(Cell::new(0));
        // A macro, since a closure that takes closures would call them through a pointer.
        macro_rules! time {
            ($operation:expr) => {{
                criterion.bench_function(id, |bencher| bencher.iter(|| $operation(keys.next())));
            }};
        }
        match group {
            Group::GetHit => time!(|key: u64| map.read(&key, |value| *value == key) == Some(true)),
            Group::GetMiss => time!(|key: u64| map.contains_key(&(key + ENTRIES))),
            Group::Overwrite => time!(|key: u64| map.insert(key, key)),
            Group::RemoveInsert => time!(|key: u64| map.remove(&key) && map.insert(key, key)),
            Group::Update => time!(|key: u64| map.update(&key, |value| value + 1)),
            Group::GetOrInsertHit => {
                time!(|key: u64| map.get_or_insert_with(key, || key, |value| *value == key));
            }
            Group::Iterate => time!(|_: u64| {
                let mut sum = 0_u64;
                map.for_each(|_, value| sum = sum.wrapping_add(*value));
                sum > 0
            }),
            Group::InsertNew => {
                criterion.bench_function(id, |bencher| {
                    bencher.iter_batched_ref(
                        || filled::<M>(0),
                        |map| (0..FILLED).for_each(|key| _ = map.insert(key, key)),
                        BatchSize::SmallInput,
                    );
                });
            }
            Group::Read98 => unreachable!("it has two threads"),
        }
    }
}

/// Runs `iterations` operations of the stream on each of two threads.
fn read98<M: ConcurrentMap<u64, u64> + Sync>(
    map: &M,
    streams: &Streams,
    iterations: u64,
) -> Duration {
    let work = |thread: usize| {
        let stream = &streams.threads[thread];
        for n in (0..iterations).step_by(BATCH) {
            let rest = (iterations - n).min(BATCH as u64) as usize;
            for (op, id) in stream.part(n, BATCH).take(rest) {
                match op {
                    Op::Put => _ = black_box(map.insert(id, id)),
                    Op::Remove => _ = black_box(map.remove(&id)),
                    Op::Get | Op::Update => _ = black_box(map.read(&id, |value| *value)),
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let begin = Instant::now();
        let other = scope.spawn(|| work(1));
        work(0);
        match other.join() {
            Ok(()) => begin.elapsed(),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

impl Visitor for Line<'_, '_> {
    type Output = ();

    fn shared<F: SharedFamily>(self) {
        if !matches!(self.group, Group::Read98) {
            return self.alone::<F::Map<u64, u64>>();
        }
        let map: F::Map<u64, u64> = filled(ENTRIES);
        let streams = Streams::new(Mix::Read98, ENTRIES, 2, 1);
        self.criterion.bench_function(self.id, |bencher| {
            bencher.iter_custom(|iterations| read98(&map, &streams, iterations));
        });
    }

    fn local<F: LocalFamily>(self) {
        if !matches!(self.group, Group::Read98) {
            self.alone::<F::Map<u64, u64>>();
        }
    }
}

fn maps(criterion: &mut Criterion) {
    for group in Group::ALL {
        let mut lines = criterion.benchmark_group(group.id());
        for contender in CONTENDERS {
            if contender.copies_on_write && group.writes() {
                continue;
            }
            let id = BenchmarkId::new(contender.id, group.entries());
            contender.visit(Line { group, id, criterion: &mut lines });
        }
        lines.finish();
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(150))
        .measurement_time(Duration::from_millis(400))
        .nresamples(2000)
        .without_plots()
        .configure_from_args();
    maps(&mut criterion);
    criterion.final_summary();
}

//! What a reader costs that stays inside the closure of a `read` while another thread writes.
//!
//! Under a lock the writer waits; that is found out with a deadline. In a map with deferred
//! reclamation it goes on, and what it retires stays on the heap until the reader has gone.
//!
//! One writer does the same number of operations four times: to warm up, without a reader, with the
//! stalled reader, and after it has gone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use atlas_bench_data::Stalled;
use map_core::{BuildMap, ConcurrentMap};

use super::new;
use crate::contenders::Hasher;
use crate::entries::{Entries, Stamped};
use crate::measure::{WrongAnswer, expect};
use crate::raw::counting;

/// Entries of the map.
const ENTRIES: u64 = 1000;
/// Operations of the writer, and those of one that copies the map each time.
const OPERATIONS: u64 = 20_000;
const OPERATIONS_COPYING: u64 = 1000;
/// A writer that does nothing for so many looks at it waits.
const LOOKS: u32 = 60;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
/// The key that the reader stays at.
const HELD: u64 = 0;

/// A flag that one thread raises and another waits for.
#[derive(Default)]
struct Flag(AtomicBool);

impl Flag {
    fn raise(&self) {
        self.0.store(true, SeqCst);
    }

    fn is_raised(&self) -> bool {
        self.0.load(SeqCst)
    }

    fn wait(&self) {
        while !self.is_raised() {
            thread::sleep(Duration::from_micros(100));
        }
    }
}

/// What the writer does.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Overwrite,
    Churn,
}

/// Does operations `0..count` on all keys but the held one; says how each ended.
fn write<E: Entries, M: ConcurrentMap<E::Key, E::Value>>(
    map: &M,
    keys: &E,
    kind: Kind,
    count: u64,
    done: &AtomicU64,
) -> u64 {
    let mut wrong = 0;
    for n in 0..count {
        let id = 1 + n % (ENTRIES - 1);
        let wanted_new = kind == Kind::Churn;
        if wanted_new {
            wrong += u64::from(!map.remove(keys.look(&id)));
        }
        wrong += u64::from(map.insert(keys.key(id), E::Value::stamped(id, n)) != wanted_new);
        done.fetch_add(1, SeqCst);
    }
    wrong
}

/// Waits until the writer has finished or no longer does anything; says whether it waits.
fn watch(finished: &Flag, done: &AtomicU64) -> bool {
    let (mut last, mut looks) = (done.load(SeqCst), 0);
    while !finished.is_raised() && looks < LOOKS {
        thread::sleep(BETWEEN_LOOKS);
        let now = done.load(SeqCst);
        looks = if now == last { looks + 1 } else { 0 };
        last = now;
    }
    !finished.is_raised()
}

fn one<M, E>(keys: &E, kind: Kind, operations: u64) -> Result<Stalled, WrongAnswer>
where
    E: Entries,
    M: ConcurrentMap<E::Key, E::Value> + BuildMap<Hasher> + Send + Sync,
{
    let (wanted, entered, release, left, finished) =
        (Flag::default(), Flag::default(), Flag::default(), Flag::default(), Flag::default());
    let done = AtomicU64::new(0);
    let (reader, writer, writers_wait, done) = counting::count(|counter| {
        let map: M = new();
        map.insert_many((0..ENTRIES).map(|id| (keys.key(id), E::Value::stamped(id, 0))));
        thread::scope(|scope| {
            let (map, done) = (&map, &done);
            let (wanted, entered, release) = (&wanted, &entered, &release);
            let (left, finished) = (&left, &finished);
            let reader = scope.spawn(move || {
                wanted.wait();
                let found = map.read(keys.look(&HELD), |value| {
                    entered.raise();
                    release.wait();
                    value.id()
                });
                left.raise();
                found
            });
            let writer = scope.spawn(move || {
                let spare = AtomicU64::new(0);
                let turn = |done| write(map, keys, kind, operations, done);
                let mut wrong = turn(&spare);
                let warm = counter.live();
                wrong += turn(&spare);
                let steady = counter.live();
                wanted.raise();
                entered.wait();
                wrong += turn(done);
                let held = counter.live();
                finished.raise();
                left.wait();
                wrong += turn(&spare);
                (wrong, [warm, steady, held, counter.live()])
            });
            entered.wait();
            let writers_wait = watch(finished, done);
            let done = done.load(SeqCst);
            release.raise();
            (reader.join(), writer.join(), writers_wait, done)
        })
    });
    let panicked = |_| WrongAnswer("it panicked".to_owned());
    let found = reader.map_err(panicked)?;
    let (wrong, [warm, steady, held, after]) = writer.map_err(panicked)?;
    expect("id of the value under the stalled reader", found.unwrap_or(u64::MAX), HELD)?;
    expect("writes that ended otherwise than they should", wrong, 0)?;
    let each = |later: u64, earlier: u64| {
        if writers_wait { 0.0 } else { (later as f64 - earlier as f64) / operations as f64 }
    };
    Ok(Stalled {
        workload: if kind == Kind::Overwrite { "overwrite" } else { "churn" }.to_owned(),
        entries: ENTRIES,
        operations,
        done,
        writers_wait: writers_wait,
        bytes_per_op: each(held, steady),
        steady_bytes_per_op: each(steady, warm),
        left_bytes_per_op: each(after, steady),
    })
}

/// Measures overwrites and churn; `copies` if each write copies the map.
pub(super) fn measure<M, E>(copies: bool) -> Result<Vec<Stalled>, WrongAnswer>
where
    E: Entries,
    M: ConcurrentMap<E::Key, E::Value> + BuildMap<Hasher> + Send + Sync,
{
    let keys = E::new(ENTRIES);
    let operations = if copies { OPERATIONS_COPYING } else { OPERATIONS };
    [Kind::Overwrite, Kind::Churn]
        .map(|kind| one::<M, E>(&keys, kind, operations))
        .into_iter()
        .collect()
}

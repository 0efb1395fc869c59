//! Allocations per operation.
//!
//! The operations and the keys that they hand over exist before the count begins, so what is counted
//! is the map's own.

use atlas_bench_data::Allocations;

use super::{Map, new, warm_up};
use crate::entries::{Entries, Stamped};
use crate::measure::{WrongAnswer, expect};
use crate::raw::counting;
use crate::workloads::{Mix, Op, Streams};

/// Entries of the maps, and of those that each write copies.
const ENTRIES: u64 = 10_000;
const ENTRIES_COPIED: u64 = 1000;
/// Operations on each entry.
const TIMES: usize = 10;

/// What is counted.
#[derive(Clone, Copy)]
enum Kind {
    Get,
    Overwrite,
    Insert,
    Churn,
    Mix(Mix),
}

const KINDS: [Kind; 6] = [
    Kind::Get,
    Kind::Overwrite,
    Kind::Insert,
    Kind::Churn,
    Kind::Mix(Mix::Zipf50),
    Kind::Mix(Mix::Exchange),
];

impl Kind {
    fn id(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Overwrite => "overwrite",
            Self::Insert => "insert",
            Self::Churn => "churn",
            Self::Mix(mix) => mix.id(),
        }
    }

    /// The operations, all of which are done twice but for insertions into an empty map.
    fn ops(self, entries: u64, count: usize, seed: u64) -> Vec<(Op, u64)> {
        let around = (0..entries).cycle().take(count);
        match self {
            Self::Get => around.map(|id| (Op::Get, id)).collect(),
            Self::Overwrite => around.map(|id| (Op::Put, id)).collect(),
            Self::Insert => (0..entries).map(|id| (Op::Put, id)).collect(),
            // A window of `entries` keys moves around a circle of twice as many.
            Self::Churn => (0..2 * entries)
                .cycle()
                .flat_map(|id| [(Op::Remove, id), (Op::Put, (id + entries) % (2 * entries))])
                .take(2 * count)
                .collect(),
            Self::Mix(mix) => {
                let streams = Streams::new(mix, entries, 1, seed);
                streams.threads[0].once().take(count).collect()
            }
        }
    }

    /// Entries of the operation list that are one operation.
    fn steps(self) -> u64 {
        if matches!(self, Self::Churn) { 2 } else { 1 }
    }
}

/// An operation with the key that it hands over.
struct Step<K> {
    op: Op,
    id: u64,
    key: Option<K>,
}

fn steps<E: Entries>(entries: &E, ops: &[(Op, u64)]) -> Vec<Step<E::Key>> {
    let key = |op, id| (op == Op::Put).then(|| entries.key(id));
    ops.iter().map(|&(op, id)| Step { op, id, key: key(op, id) }).collect()
}

/// What the map said.
#[derive(Default)]
struct Tally {
    missed: u64,
    strange: u64,
    inserted: u64,
    removed: u64,
}

fn replay<E: Entries, M: Map<E>>(map: &M, entries: &E, steps: &mut [Step<E::Key>]) -> Tally {
    let mut tally = Tally::default();
    for Step { op, id, key } in steps {
        match op {
            Op::Get => match map.read(entries.look(id), E::Value::id) {
                Some(found) => tally.strange |= found ^ *id,
                None => tally.missed += 1,
            },
            Op::Put => {
                if let Some(key) = key.take() {
                    tally.inserted += u64::from(map.insert(key, E::Value::stamped(*id, 1)));
                }
            }
            Op::Remove => tally.removed += u64::from(map.remove(entries.look(id))),
            Op::Update => {
                tally.missed += u64::from(!map.update(entries.look(id), E::Value::bumped));
            }
        }
    }
    tally
}

fn check(kind: Kind, tally: &Tally, ops: &[(Op, u64)]) -> Result<(), WrongAnswer> {
    expect("bits in which values read differ from their keys", tally.strange, 0)?;
    let count = ops.len() as u64;
    let (inserted, removed) = match kind {
        Kind::Get | Kind::Overwrite | Kind::Mix(Mix::Zipf50) => (0, 0),
        Kind::Insert => (count, 0),
        Kind::Churn => (count / 2, count / 2),
        Kind::Mix(_) => return Ok(()),
    };
    expect("keys that were not found", tally.missed, 0)?;
    expect("insertions of new keys", tally.inserted, inserted)?;
    expect("removals of present keys", tally.removed, removed)
}

fn one<M: Map<E>, E: Entries>(
    keys: &E,
    kind: Kind,
    entries: u64,
    seed: u64,
) -> Result<Allocations, WrongAnswer> {
    let ops = kind.ops(entries, TIMES * entries as usize, seed);
    let map: M = new();
    let mut len = 0;
    if !matches!(kind, Kind::Insert) {
        map.insert_many((0..entries).map(|id| (keys.key(id), E::Value::stamped(id, 0))));
        let tally = replay(&map, keys, &mut steps(keys, &ops));
        check(kind, &tally, &ops)?;
        len = entries + tally.inserted - tally.removed;
    }
    let mut steps = steps(keys, &ops);
    let (tally, calls, bytes) = counting::count(|counter| {
        let tally = replay(&map, keys, &mut steps);
        (tally, counter.calls(), counter.bytes())
    });
    check(kind, &tally, &ops)?;
    expect("len()", map.len() as u64, len + tally.inserted - tally.removed)?;
    let operations = ops.len() as u64 / kind.steps();
    Ok(Allocations {
        workload: kind.id().to_owned(),
        entries,
        operations,
        per_op: calls as f64 / operations as f64,
        bytes_per_op: bytes as f64 / operations as f64,
    })
}

/// Counts for every kind of operation; `copies` if each write copies the map.
pub(super) fn measure<M: Map<E>, E: Entries>(
    copies: bool,
    seed: u64,
) -> Result<Vec<Allocations>, WrongAnswer> {
    let entries = if copies { ENTRIES_COPIED } else { ENTRIES };
    let keys = E::new(2 * entries);
    warm_up::<E, M>(&keys);
    KINDS.into_iter().map(|kind| one::<M, E>(&keys, kind, entries, seed)).collect()
}

//! Live heap: at several sizes, and after each insertion while a map doubles.

use atlas_bench_data::{Cost, Heap, HeapGrowth};

use super::{Map, new, warm_up};
use crate::entries::{Entries, Stamped};
use crate::measure::{WrongAnswer, expect};
use crate::raw::counting::{self, Counter};

/// The sizes at which a map is weighed.
const SIZES: [u64; 4] = [1000, 10_000, 100_000, 1_000_000];
/// The doubling in which every insertion is looked at.
const DOUBLING: (u64, u64) = (125_000, 250_000);
/// A smaller map is not filled so far beyond the largest size asked for.
const WATCHED: u64 = 100_000;

/// Looks at the heap after each insertion of a doubling.
struct Watch {
    growth: HeapGrowth,
    before: u64,
}

impl Watch {
    fn new(counter: &Counter, (from, to): (u64, u64)) -> Self {
        counter.restart_peak();
        let least_bytes_per_entry = f64::INFINITY;
        Self {
            growth: HeapGrowth { from, to, least_bytes_per_entry, ..HeapGrowth::default() },
            before: counter.live(),
        }
    }

    fn look(&mut self, counter: &Counter, entries: u64) {
        let growth = &mut self.growth;
        let live = counter.live();
        let each = live as f64 / entries as f64;
        if each < growth.least_bytes_per_entry {
            (growth.least_bytes_per_entry, growth.least_at) = (each, entries);
        }
        if each > growth.most_bytes_per_entry {
            (growth.most_bytes_per_entry, growth.most_at) = (each, entries);
        }
        let peak = counter.peak() as f64 / entries as f64;
        growth.peak_bytes_per_entry = growth.peak_bytes_per_entry.max(peak);
        let step = live.saturating_sub(self.before);
        if step > growth.largest_step_bytes {
            (growth.largest_step_bytes, growth.largest_step_at) = (step, entries);
        }
        self.before = live;
        counter.restart_peak();
    }
}

/// Fills a map one by one up to the largest size and weighs it on the way.
fn fill<M: Map<E>, E: Entries>(keys: &E, most: u64, cost: &mut Cost) -> Result<(), WrongAnswer> {
    let (from, to) = DOUBLING;
    let last = if most >= WATCHED { most.max(to) } else { most };
    let mut inserted = 0;
    // Now, so that the list is not on the heap that is weighed.
    cost.heap.reserve(SIZES.len() + 1);
    let len = counting::count(|counter| {
        let map: M = new();
        cost.empty_bytes = counter.live();
        let (mut watch, mut peak) = (None, 0);
        for id in 0..last {
            if id == from {
                watch = Some(Watch::new(counter, DOUBLING));
            }
            inserted += u64::from(map.insert(keys.key(id), E::Value::stamped(id, 0)));
            let len = id + 1;
            peak = counter.peak().max(peak);
            if let Some(watch) = watch.as_mut().filter(|_| len <= to) {
                watch.look(counter, len);
            }
            if len <= most && (SIZES.contains(&len) || len == most) {
                let live_bytes = counter.live();
                cost.heap.push(Heap { entries: len, live_bytes, peak_bytes: peak });
            }
        }
        cost.growth = watch.map(|watch| watch.growth);
        map.len()
    });
    expect("insertions of new keys", inserted, last)?;
    expect("len()", len as u64, last)
}

/// Makes a map of each size at once, for a map that each write copies.
fn fill_at_once<M: Map<E>, E: Entries>(
    keys: &E,
    most: u64,
    cost: &mut Cost,
) -> Result<(), WrongAnswer> {
    for entries in SIZES.into_iter().filter(|&size| size <= most) {
        let (heap, len) = counting::count(|counter| {
            let map: M = new();
            cost.empty_bytes = counter.live();
            map.insert_many((0..entries).map(|id| (keys.key(id), E::Value::stamped(id, 0))));
            let heap = Heap { entries, live_bytes: counter.live(), peak_bytes: counter.peak() };
            (heap, map.len())
        });
        cost.heap.push(heap);
        expect("len()", len as u64, entries)?;
    }
    Ok(())
}

/// Weighs maps of up to `most` entries; `copies` if each write copies the map.
pub(super) fn measure<M: Map<E>, E: Entries>(
    copies: bool,
    most: u64,
    cost: &mut Cost,
) -> Result<(), WrongAnswer> {
    let keys = E::new(most.max(DOUBLING.1));
    warm_up::<E, M>(&keys);
    if copies { fill_at_once::<M, E>(&keys, most, cost) } else { fill::<M, E>(&keys, most, cost) }
}

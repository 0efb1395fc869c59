//! Heap use, by the counting allocator of the program that calls.

use atlas_bench_data::Memory;
use map_core::ConcurrentMap;

use super::{Alone, Host, Shared, fresh};
use crate::contenders::{Contender, LocalFamily, SharedFamily, Visitor};
use crate::entries::{Entries, Stamped};
use crate::raw::counting;

struct Fill<'a, E> {
    contender: &'static Contender,
    keys: &'a E,
    entries: u64,
}

impl<E: Entries> Fill<'_, E> {
    fn fill<H: Host<E>>(self) -> Memory {
        counting::count(|counter| {
            let map = fresh::<E, H>();
            let empty_bytes = counter.live();
            map.insert_many(
                (0..self.entries).map(|id| (self.keys.key(id), E::Value::stamped(id, 0))),
            );
            Memory {
                contender: self.contender.id.to_owned(),
                entry: E::NAME.to_owned(),
                entries: self.entries,
                live_bytes: counter.live(),
                empty_bytes,
                peak_bytes: counter.peak(),
            }
        })
    }
}

impl<E: Entries> Visitor for Fill<'_, E> {
    type Output = Memory;

    fn shared<F: SharedFamily>(self) -> Memory {
        self.fill::<Shared<F>>()
    }

    fn local<F: LocalFamily>(self) -> Memory {
        self.fill::<Alone<F>>()
    }
}

/// Fills a map from empty to `entries` entries and weighs it.
///
/// Keys and values count, with what keys own. All figures are 0 in a program whose allocator is not
/// [`counting::CountingAllocator`].
pub fn measure<E: Entries>(contender: &'static Contender, entries: u64) -> Memory {
    let keys = E::new(entries);
    contender.visit(Fill { contender, keys: &keys, entries })
}

//! Resident memory of the whole process, as the operating system counts it.

use std::any::Any;
use std::fs;

use atlas_bench_data::Resident;
use map_core::ShrinkMap;

use super::{Map, new, warm_up};
use crate::contenders::{SharedFamily, families};
use crate::entries::{Entries, Stamped};
use crate::measure::{WrongAnswer, expect};

/// Resident bytes of this process, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Gives memory back if `map` is one of ours that can.
fn shrink<E: Entries, M: 'static>(map: &M) -> bool {
    fn one<S: ShrinkMap + 'static>(map: &dyn Any) -> bool {
        map.downcast_ref::<S>().map(ShrinkMap::shrink_to_fit).is_some()
    }
    type Of<F, E> = <F as SharedFamily>::Map<<E as Entries>::Key, <E as Entries>::Value>;
    one::<Of<families::RwLock, E>>(map)
        || one::<Of<families::Sharded, E>>(map)
        || one::<Of<families::ReadDirty, E>>(map)
}

/// Fills a map with `entries` entries and empties it; `None` where the system does not tell.
pub(super) fn measure<M: Map<E>, E: Entries>(
    copies: bool,
    entries: u64,
) -> Result<Option<Resident>, WrongAnswer> {
    let keys = E::new(entries);
    warm_up::<E, M>(&keys);
    let map: M = new();
    let Some(before_bytes) = resident_bytes() else { return Ok(None) };
    if copies {
        map.insert_many((0..entries).map(|id| (keys.key(id), E::Value::stamped(id, 0))));
    } else {
        for id in 0..entries {
            map.insert(keys.key(id), E::Value::stamped(id, 0));
        }
    }
    expect("len()", map.len() as u64, entries)?;
    let full_bytes = resident_bytes().unwrap_or(0);
    let mut resident = Resident { entries, before_bytes, full_bytes, ..Resident::default() };
    if !copies {
        let removed = (0..entries).filter(|id| map.remove(keys.look(id))).count();
        expect("removals of present keys", removed as u64, entries)?;
        expect("len()", map.len() as u64, 0)?;
        resident.removed_bytes = resident_bytes();
        resident.shrunk_bytes = shrink::<E, M>(&map).then(resident_bytes).flatten();
    }
    Ok(Some(resident))
}

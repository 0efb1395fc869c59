//! What single insertions do while a map grows: counted from outside, in a pass that times nothing.
//!
//! A map that does not store hashes must hash every key that it moves, and one that copies itself must
//! clone it, so the calls of the key's own `Hash` and `Clone` in one insertion show how many entries
//! that insertion moved. A map that stores hashes, or pointers to entries, moves unseen: of those
//! nothing is claimed. Allocations show what else one insertion may do: clear or copy a whole new
//! table.

use atlas_bench_data::GrowthWork;
use map_core::ConcurrentMap;

use super::super::{Alone, Host, Shared, WrongAnswer, expect, fresh};
use super::counted::{CountedNumbers, calls};
use crate::contenders::{LocalFamily, SharedFamily, Visitor};
use crate::entries::{Entries, Stamped};
use crate::raw::counting;

/// Counts the work of growing a map to `entries`.
#[derive(Debug)]
pub struct CountWork {
    /// Entries at the end.
    pub entries: u64,
}

impl CountWork {
    fn count<H: Host<CountedNumbers>>(self) -> Result<GrowthWork, WrongAnswer> {
        let keys = CountedNumbers;
        counting::count(|counter| {
            let map = fresh::<CountedNumbers, H>();
            let mut work = GrowthWork { least_hash_calls: u64::MAX, ..GrowthWork::default() };
            let (mut new, mut clones) = (0, 0);
            for id in 0..self.entries {
                let (before, memory) = (calls(), (counter.calls(), counter.bytes()));
                new += u64::from(map.insert(keys.key(id), u64::stamped(id, 0)));
                let hashed = calls().0 - before.0;
                let cloned = calls().1 - before.1;
                work.least_hash_calls = work.least_hash_calls.min(hashed);
                work.most_hash_calls = work.most_hash_calls.max(hashed);
                work.hash_calls += hashed;
                work.most_clones = work.most_clones.max(cloned);
                clones += cloned;
                work.most_allocations = work.most_allocations.max(counter.calls() - memory.0);
                work.most_bytes = work.most_bytes.max(counter.bytes() - memory.1);
            }
            expect("keys that were new", new, self.entries)?;
            expect("len()", map.len() as u64, self.entries)?;
            work.live_bytes = counter.live();
            work.peak_bytes = counter.peak();
            work.moved = moved(&work, clones, self.entries);
            Ok(work)
        })
    }
}

/// How many entries the busiest insertion moved, if moving shows.
fn moved(work: &GrowthWork, clones: u64, entries: u64) -> Option<u64> {
    let own = work.least_hash_calls * entries;
    // A table that doubles moves about as many entries as it holds at the end, one that quadruples a
    // third of them; a few calls beyond each insertion's own are no moves.
    let shows = work.hash_calls - own + clones >= entries / 4;
    shows.then(|| (work.most_hash_calls - work.least_hash_calls).max(work.most_clones))
}

impl Visitor for CountWork {
    type Output = Result<GrowthWork, WrongAnswer>;

    fn shared<F: SharedFamily>(self) -> Self::Output {
        self.count::<Shared<F>>()
    }

    fn local<F: LocalFamily>(self) -> Self::Output {
        self.count::<Alone<F>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::families;

    const ENTRIES: u64 = 10_000;

    #[test]
    fn a_table_that_moves_at_once_is_seen_to_do_so() {
        let work = CountWork { entries: ENTRIES }.local::<families::Plain>().unwrap();
        assert_eq!(work.least_hash_calls, 1);
        // The last doubling: 7168 entries fill seven eighths of 8192 buckets.
        assert_eq!(work.moved, Some(7168));
    }

    #[test]
    fn a_table_that_moves_in_steps_is_seen_to_do_so() {
        let work = CountWork { entries: ENTRIES }.shared::<families::RwLock>().unwrap();
        assert_eq!(work.moved, Some(32));
    }

    #[test]
    fn of_a_list_that_moves_nothing_nothing_is_claimed() {
        let work = CountWork { entries: ENTRIES }.shared::<families::CasList>().unwrap();
        assert_eq!((work.hash_calls, work.moved), (ENTRIES, None));
    }

    #[test]
    fn a_map_that_copies_itself_is_seen_to_do_so() {
        let work = CountWork { entries: 500 }.shared::<families::ArcSwap>().unwrap();
        assert_eq!(work.moved, Some(499));
    }
}

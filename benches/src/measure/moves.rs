//! What our maps do inside for their growth, counted by a build with the feature `contention-counters`.
//!
//! From outside nothing is seen of a map that keeps hashes or pointers (section `growth`). Here the maps count
//! themselves: each entry that is moved, and in a map that moves none each piece of its index. One thread inserts
//! new keys and reads its own counts before and after each insertion, so the busiest one is found exactly.

use atlas_bench_data::Moves;
use map_core::ConcurrentMap;
use map_sync::contention::grown;

use super::{Alone, Host, Shared, WrongAnswer, expect, fresh};
use crate::contenders::{LocalFamily, SharedFamily, Visitor};
use crate::entries::{Entries, Numbers, Stamped};

/// Grows a map to so many entries. All counts are zero unless the feature `contention-counters` is on.
#[derive(Debug)]
pub struct CountMoves {
    /// Entries at the end.
    pub entries: u64,
}

impl CountMoves {
    fn count<H: Host<Numbers>>(self) -> Result<Moves, WrongAnswer> {
        let map = fresh::<Numbers, H>();
        let mut moves =
            Moves { entry: Numbers::NAME.to_owned(), entries: self.entries, ..Moves::default() };
        let mut new = 0;
        for id in 0..self.entries {
            let before = grown();
            new += u64::from(map.insert(id, u64::stamped(id, 0)));
            let after = grown();
            let (moved, indexed) = (after.moved - before.moved, after.indexed - before.indexed);
            moves.most_moved = moves.most_moved.max(moved);
            moves.moved += moved;
            moves.most_indexed = moves.most_indexed.max(indexed);
            moves.indexed += indexed;
        }
        expect("keys that were new", new, self.entries)?;
        expect("len()", map.len() as u64, self.entries)?;
        Ok(moves)
    }
}

impl Visitor for CountMoves {
    type Output = Result<Moves, WrongAnswer>;

    fn shared<F: SharedFamily>(self) -> Self::Output {
        self.count::<Shared<F>>()
    }

    fn local<F: LocalFamily>(self) -> Self::Output {
        self.count::<Alone<F>>()
    }
}

//! Shrinking in bounded steps, each by a caller who has the table to himself.
//!
//! **Algorithm**: growth, backwards. A table of level `l + 1` is one that grows from level `l` and has split every bucket. A step takes
//! the last of the split buckets, [`PAIRS`] at the most, moves what went to the new ones back and frees their chunks, and so on down to the first
//! bucket, with which the table is at level `l`; then comes the next level. Between two steps the table is what it is in the middle of a growth, and hashes find
//! their buckets in the same way. At the end the directory is shortened, and the spare nodes of chains are freed, a bounded number in a step.
//!
//! **Insertions between the steps** split nothing, or they would undo what the steps do. If there are more entries than
//! the smaller table is meant for, the insertion that finds it out takes the word `SHRINKING` from the state. What is left is a growth under
//! way: `next` stands where the steps had come, `done` is the number of buckets that are still split, and insertions split from there on.
//!
//! **Every series of steps ends**: it takes part in the merging of a level only if that is lower than all before, once
//! each, and what it does at the end it has counted beforehand. Series that overlap share the work.
//!
//! **Panics**: no code of the user's runs. A merge moves entries with their tags, and needs no hash.

use map_sync::shim::{MODEL, OnceLock};

use crate::growth::{first_slots, level_for};
use crate::raw::bits::{Depth, MAX_LEVEL};
use crate::raw::hold::{Held, Whole};
use crate::table::Core;

/// How many pairs of buckets a step looks at.
const PAIRS: usize = if MODEL { 1 } else { 64 };

/// After how many moved entries a step ends, with a pair: only a hasher that fails to spread has more of them in so few pairs.
const MOVED: usize = 1024;

/// How many spare nodes and chunks a step frees at the end.
const FREED: usize = 256;

/// How many places of the directory a step gives up. Nearly all are empty.
const PLACES: usize = 4096;

/// What a step may still do.
struct Budget {
    pairs: usize,
    entries: usize,
}

impl Budget {
    fn is_spent(&self) -> bool {
        self.pairs == 0 || self.entries == 0
    }
}

/// The merging of one level.
pub(crate) struct Merges {
    /// Which one it is since the table was made.
    number: u64,
    /// From this bucket on none is split.
    merged: usize,
}

impl Merges {
    pub(crate) const NONE: Self = Self { number: 0, merged: 0 };
}

/// How far a series of calls of [`shrink_step`](crate::BucketTable::shrink_step) has come.
#[derive(Debug)]
pub struct Shrinking {
    /// The merging that it takes part in.
    number: u64,
    /// The level of that; above all at first.
    level: u32,
    /// Steps left after the last merge, when they are counted.
    left: Option<usize>,
}

impl Default for Shrinking {
    fn default() -> Self {
        Self { number: 0, level: MAX_LEVEL, left: None }
    }
}

impl<K, V> Core<K, V> {
    /// Does a bounded part; returns whether there is more to do.
    pub(crate) fn shrink_step(&mut self, series: &mut Shrinking) -> bool {
        let mut budget = Budget { pairs: PAIRS, entries: MOVED };
        while series.left.is_none() && self.takes_part(series) {
            self.merge_some(series.level, &mut budget);
            if budget.is_spent() {
                return true;
            }
        }
        self.give_back(series)
    }

    /// Whether buckets are to be merged in this series; begins with a level if it is time to.
    fn takes_part(&mut self, series: &mut Shrinking) -> bool {
        let state = self.index.state();
        if !state.is_shrinking() {
            let Some(level) = (state.level() + u32::from(state.is_growing())).checked_sub(1) else {
                return false;
            };
            let needed = level_for::<K, V>(self.len()).unwrap_or(MAX_LEVEL);
            if level < needed || level >= series.level {
                return false;
            }
            if !state.is_growing() {
                *self.growth.splits() = 1 << level;
            }
            self.index.begin_shrinking(level);
            let number = self.growth.merges.number + 1;
            self.growth.merges = Merges { number, merged: 1 << level };
        }
        let (number, level) = (self.growth.merges.number, self.index.state().level());
        let takes_part = series.number == number || level < series.level;
        if takes_part {
            (series.number, series.level) = (number, level);
        }
        takes_part
    }

    /// Merges the next pairs of buckets; ends at this level after the last ones.
    fn merge_some(&mut self, level: u32, budget: &mut Budget) {
        let mut merged = self.growth.merges.merged;
        while merged > 0 && !budget.is_spent() {
            merged -= 1;
            let moved = self.merge(merged, level);
            self.index.free_chunk_at(merged + (1 << level));
            budget.pairs -= 1;
            budget.entries = budget.entries.saturating_sub(moved);
        }
        self.growth.merges.merged = merged;
        if merged > 0 {
            self.index.shrunk_down_to(merged);
        } else {
            // A later growth, from a lower level, has no such buckets.
            self.growth.given_up().clear();
            self.index.break_off_at(level);
        }
    }

    /// Undoes the split of a bucket, if it has been split; returns how many entries it moved.
    fn merge(&mut self, lower: usize, level: u32) -> usize {
        let (Some(into), Some(from)) =
            (self.index.bucket(lower), self.index.bucket(lower + (1 << level)))
        else {
            return 0;
        };
        if from.header().depth() != Depth::of_level(level + 1) {
            return 0;
        }
        let mut moved = 0;
        Held::at(self, Whole, from).move_to(into, |_| {
            moved += 1;
            true
        });
        from.header().set_depth(Depth::NONE);
        into.header().set_depth(Depth::of_level(level));
        *self.growth.splits() -= 1;
        moved
    }

    /// Frees what is not used, when no more is merged; returns whether there is more to free.
    fn give_back(&mut self, series: &mut Shrinking) -> bool {
        let state = self.index.state();
        let level = state.level() + u32::from(state.is_growing());
        let (places, nodes) = (self.index.places(), self.spare.len());
        let left = series.left.unwrap_or(places.div_ceil(PLACES).max(nodes.div_ceil(FREED)));
        self.index.trim(level, PLACES);
        self.spare.free(FREED);
        series.left = Some(left.saturating_sub(1));
        if left > 1 {
            return true;
        }
        if level == 0 {
            self.shrink_first();
            self.spare.free(FREED);
        }
        false
    }

    /// Gives a table of one bucket the smallest one that will do.
    fn shrink_first(&mut self) {
        let entries = self.len();
        // The tags of the one bucket tell the number of entries again.
        self.count = OnceLock::new();
        let slots = first_slots::<K, V>(entries);
        let Some(first) = self.index.bucket(0) else { return };
        if slots < first.slots() {
            // If there is no memory for the smaller bucket, the larger one is kept.
            let smaller = self.index.replace_first(slots, |smaller| {
                Held::at(self, Whole, first).move_to(smaller, |_| true);
            });
            if let Ok(smaller) = smaller {
                self.index.free_all_but(Some(smaller));
            }
        }
    }
}

#[cfg(test)]
#[path = "shrink_tests.rs"]
mod tests;

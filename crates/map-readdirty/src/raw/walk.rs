//! Iteration.
//!
//! A walk first brings all entries into one table and registers itself, in one critical section; then
//! it visits the slots of that table in order, without the mutex.
//!
//! **Why its guarantee holds.** While a walk is registered its table is not swept (M3), so a key has one and
//! the same entry there throughout (C1), in one slot. If the table is replaced meanwhile, what was moved out of a slot
//! is looked for by its key, and is still visited at that slot alone; keys that came to the new table only are not
//! visited. Moving leaves all other slots as they are, and promotion only fills
//! free ones. So no key is visited twice. An entry that is present during the whole call is in a slot of
//! the table when the walk is registered, hence it is visited; one that is promoted into the table later
//! may be visited, once.
//!
//! The price: keys that are removed while a long iteration runs stay allocated until it ends, or until
//! the table is replaced.

use map_sync::reentrancy::Section;

use super::levels::{Levels, Moves, Pinned};

/// A registered iteration over the entries of one table.
pub(crate) struct Walk<'p, L: Levels, S> {
    pub(super) pin: &'p Pinned<'p, L, S>,
    pub(super) table: &'p L::Table,
    pub(super) section: &'static Section,
    /// The next slot.
    pub(super) index: usize,
}

impl<L: Moves<S>, S> Pinned<'_, L, S> {
    pub(crate) fn walk<'p>(&'p self, section: &'static Section) -> Walk<'p, L, S> {
        let table = self.settled(section, |state| {
            state.walkers += 1;
            self.table()
        });
        Walk { pin: self, table, section, index: 0 }
    }
}

impl<L: Levels, S> Drop for Walk<'_, L, S> {
    fn drop(&mut self) {
        self.pin.core.parts.state.lock().walkers -= 1;
    }
}

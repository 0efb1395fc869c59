//! Iteration.
//!
//! A walk first brings all entries into one table and registers itself, in one critical section; then
//! it visits the slots of that table in order, without the mutex.
//!
//! **Why its guarantee holds.** While a walk is registered its table is not swept (M3), so a key has one and
//! the same entry throughout (C1), in one slot of the table. If the table is replaced meanwhile, entries
//! whose keys are absent may die as the others are moved; their keys can come back only in the new
//! table, which the walk does not visit. Moving leaves all other slots as they are, and promotion only fills
//! free ones. So no key is visited twice. An entry that is present during the whole call is in a slot of
//! the table when the walk is registered, hence it is visited; one that is promoted into the table later
//! may be visited, once.
//!
//! The price: keys that are removed while a long iteration runs stay allocated until it ends, or until
//! the table is replaced.

use map_sync::reentrancy::Section;

use super::core::{Pinned, Seen};
use super::table::Table;

/// An iteration over the entries of one table.
pub(crate) struct Walk<'p, K, V> {
    pin: &'p Pinned<'p, K, V>,
    table: &'p Table<K, V>,
    index: usize,
}

impl<K, V> Pinned<'_, K, V> {
    pub(crate) fn walk<'p>(&'p self, section: &'static Section) -> Walk<'p, K, V> {
        let table = self.settled(section, |state| {
            state.walkers += 1;
            self.table()
        });
        Walk { pin: self, table, index: 0 }
    }
}

impl<'p, K, V> Iterator for Walk<'p, K, V> {
    type Item = (&'p K, Seen<'p, K, V>);

    /// The next entry whose key is present.
    fn next(&mut self) -> Option<Self::Item> {
        while self.index < self.table.slots() {
            self.index += 1;
            let Some(entry) = self.table.entry(self.index - 1) else { continue };
            // SAFETY: the table was reached under the pin, and its entries are retired only after.
            let entry = unsafe { &*entry };
            if let Some(seen) = Seen::of(entry).filter(|seen| seen.value().is_some()) {
                return Some((&entry.key, seen));
            }
        }
        None
    }
}

impl<K, V> Drop for Walk<'_, K, V> {
    fn drop(&mut self) {
        self.pin.core.state.lock().walkers -= 1;
    }
}

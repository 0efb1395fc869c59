//! Promotion, growth, sweeping: everything that changes where an entry lies. All under the mutex.
//!
//! **Promotion** puts the entries of the dirty level, 64 at the most, into free slots of the table. It
//! happens when the dirty level is full, and when as many look-ups had to take the mutex as there are
//! entries in it. No user code runs for these: the hashes are kept beside the dirty level, and no key of
//! it is in the table (C1).
//!
//! **Growth**: if the table has no room, a new one is published with the present one as its `old`, and
//! entries are moved by and by. Each promotion moves `rate` slots for each promoted entry.
//!
//! (M1) The rate is at least `slots of old / headroom`, where the headroom is what the new table can take
//! beyond all entries of `old`. So when the headroom is used up, all slots have been moved, and the new
//! table cannot fill up earlier. As a new table has room for half as many entries again, and at least
//! a quarter of the slots of the old one, the rate is a constant: about 20 at the most, and 8, by choice,
//! when a table doubles.
//!
//! Where an entry's hash is not kept with it, moving asks the key for it, before anything is changed for that slot: a panic
//! leaves everything as it was after the slot before.
//!
//! A look-up that had to consult `old` helps with a few slots if the mutex is free, so that a map which
//! is only read from now on does not stay half grown.
//!
//! **Sweeping** kills absent entries and frees their slots, and the entries themselves where they are allocated.
//! (M2) Only when there is no `old`, for then no second slot points to the entry; while entries are
//! being moved, those in `old` are swept in passing. (M3) The table is not swept while an iteration is under
//! way: so the entry of a key stays the same one, in the same slot, and no key is met twice. (Sweeping
//! `old` does no harm: the key can only come back in the new table, which that iteration does not visit.)
//!
//! **The bound on removed keys**: every 64th removal through one stripe of the counter checks, and sweeps
//! 1024 slots if absent entries take more than an eighth of the table. A pass over the table thus
//! ends within one removal for each 16 slots. So, beside iterations and but for checks that found
//! the mutex taken, at most a quarter of the table's slots and 64 for each stripe hold keys that were
//! removed. `clear`, `retain` and `shrink_to_fit` leave none of those they saw.

use map_core::ReserveError;
use map_sync::reentrancy::Section;

use super::levels::{Array, Moves, Pinned, State, Waiting};

/// The most entries that wait for promotion.
pub(super) const DIRTY_MAX: usize = 64;

/// Slots visited in one go by operations that visit all.
pub(super) const CHUNK: usize = 1024;

/// Up to this size a table is moved at once.
const AT_ONCE: usize = if map_sync::shim::MODEL {
    1
} else if cfg!(test) {
    8
} else {
    1024
};

/// Slots of `old` to move per promoted entry, at the least, so that there are two tables for a short time.
const RATE_MIN: usize = 8;

/// Slots that a look-up helps to move.
const HELP: usize = 32;

impl<L: Moves<S>, S> Pinned<'_, L, S> {
    /// Counts a look-up that took the mutex, and promotes if there have been enough.
    pub(super) fn missed(&self, state: &mut State<L>) {
        state.misses += 1;
        if state.misses >= state.dirty.len() {
            // Without memory the entries stay where they are.
            let _ = self.promote(state);
        }
    }

    /// Promotes a full dirty level, so that there is room for one more entry.
    ///
    /// # Panics
    ///
    /// If there is no memory for a larger table.
    pub(super) fn make_room(&self, state: &mut State<L>) {
        if state.dirty.len() == DIRTY_MAX {
            if let Err(error) = self.promote(state) {
                panic!("{error}");
            }
        }
    }

    /// Moves the dirty level into the table. On an error nothing has changed.
    pub(super) fn promote(&self, state: &mut State<L>) -> Result<(), ReserveError> {
        let promoted = state.dirty.len();
        if promoted == 0 {
            return Ok(());
        }
        let slots = self.table().slots();
        if state.filled + state.pending + promoted > L::limit(slots) {
            self.move_slots(state, usize::MAX);
            let wanted = L::slots_for(state.entries + state.entries / 2 + promoted)?;
            self.begin_growth(state, wanted.max(slots / 4))?;
        }
        let table = self.table();
        while state.dirty.len() > 0 {
            L::promote_last(self, state, table);
        }
        state.misses = 0;
        self.filter().clear();
        self.move_slots(state, promoted * state.rate);
        self.sweep_some(state);
        Ok(())
    }

    /// Publishes a table of `slots`. There must be no `old`, and room for all entries.
    pub(super) fn begin_growth(
        &self,
        state: &mut State<L>,
        slots: usize,
    ) -> Result<(), ReserveError> {
        let old_slots = self.table().slots();
        let headroom = L::limit(slots).saturating_sub(state.entries + DIRTY_MAX);
        let table = L::Table::new(slots)?;
        state.rate = (old_slots / headroom.max(1) + 1).max(RATE_MIN);
        state.pending = std::mem::take(&mut state.entries);
        state.filled = 0;
        state.moved = 0;
        state.sweeper = 0;
        self.publish(table);
        if old_slots <= AT_ONCE {
            self.move_slots(state, usize::MAX);
        }
        Ok(())
    }

    /// Moves the entries of the next `count` slots of `old`, if there is one.
    fn move_slots(&self, state: &mut State<L>, count: usize) {
        let table = self.table();
        let Some(old) = self.old(table) else { return };
        let end = state.moved.saturating_add(count).min(old.slots());
        while state.moved < end {
            L::move_slot(self, state, old, state.moved, table);
            state.moved += 1;
        }
        if end == old.slots() {
            self.drop_old(table);
        }
    }

    /// Moves a few slots if the mutex is free.
    pub(super) fn help(&self, section: &'static Section) {
        self.try_locked(section, |state| self.move_slots(state, HELP));
    }

    /// Sweeps the next `count` slots, or as many as there are.
    fn sweep(&self, state: &mut State<L>, count: usize) {
        let table = self.table();
        if state.walkers > 0 || self.old(table).is_some() {
            return;
        }
        for _ in 0..count.min(table.slots()) {
            // Downwards, so that the slots behind a cluster become empty and not just swept.
            state.sweeper = state.sweeper.checked_sub(1).unwrap_or(table.slots() - 1);
            L::sweep_slot(self, state, table, state.sweeper);
        }
    }

    /// Sweeps a chunk if absent entries take more than an eighth of the table.
    fn sweep_some(&self, state: &mut State<L>) {
        let known = state.entries + state.pending + state.dirty.len();
        if known.saturating_sub(self.len()) > self.table().slots() / 8 {
            self.sweep(state, CHUNK);
        }
    }

    /// As [`sweep_some`](Self::sweep_some), if the mutex is free.
    #[cold]
    pub(super) fn sweep_if_due(&self) {
        if let Some(mut state) = self.core.parts.state.try_lock() {
            self.sweep_some(&mut state);
        }
    }

    /// Brings all entries into one table, in chunks, and runs `f` under the mutex when that is done.
    ///
    /// # Panics
    ///
    /// If there is no memory for a larger table.
    pub(super) fn settled<R>(
        &self,
        section: &'static Section,
        mut f: impl FnMut(&mut State<L>) -> R,
    ) -> R {
        loop {
            let result = self.locked(section, |state| {
                self.move_slots(state, CHUNK);
                if self.old(self.table()).is_none() {
                    if let Err(error) = self.promote(state) {
                        panic!("{error}");
                    }
                }
                self.old(self.table()).is_none().then(|| f(state))
            });
            if let Some(result) = result {
                return result;
            }
        }
    }

    /// Sweeps the whole table, in chunks.
    pub(crate) fn sweep_all(&self, section: &'static Section) {
        let slots = self.settled(section, |_| self.table().slots());
        for _ in 0..slots.div_ceil(CHUNK) {
            self.locked(section, |state| self.sweep(state, CHUNK));
        }
    }

    /// How many entries the table can hold, or does the map if those of the dirty level are more.
    pub(crate) fn capacity(&self) -> usize {
        L::limit(self.table().slots()).max(self.len())
    }

    /// Makes room for `additional` more entries.
    pub(crate) fn reserve(
        &self,
        additional: usize,
        section: &'static Section,
    ) -> Result<(), ReserveError> {
        self.locked(section, |state| {
            let overflow = ReserveError::CapacityOverflow;
            let more = additional.checked_add(state.dirty.len()).ok_or(overflow)?;
            let taken = (state.filled + state.pending).checked_add(more).ok_or(overflow)?;
            if taken <= L::limit(self.table().slots()) {
                return Ok(());
            }
            self.move_slots(state, usize::MAX);
            let wanted = L::slots_for(state.entries.checked_add(more).ok_or(overflow)?)?;
            self.begin_growth(state, wanted.max(self.table().slots() / 4))
        })
    }

    /// Gives back the slots that the present entries do not need.
    pub(crate) fn shrink(&self, section: &'static Section) {
        self.sweep_all(section);
        self.settled(section, |state| {
            if let Ok(slots) = L::slots_for(state.entries) {
                if slots < self.table().slots() {
                    // Without memory for a smaller table the larger one stays.
                    let _ = self.begin_growth(state, slots);
                }
            }
        });
        self.settled(section, |_| ());
    }
}

#[cfg(test)]
#[path = "moves_tests.rs"]
mod tests;

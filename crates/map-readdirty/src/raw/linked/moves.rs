//! Moving entries behind pointers, and sweeping them: only the pointers move.

use map_sync::contention;

use super::super::levels::{Moves, Pinned, State};
use super::core::Linked;
use super::entry::Entry;
use super::table::Table;

impl<K, V, S> Moves<S> for Linked<K, V> {
    fn promote_last(pin: &Pinned<'_, Self, S>, state: &mut State<Self>, table: &Table<K, V>) {
        if let Some(entry) = state.dirty.pop() {
            if !settle_entry(state, table, entry) {
                pin.retire_entry(entry);
            }
        }
    }

    fn move_slot(
        pin: &Pinned<'_, Self, S>,
        state: &mut State<Self>,
        old: &Table<K, V>,
        index: usize,
        table: &Table<K, V>,
    ) {
        let Some(entry) = old.entry(index) else { return };
        state.pending -= 1;
        if !settle_entry(state, table, entry) {
            old.sweep(index);
            pin.retire_entry(entry);
        }
    }

    fn sweep_slot(
        pin: &Pinned<'_, Self, S>,
        state: &mut State<Self>,
        table: &Table<K, V>,
        index: usize,
    ) {
        let Some(entry) = table.entry(index) else { return };
        // SAFETY: entries in slots are alive.
        if unsafe { &*entry }.kill() {
            state.entries -= 1;
            state.filled -= usize::from(table.sweep(index));
            pin.retire_entry(entry);
        }
    }
}

/// Puts an entry into the table, or kills it if its key is absent; `true` if put.
fn settle_entry<K, V>(
    state: &mut State<Linked<K, V>>,
    table: &Table<K, V>,
    entry: *mut Entry<K, V>,
) -> bool {
    // SAFETY: the caller holds the mutex and has found the entry alive.
    let shared = unsafe { &*entry };
    if shared.kill() {
        return false;
    }
    state.filled += usize::from(table.put(shared.hash, entry));
    state.entries += 1;
    contention::moved();
    true
}

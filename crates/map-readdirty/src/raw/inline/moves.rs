//! Moving entries that lie in the array, and sweeping them. Why it is done in this order: see [`core`](super::core).

use std::hash::{BuildHasher, Hash};

use map_sync::contention;

use super::super::bits::from_bits;
use super::super::levels::{Moves, Pinned, State};
use super::core::Inline;
use super::slot::{DEAD, Held, MOVED};
use super::table::Table;

impl<K: Hash + Eq, V, S: BuildHasher> Moves<S> for Inline<K, V> {
    fn promote_last(pin: &Pinned<'_, Self, S>, state: &mut State<Self>, table: &Table<K, V>) {
        let Some((hash, slot)) = state.dirty.pop(pin.core.parts.beside.dirty()) else { return };
        loop {
            let look = slot.look();
            if !slot.set_mark(look, MOVED) {
                continue;
            }
            if let Some(value) = look.value() {
                let (_, is_fresh) = table.put(hash, look.key, value);
                state.filled += usize::from(is_fresh);
                state.entries += 1;
                contention::moved();
            }
            return;
        }
    }

    fn move_slot(
        pin: &Pinned<'_, Self, S>,
        state: &mut State<Self>,
        old: &Table<K, V>,
        index: usize,
        table: &Table<K, V>,
    ) {
        let Some(mut look) = old.look(index) else { return };
        // SAFETY: by I1 of `slot` the bits are those of a key.
        let key: K = unsafe { from_bits(look.key) };
        // Code of the user's, before anything is changed.
        let hash = pin.hash(&key);
        let mut copy = None;
        // A copy is right, or taken back, before the mark sends anybody to it.
        loop {
            match (look.value(), copy) {
                (Some(value), Some(copy)) => table.slot(copy).set(look.key, value),
                (Some(value), None) => {
                    let (index, is_fresh) = table.put(hash, look.key, value);
                    state.filled += usize::from(is_fresh);
                    copy = Some(index);
                }
                (None, Some(index)) => {
                    discard(state, table, index);
                    copy = None;
                }
                (None, None) => {}
            }
            if old.slot(index).set_mark(look, MOVED) {
                break;
            }
            look = old.slot(index).look();
        }
        state.pending -= 1;
        if copy.is_some() {
            state.entries += 1;
            contention::moved();
        }
    }

    fn sweep_slot(
        _: &Pinned<'_, Self, S>,
        state: &mut State<Self>,
        table: &Table<K, V>,
        index: usize,
    ) {
        let Some(look) = table.look(index) else { return };
        if look.held == Held::Absent && table.slot(index).set_mark(look, DEAD) {
            state.entries -= 1;
            state.filled -= usize::from(table.sweep(index));
        }
    }
}

/// Takes a copy back that does not count yet: the key was removed meanwhile.
fn discard<K, V>(state: &mut State<Inline<K, V>>, table: &Table<K, V>, copy: usize) {
    let slot = table.slot(copy);
    let done = slot.set_mark(slot.look(), DEAD);
    debug_assert!(done, "nobody else looks here");
    state.filled -= usize::from(table.sweep(copy));
}

#[cfg(test)]
#[path = "moves_tests.rs"]
mod tests;

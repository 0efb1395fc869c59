//! The dirty level: entries that are not in the published array yet.
//!
//! **Layout**: at most [`DIRTY_MAX`] slots in the order of their insertion, their hashes beside
//! them under the mutex; a search compares hashes one by one. The slots are allocated with the first one and stay until the map ends: who has
//! seen an entry exchanges it without the mutex, as in the array.

use std::borrow::Borrow;

use map_sync::shim::OnceLock;

use super::super::bits::from_bits;
use super::super::levels::Waiting;
use super::super::moves::DIRTY_MAX;
use super::slot::{Held, Look, MARKS, Seen, Slot};

/// What a map of inline entries has beside both levels.
pub(crate) struct Beside {
    /// The own places of the keys that are marks.
    pub(super) marks: [Slot; MARKS],
    dirty: OnceLock<Box<[Slot]>>,
}

impl Default for Beside {
    fn default() -> Self {
        Self { marks: Default::default(), dirty: OnceLock::new() }
    }
}

impl Beside {
    /// The slots of the dirty level.
    pub(super) fn dirty(&self) -> &[Slot] {
        self.dirty.get_or_init(|| (0..DIRTY_MAX).map(|_| Slot::default()).collect())
    }
}

/// The hashes of the keys that wait for promotion.
#[derive(Default)]
pub(crate) struct Dirty {
    hashes: Vec<u64>,
}

impl Waiting for Dirty {
    fn len(&self) -> usize {
        self.hashes.len()
    }
}

impl Dirty {
    /// Finds a key by its hash in `slots`, those of the dirty level.
    pub(super) fn find<'p, K, V, Q>(
        &self,
        slots: &'p [Slot],
        hash: u64,
        key: &Q,
    ) -> Option<Seen<'p, K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let with_hash = self.hashes.iter().zip(slots).filter(|(known, _)| **known == hash);
        let looks = with_hash.map(|(_, slot)| (slot, slot.look()));
        looks.filter(|(_, look)| matches!(look.held, Held::Present | Held::Absent)).find_map(
            |(slot, look)| {
                // SAFETY: by I1 of `slot` the bits are those of a key.
                let known: K = unsafe { from_bits(look.key) };
                (known.borrow() == key).then(|| Seen::new(slot, look))
            },
        )
    }

    /// Makes room for one more key, so that the next `push` cannot fail.
    pub(super) fn reserve(&mut self) {
        self.hashes.reserve(1);
    }

    /// Puts a new key into the next slot. There must be room, and the bits of its hash must be set in the filter (D1): from now on
    /// who has seen the same words in this slot before may exchange them.
    pub(super) fn push<'p, K, V>(
        &mut self,
        slots: &'p [Slot],
        hash: u64,
        key: u64,
        value: u64,
    ) -> Seen<'p, K, V> {
        let slot = &slots[self.hashes.len()];
        slot.refill(key, value);
        self.hashes.push(hash);
        Seen::new(slot, Look::present(key, value))
    }

    /// Gives up the newest slot, and returns it with the hash of its key.
    pub(super) fn pop<'p>(&mut self, slots: &'p [Slot]) -> Option<(u64, &'p Slot)> {
        let hash = self.hashes.pop()?;
        Some((hash, &slots[self.hashes.len()]))
    }
}

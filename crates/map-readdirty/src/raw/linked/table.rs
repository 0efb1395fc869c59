//! The published array of entries.
//!
//! **Layout**: a power of two of slots, probed linearly from the upper bits of the mixed hash. (Linear
//! probing is sensitive to patterns that a hash leaves in consecutive keys; one multiplication removes
//! them, and makes weak hashes usable.) A slot is empty
//! (`null`), swept (`SWEPT`), or points to an entry; the pointer's upper 16 bits then carry a tag
//! from the mixed hash's middle bits, so that a search follows a pointer to a wrong entry once in some
//! 32 000 occupied slots.
//!
//! ```text
//!        63      48 47                      0
//!   slot [ tag|1  |  address of the entry   ]     tag = 0: empty (0) or swept (1)
//! ```
//!
//! **Portability**: on x86-64 and aarch64 the addresses that an allocator hands out have 48 bits
//! unless a program asks the kernel for more; the entry's address is checked when it is put in, so
//! an exotic allocator means a panic and never a wrong pointer. Elsewhere (and on Android, where the
//! upper byte of an address may be in use) there is no tag and every occupied slot is followed.
//!
//! **Invariants**: (T1) Only the holder of the map's mutex writes slots. (T2) A slot goes from empty
//! to an entry; from an entry to swept or empty, after that entry has died; from swept to another
//! entry. (T3) An entry that is not dead stays in its slot for as long as the table is reachable.
//! (T4) At least one slot is empty, so a search ends. (T5) No slot becomes empty unless the next one
//! is, so no search path is cut.
//!
//! **Ordering**: slots are written with `Release`, whose partner is every read of a slot: who sees the pointer sees
//! the entry. The reads are `SeqCst`, as those of the value words, of whose order they are part.

use std::alloc::{Layout, alloc_zeroed};
use std::ptr;

use map_core::ReserveError;
use map_sync::shim::atomic::{AtomicPtr, Ordering::Release, Ordering::SeqCst};

use super::super::filter::mix;
use super::super::levels::Array;
use super::entry::Entry;

#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(target_os = "android")))]
const ADDRESS_BITS: u32 = 48;
#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(target_os = "android"))))]
const ADDRESS_BITS: u32 = usize::BITS;

/// Whether slots carry tags.
const TAGGED: bool = ADDRESS_BITS != usize::BITS;
/// Where the tag lies; 0 if there is none.
const SHIFT: u32 = ADDRESS_BITS % usize::BITS;

const SWEPT: usize = 1;

/// The published array.
pub(crate) struct Table<K, V> {
    mask: usize,
    /// How far a mixed hash is shifted to give its first slot.
    shift: u32,
    /// The table that this one replaces, while entries are still being moved out of it.
    old: AtomicPtr<Table<K, V>>,
    slots: Box<[AtomicPtr<Entry<K, V>>]>,
}

/// How many slots of a table of `slots`, at least 8, may be taken: five in eight.
pub(crate) fn limit(slots: usize) -> usize {
    slots / 8 * 5
}

/// The smallest table that may hold `entries`.
pub(crate) fn slots_for(entries: usize) -> Result<usize, ReserveError> {
    let overflow = ReserveError::CapacityOverflow;
    let slots = (entries / 5).checked_mul(8).ok_or(overflow)?;
    let slots = slots.checked_add((entries % 5 * 8).div_ceil(5)).ok_or(overflow)?;
    slots.max(8).checked_next_power_of_two().ok_or(overflow)
}

/// The tag of a mixed hash, never zero where there are tags.
#[inline]
fn tag(mixed: u64) -> usize {
    if TAGGED { ((mixed >> 16 | 1) as usize) << SHIFT } else { 0 }
}

/// Whether a slot points to an entry that may be the one with this tag.
#[inline(always)]
fn has_tag<T>(slot: *mut T, tag: usize) -> bool {
    // Equal tags cancel out; an empty or swept slot has none.
    if TAGGED { (slot.addr() ^ tag) >> SHIFT == 0 } else { slot.addr() > SWEPT }
}

#[inline]
fn untagged<T>(slot: *mut T) -> *mut T {
    if TAGGED { slot.map_addr(|address| address & ((1 << SHIFT) - 1)) } else { slot }
}

impl<K, V> Array for Table<K, V> {
    fn new(slots: usize) -> Result<Box<Self>, ReserveError> {
        let layout = Layout::array::<AtomicPtr<Entry<K, V>>>(slots)
            .map_err(|_| ReserveError::CapacityOverflow)?;
        debug_assert!(slots.is_power_of_two());
        // SAFETY: the layout has a size, for there is at least one slot.
        let memory = unsafe { alloc_zeroed(layout) }.cast::<AtomicPtr<Entry<K, V>>>();
        if memory.is_null() {
            return Err(ReserveError::AllocError);
        }
        let memory = ptr::slice_from_raw_parts_mut(memory, slots);
        // SAFETY: the memory was allocated for such a slice, and zero is the null pointer.
        let slots = unsafe { Box::from_raw(memory) };
        let shift = u64::BITS - slots.len().trailing_zeros();
        Ok(Box::new(Self { mask: slots.len() - 1, shift, old: AtomicPtr::default(), slots }))
    }

    fn slots(&self) -> usize {
        self.slots.len()
    }

    fn old(&self) -> &AtomicPtr<Self> {
        &self.old
    }
}

impl<K, V> Table<K, V> {
    /// Finds the entry with this hash for which `is_key` holds.
    ///
    /// # Safety
    ///
    /// The caller must have been pinned since before it reached this table, and stay so
    /// for as long as it uses the entry.
    #[inline]
    pub(crate) unsafe fn find(
        &self,
        hash: u64,
        mut is_key: impl FnMut(&K) -> bool,
    ) -> Option<&Entry<K, V>> {
        let mixed = mix(hash);
        let tag = tag(mixed);
        let mut index = (mixed >> self.shift) as usize & self.mask;
        loop {
            let slot = self.slot(index);
            if slot.is_null() {
                return None;
            }
            if has_tag(slot, tag) {
                // SAFETY: an entry that a slot points to is retired only after the slot has been
                // overwritten (T2), so by the caller it is valid.
                let entry = unsafe { &*untagged(slot) };
                if entry.hash == hash && is_key(&entry.key) {
                    return Some(entry);
                }
            }
            index += 1;
        }
    }

    /// Reads the slot at `index`, counted around the end.
    #[inline(always)]
    fn slot(&self, index: usize) -> *mut Entry<K, V> {
        // SAFETY: the index is masked, and the table has `mask + 1` slots.
        unsafe { self.slots.get_unchecked(index & self.mask) }.load(SeqCst)
    }

    /// Returns the entry in the slot at `index`.
    pub(crate) fn entry(&self, index: usize) -> Option<*mut Entry<K, V>> {
        let slot = self.slots[index].load(SeqCst);
        (slot.addr() > SWEPT).then(|| untagged(slot))
    }

    /// Puts an entry whose key is not in the table into the first free slot; returns whether that
    /// was an empty one.
    ///
    /// The caller holds the mutex (T1) and keeps T4.
    pub(crate) fn put(&self, hash: u64, entry: *mut Entry<K, V>) -> bool {
        assert!(untagged(entry) == entry, "an allocation lies beyond 48 bits of address");
        let mixed = mix(hash);
        let mut index = (mixed >> self.shift) as usize & self.mask;
        loop {
            let slot = self.slots[index].load(SeqCst);
            if slot.is_null() || slot.addr() == SWEPT {
                let tagged = entry.map_addr(|address| address | tag(mixed));
                self.slots[index].store(tagged, Release);
                return slot.is_null();
            }
            index = (index + 1) & self.mask;
        }
    }

    /// Frees the slot of an entry that has died; returns whether it is empty now.
    ///
    /// The caller holds the mutex (T1).
    pub(crate) fn sweep(&self, index: usize) -> bool {
        let next = self.slots[(index + 1) & self.mask].load(SeqCst);
        let free =
            if next.is_null() { ptr::null_mut() } else { ptr::without_provenance_mut(SWEPT) };
        self.slots[index].store(free, Release);
        free.is_null()
    }

    /// How many slots are not empty.
    #[cfg(test)]
    pub(crate) fn filled(&self) -> usize {
        self.slots.iter().filter(|slot| !slot.load(SeqCst).is_null()).count()
    }

    /// Empties the slot at `index` and returns its entry, of which the caller is then the owner.
    pub(crate) fn take(&mut self, index: usize) -> Option<*mut Entry<K, V>> {
        let slot = std::mem::replace(self.slots[index].get_mut(), ptr::null_mut());
        (slot.addr() > SWEPT).then(|| untagged(slot))
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;

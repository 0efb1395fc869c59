//! The published array of slots and their tags.
//!
//! **Layout**: groups of 32 slots, with a byte for each that says *never used* (0), *swept* (1), or
//! gives eight bits of the mixed hash, so that a search looks into a wrong slot once for some 254 in use. A group is searched
//! by comparing all its tags at once ([`map_sync::tags`]); who finds it full goes on to the next one.
//!
//! ```text
//!   group 0                    group 1
//!   tags  [ 32 bytes ]         [ 32 bytes ]  ...
//!   slots [ 32 × (key, value) ] [ 32 × (key, value) ]  ...
//! ```
//!
//! **Source**: SwissTable (Kulukundis, CppCon 2017), with groups that are searched from their beginning, so that the
//! last tag of a group tells whether it has ever been full.
//!
//! **Invariants**: (T1) Only the holder of the map's mutex writes tags. (T2) A slot that is not swept stays with its
//! key for as long as the table is reachable. (T3) The first free slot of a group is taken, so the last tag is zero unless all
//! others are not. (T4) At least one group is not full, so a search ends. (T5) A tag becomes zero again only in a group that is not full; no search
//! goes beyond such a one.
//!
//! **Ordering**: a slot is filled before its tag is set, with a release fence in between whose partner is the acquire
//! fence of who has found the tag.

use std::alloc::{Layout, alloc_zeroed};
use std::borrow::Borrow;
use std::marker::PhantomData;
use std::ptr;

use map_core::ReserveError;
use map_sync::shim::MODEL;
use map_sync::shim::atomic::{AtomicPtr, Ordering::Acquire, Ordering::Release, fence};
use map_sync::tags::Tags;
use map_sync::wide::available;

use super::super::bits::from_bits;
use super::super::filter::mix;
use super::super::levels::Array;

use super::slot::{ABSENT, Held, Look, Seen, Slot, is_mark};

/// Slots of a group.
const GROUP: usize = 32;

const NEVER_USED: u8 = 0;
const SWEPT: u8 = 1;
/// The smallest tag of a slot in use.
const FIRST_TAG: u8 = 2;

/// The published array.
pub(crate) struct Table<K, V> {
    mask: usize,
    /// How far a mixed hash is shifted to give its first group.
    shift: u32,
    /// The table that this one replaces, while entries are still being moved out of it.
    old: AtomicPtr<Table<K, V>>,
    tags: Box<[Tags]>,
    slots: Box<[Slot]>,
    _entries: PhantomData<fn() -> (K, V)>,
}

/// What a search in one table has found.
pub(super) enum Found<'t, K, V> {
    Here(Seen<'t, K, V>),
    /// The key was here once, and is to be looked for further on.
    Moved,
    Nothing,
}

/// The short look at a key does not tell.
pub(crate) struct NotTold;

/// Of eight slots so many may be taken. Few in a model, so that it comes to growth.
const OF_EIGHT: usize = if MODEL { 1 } else { 7 };

/// How many slots of a table of `slots` may be taken.
pub(super) fn limit(slots: usize) -> usize {
    slots / 8 * OF_EIGHT
}

/// The smallest table that may hold `entries`.
pub(super) fn slots_for(entries: usize) -> Result<usize, ReserveError> {
    let overflow = ReserveError::CapacityOverflow;
    let slots = (entries / OF_EIGHT).checked_mul(8).ok_or(overflow)?;
    let slots = slots.checked_add((entries % OF_EIGHT * 8).div_ceil(OF_EIGHT)).ok_or(overflow)?;
    slots.max(GROUP).checked_next_power_of_two().ok_or(overflow)
}

/// The tag of a mixed hash.
#[inline(always)]
fn tag_of(mixed: u64) -> u8 {
    ((mixed >> 24) as u8).max(FIRST_TAG)
}

/// Whether a group has ever been full.
#[inline(always)]
fn is_full(tags: &Tags) -> bool {
    tags.get(GROUP - 1) != NEVER_USED
}

/// Makes `length` of what is good when it is zero.
///
/// # Safety
///
/// Zeroed memory is a valid `T`, which is not of size zero; nor is `length`.
unsafe fn zeroed<T>(length: usize) -> Result<Box<[T]>, ReserveError> {
    let layout = Layout::array::<T>(length).map_err(|_| ReserveError::CapacityOverflow)?;
    // SAFETY: by the caller the layout has a size.
    let memory = unsafe { alloc_zeroed(layout) }.cast::<T>();
    if memory.is_null() {
        return Err(ReserveError::AllocError);
    }
    // SAFETY: the memory was allocated for such a slice, and by the caller is one.
    Ok(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(memory, length)) })
}

impl<K, V> Array for Table<K, V> {
    fn new(slots: usize) -> Result<Box<Self>, ReserveError> {
        assert!(available(), "the processor has no wide words");
        let groups = slots / GROUP;
        debug_assert!(groups.is_power_of_two());
        // SAFETY: zeroed slots are such as have never been used, and there is at least one group of them.
        let slots = unsafe { zeroed::<Slot>(slots) }?;
        // SAFETY: tags of zero are the first ones.
        let tags = unsafe { zeroed::<Tags>(groups) }?;
        let shift = (u64::BITS - groups.trailing_zeros()).min(u64::BITS - 1);
        let old = AtomicPtr::default();
        Ok(Box::new(Self { mask: groups - 1, shift, old, tags, slots, _entries: PhantomData }))
    }

    fn slots(&self) -> usize {
        self.slots.len()
    }

    fn old(&self) -> &AtomicPtr<Self> {
        &self.old
    }
}

impl<K, V> Table<K, V> {
    #[inline(always)]
    fn group_of(&self, mixed: u64) -> usize {
        (mixed >> self.shift) as usize & self.mask
    }

    /// Finds a key by its hash.
    #[inline(always)]
    pub(super) fn find<Q>(&self, hash: u64, key: &Q) -> Found<'_, K, V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mixed = mix(hash);
        let tag = tag_of(mixed);
        let mut group = self.group_of(mixed);
        loop {
            // SAFETY: the group is masked, and there are `mask + 1`.
            let tags = unsafe { self.tags.get_unchecked(group) };
            let matching = tags.equal_to(tag);
            fence(Acquire);
            for index in matching {
                // SAFETY: there are `GROUP` slots for each group, and as many bits.
                let slot = unsafe { self.slots.get_unchecked(group * GROUP + index) };
                let look = slot.look();
                // SAFETY: by I1 of `slot` the bits are those of a key.
                let known: K = unsafe { from_bits(look.key) };
                if known.borrow() == key {
                    match look.held {
                        Held::Present | Held::Absent => return Found::Here(Seen::new(slot, look)),
                        Held::Moved => return Found::Moved,
                        Held::Dead => {}
                    }
                }
            }
            if !is_full(tags) {
                return Found::Nothing;
            }
            group = (group + 1) & self.mask;
        }
    }

    /// Copies the value of a key that is present, or says that it is absent from this table.
    #[inline(always)]
    pub(super) fn copy<Q>(&self, hash: u64, key: &Q) -> Result<Option<V>, NotTold>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mixed = mix(hash);
        let tag = tag_of(mixed);
        let mut group = self.group_of(mixed);
        loop {
            // SAFETY: as in `find`.
            let tags = unsafe { self.tags.get_unchecked(group) };
            let matching = tags.equal_to(tag);
            fence(Acquire);
            for index in matching {
                // SAFETY: as in `find`.
                let slot = unsafe { self.slots.get_unchecked(group * GROUP + index) };
                let [first, second] = slot.words();
                // SAFETY: by I1 of `slot` a mark comes with the bits of a key, and other bits are a key's.
                let known: K = unsafe { from_bits(if is_mark(first) { second } else { first }) };
                if known.borrow() == key {
                    return match first {
                        ABSENT => Ok(None),
                        mark if is_mark(mark) => Err(NotTold),
                        // SAFETY: the key is present, so these are the bits of its value.
                        _ => Ok(Some(unsafe { from_bits(second) })),
                    };
                }
            }
            if !is_full(tags) {
                return Ok(None);
            }
            group = (group + 1) & self.mask;
        }
    }

    pub(super) fn slot(&self, index: usize) -> &Slot {
        &self.slots[index]
    }

    fn tag(&self, index: usize) -> u8 {
        self.tags[index / GROUP].get(index % GROUP)
    }

    /// What the slot at `index` holds, if it is in use.
    pub(super) fn look(&self, index: usize) -> Option<Look> {
        let is_in_use = self.tag(index) >= FIRST_TAG;
        fence(Acquire);
        is_in_use.then(|| self.slots[index].look())
    }

    /// Puts a key that is not in the table into the first free slot. Returns the slot, and whether it has never been used.
    ///
    /// The caller holds the mutex (T1) and keeps T4.
    pub(super) fn put(&self, hash: u64, key: u64, value: u64) -> (usize, bool) {
        let mixed = mix(hash);
        let mut group = self.group_of(mixed);
        loop {
            let tags = &self.tags[group];
            let (fresh, swept) = (tags.equal_to(NEVER_USED), tags.equal_to(SWEPT));
            let free = fresh.0 | swept.0;
            if free == 0 {
                group = (group + 1) & self.mask;
                continue;
            }
            let within = free.trailing_zeros() as usize;
            let index = group * GROUP + within;
            let is_fresh = tags.get(within) == NEVER_USED;
            self.slots[index].refill(key, value);
            // Release: partner of the fence in `find` and `look`.
            fence(Release);
            tags.set(within, tag_of(mixed));
            return (index, is_fresh);
        }
    }

    /// Frees the slot of an entry that has died; returns whether it is as if it had never been used.
    ///
    /// The caller holds the mutex (T1).
    pub(super) fn sweep(&self, index: usize) -> bool {
        let tags = &self.tags[index / GROUP];
        let whole = !is_full(tags);
        tags.set(index % GROUP, if whole { NEVER_USED } else { SWEPT });
        whole
    }

    /// How many slots are not free of any trace.
    #[cfg(test)]
    pub(super) fn filled(&self) -> usize {
        (0..self.slots.len()).filter(|&index| self.tag(index) != NEVER_USED).count()
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;

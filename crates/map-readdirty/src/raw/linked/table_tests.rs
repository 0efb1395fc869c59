//! Sizes, tags, and slots that come and go.

use super::super::entry::Owned;
use super::*;

/// A table, and the entries that were put in.
struct Filled {
    table: Box<Table<u64, u64>>,
    entries: Vec<Owned<u64, u64>>,
}

impl Filled {
    fn new(slots: usize) -> Self {
        Self { table: Table::new(slots).expect("a little room"), entries: Vec::new() }
    }

    /// Puts in a key; returns whether its slot was empty.
    fn put(&mut self, hash: u64, key: u64) -> bool {
        let entry = Owned::new(hash, key, key).into_raw();
        // SAFETY: it has just been given up; the table has it lent until both are dropped.
        self.entries.push(unsafe { Owned::from_raw(entry) });
        self.table.put(hash, entry)
    }

    fn has(&self, hash: u64, key: u64) -> bool {
        // SAFETY: entries live as long as `self`.
        unsafe { self.table.find(hash, |known| *known == key) }.is_some()
    }

    /// The keys in the order of the slots.
    fn keys(&self) -> Vec<Option<u64>> {
        let entries = (0..self.table.slots()).map(|index| self.table.entry(index));
        // SAFETY: entries live as long as `self`.
        entries.map(|entry| entry.map(|entry| unsafe { (*entry).key })).collect()
    }
}

/// The hash that begins its search at `slot` of eight; hashes with other `low` differ.
fn hash_for(slot: u64, low: u64) -> u64 {
    // The inverse of the factor of `mix`, modulo 2^64.
    (slot << 61 | low).wrapping_mul(0xF1DE_83E1_9937_733D)
}

#[test]
fn a_table_is_the_smallest_that_may_hold_its_entries() {
    for entries in 0..5_000 {
        let slots = slots_for(entries).expect("few");
        assert!(slots.is_power_of_two() && slots >= 8);
        assert!(limit(slots) >= entries, "{entries} entries in {slots} slots");
        assert!(slots == 8 || limit(slots / 2) < entries, "{entries} entries in {slots} slots");
    }
    assert_eq!((limit(8), limit(16), limit(1024)), (5, 10, 640));
    for entries in
        [usize::MAX, usize::MAX / 2, usize::MAX / 8 * 5 + 5, (usize::MAX / 2 + 1) / 8 * 5 + 1]
    {
        assert_eq!(slots_for(entries), Err(ReserveError::CapacityOverflow));
    }
    assert_eq!(slots_for((usize::MAX / 2 + 1) / 8 * 5), Ok(usize::MAX / 2 + 1));
}

#[test]
fn more_slots_than_there_are_addresses_are_refused() {
    let refused = Table::<u64, u64>::new(usize::MAX / 2 + 1).err();
    assert_eq!(refused, Some(ReserveError::CapacityOverflow));
}

#[test]
fn there_are_tags_where_addresses_leave_room() {
    let has_room = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
    assert_eq!(TAGGED, has_room && cfg!(not(target_os = "android")));
    assert_eq!(SHIFT != 0, TAGGED);
}

#[test]
fn a_tag_is_of_its_hash_and_no_part_of_the_address() {
    let owned = Owned::new(0, 0_u64, 0_u64).into_raw();
    for mixed in [0, 1 << 16, 1 << 17, u64::MAX, mix(1), mix(2)] {
        let tag = tag(mixed);
        let slot = owned.map_addr(|address| address | tag);
        assert_eq!(tag != 0, TAGGED, "no slot with an entry looks empty");
        assert!(has_tag(slot, tag) && untagged(slot) == owned);
        assert!(!has_tag(ptr::null_mut::<()>(), tag));
        assert!(!has_tag(ptr::without_provenance_mut::<()>(SWEPT), tag));
        assert_eq!(has_tag(slot, super::tag(mixed ^ 1 << 20)), !TAGGED);
    }
    // SAFETY: it has just been given up.
    drop(unsafe { Owned::from_raw(owned) });
}

#[test]
fn entries_are_put_behind_each_other_and_around_the_end() {
    let mut map = Filled::new(8);
    for (key, slot) in [(1, 6), (2, 6), (3, 7), (4, 6), (5, 0)] {
        assert!(map.put(hash_for(slot, key), key), "the slot was empty");
    }
    let keys = map.keys();
    assert_eq!(keys, [Some(3), Some(4), Some(5), None, None, None, Some(1), Some(2)]);
    assert_eq!(map.table.filled(), 5);
    for (key, slot) in [(1, 6), (2, 6), (3, 7), (4, 6), (5, 0)] {
        assert!(map.has(hash_for(slot, key), key));
        assert!(!map.has(hash_for(slot, key), 9), "another key of the same hash");
        assert!(
            !map.has(hash_for(slot, key + 8), key),
            "another hash, to which the key does not belong"
        );
    }
}

#[test]
fn a_slot_becomes_empty_only_before_an_empty_one() {
    let mut map = Filled::new(8);
    (1..=3).for_each(|key| assert!(map.put(hash_for(6, key), key)));
    assert_eq!(map.keys()[6..], [Some(1), Some(2)]);
    assert!(!map.table.sweep(6), "a search for what is behind must not end here");
    assert!(!map.table.sweep(7), "nor here, before the first slot");
    assert_eq!((map.table.filled(), map.keys()[6..].to_vec()), (3, vec![None, None]));
    assert!(map.has(hash_for(6, 3), 3) && !map.has(hash_for(6, 1), 1));
    assert!(!map.put(hash_for(7, 4), 4), "a swept slot is used again, and was not empty");
    assert_eq!(map.keys()[7], Some(4));
    assert!(map.table.sweep(0), "the next slot is empty");
    assert_eq!(map.table.filled(), 2);
}

#[test]
fn all_entries_are_taken_out_once() {
    let mut map = Filled::new(8);
    (1..=3).for_each(|key| assert!(map.put(hash_for(6, key), key)));
    map.table.sweep(6);
    let mut taken: Vec<_> = (0..8).filter_map(|index| map.table.take(index)).collect();
    let mut entries: Vec<_> = map.entries.drain(1..).map(Owned::into_raw).collect();
    taken.sort_unstable();
    entries.sort_unstable();
    assert_eq!(taken, entries);
    assert!((0..8).all(|index| map.table.take(index).is_none()));
    for entry in entries {
        // SAFETY: it has just been given up.
        drop(unsafe { Owned::from_raw(entry) });
    }
}

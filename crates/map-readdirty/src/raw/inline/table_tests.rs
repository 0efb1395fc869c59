//! Where a key is put, how long it is found, and what a sweep leaves.

use super::*;

/// A hash of this group in a table of `groups`, with this tag.
fn hash(groups: usize, group: usize, tag: u8) -> u64 {
    let mixed = (group as u64) << (64 - groups.trailing_zeros()) | u64::from(tag) << 24;
    // The inverse of the factor of `mix`, by Newton's way.
    let factor = mix(1);
    let mut inverse = factor;
    for _ in 0..6 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(factor.wrapping_mul(inverse)));
    }
    mixed.wrapping_mul(inverse)
}

fn table(groups: usize) -> Box<Table<u64, u64>> {
    Table::new(groups * GROUP).expect("a little memory")
}

fn value(table: &Table<u64, u64>, hash: u64, key: u64) -> Option<u64> {
    match table.find(hash, &key) {
        Found::Here(seen) => seen.value().copied(),
        Found::Moved | Found::Nothing => None,
    }
}

#[test]
fn sizes_are_powers_of_two_of_which_seven_in_eight_may_be_taken() {
    for (entries, slots) in [(0, 32), (28, 32), (29, 64), (56, 64), (57, 128), (114_688, 131_072)] {
        assert_eq!(slots_for(entries), Ok(slots));
        assert!(limit(slots) >= entries && (slots == 32 || limit(slots / 2) < entries));
    }
    for entries in [usize::MAX, usize::MAX / 8 * 7, usize::MAX / 2] {
        assert_eq!(slots_for(entries), Err(ReserveError::CapacityOverflow));
    }
    assert!(matches!(Table::<u64, u64>::new(1 << 59), Err(ReserveError::CapacityOverflow)));
}

#[test]
fn tags_and_groups_come_from_different_bits_and_no_tag_means_that_a_slot_is_free() {
    let four = table(4);
    for group in 0..4 {
        for tag in 0..=255 {
            let mixed = mix(hash(4, group, tag));
            assert_eq!(four.group_of(mixed), group);
            assert_eq!(tag_of(mixed), tag.max(2));
        }
    }
    assert_eq!(table(1).group_of(u64::MAX), 0);
}

#[test]
fn a_group_is_filled_from_its_beginning_and_then_the_next_one() {
    let two = table(2);
    // The second group first, so that the search goes round the end.
    let hash = hash(2, 1, 9);
    for key in 0..40 {
        let (index, is_fresh) = two.put(hash, key, key + 100);
        assert_eq!((index as u64, is_fresh), ((32 + key) % 64, true));
        assert_eq!(is_full(&two.tags[1]), key >= 31);
    }
    assert_eq!(two.filled(), 40);
    for key in 0..40 {
        assert_eq!(value(&two, hash, key), Some(key + 100));
        assert_eq!(value(&two, self::hash(2, 1, 10), key), None, "of another tag");
        assert_eq!(value(&two, self::hash(2, 0, 9), key), (key >= 32).then_some(key + 100));
    }
    assert_eq!(value(&two, hash, 40), None);
}

#[test]
fn what_is_swept_is_used_again_and_cuts_no_search_off() {
    let two = table(2);
    let hash = hash(2, 0, 9);
    (0..31).for_each(|key| assert_eq!(two.put(hash, key, key), (key as usize, true)));
    let die = |index: usize| {
        let look = two.look(index).expect("in use");
        assert!(two.slot(index).set_mark(look, super::super::slot::DEAD));
        two.sweep(index)
    };
    assert!(die(3) && two.filled() == 30, "the group is not full: the slot is as new");
    assert_eq!(two.put(hash, 100, 0), (3, true));
    assert_eq!(two.put(hash, 31, 31), (31, true));
    assert_eq!(two.put(hash, 32, 32), (32, true), "the first group is full");
    assert!(!die(31) && !die(5) && two.filled() == 33, "it has been full");
    assert!(two.look(5).is_none() && two.look(31).is_none());
    assert_eq!(value(&two, hash, 5), None);
    assert_eq!(value(&two, hash, 32), Some(32), "the search goes on behind what was swept");
    assert_eq!(two.put(hash, 101, 1), (5, false));
    assert_eq!(two.put(hash, 102, 2), (31, false));
    assert_eq!((value(&two, hash, 101), value(&two, hash, 102)), (Some(1), Some(2)));
}

#[test]
fn the_first_slot_of_all_may_hold_zeros() {
    let one = Table::<u64, u64>::new(GROUP).expect("a little memory");
    assert!(one.look(0).is_none());
    assert_eq!(value(&one, hash(2, 0, 0), 0), None, "a slot that has never been used holds no key");
    one.put(0, 0, 0);
    assert_eq!(value(&one, 0, 0), Some(0));
}

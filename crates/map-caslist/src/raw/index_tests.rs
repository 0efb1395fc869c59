//! Where sentinels are, when the level rises, and what a refusal leaves.

use std::collections::HashSet;

use super::*;

/// Above the base and some of it by several segments.
const HIGH: u32 = 9;

fn index_at(level: u32) -> Index {
    let index = Index::new();
    index.reserve(capacity_at(level)).expect("a little room");
    assert_eq!(index.level(), level);
    index
}

#[test]
fn each_bucket_has_a_sentinel_of_its_own_and_keeps_it_when_the_level_rises() {
    let index = index_at(HIGH);
    for level in BASE_LEVEL..=HIGH {
        let sentinels = (0..1 << level).map(|bucket| index.sentinel(level, bucket));
        let places: HashSet<_> = sentinels.map(ptr::from_ref).collect();
        assert_eq!(places.len(), 1 << level, "level {level}");
        for bucket in 0..1 << level {
            let sentinel = index.sentinel(level, bucket);
            assert!(ptr::eq(sentinel, index.sentinel(HIGH, bucket << (HIGH - level))));
        }
    }
    assert!(ptr::eq(index.first(), index.sentinel(HIGH, 0)));
}

#[test]
fn the_order_of_a_sentinel_is_the_lowest_of_its_bucket() {
    let index = index_at(HIGH);
    for bucket in 0..1 << HIGH {
        let sentinel = Tagged::sentinel(index.sentinel(HIGH, bucket));
        let order = index.order(sentinel);
        assert_eq!(order, bucket << (64 - HIGH));
        assert_eq!(Index::bucket(order, HIGH), bucket);
        assert_eq!(
            Index::bucket(order.wrapping_sub(1), HIGH),
            bucket.wrapping_sub(1) % (1 << HIGH)
        );
    }
}

#[test]
fn the_base_is_in_the_list_from_the_start_and_no_other_sentinel_is() {
    let index = index_at(HIGH);
    index.join_base();
    for bucket in 0..1 << HIGH {
        let is_base = bucket % (1 << (HIGH - BASE_LEVEL)) == 0;
        assert_eq!(index.sentinel(HIGH, bucket).load().is_ready(), is_base, "bucket {bucket}");
    }
    let mut at = Tagged::sentinel(index.first());
    for place in 0..BASE_LEN as u64 {
        assert_eq!(index.order(at), place << (64 - BASE_LEVEL));
        // SAFETY: it is a sentinel, which lives as long as the index.
        at = unsafe { &*at.address() }.load();
    }
    assert!(at == Tagged::END);
}

#[test]
fn the_level_rises_by_one_when_there_are_more_entries_than_buckets() {
    let index = Index::new();
    assert_eq!(index.capacity(), LOAD << BASE_LEVEL);
    for level in BASE_LEVEL..HIGH {
        index.grow(capacity_at(level));
        assert_eq!(index.level(), level, "that many fit");
        index.grow(capacity_at(level) + 1);
        assert_eq!(index.level(), level + 1);
    }
    index.grow(capacity_at(HIGH) * 100);
    assert_eq!(index.level(), HIGH + 1, "one level at a time");
}

#[test]
fn room_is_made_for_as_many_as_asked_for_and_never_taken_back() {
    let index = Index::new();
    for (entries, level) in [(0, 4), (16, 4), (17, 5), (1000, 10), (1024, 10), (1025, 11), (5, 11)]
    {
        index.reserve(entries).expect("a little room");
        assert_eq!((index.level(), index.capacity()), (level, LOAD << level), "{entries} entries");
    }
    let overflow = index.reserve(capacity_at(MAX_LEVEL) + 1);
    assert_eq!(overflow, Err(ReserveError::CapacityOverflow));
    assert_eq!(index.level(), 11, "a refusal changes nothing");
}

#[test]
fn a_segment_that_is_there_is_kept() {
    let index = Index::new();
    let of = |level| index.segments[segment_of(level)].load(Acquire);
    let segment = Segment::allocate(5).expect("a little room");
    let links = segment.links.as_ptr();
    segment.publish(&index);
    assert!(ptr::eq(of(5), links));
    Segment::allocate(5).expect("a little room").publish(&index);
    assert!(ptr::eq(of(5), links), "another thread was first");
    index.grow(capacity_at(4) + 1);
    index.reserve(capacity_at(6)).expect("a little room");
    assert!(ptr::eq(of(5), links));
    assert!(!of(6).is_null() && of(7).is_null());
}

/// The smallest entry takes 32 bytes.
#[test]
fn there_are_levels_for_as_many_entries_as_there_is_memory() {
    let memory = if usize::BITS >= 64 { 1_u128 << 47 } else { 1 << 31 };
    assert!(capacity_at(MAX_LEVEL) as u128 * 32 >= memory);
}

#[test]
fn the_segments_of_all_levels_have_as_many_places_as_there_are_buckets() {
    let places: usize = (BASE_LEVEL + 1..=HIGH).map(segment_len).sum();
    assert_eq!(BASE_LEN + places, 1 << HIGH);
}

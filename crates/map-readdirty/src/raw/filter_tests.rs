//! The filter never denies what is there and seldom confirms what is not.

use super::super::moves::DIRTY_MAX;
use super::*;

fn hashes(from: u64) -> impl Iterator<Item = u64> + Clone {
    (from..).map(|key| mix(mix(key)).rotate_left(23))
}

#[test]
fn a_filter_holds_what_was_set_until_it_is_cleared() {
    let filter = Filter::new();
    assert!(hashes(0).take(1000).all(|hash| !filter.load(hash).may_hold(hash)));
    let set = hashes(0).take(DIRTY_MAX);
    set.clone().for_each(|hash| filter.set(hash));
    assert!(set.clone().all(|hash| filter.load(hash).may_hold(hash)));
    let wrong = hashes(1000).take(10_000).filter(|&hash| filter.load(hash).may_hold(hash)).count();
    assert!(wrong < 1000, "{wrong} of 10000 absent keys are thought to be there");
    let used = filter.words.iter().filter(|word| word.load(SeqCst) != 0).count();
    assert_eq!(used, WORDS, "the words share the work");
    filter.clear();
    assert!(filter.words.iter().all(|word| word.load(SeqCst) == 0));
}

#[test]
fn a_hash_has_two_bits_which_are_told_apart() {
    let mut seen = 0;
    for hash in hashes(0).take(1000) {
        assert!((1..=2).contains(&bits(hash).count_ones()));
        seen |= bits(hash);
        let filter = Filter::new();
        filter.set(hash);
        for bit in (0..64).map(|bit| 1 << bit).filter(|bit| bits(hash) & bit != 0) {
            let word = FilterWord(bits(hash) & !bit);
            assert!(!word.may_hold(hash), "one of two bits is not enough");
        }
    }
    assert_eq!(seen, u64::MAX, "all bits are in use");
    let two = hashes(0).take(1000).filter(|&hash| bits(hash).count_ones() == 2).count();
    assert!(two > 950, "{two} of 1000 hashes have two bits");
}

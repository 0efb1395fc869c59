//! Each tag says one thing and leaves the others alone.

use super::*;

/// What links hold in the course of time, and what it says: marked, of a sentinel, claimed, ready.
fn all(link: &Link) -> [(Tagged, [bool; 4]); 9] {
    let node = Tagged::node(ptr::from_ref(link).cast_mut());
    let sentinel = Tagged::sentinel(link);
    [
        (Tagged::UNSET, [false, false, false, false]),
        (Tagged::END, [false, true, false, true]),
        (Tagged::CLAIMED, [false, false, true, false]),
        (node, [false, false, false, true]),
        (sentinel, [false, true, false, true]),
        (node.with(MARK), [true, false, false, true]),
        (sentinel.with(MARK), [true, true, false, true]),
        (node.claimed(), [false, false, true, false]),
        (sentinel.claimed(), [false, true, true, false]),
    ]
}

#[test]
fn tags_are_told_apart() {
    let link = Link::new(Tagged::END);
    for (held, says) in all(&link) {
        let said = [held.is_marked(), held.is_sentinel(), held.is_claimed(), held.is_ready()];
        assert_eq!(said, says);
        let plain = held.unmarked().unclaimed();
        assert!(!plain.is_marked() && !plain.is_claimed());
        assert_eq!(plain.is_sentinel(), held.is_sentinel());
        assert!(plain.address() == held.address());
    }
    assert!(all(&link)[3..].iter().all(|(held, _)| ptr::eq(held.address(), &link)));
}

#[test]
fn a_mark_stays_and_a_claim_goes() {
    let place = Link::new(Tagged::END);
    for (held, _) in all(&place) {
        let link = Link::new(held);
        assert!(link.mark() == held.unmarked() && link.mark() == held.unmarked());
        assert!(link.load() == held.with(MARK));
        let link = Link::new(held);
        assert!(link.settle() == held.unclaimed() && link.settle() == held.unclaimed());
        assert!(link.load() == held.unclaimed());
    }
}

#[test]
fn a_link_that_has_changed_is_not_swung() {
    let (one, other) = (Link::new(Tagged::END), Link::new(Tagged::END));
    let link = Link::new(Tagged::sentinel(&one));
    assert!(!link.swing(Tagged::sentinel(&other), Tagged::END));
    assert!(link.load() == Tagged::sentinel(&one));
    assert!(link.swing(Tagged::sentinel(&one), Tagged::sentinel(&other)));
    assert!(link.load() == Tagged::sentinel(&other));
}

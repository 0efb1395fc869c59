//! Steps of several threads, one after the other on one thread: what one has found, another one changes before the first goes on.

use core::ops::ControlFlow;
use core::ptr;
use std::sync::Arc;

use super::super::list::LazyList;
use super::super::node::{OwnedNode, OwnedValue};
use super::*;

/// Values have blocks of their own, so that each of them is retired.
type Text = String;

fn found<'g>(session: &'g Session<'_, u64, Text>, order: u64, key: u64) -> Live<'g, u64, Text> {
    match session.search(order, |known| *known == key) {
        Search::Live(live) => live,
        Search::Gap(_) => panic!("key {key} is present"),
    }
}

fn gap<'g>(session: &'g Session<'_, u64, Text>, order: u64, key: u64) -> Gap<'g, u64, Text> {
    match session.search(order, |known| *known == key) {
        Search::Gap(gap) => gap,
        Search::Live(_) => panic!("key {key} is absent"),
    }
}

fn node(order: u64, key: u64, value: &str) -> OwnedNode<u64, Text> {
    OwnedNode::new(order, key, value.to_owned())
}

fn insert(session: &Session<'_, u64, Text>, order: u64, key: u64) {
    let filled = gap(session, order, key).fill(node(order, key, "first"));
    assert!(filled.is_ok_and(|value| value == "first"), "nobody else is here");
}

fn get<'g>(session: &'g Session<'_, u64, Text>, order: u64, key: u64) -> Option<&'g str> {
    session.get(order, |known| *known == key).map(|value| value.as_str())
}

fn value(value: &str) -> OwnedValue<Text> {
    OwnedValue::new(value.to_owned())
}

/// What is linked: of a sentinel its order, of a node its order and its key.
fn linked(session: &Session<'_, u64, Text>) -> Vec<(u64, Option<u64>)> {
    let mut all = vec![(0, None)];
    let mut at = session.list.index.first().load();
    while at != Tagged::END {
        if at.is_sentinel() {
            all.push((session.list.index.order(at), None));
            at = session.sentinel(at).load().unclaimed();
        } else {
            let node = session.node(at);
            all.push((node.order, Some(node.key)));
            at = node.next.load().unmarked();
        }
    }
    all
}

/// The keys of the nodes that are linked, removed ones, too.
fn keys(session: &Session<'_, u64, Text>) -> Vec<u64> {
    linked(session).into_iter().filter_map(|(_, key)| key).collect()
}

#[test]
fn a_change_of_what_another_thread_has_changed_is_refused() {
    let list = LazyList::new();
    let session = Session::new(list.get_or_make());
    insert(&session, 5, 1);
    let (old, older) = (found(&session, 5, 1), found(&session, 5, 1));
    assert!(found(&session, 5, 1).replace(value("second")).is_ok_and(|value| value == "first"));
    let refused = old.replace(value("third")).expect_err("the value has changed");
    assert_eq!(refused.into_inner(), "third");
    assert!(older.remove().is_none(), "the value has changed");
    assert_eq!((get(&session, 5, 1), session.len()), (Some("second"), 1));
}

#[test]
fn an_entry_that_has_changed_is_given_back_and_one_that_is_gone_is_not() {
    let list = LazyList::new();
    let session = Session::new(list.get_or_make());
    insert(&session, 5, 1);
    let (old, older) = (found(&session, 5, 1), found(&session, 5, 1));
    assert!(found(&session, 5, 1).replace(value("second")).is_ok());
    let newer = old.remove_or_reload().expect("it is there, with its new value");
    assert_eq!(newer.value(), "second");
    assert!(newer.remove_or_reload().is_none(), "it is removed");
    assert_eq!((session.len(), keys(&session)), (0, vec![]));
    assert!(older.remove_or_reload().is_none(), "it is gone");
    assert_eq!(session.len(), 0, "a removal is counted once");
}

#[test]
fn of_two_insertions_at_one_place_the_later_one_searches_again() {
    let list = LazyList::new();
    let session = Session::new(list.get_or_make());
    let (first, second) = (gap(&session, 5, 1), gap(&session, 5, 1));
    assert!(first.fill(node(5, 1, "first")).is_ok());
    let refused = second.fill(node(5, 1, "second")).expect_err("the place has changed");
    assert_eq!(refused.into_parts(), (1, "second".to_owned()));
    assert_eq!((get(&session, 5, 1), session.len()), (Some("first"), 1));
}

#[test]
fn nothing_is_put_behind_a_node_that_is_removed() {
    let list = LazyList::new();
    let session = Session::new(list.get_or_make());
    insert(&session, 5, 1);
    let behind = gap(&session, 6, 2);
    assert!(found(&session, 5, 1).remove().is_some());
    assert!(behind.fill(node(6, 2, "lost")).is_err(), "it would not be in the list");
}

/// The thread that removes may stop after each of the first two steps.
#[test]
fn a_removal_that_stalls_is_finished_by_who_comes_by() {
    for marks in [false, true] {
        let list = LazyList::new();
        let session = Session::new(list.get_or_make());
        (1..=3).for_each(|key| insert(&session, 5 + key / 3, key));
        let stalled = found(&session, 5, 1);
        let removed = session.node(stalled.at);
        assert!(removed.swing(stalled.value, ptr::null_mut()));
        if marks {
            removed.next.mark();
        }
        assert_eq!(get(&session, 5, 1), None, "the entry is gone with its value");
        assert_eq!(get(&session, 5, 2), Some("first"));
        assert_eq!(keys(&session), [1, 2, 3], "a reader changes nothing");
        insert(&session, 5, 1);
        assert_eq!(keys(&session), [2, 1, 3], "who writes has unlinked it");
        session.retire_value(stalled.at, stalled.value);
        session.discard(stalled.before, stalled.at);
        assert_eq!(keys(&session), [2, 1, 3], "the other thread finds it done");
    }
}

#[test]
fn a_removal_whose_place_has_changed_looks_for_it() {
    let list = LazyList::new();
    let session = Session::new(list.get_or_make());
    insert(&session, 5, 1);
    insert(&session, 7, 3);
    let last = found(&session, 7, 3);
    insert(&session, 6, 2);
    assert!(last.remove().is_some());
    assert_eq!(keys(&session), [1, 2]);
}

/// The search that unlinks begins anew, since the node before its own has been removed.
#[test]
fn a_search_whose_way_is_cut_begins_anew() {
    let list = LazyList::new();
    let session = Session::new(list.get_or_make());
    (1..=3).for_each(|key| insert(&session, 5, key));
    let mut calls = 0;
    let search = session.search(5, |key| {
        calls += 1;
        if *key == 1 && calls == 1 {
            for key in [1, 2] {
                let node = session.node(found(&session, 5, key).at);
                assert!(node.swing(node.value(), ptr::null_mut()));
                node.next.mark();
            }
        }
        *key == 3
    });
    assert!(matches!(search, Search::Live(_)));
    assert_eq!(keys(&session), [3]);
}

#[test]
fn what_a_walk_removes_is_unlinked() {
    let list = LazyList::new();
    let session = Session::new(list.get_or_make());
    (1..=6).for_each(|key| insert(&session, 5 + key / 2, key));
    let ended: ControlFlow<()> = session.walk(|key, live| {
        if key % 2 == 0 {
            assert!(live.remove().is_some());
        }
        ControlFlow::Continue(())
    });
    assert!(ended.is_continue());
    assert_eq!((keys(&session), session.len()), (vec![1, 3, 5], 3));
}

/// A key is compared with those of its own order only.
#[test]
fn keys_of_other_orders_are_not_asked() {
    let list = LazyList::new();
    let session = Session::new(list.get_or_make());
    (1..=9).for_each(|key| insert(&session, key / 3, key));
    for order in 0..5 {
        let is_of_order = |key: &u64| {
            assert_eq!(key / 3, order);
            false
        };
        assert!(session.get(order, is_of_order).is_none());
        assert!(matches!(session.search(order, is_of_order), Search::Gap(_)));
    }
}

#[test]
fn an_insertion_that_had_far_to_walk_makes_the_index_grow() {
    let list = LazyList::new();
    let session = Session::new(list.get_or_make());
    let index = &session.list.index;
    // Each one is put before all others, so that none has to walk.
    (100..200).rev().for_each(|key| insert(&session, key, key));
    let level = index.level();
    assert_eq!(index.capacity(), 16, "far too few, but nobody has noticed");
    for (key, grown) in [(100, 0), (101, 0), (102, 1), (102, 2), (100, 2)] {
        let search = session.search(key, |_| false);
        let Search::Gap(gap) = search else { panic!("no key matches") };
        assert!(gap.fill(node(key, 1000 + key, "behind")).is_ok());
        assert_eq!(index.level(), level + grown, "behind {key}");
        assert!(found(&session, key, 1000 + key).remove().is_some());
    }
}

/// Orders at the very border of a bucket, on both sides of it, at all levels up to 8.
fn borders() -> impl Iterator<Item = u64> {
    (0..256_u64)
        .flat_map(|bucket| [bucket << 56, (bucket << 56) + 1, (bucket << 56).wrapping_sub(1)])
}

fn is_sorted(session: &Session<'_, u64, Text>) -> bool {
    linked(session).is_sorted_by_key(|&(order, key)| (order, key.is_some()))
}

#[test]
fn sentinels_come_right_before_their_buckets() {
    let list = LazyList::new();
    let session = Session::new(list.get_or_make());
    for order in borders() {
        insert(&session, order, order);
    }
    session.list.reserve(1 << 8).expect("a little room");
    let level = session.list.index.level();
    for bucket in (0..1 << level).rev() {
        let start = session.start(bucket << (64 - level));
        assert_eq!(start.level, level);
        assert!(session.list.index.sentinel(level, bucket).load().is_ready());
    }
    let all = linked(&session);
    assert_eq!(all.iter().filter(|(_, key)| key.is_none()).count(), 1 << level);
    assert!(is_sorted(&session), "a node would not be found from its sentinel");
    assert!(borders().all(|order| get(&session, order, order).is_some()));
}

#[test]
fn a_sentinel_whose_thread_stalls_is_done_without() {
    let list = LazyList::new();
    let session = Session::new(list.get_or_make());
    session.list.reserve(1 << 6).expect("a little room");
    let level = session.list.index.level();
    let claimed = session.list.index.sentinel(level, 37);
    assert!(claimed.swing(Tagged::UNSET, Tagged::CLAIMED));
    for order in borders() {
        insert(&session, order, order);
    }
    let start = session.start(37 << (64 - level));
    assert_eq!(start.level, 0);
    assert!(!ptr::eq(start.link, claimed));
    assert!(is_sorted(&session));
    assert!(borders().all(|order| get(&session, order, order).is_some()));
    assert!(claimed.load() == Tagged::CLAIMED, "only its thread writes to it");
}

/// A thread that began when there were fewer buckets meets sentinels inside its own.
#[test]
fn a_walk_goes_past_the_sentinels_that_growth_puts_in_its_way() {
    let list = LazyList::new();
    let session = Session::new(list.get_or_make());
    let orders = || (0..16).map(|step: u64| step << 56);
    let early = session.start(0);
    session.list.reserve(1 << 8).expect("a little room");
    for order in orders() {
        insert(&session, order, order);
    }
    let began = Start { next: early.link.load(), ..early };
    for order in orders() {
        let search = session.search_from(began, order, |key| *key == order);
        assert!(matches!(search, Search::Live(_)), "order {order:x}");
        let beyond = session.search_from(began, order + 1, |_| true);
        assert!(matches!(beyond, Search::Gap(_)), "order {order:x} and one");
    }
}

#[test]
fn a_walk_ends_at_the_next_sentinel_unless_the_level_has_changed() {
    let list = LazyList::<u64, Text>::new();
    let session = Session::new(list.get_or_make());
    let index = &session.list.index;
    let (level, next) = (index.level(), Tagged::sentinel(index.sentinel(index.level(), 3)));
    let order = 3 << (64 - level);
    assert!(session.ends(next, u64::MAX, level), "no order of the bucket is behind it");
    assert!(session.ends(Tagged::END, u64::MAX, level + 1));
    assert!(session.ends(next, order - 1, level + 1));
    assert!(!session.ends(next, order, level + 1), "its own order is behind it");
    assert!(!session.ends(next, order + 1, level + 1));
}

/// What a pin keeps is freed when it is refreshed, not at its end.
#[test]
fn a_refresh_lets_go() {
    const ROUNDS: usize = 2000;
    let alive = Arc::new(());
    let list = LazyList::new();
    let mut session = Session::new(list.get_or_make());
    for _ in 0..ROUNDS {
        let Search::Gap(gap) = session.search(5, |_| true) else { panic!("it was removed") };
        assert!(gap.fill(OwnedNode::new(5, 1, alive.clone())).is_ok());
        let Search::Live(live) = session.search(5, |_| true) else { panic!("it is there") };
        assert!(live.remove().is_some());
    }
    assert_eq!(Arc::strong_count(&alive), ROUNDS + 1, "the pin keeps all");
    session.refresh();
    assert!(Arc::strong_count(&alive) < ROUNDS / 2, "the refresh frees what was handed over");
    drop(session);
    drop(list);
    assert_eq!(Arc::strong_count(&alive), 1);
}

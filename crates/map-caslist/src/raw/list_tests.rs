//! The list in the hands of its only owner, and the owner that makes it late.

use std::sync::Arc;

use map_sync::shim::atomic::{AtomicUsize, Ordering::SeqCst};
use map_sync::shim::thread;

use super::super::entry::Search;
use super::super::node::OwnedNode;
use super::super::session::Session;
use super::*;

type Counted = Arc<()>;

/// A list over several buckets, of which the entry of key 3 is removed but not unlinked.
fn list(alive: &Counted) -> LazyList<u64, Counted> {
    let list = LazyList::new();
    list.get_or_make().reserve(100).expect("a little room");
    let session = Session::new(list.get_or_make());
    for key in 0..9_u64 {
        let order = key << 60;
        let Search::Gap(gap) = session.search(order, |_| false) else { panic!("no key matches") };
        assert!(gap.fill(OwnedNode::new(order, key, alive.clone())).is_ok());
    }
    let Search::Live(live) = session.search(3 << 60, |_| true) else { panic!("it is there") };
    let value: *const Counted = live.value();
    assert!(session.node(live.at).swing(value.cast_mut(), ptr::null_mut()));
    session.retire_value(live.at, value.cast_mut());
    session.list.len.add(-1);
    drop(session);
    list
}

#[test]
fn entries_are_taken_out_once_and_in_order() {
    let alive = Counted::new(());
    let mut lazy = list(&alive);
    let mut list = lazy.take().expect("it has been made");
    assert!(lazy.take().is_none() && lazy.get().is_none());
    for (taken, expected) in [0, 1, 2, 4].into_iter().enumerate() {
        assert_eq!(list.len(), 8 - taken);
        let (key, value) = list.pop().expect("there are more");
        assert!(key == expected && Arc::ptr_eq(&value, &alive));
    }
    let rest: Vec<_> = std::iter::from_fn(|| list.pop()).map(|(key, _)| key).collect();
    assert_eq!((rest, list.len()), (vec![5, 6, 7, 8], 0));
    assert!(list.pop().is_none());
    drop(list);
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn what_is_left_is_dropped_with_the_list() {
    let alive = Counted::new(());
    let mut list = list(&alive);
    drop(list.take().map(|mut list| list.pop()));
    assert_eq!(Arc::strong_count(&alive), 1);
    drop(self::list(&alive));
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn a_list_is_made_once_and_when_it_is_needed() {
    let lazy = LazyList::<u64, Counted>::new();
    assert!(lazy.get().is_none());
    let made: *const _ = lazy.get_or_make();
    assert!(
        ptr::eq(lazy.get_or_make(), made) && lazy.get().is_some_and(|list| ptr::eq(list, made))
    );
    assert!(ptr::eq(lazy.make(), made), "another thread was first");
}

#[test]
fn room_is_made_beside_what_is_there() {
    let alive = Counted::new(());
    let list = list(&alive);
    let list = list.get().expect("it has been made");
    assert_eq!((list.len(), list.capacity()), (8, 128));
    list.reserve(120).expect("a little room");
    assert_eq!(list.capacity(), 128, "there is room for eight and 120");
    list.reserve(121).expect("a little room");
    assert_eq!(list.capacity(), 256);
    assert_eq!(list.reserve(usize::MAX), Err(map_core::ReserveError::CapacityOverflow));
}

struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// The nodes are linked here, for a search before each insertion takes quadratic time.
#[test]
fn a_million_colliding_entries_are_dropped_on_a_small_stack() {
    const ENTRIES: usize = 1_000_000;
    let drops = Arc::new(AtomicUsize::new(0));
    let list = LazyList::<Box<usize>, Dropped>::new();
    let first = list.get_or_make().index.first();
    for number in 0..ENTRIES {
        let node = OwnedNode::new(0, Box::new(number), Dropped(drops.clone()));
        node.prepare(first.load());
        first.store(Tagged::node(node.as_ptr().cast()));
        mem::forget(node);
    }
    let dropping = thread::Builder::new().stack_size(128 << 10).spawn(move || drop(list));
    dropping.expect("a thread").join().expect("a drop cannot panic");
    assert_eq!(drops.load(SeqCst), ENTRIES);
}

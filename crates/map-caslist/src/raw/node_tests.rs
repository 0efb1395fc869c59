//! Where values are, and that keys and values come out once.

use std::sync::Arc;

use super::*;

/// Whether the first value of a node has no block of its own.
fn is_in_the_node<V>(value: V) -> bool {
    let node = OwnedNode::new(1, 2_u32, value);
    let first = node.prepare(Tagged::END);
    assert_eq!(Node::<u32, V>::is_boxed(node.as_ptr(), first), !Node::<u32, V>::INLINE);
    Node::<u32, V>::INLINE
}

#[test]
fn small_values_without_a_destructor_are_in_the_node() {
    assert!(is_in_the_node(1_u8) && is_in_the_node([1_u64; 2]) && is_in_the_node("word"));
    assert!(!is_in_the_node([1_u64; 3]) && !is_in_the_node(Box::new(1)));
    #[repr(align(16))]
    struct Aligned;
    assert!(!is_in_the_node(Aligned));
}

#[test]
fn only_the_first_value_of_a_node_is_in_its_slot() {
    let node = OwnedNode::new(1, 2_u32, 3_u64);
    let first = node.prepare(Tagged::END);
    // SAFETY: the node is owned.
    let shared = unsafe { &*node.as_ptr() };
    let second = ManuallyDrop::new(OwnedValue::new(4_u64)).as_ptr();
    assert!(!shared.swing(second, first), "it is not the value");
    assert!(shared.swing(first, second) && shared.value() == second);
    assert!(Node::<u32, u64>::is_boxed(node.as_ptr(), second));
    assert_eq!(node.into_parts(), (2, 4));
}

#[test]
fn what_is_not_put_in_comes_out_again() {
    let node = OwnedNode::new(1, "key".to_owned(), "value".to_owned());
    assert_eq!(node.key(), "key");
    assert_eq!(node.into_parts(), ("key".to_owned(), "value".to_owned()));
    assert_eq!(OwnedNode::new(1, 2_u8, [3_u64; 2]).into_parts(), (2, [3; 2]));
    assert_eq!(OwnedValue::new("value".to_owned()).into_inner(), "value");
}

#[test]
fn what_is_dropped_or_freed_runs_each_destructor_once() {
    let alive = Arc::new(());
    let count = || Arc::strong_count(&alive) - 1;
    let value = OwnedValue::new(alive.clone());
    let node = OwnedNode::new(1, alive.clone(), alive.clone());
    assert_eq!(count(), 3);
    drop(value);
    assert_eq!(count(), 2);
    drop(node);
    assert_eq!(count(), 0);

    let collector = Collector::new();
    let value = ManuallyDrop::new(OwnedValue::new(alive.clone())).as_ptr();
    let node = ManuallyDrop::new(OwnedNode::new(1, alive.clone(), alive.clone())).as_ptr();
    // SAFETY: it was forgotten by its owner.
    unsafe { reclaim_value(value, &collector) };
    assert_eq!(count(), 2);
    // SAFETY: it was forgotten by its owner.
    let own = unsafe { &*node }.value();
    // SAFETY: a value of a node that is not used any more.
    unsafe { reclaim_value(own, &collector) };
    // SAFETY: its value has been freed for itself.
    unsafe { reclaim_node(node, &collector) };
    assert_eq!(count(), 0);
}

/// A thread that gives a block back gets it again for the next value of that size.
#[test]
fn a_dropped_value_gives_its_block_back_also_if_its_destructor_panics() {
    struct Bomb(bool, [u64; 6]);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.0, "boom {}", self.1[0]);
        }
    }
    let value = |panics| OwnedValue::new(Bomb(panics, [0; 6]));
    let first = value(false);
    let block = first.as_ptr();
    drop(first);
    let second = value(true);
    assert!(ptr::eq(second.as_ptr(), block));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(second))).is_err());
    assert!(ptr::eq(value(false).as_ptr(), block));
}

//! Nodes and values: their memory, their owners before they are published, their end.
//!
//! **Layout**:
//!
//! ```text
//! Node: | next: Link | order: u64 | value: *V | key: K | slot for the first V, if inline |
//! ```
//!
//! A value lives in a block of its own, or, if it is small and has no destructor, the *first* value
//! of a node lives in the node's slot: an entry that is never overwritten is one allocation, and its
//! value is on the cache line of its key. The slot is written once, before the node is published,
//! so an address of a value never comes back while a thread that saw it is pinned. Without a
//! destructor there is nothing to do for a value that leaves the slot; its bytes go with the node.
//!
//! **Invariants**: (I1) a published node's `order` and `key` never change. (I2) `value` is null or
//! points to an initialised `V`, in a block of [`OwnedValue`] or in this node's slot. (I3) `value`
//! never changes again once it is null: the entry is removed.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop, MaybeUninit, offset_of};
use core::ptr::{self, NonNull};

use map_sync::contention;
use map_sync::shim::atomic::{AtomicPtr, Ordering::SeqCst};
use seize::Collector;

use super::link::{Link, Tagged};
use super::{panics, pool};

/// The fields of a node.
#[repr(C)]
pub(super) struct Node<K, V> {
    pub(super) next: Link,
    pub(super) order: u64,
    value: AtomicPtr<V>,
    pub(super) key: K,
}

/// A node with the slot for its first value.
#[repr(C)]
struct WithSlot<K, V> {
    node: Node<K, V>,
    slot: MaybeUninit<V>,
}

impl<K, V> Node<K, V> {
    /// Whether first values live in the node.
    const INLINE: bool =
        !mem::needs_drop::<V>() && mem::size_of::<V>() <= 16 && mem::align_of::<V>() <= 8;
    const LAYOUT: Layout =
        if Self::INLINE { Layout::new::<WithSlot<K, V>>() } else { Layout::new::<Self>() };

    /// The current value; null if the entry is removed.
    #[inline]
    pub(super) fn value(&self) -> *mut V {
        self.value.load(SeqCst)
    }

    /// Changes the value from `old` to `new`; returns whether it was `old`.
    #[inline]
    pub(super) fn swing(&self, old: *mut V, new: *mut V) -> bool {
        contention::exchanged(self.value.compare_exchange(old, new, SeqCst, SeqCst).is_ok())
    }

    /// Where the first value is, if inline.
    #[inline]
    fn slot(node: *mut Self) -> *mut V {
        node.wrapping_byte_add(offset_of!(WithSlot<K, V>, slot)).cast()
    }

    /// Where the key is.
    #[inline]
    fn key_of(node: *mut Self) -> *mut K {
        node.wrapping_byte_add(offset_of!(Self, key)).cast()
    }

    /// Whether `value` has a block of its own.
    #[inline]
    pub(super) fn is_boxed(node: *mut Self, value: *mut V) -> bool {
        !Self::INLINE || value != Self::slot(node)
    }

    /// Takes the value out of a node.
    ///
    /// # Safety
    ///
    /// The caller owns the node, `value` is its value, and neither is used as a value again.
    unsafe fn take_value(node: *mut Self, value: *mut V) -> V {
        if Self::is_boxed(node, value) {
            // SAFETY: by I2 it is a block of `OwnedValue`, and the caller owns it.
            unsafe { OwnedValue::from_raw(value) }.into_inner()
        } else {
            // SAFETY: by I2 the slot is initialised, and the caller never reads it again.
            unsafe { value.read() }
        }
    }

    /// Takes the key and the value out of a node and frees it.
    ///
    /// # Safety
    ///
    /// The caller owns the node, and nothing uses it any more.
    pub(super) unsafe fn dismantle(node: *mut Self) -> (K, Option<V>) {
        // SAFETY: the caller owns the node, which is initialised.
        let value = unsafe { &*node }.value();
        // SAFETY: the caller owns the node and its value.
        let value = (!value.is_null()).then(|| unsafe { Self::take_value(node, value) });
        // SAFETY: the key is initialised and is not read again: the node is freed below.
        let key = unsafe { Self::key_of(node).read() };
        // SAFETY: the caller's node is not null.
        let block = unsafe { NonNull::new_unchecked(node) }.cast();
        // SAFETY: the caller gives up the node, which came from `allocate` with this layout.
        unsafe { pool::release(block, Self::LAYOUT) };
        (key, value)
    }
}

/// Frees a node that left the list: the reclaimer given to the collector.
///
/// # Safety
///
/// Nothing uses the node any more; its value is null, or has been retired for itself.
pub(super) unsafe fn reclaim_node<K, V>(node: *mut Node<K, V>, _: &Collector) {
    if mem::needs_drop::<K>() {
        // SAFETY: the key is initialised, dropped only here, and the node freed below.
        panics::caught(|| unsafe { Node::key_of(node).drop_in_place() });
    }
    // SAFETY: retired pointers are not null.
    let block = unsafe { NonNull::new_unchecked(node) }.cast();
    // SAFETY: the caller gives up the node, which came from `allocate` with this layout.
    unsafe { pool::release(block, Node::<K, V>::LAYOUT) };
}

/// Frees a value in a block of its own: the reclaimer given to the collector.
///
/// # Safety
///
/// Nothing uses the value any more, and it came from an [`OwnedValue`].
pub(super) unsafe fn reclaim_value<V>(value: *mut V, _: &Collector) {
    if mem::needs_drop::<V>() {
        // SAFETY: the value is initialised by I2 and its block freed below.
        panics::caught(|| unsafe { value.drop_in_place() });
    }
    // SAFETY: retired pointers are not null.
    let block = unsafe { NonNull::new_unchecked(value) }.cast();
    // SAFETY: the caller gives up the block, which came from `allocate` with this layout.
    unsafe { pool::release(block, Layout::new::<V>()) };
}

/// A value in a block of its own that no map holds yet.
pub(crate) struct OwnedValue<V>(NonNull<V>, PhantomData<V>);

impl<V> OwnedValue<V> {
    #[inline]
    pub(crate) fn new(value: V) -> Self {
        let block = pool::allocate(Layout::new::<V>()).cast::<V>();
        // SAFETY: the block is fresh and fits a `V`.
        unsafe { block.write(value) };
        Self(block, PhantomData)
    }

    /// Gives back the value.
    #[inline]
    pub(crate) fn into_inner(self) -> V {
        let block = ManuallyDrop::new(self).0;
        // SAFETY: the block holds a `V`, which is not read again.
        let value = unsafe { block.read() };
        // SAFETY: the block came from `allocate` with this layout.
        unsafe { pool::release(block.cast(), Layout::new::<V>()) };
        value
    }

    #[inline]
    pub(super) fn as_ptr(&self) -> *mut V {
        self.0.as_ptr()
    }

    /// Takes over a value.
    ///
    /// # Safety
    ///
    /// The pointer came from an `OwnedValue` that was forgotten; the caller owns it.
    unsafe fn from_raw(value: *mut V) -> Self {
        // SAFETY: blocks are never null.
        Self(unsafe { NonNull::new_unchecked(value) }, PhantomData)
    }
}

impl<V> Drop for OwnedValue<V> {
    fn drop(&mut self) {
        /// Frees the block also if the value's destructor panics.
        struct Block<V>(NonNull<V>);
        impl<V> Drop for Block<V> {
            fn drop(&mut self) {
                // SAFETY: the block came from `allocate` with this layout and is given up.
                unsafe { pool::release(self.0.cast(), Layout::new::<V>()) };
            }
        }
        let block = Block(self.0);
        // SAFETY: the block holds a `V`, dropped only here.
        unsafe { block.0.drop_in_place() };
    }
}

/// A node that no list holds yet.
pub(crate) struct OwnedNode<K, V>(NonNull<Node<K, V>>, PhantomData<(K, V)>);

impl<K, V> OwnedNode<K, V> {
    #[inline]
    pub(crate) fn new(order: u64, key: K, value: V) -> Self {
        // A value with a block of its own gets it first: if memory runs out, nothing is half made.
        let (inline, boxed) = if Node::<K, V>::INLINE {
            (Some(value), ptr::null_mut())
        } else {
            (None, ManuallyDrop::new(OwnedValue::new(value)).as_ptr())
        };
        let block = pool::allocate(Node::<K, V>::LAYOUT).cast::<Node<K, V>>();
        let pointer = match inline {
            Some(value) => {
                let slot = Node::slot(block.as_ptr());
                // SAFETY: with INLINE the block has the slot, and it is fresh.
                unsafe { slot.write(value) };
                slot
            }
            None => boxed,
        };
        let next = Link::new(Tagged::END);
        // SAFETY: the block is fresh and fits a node.
        unsafe { block.write(Node { next, order, value: AtomicPtr::new(pointer), key }) };
        Self(block, PhantomData)
    }

    #[inline]
    pub(crate) fn key(&self) -> &K {
        // SAFETY: the node is initialised and ours.
        unsafe { &(*self.as_ptr()).key }
    }

    /// Gives back the key and the value.
    #[inline]
    pub(crate) fn into_parts(self) -> (K, V) {
        let node = ManuallyDrop::new(self).as_ptr();
        // SAFETY: the node is ours and is not used again.
        match unsafe { Node::dismantle(node) } {
            (key, Some(value)) => (key, value),
            (_, None) => unreachable!("an unpublished node has its value"),
        }
    }

    /// Says what will come behind the node; returns its value.
    #[inline]
    pub(super) fn prepare(&self, next: Tagged) -> *mut V {
        // SAFETY: the node is initialised and ours.
        let node = unsafe { &*self.as_ptr() };
        node.next.store(next);
        node.value()
    }

    #[inline]
    pub(super) fn as_ptr(&self) -> *mut Node<K, V> {
        self.0.as_ptr()
    }
}

impl<K, V> Drop for OwnedNode<K, V> {
    fn drop(&mut self) {
        // SAFETY: the node is ours and is not used again.
        drop(unsafe { Node::dismantle(self.as_ptr()) });
    }
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;

//! Entries beyond a bucket's slots: a list of nodes of eight, and the nodes that are in no list.
//!
//! A node that becomes empty is taken out of its list and kept by the table for the next bucket that needs one. Its
//! memory stays a node, and is freed with the table or when it is shrunk: a reader of plain entries that has strayed into
//! it finds words, and is told by the sequence lock of its bucket that they mean nothing.

use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use std::alloc::{self, Layout};

use map_sync::shim::Mutex;
use map_sync::shim::atomic::{AtomicPtr, AtomicU32, Ordering};
use map_sync::tags::{Eight, Slots};

use super::bucket::{self, Bucket, Place};

/// Entries in a node.
const SLOTS: usize = 8;

/// The beginning of a node; its entries follow.
#[repr(C)]
pub(crate) struct Node {
    next: AtomicPtr<Node>,
    tags: Eight,
    /// The slots that hold an entry.
    used: AtomicU32,
}

/// A node, by its address.
pub(super) struct NodeRef<K, V> {
    node: NonNull<Node>,
    entries: PhantomData<*mut (K, V)>,
}

impl<K, V> Clone for NodeRef<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for NodeRef<K, V> {}

impl<K, V> NodeRef<K, V> {
    const LAYOUT: (Layout, usize) = {
        let Ok(entries) = Layout::array::<(K, V)>(SLOTS) else {
            panic!("eight entries fit memory")
        };
        let head = Layout::new::<Node>();
        let align = if entries.align() > head.align() { entries.align() } else { head.align() };
        let offset = head.size().next_multiple_of(align);
        let size = (offset + entries.size()).next_multiple_of(align);
        let Ok(layout) = Layout::from_size_align(size, align) else { panic!("as above") };
        (layout, offset)
    };

    /// # Safety
    ///
    /// `node` is a node of entries `(K, V)`, which lives as long as the table is borrowed.
    pub(super) unsafe fn at(node: NonNull<Node>) -> Self {
        Self { node, entries: PhantomData }
    }

    pub(super) fn address(self) -> NonNull<Node> {
        self.node
    }

    fn node<'table>(self) -> &'table Node {
        // SAFETY: by the contract of `at` it lives; its fields are atomics.
        unsafe { self.node.as_ref() }
    }

    pub(super) fn tags<'table>(self) -> &'table Eight {
        &self.node().tags
    }

    /// The slots that hold an entry.
    pub(super) fn used(self) -> Slots {
        // Relaxed: as in a bucket.
        Slots(self.node().used.load(Ordering::Relaxed))
    }

    /// The slots with this tag that hold an entry.
    pub(super) fn matching(self, tag: u8) -> Slots {
        Slots(self.tags().equal_to(tag).0 & self.used().0)
    }

    /// Sets or clears the bit of a slot. For the exclusive holder only.
    pub(super) fn mark(self, slot: usize, used: bool) {
        let bit = 1 << slot;
        let bits = if used { self.used().0 | bit } else { self.used().0 & !bit };
        self.node().used.store(bits, Ordering::Relaxed);
    }

    pub(super) fn next(self) -> Option<NonNull<Node>> {
        // Acquire pairs with the release in `set_first_node`.
        NonNull::new(self.node().next.load(Ordering::Acquire))
    }

    pub(super) fn entry(self, slot: usize) -> *mut (K, V) {
        let entries = self.node.as_ptr().wrapping_byte_add(Self::LAYOUT.1);
        entries.cast::<(K, V)>().wrapping_add(slot)
    }
}

/// The nodes of a table that are in no list.
pub(crate) struct Spare<K, V> {
    stock: Mutex<Stock>,
    entries: PhantomData<(K, V)>,
}

struct Stock {
    nodes: Vec<NonNull<Node>>,
    /// How many nodes are in lists.
    out: usize,
}

// SAFETY: the nodes are the table's own; spare ones hold no entry.
unsafe impl<K: Send, V: Send> Send for Spare<K, V> {}
// SAFETY: as above, and they are under a mutex.
unsafe impl<K: Send + Sync, V: Send + Sync> Sync for Spare<K, V> {}

impl<K, V> Spare<K, V> {
    pub(crate) const fn new() -> Self {
        Self { stock: Mutex::new(Stock { nodes: Vec::new(), out: 0 }), entries: PhantomData }
    }

    fn take(&self) -> NodeRef<K, V> {
        let spare = {
            let mut stock = self.stock.lock();
            stock.out += 1;
            stock.nodes.pop()
        };
        let node = spare.unwrap_or_else(|| {
            let layout = NodeRef::<K, V>::LAYOUT.0;
            // SAFETY: a node has a size.
            let memory = unsafe { alloc::alloc_zeroed(layout) };
            NonNull::new(memory.cast()).unwrap_or_else(|| alloc::handle_alloc_error(layout))
        });
        // SAFETY: allocated with the layout of such a node; it lives until the table is dropped or shrunk.
        unsafe { NodeRef::at(node) }
    }

    fn give(&self, node: NodeRef<K, V>) {
        let mut stock = self.stock.lock();
        stock.out -= 1;
        stock.nodes.push(node.node);
    }

    /// Whether a bucket has a node.
    pub(crate) fn is_in_use(&mut self) -> bool {
        self.stock.get_mut().out > 0
    }

    /// How many nodes there are in no list.
    pub(crate) fn len(&mut self) -> usize {
        self.stock.get_mut().nodes.len()
    }

    /// Frees so many nodes at the most. Nobody may read the table meanwhile, hence `&mut`.
    pub(crate) fn free(&mut self, most: usize) {
        let nodes = &mut self.stock.get_mut().nodes;
        for node in nodes.drain(nodes.len().saturating_sub(most)..) {
            // SAFETY: made in `take` with this layout, in no list, and by `&mut` nobody strays in it.
            unsafe { alloc::dealloc(node.as_ptr().cast(), NodeRef::<K, V>::LAYOUT.0) };
        }
        if nodes.is_empty() {
            *nodes = Vec::new();
        }
    }
}

impl<K, V> Drop for Spare<K, V> {
    fn drop(&mut self) {
        self.free(usize::MAX);
    }
}

impl<K, V> Bucket<K, V> {
    /// Puts an entry into the chain.
    ///
    /// # Safety
    ///
    /// As for [`put`](Self::put).
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn put_in_chain(
        self,
        tag: u8,
        entry: (K, V),
        spare: &Spare<K, V>,
    ) -> Place<K, V> {
        let mut next = self.header().first_node();
        while let Some(address) = next {
            // SAFETY: reached from the bucket.
            let node = unsafe { NodeRef::<K, V>::at(address) };
            let slot = node.used().0.trailing_ones() as usize;
            if slot < SLOTS {
                // SAFETY: a free slot of a node of this bucket.
                return unsafe { fill(node, slot, tag, entry) };
            }
            next = node.next();
        }
        let node = spare.take();
        // SAFETY: the node is the caller's alone, and empty.
        let place = unsafe { fill(node, 0, tag, entry) };
        self.link(node);
        place
    }

    /// Makes `node` the first of the chain. For the exclusive holder only.
    fn link(self, node: NodeRef<K, V>) {
        let first = self.header().first_node().map_or(ptr::null_mut(), NonNull::as_ptr);
        node.node().next.store(first, Ordering::Relaxed);
        self.header().set_first_node(node.node.as_ptr());
    }

    /// Takes empty nodes out of the chain.
    ///
    /// # Safety
    ///
    /// As for [`put`](Self::put); the caller keeps no place in the chain.
    #[cold]
    pub(crate) unsafe fn tidy_chain(self, spare: &Spare<K, V>) {
        let mut before: Option<NodeRef<K, V>> = None;
        let mut next = self.header().first_node();
        while let Some(address) = next {
            // SAFETY: reached from the bucket.
            let node = unsafe { NodeRef::<K, V>::at(address) };
            next = node.next();
            if node.used().0 != 0 {
                before = Some(node);
                continue;
            }
            let rest = next.map_or(ptr::null_mut(), NonNull::as_ptr);
            match before {
                None => self.header().set_first_node(rest),
                // Release, as in `set_first_node`.
                Some(before) => before.node().next.store(rest, Ordering::Release),
            }
            spare.give(node);
        }
    }

    /// Whether there is a chain.
    #[inline(always)]
    pub(crate) fn has_chain(self) -> bool {
        self.header().first_node().is_some()
    }
}

/// # Safety
///
/// `slot` is free and the node the caller's, with the bucket that it is in.
unsafe fn fill<K, V>(node: NodeRef<K, V>, slot: usize, tag: u8, entry: (K, V)) -> Place<K, V> {
    // SAFETY: the caller's.
    unsafe { bucket::write(node.entry(slot), entry) };
    node.tags().set(slot, tag);
    node.mark(slot, true);
    Place { entry: node.entry(slot), node: Some(node.node), slot }
}

#[cfg(test)]
mod tests {
    use map_sync::shim::thread;

    use super::{Node, NodeRef, SLOTS, fill};
    use crate::BucketTable;

    /// The nodes are linked here, for a search before each insertion takes quadratic time.
    #[test]
    fn a_chain_of_a_million_entries_is_dropped_on_a_small_stack() {
        const ENTRIES: u64 = 1_000_000;
        let table = BucketTable::<u64, u64>::new();
        table.core().index.make_first(4).expect("memory");
        let bucket = table.core().index.bucket(0).expect("just made");
        for first in (0..ENTRIES).step_by(SLOTS) {
            let node = table.core().spare.take();
            for slot in 0..SLOTS {
                let key = first + slot as u64;
                // SAFETY: a free slot of a node that nobody else knows.
                unsafe { fill(node, slot, 1, (key, key)) };
            }
            bucket.link(node);
        }
        assert_eq!(table.len() as u64, ENTRIES);
        let dropping = thread::Builder::new().stack_size(128 << 10).spawn(move || drop(table));
        dropping.expect("a thread").join().expect("a drop cannot panic");
    }

    #[test]
    fn a_node_has_the_memory_and_the_alignment_of_its_head_and_entries() {
        fn check<K, V>() {
            let (layout, offset) = NodeRef::<K, V>::LAYOUT;
            let align = align_of::<Node>().max(align_of::<(K, V)>());
            let entries = size_of::<Node>().next_multiple_of(align);
            let size = (entries + SLOTS * size_of::<(K, V)>()).next_multiple_of(align);
            assert_eq!((layout.align(), offset, layout.size()), (align, entries, size));
        }
        check::<u8, ()>();
        check::<u64, u64>();
        check::<u64, u128>();
    }

    #[test]
    fn nodes_are_in_use_while_a_bucket_has_one() {
        let mut table = BucketTable::<u64, u64>::new();
        assert!(!table.core.spare.is_in_use());
        for key in 0..100 {
            table.writer().insert(5, key, key, |_| 5);
        }
        assert!(table.core.spare.is_in_use());
        for key in 0..100 {
            table.writer().remove(5, &key);
        }
        assert!(!table.core.spare.is_in_use());
        assert!(table.core.spare.len() >= (100 - 32) / SLOTS, "they are kept");
    }
}

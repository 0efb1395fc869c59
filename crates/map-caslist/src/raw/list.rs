//! The list and its owner.
//!
//! **Layout**: one singly linked list holds every entry, in the order of the keys' *orders* (mixed
//! hashes). Between them, in the same list, are the sentinels of the buckets. Keys of equal order
//! stand next to each other, the youngest last.
//!
//! ```text
//! s0 ──> n(017) ──> n(0a1) ──> s1 ──> n(1c5) ──> s2 ──> s3 ──> n(3ff) ──> end
//! ```
//!
//! What threads do with it is in [`session`](super::session); here it is made and, by its only
//! owner, emptied and freed, one node after the other and without recursion.
//!
//! **Invariants**: (I1) a node that can be reached from a sentinel has not been retired; one that
//! cannot has been retired once. (I2) The nodes belong to the list: `K` and `V` are sent with it.

use core::marker::PhantomData;
use core::{mem, ptr};

use map_sync::counter::StripedCounter;
use map_sync::shim::atomic::{
    AtomicPtr,
    Ordering::{AcqRel, Acquire},
};
use seize::Collector;

use super::index::Index;
use super::link::Tagged;
use super::node::Node;
use super::panics::{self, Resume};

/// How many retired blocks a thread gathers before it hands them to the collector. A hand-over
/// costs a barrier on all cores, a system call; more blocks share it, and wait longer.
const BATCH: usize = 256;

pub(crate) struct List<K, V> {
    pub(super) index: Index,
    pub(super) len: StripedCounter,
    pub(super) collector: Collector,
    /// Behind the collector, whose drop frees what is still retired.
    _resume: Resume<K, V>,
    /// Invariant in `K` and `V`, since both can be put in through a shared reference; neither
    /// `Send` nor `Sync` by itself.
    _entries: PhantomData<*mut (K, V)>,
}

// SAFETY: by I2 sending the list sends its keys and values, and nothing else that is bound to a
// thread: retired blocks are freed by whoever owns or shares the list.
unsafe impl<K: Send, V: Send> Send for List<K, V> {}
// SAFETY: a shared list lends `&K` and `&V` to every thread (`Sync`), takes them from any thread and
// drops them on any other (`Send`).
unsafe impl<K: Send + Sync, V: Send + Sync> Sync for List<K, V> {}

impl<K, V> List<K, V> {
    fn new() -> Box<Self> {
        let list = Box::new(Self {
            index: Index::new(),
            len: StripedCounter::new(),
            collector: Collector::new().batch_size(BATCH),
            _resume: Resume::new(),
            _entries: PhantomData,
        });
        list.index.join_base();
        list
    }

    pub(crate) fn len(&self) -> usize {
        self.len.sum()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.index.capacity()
    }

    pub(crate) fn reserve(&self, additional: usize) -> Result<(), map_core::ReserveError> {
        let overflow = map_core::ReserveError::CapacityOverflow;
        self.index.reserve(self.len().checked_add(additional).ok_or(overflow)?)
    }

    /// Takes the first node out of the list.
    fn unlink_first(&mut self) -> Option<*mut Node<K, V>> {
        let mut next = self.index.first().load();
        while next.is_sentinel() {
            if next == Tagged::END {
                return None;
            }
            // SAFETY: a sentinel lives as long as the index.
            next = unsafe { &*next.address() }.load().unclaimed();
        }
        let node = next.address().cast::<Node<K, V>>();
        // SAFETY: by I1 the node is not retired, and nobody else has access.
        let behind = unsafe { &*node }.next.load().unmarked();
        self.index.first().store(behind);
        Some(node)
    }

    /// Takes an entry out of the list.
    pub(crate) fn pop(&mut self) -> Option<(K, V)> {
        loop {
            let node = self.unlink_first()?;
            // SAFETY: the node is in no list and was never retired: it is ours.
            if let (key, Some(value)) = unsafe { Node::dismantle(node) } {
                self.len.add(-1);
                return Some((key, value));
            }
        }
    }
}

impl<K, V> Drop for List<K, V> {
    fn drop(&mut self) {
        while let Some(node) = self.unlink_first() {
            // SAFETY: the node is in no list and was never retired: it is ours.
            let (key, value) = unsafe { Node::dismantle(node) };
            if mem::needs_drop::<K>() {
                panics::caught(|| drop(key));
            }
            if mem::needs_drop::<V>() {
                panics::caught(|| drop(value));
            }
        }
    }
}

/// A list that is made when it is first needed, so that an empty map owns no memory.
///
/// **Invariant** (I1): the pointer is null or a leaked `Box` that only `drop` and `take` free.
pub(crate) struct LazyList<K, V> {
    list: AtomicPtr<List<K, V>>,
    _owned: PhantomData<List<K, V>>,
}

impl<K, V> LazyList<K, V> {
    pub(crate) const fn new() -> Self {
        Self { list: AtomicPtr::new(ptr::null_mut()), _owned: PhantomData }
    }

    /// The list, if it has been made.
    #[inline]
    pub(crate) fn get(&self) -> Option<&List<K, V>> {
        // Acquire: partner of the exchange in `make`.
        let list = self.list.load(Acquire);
        // SAFETY: by I1 it is null or lives as long as `self`.
        unsafe { list.as_ref() }
    }

    #[inline]
    pub(crate) fn get_or_make(&self) -> &List<K, V> {
        match self.get() {
            Some(list) => list,
            None => self.make(),
        }
    }

    #[cold]
    fn make(&self) -> &List<K, V> {
        let new = Box::into_raw(List::new());
        // AcqRel, Acquire: publishes the new list, or takes over that of another thread.
        match self.list.compare_exchange(ptr::null_mut(), new, AcqRel, Acquire) {
            // SAFETY: by I1 it lives as long as `self`.
            Ok(_) => unsafe { &*new },
            Err(other) => {
                // SAFETY: it has just been leaked and nobody has seen it.
                drop(unsafe { Box::from_raw(new) });
                // SAFETY: by I1 it lives as long as `self`.
                unsafe { &*other }
            }
        }
    }

    /// The list by itself, if it has been made.
    pub(crate) fn take(&mut self) -> Option<Box<List<K, V>>> {
        let list = mem::replace(self.list.get_mut(), ptr::null_mut());
        // SAFETY: by I1 it is a leaked `Box`, and `self` has given it up.
        (!list.is_null()).then(|| unsafe { Box::from_raw(list) })
    }
}

impl<K, V> Drop for LazyList<K, V> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;

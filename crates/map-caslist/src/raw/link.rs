//! One link of the list: an atomic pointer with three tags.
//!
//! **Layout**: a [`Link`] is the first field of a node and the whole of a sentinel, so a pointer to
//! either is a pointer to a `Link`. Both are aligned to 8 bytes, which leaves three low bits:
//!
//! | bit | on | says |
//! |---|---|---|
//! | `MARK` | a node's link | the node that *holds* the link is deleted; the link never changes again |
//! | `SENTINEL` | any link | the link *points to* a sentinel, or, without an address, to the end |
//! | `CLAIM` | a sentinel's link | the sentinel that holds it may not be in the list yet |
//!
//! A word of zeros is a sentinel that nobody has asked for yet, so zeroed memory is a valid segment.
//!
//! **Ordering**: every access is `SeqCst`, which is what `seize` asks of a protected load; the
//! publishing store of a node or value is thereby also its release, the load its acquire.

use core::ptr;

use map_sync::contention;
use map_sync::shim::atomic::{AtomicPtr, Ordering::SeqCst};

const MARK: usize = 1;
const SENTINEL: usize = 2;
const CLAIM: usize = 4;
const TAGS: usize = MARK | SENTINEL | CLAIM;

/// A place in the list that holds what comes next.
#[repr(C, align(8))]
pub(super) struct Link(AtomicPtr<Link>);

impl Link {
    /// A link that holds `target`.
    pub(super) const fn new(target: Tagged) -> Self {
        Self(AtomicPtr::new(target.0))
    }

    #[inline]
    pub(super) fn load(&self) -> Tagged {
        Tagged(self.0.load(SeqCst))
    }

    pub(super) fn store(&self, target: Tagged) {
        self.0.store(target.0, SeqCst);
    }

    /// Changes `old` to `new`; returns whether it held `old`.
    #[inline]
    pub(super) fn swing(&self, old: Tagged, new: Tagged) -> bool {
        contention::exchanged(self.0.compare_exchange(old.0, new.0, SeqCst, SeqCst).is_ok())
    }

    /// Clears the claim of a sentinel that is in the list; returns what it holds.
    #[inline]
    pub(super) fn settle(&self) -> Tagged {
        loop {
            let held = self.load();
            if !held.is_claimed() || self.swing(held, held.without(CLAIM)) {
                return held.without(CLAIM);
            }
        }
    }

    /// Marks the node that holds this link as deleted; returns what comes next, unmarked.
    #[inline]
    pub(super) fn mark(&self) -> Tagged {
        loop {
            let held = self.load();
            if held.is_marked() || self.swing(held, held.with(MARK)) {
                return held.unmarked();
            }
        }
    }
}

/// What a link holds: an address and tags.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Tagged(*mut Link);

impl Tagged {
    /// A sentinel that nobody has asked for yet.
    pub(super) const UNSET: Self = Self(ptr::null_mut());
    /// What the last link of the list holds.
    pub(super) const END: Self = Self(ptr::without_provenance_mut(SENTINEL));
    /// What a sentinel holds while its successor is not known.
    pub(super) const CLAIMED: Self = Self(ptr::without_provenance_mut(CLAIM));

    /// Points to the node whose first field is at `node`.
    #[inline]
    pub(super) fn node(node: *mut Link) -> Self {
        Self(node)
    }

    /// Points to a sentinel.
    pub(super) fn sentinel(link: &Link) -> Self {
        Self(ptr::from_ref(link).cast_mut()).with(SENTINEL)
    }

    /// The address without tags.
    #[inline]
    pub(super) fn address(self) -> *mut Link {
        self.without(TAGS).0
    }

    #[inline]
    pub(super) fn is_marked(self) -> bool {
        self.0.addr() & MARK != 0
    }

    #[inline]
    pub(super) fn is_sentinel(self) -> bool {
        self.0.addr() & SENTINEL != 0
    }

    #[inline]
    pub(super) fn is_claimed(self) -> bool {
        self.0.addr() & CLAIM != 0
    }

    /// Whether a sentinel that holds this is in the list.
    #[inline]
    pub(super) fn is_ready(self) -> bool {
        !self.0.is_null() && !self.is_claimed()
    }

    #[inline]
    pub(super) fn unmarked(self) -> Self {
        self.without(MARK)
    }

    #[inline]
    pub(super) fn unclaimed(self) -> Self {
        self.without(CLAIM)
    }

    pub(super) fn claimed(self) -> Self {
        self.with(CLAIM)
    }

    #[inline]
    fn with(self, tag: usize) -> Self {
        Self(self.0.map_addr(|address| address | tag))
    }

    #[inline]
    fn without(self, tag: usize) -> Self {
        Self(self.0.map_addr(|address| address & !tag))
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;

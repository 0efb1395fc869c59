//! What a thread does with the list while it is pinned.
//!
//! **Source**: the list is Michael's (SPAA 2002) after Harris (DISC 2001); the index that splits
//! without moving an entry is that of Shalev and Shavit (JACM 2006), with two changes: the order is
//! the hash itself, read from its high bits, instead of its low bits reversed; and a sentinel is not
//! a node but one word in the index, put into the list by the thread that claims it.
//!
//! **A removal** has three steps: (1) the value becomes null: the entry is gone; (2) the node's link
//! is marked, so nothing can be put behind it any more; (3) the link before it is swung past it. Each
//! step is one compare-and-swap; any writer that comes by does (2) and (3) for a thread that stalls.
//!
//! **A sentinel** is an optimisation: whoever finds it unset claims it, walks from the sentinel of a
//! lower level, and links it in; meanwhile the others start from the lower level too. A thread that
//! dies in between costs the bucket its short cut and blocks nobody. Once linked, a sentinel stays.
//!
//! **Invariants**: (I1) a link is changed only by compare-and-swap from a value without a mark; so
//! what is put behind a node is put behind one that is in the list. (I2) A node enters at the *end* of
//! the run of its order, after a search that saw every other node of the run, and unlinked those
//! with the same key. Another node with that key would have to enter at the same place, so at most
//! one node with a key is in the list. (I3) Who swings the link past a marked node retires it: one
//! thread, once. (I4) Who changes a value from a pointer retires it: one thread, once. (I5) A node
//! that a pinned thread reaches was in the list at some instant since it was pinned.
//!
//! **Linearization**: an insertion when its node is linked; an overwrite or removal when the value
//! changes; a read when it loads the value, or, if that is null or no node is found, at an instant at
//! which the key was absent: by I5 the null node was still in the list at, or removed after, some
//! instant of the call, and by I2 no other node had the key while it was.
//!
//! **Ordering**: links and values are `SeqCst` throughout (see [`link`](super::link)).

use map_sync::contention;
use seize::{Guard, LocalGuard};

use super::entry::{Gap, Live, Search};
use super::index::Index;
use super::link::{Link, Tagged};
use super::list::List;
use super::node::{Node, reclaim_node, reclaim_value};
use super::panics::Resume;

/// A pinned thread's access to a list.
pub(crate) struct Session<'m, K, V> {
    pub(super) list: &'m List<K, V>,
    guard: LocalGuard<'m>,
    /// Behind the guard, whose drop frees memory.
    resume: Resume<K, V>,
}

/// Where a walk begins.
#[derive(Clone, Copy)]
struct Start<'g> {
    /// A sentinel in the list, at or before the order that is looked for.
    link: &'g Link,
    /// What it held.
    next: Tagged,
    /// The level at which it is the sentinel of the order's own bucket; 0 if it is another one.
    level: u32,
}

impl<'m, K, V> Session<'m, K, V> {
    #[inline]
    pub(crate) fn new(list: &'m List<K, V>) -> Self {
        Self { list, guard: list.collector.enter(), resume: Resume::new() }
    }

    /// Lets go of everything protected so far. No reference handed out before can be alive.
    pub(crate) fn refresh(&mut self) {
        self.guard.refresh();
        self.resume.now();
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Where to start for `order`.
    #[inline]
    fn start(&self, order: u64) -> Start<'_> {
        let level = self.list.index.level();
        let bucket = Index::bucket(order, level);
        let link = self.list.index.sentinel(level, bucket);
        let next = link.load();
        if next.is_ready() { Start { link, next, level } } else { self.prepare(level, bucket) }
    }

    /// Puts the sentinel of a bucket into the list, or, if another thread is doing so, finds one
    /// before it.
    #[cold]
    fn prepare(&self, level: u32, bucket: u64) -> Start<'_> {
        let link = self.list.index.sentinel(level, bucket);
        let next = link.load();
        if next.is_ready() {
            return Start { link, next, level };
        }
        // Only sentinels above the base are ever unready, so the bucket is not 0.
        let zeros = bucket.trailing_zeros();
        let (own_level, own_bucket) = (level - zeros, bucket >> zeros);
        let parent = self.prepare(own_level, own_bucket - 1);
        if next != Tagged::UNSET || !link.swing(Tagged::UNSET, Tagged::CLAIMED) {
            return Start { level: 0, ..parent };
        }
        let before_all = (own_bucket << (64 - own_level)) - 1;
        loop {
            let from = Start { next: parent.link.load().unclaimed(), ..parent };
            let Search::Gap(gap) = self.search_from(from, before_all, |_| false) else {
                unreachable!("no key matches")
            };
            // Only the claimer writes to the sentinel until the list leads to it.
            link.store(gap.next.claimed());
            if gap.before.swing(gap.next, Tagged::sentinel(link)) {
                contention::indexed();
                return Start { link, next: link.settle(), level };
            }
        }
    }

    /// Whether a sentinel ends a walk for `order` that began with `level`.
    #[inline]
    fn ends(&self, sentinel: Tagged, order: u64, level: u32) -> bool {
        // If the level has not changed, no sentinel is inside the bucket: whoever puts one there
        // has read a higher level before, and the link that led to it was an acquire.
        level == self.list.index.level()
            || sentinel == Tagged::END
            || self.list.index.order(sentinel) > order
    }

    /// The sentinel that a link leads to.
    #[inline]
    pub(super) fn sentinel(&self, at: Tagged) -> &Link {
        // SAFETY: sentinels live as long as the index; the end of the list is never asked for.
        unsafe { &*at.address() }
    }

    /// The node that a link leads to.
    #[inline]
    pub(super) fn node(&self, at: Tagged) -> &Node<K, V> {
        // SAFETY: by I5 it was in the list since this thread was pinned, so it is not freed yet.
        unsafe { &*at.address().cast::<Node<K, V>>() }
    }

    /// Looks for a key without changing anything.
    #[inline]
    pub(crate) fn get(&self, order: u64, mut matches: impl FnMut(&K) -> bool) -> Option<&V> {
        let Start { mut next, level, .. } = self.start(order);
        loop {
            if next.is_sentinel() {
                if self.ends(next, order, level) {
                    return None;
                }
                next = self.sentinel(next).load().unclaimed();
                continue;
            }
            let node = self.node(next);
            if node.order >= order {
                if node.order > order {
                    return None;
                }
                if matches(&node.key) {
                    // SAFETY: a value is retired only after it has been replaced, so this one is
                    // not freed while the thread is pinned.
                    return unsafe { node.value().as_ref() };
                }
            }
            next = node.next.load().unmarked();
        }
    }

    /// Looks for a key, clearing away removed nodes on the way.
    #[inline]
    pub(crate) fn search(&self, order: u64, matches: impl FnMut(&K) -> bool) -> Search<'_, K, V> {
        self.search_from(self.start(order), order, matches)
    }

    #[inline]
    fn search_from<'g>(
        &'g self,
        start: Start<'g>,
        order: u64,
        mut matches: impl FnMut(&K) -> bool,
    ) -> Search<'g, K, V> {
        let Start { link: mut before, next: mut at, level } = start;
        let mut walked = 0;
        loop {
            if at.is_sentinel() {
                if self.ends(at, order, level) {
                    return Search::Gap(Gap { session: self, before, next: at, walked });
                }
                before = self.sentinel(at);
                at = before.settle();
                continue;
            }
            let node = self.node(at);
            let next = node.next.load();
            if next.is_marked() {
                if self.unlink(before, at, next.unmarked()) {
                    at = next.unmarked();
                } else {
                    contention::retry();
                    before = start.link;
                    at = before.settle();
                }
                continue;
            }
            if node.order > order {
                return Search::Gap(Gap { session: self, before, next: at, walked });
            }
            if node.order == order && matches(&node.key) {
                let value = node.value();
                if !value.is_null() {
                    return Search::Live(Live { session: self, before: Some(before), at, value });
                }
                node.next.mark();
                continue;
            }
            walked += 1;
            before = &node.next;
            at = next;
        }
    }

    /// Swings `before` past the marked node at `at`; whoever succeeds retires the node.
    #[inline]
    fn unlink(&self, before: &Link, at: Tagged, next: Tagged) -> bool {
        let unlinked = before.swing(at, next);
        if unlinked {
            let node = at.address().cast::<Node<K, V>>();
            // SAFETY: by I3 this happens once, and by I2 no link leads to the node again.
            unsafe { self.guard.defer_retire(node, reclaim_node::<K, V>) };
        }
        unlinked
    }

    /// Marks a node whose value is null and sees to it that it leaves the list.
    #[inline]
    pub(super) fn discard(&self, before: Option<&Link>, at: Tagged) {
        let node = self.node(at);
        let next = node.next.mark();
        if !before.is_some_and(|before| self.unlink(before, at, next)) {
            self.sweep(node.order);
        }
    }

    /// Unlinks the marked nodes of the run of `order`.
    #[cold]
    fn sweep(&self, order: u64) {
        // A search unlinks the marked nodes it passes, and one for no key passes the whole run.
        let _ = self.search(order, |_| false);
    }

    /// Retires a value that the calling thread has replaced.
    #[inline]
    pub(super) fn retire_value(&self, at: Tagged, value: *mut V) {
        if Node::<K, V>::is_boxed(at.address().cast(), value) {
            // SAFETY: by I4 this happens once; the value is in a block of its own.
            unsafe { self.guard.defer_retire(value, reclaim_value::<V>) };
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;

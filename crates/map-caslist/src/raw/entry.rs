//! What a search found, and the one step that changes it.
//!
//! Each step either takes effect at once or gives back what it was to put in, because another thread
//! changed the place since the search; the caller searches again.

use map_sync::contention;

use super::link::{Link, Tagged};
use super::node::{Node, OwnedNode, OwnedValue};
use super::session::Session;

/// An insertion that walked over this many nodes asks whether the index is due to grow. At the load
/// it grows at, about one insertion in forty is that long.
const LONG_WALK: u32 = 3;

/// What a search found.
pub(crate) enum Search<'g, K, V> {
    /// The key is present.
    Live(Live<'g, K, V>),
    /// The key is absent.
    Gap(Gap<'g, K, V>),
}

/// An entry and the value it had.
pub(crate) struct Live<'g, K, V> {
    pub(super) session: &'g Session<'g, K, V>,
    /// The link that led to the node, where it is known.
    pub(super) before: Option<&'g Link>,
    pub(super) at: Tagged,
    pub(super) value: *mut V,
}

impl<'g, K, V> Live<'g, K, V> {
    #[inline]
    pub(crate) fn value(&self) -> &'g V {
        // SAFETY: it is not null and was the node's value since the thread was pinned, so it is not
        // freed while the session is borrowed.
        unsafe { &*self.value }
    }

    /// Replaces the value; returns the old one.
    #[inline]
    pub(crate) fn replace(self, new: OwnedValue<V>) -> Result<&'g V, OwnedValue<V>> {
        if !self.node().swing(self.value, new.as_ptr()) {
            contention::retry();
            return Err(new);
        }
        core::mem::forget(new);
        self.session.retire_value(self.at, self.value);
        Ok(self.value())
    }

    /// Removes the entry; returns its value.
    #[inline]
    pub(crate) fn remove(self) -> Option<&'g V> {
        if !self.node().swing(self.value, core::ptr::null_mut()) {
            contention::retry();
            return None;
        }
        self.session.list.len.add(-1);
        self.session.retire_value(self.at, self.value);
        self.session.discard(self.before, self.at);
        Some(self.value())
    }

    /// Removes the entry, or returns it with its newer value; `None` if it is gone.
    pub(crate) fn remove_or_reload(self) -> Option<Self> {
        let Self { session, before, at, .. } = self;
        if self.remove().is_some() {
            return None;
        }
        let value = session.node(at).value();
        (!value.is_null()).then_some(Self { session, before, at, value })
    }

    #[inline]
    fn node(&self) -> &'g Node<K, V> {
        self.session.node(self.at)
    }
}

/// The place for a key that is absent.
pub(crate) struct Gap<'g, K, V> {
    pub(super) session: &'g Session<'g, K, V>,
    pub(super) before: &'g Link,
    pub(super) next: Tagged,
    pub(super) walked: u32,
}

impl<'g, K, V> Gap<'g, K, V> {
    /// Puts a node in; returns its value.
    #[inline]
    pub(crate) fn fill(self, new: OwnedNode<K, V>) -> Result<&'g V, OwnedNode<K, V>> {
        let node = new.as_ptr();
        let value = new.prepare(self.next);
        if !self.before.swing(self.next, Tagged::node(node.cast())) {
            contention::retry();
            return Err(new);
        }
        core::mem::forget(new);
        let list = self.session.list;
        list.len.add(1);
        if self.walked >= LONG_WALK {
            list.index.grow(list.len());
        }
        // SAFETY: the value was the node's when it was published, so it is not freed while the
        // session is borrowed.
        Ok(unsafe { &*value })
    }
}

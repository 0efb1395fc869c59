//! A walk over all entries.
//!
//! The walk only goes forward, and a key stands at one place only: behind the nodes of its order. A
//! key that is removed and put in again while the walk stands in its run could be met twice. So the
//! nodes of a run are gathered when the walk enters it, and only these are visited. A key that is
//! present throughout is among them. Of two gathered nodes with one key, the earlier one was
//! removed before the later one was put in, hence before any visit, and is skipped.

use core::ops::ControlFlow;

use super::entry::Live;
use super::link::Tagged;
use super::session::Session;

impl<K, V> Session<'_, K, V> {
    /// Calls `visit` with every entry.
    pub(crate) fn walk<'g, B>(
        &'g self,
        mut visit: impl FnMut(&'g K, Live<'g, K, V>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        // The further nodes of a run; nearly always none.
        let mut run = Vec::new();
        let mut at = self.node_from(self.list.index.first().load());
        while let Some(first) = at {
            let order = self.node(first).order;
            let mut next = self.node_behind(first);
            while let Some(other) = next.filter(|&other| self.node(other).order == order) {
                run.push(other);
                next = self.node_behind(other);
            }
            self.visit(first, &mut visit)?;
            for other in run.drain(..) {
                self.visit(other, &mut visit)?;
            }
            at = next;
        }
        ControlFlow::Continue(())
    }

    #[inline]
    fn visit<'g, B>(
        &'g self,
        at: Tagged,
        visit: &mut impl FnMut(&'g K, Live<'g, K, V>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let node = self.node(at);
        let value = node.value();
        if value.is_null() {
            return ControlFlow::Continue(());
        }
        visit(&node.key, Live { session: self, before: None, at, value })
    }

    #[inline]
    fn node_behind(&self, at: Tagged) -> Option<Tagged> {
        self.node_from(self.node(at).next.load().unmarked())
    }

    /// The first node from `at` on.
    #[inline]
    fn node_from(&self, mut at: Tagged) -> Option<Tagged> {
        while at.is_sentinel() {
            if at == Tagged::END {
                return None;
            }
            at = self.sentinel(at).load().unclaimed();
        }
        Some(at)
    }
}

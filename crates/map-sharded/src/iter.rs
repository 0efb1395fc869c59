//! Iteration: lending under the lock, and owned.

use core::fmt;
use core::iter::FusedIterator;
use core::ops::ControlFlow;

use map_sync::reentrancy::Section;

use crate::ShardedMap;

impl<K, V, S> ShardedMap<K, V, S> {
    /// Lends every entry to `f`, one shard after the other, each under its shared lock.
    pub(crate) fn lend_all<B>(&self, f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        static FOR_EACH: Section = Section::shared("ShardedMap", "for_each");
        self.shared(&FOR_EACH, |entered| entered.table().try_for_each(entered.is_nested(), f))
    }
}

/// The entries of a map, owned, in no particular order.
pub struct IntoIter<K, V> {
    entries: map_buckets::IntoIter<K, V>,
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    #[inline]
    fn next(&mut self) -> Option<(K, V)> {
        self.entries.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl<K, V> ExactSizeIterator for IntoIter<K, V> {}
impl<K, V> FusedIterator for IntoIter<K, V> {}

impl<K, V> fmt::Debug for IntoIter<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<K, V, S> IntoIterator for ShardedMap<K, V, S> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> IntoIter<K, V> {
        IntoIter { entries: self.into_table().into_iter() }
    }
}

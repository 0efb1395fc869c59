//! Iteration: lending under the lock, and owned.

use core::fmt;
use core::iter::FusedIterator;
use core::ops::ControlFlow;
use std::vec;

use map_sync::reentrancy::Section;
use map_table::Table;

use crate::ShardedMap;

impl<K, V, S> ShardedMap<K, V, S> {
    /// Lends every entry to `f`, one shard after the other.
    pub(crate) fn lend_all<B>(
        &self,
        mut f: impl FnMut(&K, &V) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        static FOR_EACH: Section = Section::shared("ShardedMap", "for_each");
        if Self::is_plain() {
            return self.read_buckets(&FOR_EACH, |buckets| buckets.try_for_each(f));
        }
        let broken = self.tables().shared_each(&FOR_EACH, |table| {
            table.iter().try_for_each(|(key, value)| f(key, value)).break_value()
        });
        broken.map_or(ControlFlow::Continue(()), ControlFlow::Break)
    }
}

/// The entries of several tables, borrowed.
pub(crate) struct Entries<'lent, K, V, T> {
    tables: T,
    entries: Option<map_table::Iter<'lent, K, V>>,
    left: usize,
}

impl<'lent, K: 'lent, V: 'lent, T> Entries<'lent, K, V, T>
where
    T: Iterator<Item = &'lent Table<K, V>> + Clone,
{
    pub(crate) fn new(tables: T) -> Self {
        let left = tables.clone().map(Table::len).sum();
        Self { tables, entries: None, left }
    }
}

impl<'lent, K, V, T: Iterator<Item = &'lent Table<K, V>>> Iterator for Entries<'lent, K, V, T> {
    type Item = (&'lent K, &'lent V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, value)) = self.entries.as_mut().and_then(Iterator::next) {
                self.left -= 1;
                return Some((key, value));
            }
            self.entries = Some(self.tables.next()?.iter());
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<'lent, K, V, T: Iterator<Item = &'lent Table<K, V>>> ExactSizeIterator
    for Entries<'lent, K, V, T>
{
}

/// The entries of a map, owned, in no particular order.
pub struct IntoIter<K, V> {
    buckets: map_buckets::IntoIter<K, V>,
    tables: vec::IntoIter<Table<K, V>>,
    entries: map_table::IntoIter<K, V>,
    len: usize,
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    #[inline]
    fn next(&mut self) -> Option<(K, V)> {
        loop {
            if let Some(entry) = self.buckets.next().or_else(|| self.entries.next()) {
                self.len -= 1;
                return Some(entry);
            }
            self.entries = self.tables.next()?.into_iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }
}

impl<K, V> ExactSizeIterator for IntoIter<K, V> {}
impl<K, V> FusedIterator for IntoIter<K, V> {}

impl<K, V> fmt::Debug for IntoIter<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").field("len", &self.len).finish_non_exhaustive()
    }
}

impl<K, V, S> IntoIterator for ShardedMap<K, V, S> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> IntoIter<K, V> {
        let len = self.count();
        let (buckets, tables) = self.into_parts();
        IntoIter {
            buckets: buckets.into_iter(),
            tables: tables.into_iter(),
            entries: Table::new().into_iter(),
            len,
        }
    }
}

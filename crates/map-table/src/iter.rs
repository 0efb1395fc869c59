//! Iteration over both tables.

use core::fmt;
use core::iter::FusedIterator;
use core::mem;

use hashbrown::hash_table;

use crate::Table;

/// The entries of a table, borrowed, in no particular order.
pub struct Iter<'table, K, V> {
    live: hash_table::Iter<'table, (K, V)>,
    old: Option<hash_table::Iter<'table, (K, V)>>,
}

impl<'table, K, V> Iterator for Iter<'table, K, V> {
    type Item = &'table (K, V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.live.next().or_else(|| self.old.as_mut()?.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.live.len() + self.old.as_ref().map_or(0, ExactSizeIterator::len);
        (len, Some(len))
    }
}

impl<K, V> ExactSizeIterator for Iter<'_, K, V> {}
impl<K, V> FusedIterator for Iter<'_, K, V> {}

impl<K, V> fmt::Debug for Iter<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The entries of a table, owned, in no particular order.
pub struct IntoIter<K, V> {
    live: hash_table::IntoIter<(K, V)>,
    old: Option<hash_table::IntoIter<(K, V)>>,
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.live.next().or_else(|| self.old.as_mut()?.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.live.len() + self.old.as_ref().map_or(0, ExactSizeIterator::len);
        (len, Some(len))
    }
}

/// Drops the rest of the entries one by one: if hashbrown dropped them and one of them panicked, it would leak the others. Here it
/// drops the others while the panic unwinds.
impl<K, V> Drop for IntoIter<K, V> {
    fn drop(&mut self) {
        if mem::needs_drop::<(K, V)>() {
            self.for_each(drop);
        }
    }
}

impl<K, V> ExactSizeIterator for IntoIter<K, V> {}
impl<K, V> FusedIterator for IntoIter<K, V> {}

impl<K, V> fmt::Debug for IntoIter<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<K, V> Table<K, V> {
    /// Returns the entries, borrowed.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter { live: self.live.iter(), old: self.old.as_ref().map(|old| old.table.iter()) }
    }

    /// Lends every value to `f`, to be changed in place.
    pub fn for_each_mut(&mut self, mut f: impl FnMut(&K, &mut V)) {
        let old = self.old.as_mut().map(|old| old.table.iter_mut());
        self.live
            .iter_mut()
            .chain(old.into_iter().flatten())
            .for_each(|(key, value)| f(key, value));
    }
}

impl<'table, K, V> IntoIterator for &'table Table<K, V> {
    type Item = &'table (K, V);
    type IntoIter = Iter<'table, K, V>;

    fn into_iter(self) -> Iter<'table, K, V> {
        self.iter()
    }
}

impl<K, V> IntoIterator for Table<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(mut self) -> IntoIter<K, V> {
        self.take_entries()
    }
}

impl<K, V> Table<K, V> {
    fn take_entries(&mut self) -> IntoIter<K, V> {
        IntoIter {
            live: mem::take(&mut self.live).into_iter(),
            old: self.old.take().map(|old| old.table.into_iter()),
        }
    }
}

impl<K, V> Drop for Table<K, V> {
    fn drop(&mut self) {
        if mem::needs_drop::<(K, V)>() {
            drop(self.take_entries());
        }
    }
}

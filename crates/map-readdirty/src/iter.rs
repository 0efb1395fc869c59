//! Owned iteration.

use std::fmt;
use std::iter::FusedIterator;

use crate::map::ReadDirtyMap;

/// The entries of a map, by value.
///
/// Made by [`ReadDirtyMap::into_iter`].
pub struct IntoIter<K, V, S> {
    map: ReadDirtyMap<K, V, S>,
    position: usize,
    left: usize,
}

impl<K, V, S> Iterator for IntoIter<K, V, S> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        let entry = self.map.core.take_next(&mut self.position)?;
        self.left -= 1;
        Some(entry)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<K, V, S> ExactSizeIterator for IntoIter<K, V, S> {}

impl<K, V, S> FusedIterator for IntoIter<K, V, S> {}

impl<K, V, S> fmt::Debug for IntoIter<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").field("left", &self.left).finish_non_exhaustive()
    }
}

impl<K, V, S> IntoIterator for ReadDirtyMap<K, V, S> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V, S>;

    fn into_iter(self) -> IntoIter<K, V, S> {
        let left = self.core.len();
        IntoIter { map: self, position: 0, left }
    }
}

//! The dirty level: entries that are not in the published array yet.
//!
//! **Layout**: at most [`DIRTY_MAX`](super::super::moves::DIRTY_MAX) entries in the order of their insertion, their hashes beside
//! them; a search compares hashes one by one.

use super::super::levels::Waiting;
use super::entry::Entry;

/// The entries that wait for promotion. Lives under the mutex.
pub(crate) struct Dirty<K, V> {
    hashes: Vec<u64>,
    entries: Vec<*mut Entry<K, V>>,
}

// SAFETY: the pointers own entries of `K` and `V` and are used as such, under the map's mutex.
unsafe impl<K: Send, V: Send> Send for Dirty<K, V> {}

impl<K, V> Default for Dirty<K, V> {
    fn default() -> Self {
        Self { hashes: Vec::new(), entries: Vec::new() }
    }
}

impl<K, V> Waiting for Dirty<K, V> {
    fn len(&self) -> usize {
        self.entries.len()
    }
}

impl<K, V> Dirty<K, V> {
    /// Finds the entry with this hash for which `is_key` holds. Never removes an entry, so the
    /// pointer is good for as long as the caller holds the mutex, or has been pinned meanwhile.
    pub(crate) fn find(
        &self,
        hash: u64,
        mut is_key: impl FnMut(&K) -> bool,
    ) -> Option<*mut Entry<K, V>> {
        let with_hash = self.hashes.iter().zip(&self.entries).filter(|(known, _)| **known == hash);
        with_hash.map(|(_, entry)| *entry).find(|&entry| {
            // SAFETY: entries in the list are alive.
            is_key(unsafe { &(*entry).key })
        })
    }

    /// Makes room for one more entry, so that the next `push` cannot fail.
    pub(crate) fn reserve(&mut self) {
        self.hashes.reserve(1);
        self.entries.reserve(1);
    }

    pub(crate) fn push(&mut self, hash: u64, entry: *mut Entry<K, V>) {
        self.hashes.push(hash);
        self.entries.push(entry);
    }

    /// Takes the newest entry out.
    pub(crate) fn pop(&mut self) -> Option<*mut Entry<K, V>> {
        self.hashes.pop();
        self.entries.pop()
    }
}

#[cfg(test)]
#[path = "dirty_tests.rs"]
mod tests;

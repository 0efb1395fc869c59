//! The table: layout, look-up, memory.
//!
//! **Algorithm**: hashbrown's SwissTable. While it grows there are two of them: `live`, which takes all
//! new entries, and `old`, which is being emptied into `live` (module `growth`).
//!
//! **Source**: SwissTable is Abseil's (Kulukundis, CppCon 2017); emptying an old table step by step is
//! the incremental rehash of Redis' `dict.c`, here with hashbrown's bucket indices as the cursor.
//!
//! **Layout**
//!
//! ```text
//! Table { live: HashTable<(K, V)>, old: Option<Box<Draining>> }         40 bytes
//!                                              └─> { table: HashTable<(K, V)>, cursor }
//! ```
//!
//! The hash of an entry is not stored: eight bytes beside two words would cost half as much memory
//! again. An entry that moves is hashed again.
//!
//! **Invariants**: (I1) a key is in at most one of the two tables. (I2) `live` has room, without
//! growing by itself, for every entry of `old`: `live.capacity() - live.len() >= old.len()`. (I3) `old`
//! is `Some` only while it holds an entry, or until the next write. (I4) hashbrown never rehashes a
//! table of ours: an entry is put into `live` only when there is room, so the hasher that hashbrown is
//! given is never called, and a panic in the user's `Hash` cannot meet a half-moved table.

use core::borrow::Borrow;
use core::fmt;
use core::mem;

use hashbrown::{HashTable, TryReserveError};
use map_core::ReserveError;

use crate::growth::{BUCKETS_PER_SHRINK, Draining};

/// A hash table that grows in bounded steps. See the crate documentation.
pub struct Table<K, V> {
    pub(crate) live: HashTable<(K, V)>,
    pub(crate) old: Option<Box<Draining<K, V>>>,
}

impl<K, V> Table<K, V> {
    /// Makes an empty table, which has allocated nothing.
    pub const fn new() -> Self {
        Self { live: HashTable::new(), old: None }
    }

    /// Makes an empty table with room for `capacity` entries.
    ///
    /// # Errors
    ///
    /// If the room cannot be had.
    pub fn try_with_capacity(capacity: usize) -> Result<Self, ReserveError> {
        Ok(Self { live: allocate(capacity)?, old: None })
    }

    /// Returns the number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.live.len() + self.old_len()
    }

    /// Returns whether there is no entry.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many entries fit before the table allocates again, at the least.
    pub fn capacity(&self) -> usize {
        // By I2 what is still in `old` has its place in `live`.
        self.live.capacity()
    }

    /// Returns the number of bytes that the table has allocated for entries.
    pub fn allocation_size(&self) -> usize {
        self.live.allocation_size() + self.old.as_ref().map_or(0, |old| old.table.allocation_size())
    }

    /// Returns whether the table is growing: whether entries wait to be moved.
    #[inline]
    pub fn is_growing(&self) -> bool {
        self.old.is_some()
    }

    /// Returns the value of `key`.
    #[inline]
    pub fn find<Q>(&self, hash: u64, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        match self.live.find(hash, |(known, _)| known.borrow() == key) {
            Some((_, value)) => Some(value),
            None => match &self.old {
                None => None,
                Some(old) => old.find(hash, key),
            },
        }
    }

    /// Makes room for `additional` more entries.
    ///
    /// If that takes a larger table, the entries move to it in the bounded steps of later writes. A
    /// growth that is still under way is finished first.
    ///
    /// # Errors
    ///
    /// If the room cannot be had; no entry has changed then.
    pub fn try_reserve(
        &mut self,
        additional: usize,
        rehash: impl Fn(&K) -> u64,
    ) -> Result<(), ReserveError> {
        let needed = self.len().checked_add(additional).ok_or(ReserveError::CapacityOverflow)?;
        if needed <= self.capacity() {
            return Ok(());
        }
        let larger = allocate(needed.max(self.next_capacity()))?;
        self.drain_all(&rehash);
        self.start_draining_into(larger);
        Ok(())
    }

    /// Does a bounded part of giving back the memory that the present entries do not need; returns whether there is more to do.
    ///
    /// `begun` is `false` for the first call of a series, and the table's business in between. Other operations may come between two
    /// calls, also such that make the table grow again.
    ///
    /// If there is no memory for the smaller table, the larger one is kept.
    pub fn shrink_step(&mut self, begun: &mut bool, rehash: impl Fn(&K) -> u64) -> bool {
        if self.old.is_some() {
            self.step(BUCKETS_PER_SHRINK, &rehash);
            return true;
        }
        let smaller = if *begun { None } else { allocate(self.live.len()).ok() };
        *begun = true;
        match smaller {
            Some(smaller) if smaller.num_buckets() < self.live.num_buckets() => {
                self.start_draining_into(smaller);
                true
            }
            _ => false,
        }
    }

    /// Takes out all entries, together with the memory they are in.
    ///
    /// Constant time; the caller decides where they are dropped.
    #[must_use = "dropping the entries may be long and runs the user's code"]
    pub fn take(&mut self) -> Self {
        mem::take(self)
    }

    #[inline]
    pub(crate) fn old_len(&self) -> usize {
        match &self.old {
            None => 0,
            Some(old) => old.table.len(),
        }
    }
}

/// Makes an empty hashbrown table with room for `capacity` entries.
pub(crate) fn allocate<T>(capacity: usize) -> Result<HashTable<T>, ReserveError> {
    let mut table = HashTable::new();
    table.try_reserve(capacity, |_| 0).map_err(|error| match error {
        TryReserveError::CapacityOverflow => ReserveError::CapacityOverflow,
        TryReserveError::AllocError { .. } => ReserveError::AllocError,
    })?;
    Ok(table)
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("growing", &self.is_growing())
            .finish()
    }
}

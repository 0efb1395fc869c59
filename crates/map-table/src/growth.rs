//! Growth in bounded steps.
//!
//! **Algorithm**: when `live` has no room for one more entry, a fresh table takes its place and it
//! becomes `old`, with a cursor at its first bucket. Every write first looks at the next
//! [`BUCKETS_PER_WRITE`] buckets of `old` and moves what is in them. When `old` is empty it is freed.
//! The fresh table is twice as large, or as large as before if at most half of the room is in use and
//! the rest went to the marks that removals leave behind.
//!
//! **Why it is finished in time**: `old` has `B` buckets and holds at most `7/8 B` entries. Doubled,
//! `live` has room for `7/4 B`, so `7/8 B` new entries fit beside the moved ones; of the same size,
//! `7/16 B` or more do. A new entry takes one place, and its write has scanned 32 buckets: `old` is empty
//! after `B/32` writes. Two buckets per write would do for doubling, three for both; 32 end the time in
//! which a look-up may have to ask two tables sooner (a 28th of the way to the next doubling) and still
//! touch few cache lines: neighbours in `old` are neighbours in `live`, because the bucket is the low
//! bits of the hash.
//!
//! **Panics**: an entry leaves `old` only after its hash is known, and from there to its place in `live`
//! no code of the user runs. The cursor passes a bucket *before* its key is hashed, so that a key whose
//! `Hash` panics spoils one write and not all that follow; it is met again on the next round.
//! Only if it goes on panicking until `live` is full does it stop insertions of new keys: there all of
//! `old` is moved at once, and that is the one write, besides explicit `reserve`,
//! that moves more than a constant number. Shrinking goes the same way, in steps of [`BUCKETS_PER_SHRINK`] buckets.

use core::borrow::Borrow;

use hashbrown::HashTable;
use map_sync::contention;

use crate::Table;
use crate::table::allocate;

/// How many buckets of the old table a write empties: the most entries that it moves.
pub const BUCKETS_PER_WRITE: usize = 32;

/// How many buckets a step of a table that shrinks empties.
pub const BUCKETS_PER_SHRINK: usize = 256;

/// A table that is being emptied.
pub(crate) struct Draining<K, V> {
    pub(crate) table: HashTable<(K, V)>,
    cursor: usize,
}

impl<K, V> Draining<K, V> {
    // Not inlined into every read: only a growing table comes here.
    #[inline(never)]
    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.table.find(hash, |(known, _)| known.borrow() == key).map(|(_, value)| value)
    }

    /// Moves what is in the next bucket to `live`, which has room for it.
    #[inline]
    fn move_bucket(&mut self, live: &mut HashTable<(K, V)>, rehash: &impl Fn(&K) -> u64) {
        let bucket = self.cursor;
        self.cursor = if bucket + 1 < self.table.num_buckets() { bucket + 1 } else { 0 };
        if let Some((key, _)) = self.table.get_bucket(bucket) {
            let hash = rehash(key);
            if let Ok(entry) = self.table.get_bucket_entry(bucket) {
                live.insert_unique(hash, entry.remove().0, never_rehash);
                contention::moved();
            }
        }
    }
}

impl<K, V> Table<K, V> {
    /// Does a write's share of the growth under way, if one is.
    #[inline]
    pub(crate) fn advance(&mut self, rehash: &impl Fn(&K) -> u64) {
        if self.old.is_some() {
            self.step(BUCKETS_PER_WRITE, rehash);
        }
    }

    /// Sees to it that `live` has room for a new entry beside all of `old`.
    #[inline]
    pub(crate) fn make_room(&mut self, rehash: &impl Fn(&K) -> u64) {
        if self.live.capacity() - self.live.len() <= self.old_len() {
            self.grow(rehash);
        }
    }

    /// Does the share of `entries` writes in a growth under way, and sees to it that there is room for them all.
    pub(crate) fn make_room_for(&mut self, entries: usize, rehash: &impl Fn(&K) -> u64) {
        for _ in 0..entries {
            self.advance(rehash);
        }
        if self.live.capacity() - self.live.len() < self.old_len() + entries {
            self.grow_for(entries, rehash);
        }
    }

    #[inline(never)]
    pub(crate) fn step(&mut self, buckets: usize, rehash: &impl Fn(&K) -> u64) {
        let Some(old) = &mut self.old else { return };
        for _ in 0..buckets {
            if old.table.is_empty() {
                self.old = None;
                return;
            }
            old.move_bucket(&mut self.live, rehash);
        }
    }

    /// Moves all that is left in `old`.
    pub(crate) fn drain_all(&mut self, rehash: &impl Fn(&K) -> u64) {
        if let Some(old) = &mut self.old {
            while !old.table.is_empty() {
                old.move_bucket(&mut self.live, rehash);
            }
            self.old = None;
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, rehash: &impl Fn(&K) -> u64) {
        self.grow_for(1, rehash);
    }

    /// Puts a larger table with room for `entries` more in the place of `live`.
    fn grow_for(&mut self, entries: usize, rehash: &impl Fn(&K) -> u64) {
        self.drain_all(rehash);
        let larger = match allocate(self.next_capacity().max(self.len() + entries)) {
            Ok(larger) => larger,
            Err(error) => panic!("{error}"),
        };
        self.start_draining_into(larger);
        self.advance(rehash);
    }

    /// How much room the next table needs: see the module's documentation.
    pub(crate) fn next_capacity(&self) -> usize {
        let buckets = self.live.num_buckets();
        // hashbrown's load: all but one of up to 8 buckets, 7 of 8 of more.
        let full = if buckets < 8 { buckets - 1 } else { buckets / 8 * 7 };
        if self.len() < full / 2 { full } else { full + 1 }
    }

    /// Puts `fresh` in the place of `live`. The caller has emptied `old`, and `fresh` has room for all.
    pub(crate) fn start_draining_into(&mut self, fresh: HashTable<(K, V)>) {
        debug_assert!(self.old.is_none() && fresh.capacity() >= self.live.len());
        let table = core::mem::replace(&mut self.live, fresh);
        if !table.is_empty() {
            self.old = Some(Box::new(Draining { table, cursor: 0 }));
        }
    }
}

/// The hasher for insertions that have room: by I4 of the table it is never called.
pub(crate) fn never_rehash<T>(_: &T) -> u64 {
    unreachable!("a table grows only where the growth can be interrupted")
}

//! One table made into several.
//!
//! **Algorithm**: the hashes of all entries are computed first, and the tables made with room for what belongs in each; then the entries
//! are moved. The places of the entries are noted as bucket numbers of `live`.
//!
//! **Invariants**: (I1) nothing moves before the last call of the user's `Hash` and before the last allocation: a panic or a
//! refusal leaves the table as it was.

use hashbrown::HashTable;
use map_core::ReserveError;
use map_sync::contention;

use crate::Table;
use crate::growth::never_rehash;

/// An entry that is to move.
struct Move {
    bucket: usize,
    hash: u64,
    part: usize,
}

impl<K, V> Table<K, V> {
    /// Moves all entries into `parts` new tables, into that one each which `part_of` says of its hash, and leaves an empty table.
    ///
    /// Each has room for `room` entries, or for those that it is given. A growth that is under way is finished first. Linear in the
    /// number of buckets.
    ///
    /// # Errors
    ///
    /// If the room cannot be had; no entry has moved then.
    ///
    /// # Panics
    ///
    /// If `rehash` does, with nothing lost, or if `part_of` returns `parts` or more.
    pub fn divide(
        &mut self,
        parts: usize,
        room: usize,
        part_of: impl Fn(u64) -> usize,
        rehash: impl Fn(&K) -> u64,
    ) -> Result<Vec<Self>, ReserveError> {
        self.drain_all(&rehash);
        let mut moves = Vec::with_capacity(self.live.len());
        let mut rooms = vec![0_usize; parts];
        for bucket in 0..self.live.num_buckets() {
            if let Some((key, _)) = self.live.get_bucket(bucket) {
                let hash = rehash(key);
                let part = part_of(hash);
                rooms[part] += 1;
                moves.push(Move { bucket, hash, part });
            }
        }
        let mut tables = rooms
            .into_iter()
            .map(|needed| Self::try_with_capacity(needed.max(room)))
            .collect::<Result<Vec<_>, _>>()?;
        for Move { bucket, hash, part } in moves {
            if let Ok(entry) = self.live.get_bucket_entry(bucket) {
                tables[part].live.insert_unique(hash, entry.remove().0, never_rehash);
                contention::moved();
            }
        }
        self.live = HashTable::new();
        Ok(tables)
    }
}

//! A concurrent hash map of many shards, each with a lock of its own.
//!
//! [`ShardedMap`] spreads its keys over a power of two of tables. Each lies behind a reader-writer lock
//! on its own cache lines, so operations on different keys seldom meet. Values are lent to closures, so no
//! caller can keep a lock, and the table of a shard grows in bounded steps.
//!
//! # When to choose it, and when not
//!
//! Choose it for mixed traffic from several threads: it writes as well as it reads, allocates nothing per
//! entry, costs the memory of a plain hash table, and frees memory at once. It is the map to
//! begin with when the share of reads is not known to be extreme.
//!
//! Do not choose it when nearly all operations are reads: even a read writes to the word of a lock, and
//! `map-readdirty` and `map-caslist` read without one. Do not choose it when most operations go to
//! one key: they all meet at one lock, as in `map-rwlock`. Nor for many small maps: an empty one takes
//! 128 bytes for each shard, four shards for each hardware thread. For these there is
//! [`with_shards_and_hasher`](ShardedMap::with_shards_and_hasher), or `map-rwlock`.
//!
//! # Example
//!
//! ```
//! use map_sharded::ShardedMap;
//!
//! let words = ShardedMap::new();
//! std::thread::scope(|scope| {
//!     for text in ["a rose is a rose", "is a rose"] {
//!         let words = &words;
//!         scope.spawn(move || {
//!             for word in text.split(' ') {
//!                 words.get_or_insert_with(word, || 0, |_| ());
//!                 words.update(word, |count| count + 1);
//!             }
//!         });
//!     }
//! });
//! assert_eq!(words.get("rose"), Some(3));
//! ```
//!
//! # Consistency
//!
//! Every operation on one key is linearizable; it takes effect while it holds its shard's lock.
//! [`try_for_each`](ShardedMap::try_for_each), [`for_each`](ShardedMap::for_each),
//! [`retain`](ShardedMap::retain) and [`clear`](ShardedMap::clear) go from shard to shard: each shard is seen
//! at one instant, the map is not. [`get_many`](ShardedMap::get_many) and
//! [`insert_many`](ShardedMap::insert_many) group the keys of a bounded chunk by shard and take each
//! lock once for its group. [`len`](ShardedMap::len) adds up counts that the writes leave behind, and takes
//! no lock.
//!
//! # Progress and blocking
//!
//! An operation holds at most one lock at a time. A read waits for a write under way in its shard, and a
//! new one for a waiting write, so that writes are not starved; a write waits for all in its shard. What
//! waits spins briefly and is then parked. `len`, `is_empty` and `pin` never wait.
//!
//! A closure runs under its shard's lock: in shared mode in `read`, `get`, `contains_key`, `get_many` and
//! `for_each`, exclusively in `compute` and its relatives, `update`, `remove_if`, `retain`, and in
//! `get_or_insert_with` when the key is absent. The closures of `insert_then` and `remove_then` run after
//! the lock. Keys are hashed before the lock, and iterators given to `get_many` and `insert_many` are
//! advanced outside it.
//!
//! # Memory and reclamation
//!
//! Keys and values lie in the tables; nothing is allocated per entry. Memory is freed at once, by the
//! thread that removes. What an operation removes, replaces or refuses is dropped by that operation,
//! after the lock. While a shard grows it has two tables, the old one at most as large as the new. Shards
//! shrink only in [`shrink_to_fit`](ShardedMap::shrink_to_fit) and [`clear`](ShardedMap::clear).
//!
//! # Complexity
//!
//! As the contract says. No write moves more than eight entries, however large the map. That bounds
//! what is moved, not what the allocator does: the write that starts a shard's growth allocates the new
//! table and writes one byte for each of its buckets, the one that ends it frees the old one.
//! `len` is linear in the number of shards, and so is every operation on many keys at the least.
//! [`capacity`](ShardedMap::capacity) supposes that the hasher spreads keys evenly; a map with room
//! for `n` entries lets each shard have its share and four standard deviations more.
//!
//! # Panics
//!
//! A panic in a closure or in `Hash`, `Eq` or `Clone` of a key or a value reaches the caller; the lock is
//! released, no entry is lost, and the map goes on, never poisoned. Because a write also moves entries of
//! other keys while its shard grows, it may meet the panic of another key's `Hash`; it has not taken
//! effect then. A map that cannot have the memory to grow panics or aborts, as std's collections do;
//! [`try_reserve`](ShardedMap::try_reserve) is the way to be asked first.
//!
//! # Re-entrance
//!
//! What holds, holds for the map, not for a shard: whether two keys share a shard must not decide whether
//! a program works. A closure of a reading operation (`read`, `get_many`, `for_each`) may read the same
//! map; the inner read does not queue behind waiting writers, so it cannot hang. Every other call of the
//! map from a closure under a lock panics, always, and names both operations. `len` and `is_empty` take
//! no lock and work everywhere. The closures of `insert_then` and `remove_then` may do everything. Two
//! *different* maps whose closures use each other in opposite orders can deadlock, as any two locks can.
//!
//! # Alternatives
//!
//! `map-rwlock`: one shard, the whole map at one instant. dashmap: the same layout with guards in place of
//! closures, which can be kept too long, and a shard's rehash in one piece.
//!
//! # Feature flags
//!
//! - `serde`: `Serialize` and `Deserialize`, as a map.
//! - `rayon`: `FromParallelIterator`, `ParallelExtend` and an owned `IntoParallelIterator`.
#![forbid(unsafe_code)]

mod iter;
mod map;
mod ops;

pub use iter::IntoIter;
pub use map::ShardedMap;
pub use map_core::{
    Action, BuildMap, CapacityMap, CompareExchangeError, ConcurrentMap, DefaultHashBuilder,
    Guarantees, Outcome, PinMap, Reentrancy, ReserveError, ShrinkMap, TryInsertError,
};

map_core::misuse_must_not_compile!("map_sharded" "ShardedMap");

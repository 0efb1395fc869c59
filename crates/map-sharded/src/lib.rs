//! A concurrent hash map of many shards, each with a lock of its own.
//!
//! [`ShardedMap`] spreads its keys over a power of two of shards, each with a lock of its own, so operations on different keys
//! seldom meet. Values are lent to closures, so no caller can keep a lock, and the map grows in bounded steps.
//!
//! What a shard is depends on the types of keys and values, and is decided at compile time:
//!
//! - **Plain entries**, of which both key and value are numbers, `bool`, `char` or `()`: a shard is a bucket of up to 32
//!   entries; their number grows with the map. A read copies the value beside writers and stores nothing in the shard: it
//!   waits for no writer, and no writer for it.
//! - **All others**: a shard is a table behind a reader-biased lock: one while the map is small, then four for each hardware thread. While only reads
//!   come, a read stores in no line that another thread uses; a write takes that bias back.
//!
//! # When to choose it, and when not
//!
//! Choose it for mixed traffic from several threads: it writes as well as it reads, allocates nothing per
//! entry, costs the memory of a plain hash table, and frees memory at once. It is the map to
//! begin with when the share of reads is not known to be extreme, and with plain entries for any share.
//!
//! Do not choose it when nearly all operations are reads of entries that are not plain, with a few writes between them:
//! then even a read writes to the word of a lock, and `map-readdirty` and `map-caslist` read without one. When most
//! writes go to one key they all meet at one lock, as in `map-rwlock`.
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
//! ## Affinity
//!
//! In a thread-per-core program each thread can own a part of the shards and work on them without locks and atomics.
//! [`into_workers`](ShardedMap::into_workers) takes a map apart into [`Worker`]s, a [`Router`] tells whose a key is, a worker
//! refuses what is not its own, and [`from_workers`](ShardedMap::from_workers) puts the map together again:
//!
//! ```
//! use map_sharded::ShardedMap;
//! use std::{sync::mpsc, thread};
//!
//! let workers = ShardedMap::new().into_workers(4).expect("four are not too many");
//! let router = workers[0].router().clone();
//! let (mut inboxes, mut threads) = (Vec::new(), Vec::new());
//! for mut worker in workers {
//!     let (inbox, batches) = mpsc::channel::<Vec<&str>>();
//!     inboxes.push(inbox);
//!     threads.push(thread::spawn(move || {
//!         for word in batches.into_iter().flatten() {
//!             *worker.get_or_insert_with(word, || 0).expect("it was routed") += 1;
//!         }
//!         worker
//!     }));
//! }
//! for text in ["a rose is a rose", "is a rose"] {
//!     for (inbox, batch) in inboxes.iter().zip(router.route(text.split(' '), |word| word)) {
//!         inbox.send(batch).expect("the worker listens");
//!     }
//! }
//! drop(inboxes);
//! let workers = threads.into_iter().map(|thread| thread.join().expect("no worker panics"));
//! let words = ShardedMap::from_workers(workers).expect("all are back");
//! assert_eq!(words.get("rose"), Some(3));
//! ```
//!
//! # Consistency
//!
//! Every operation on one key is linearizable; it takes effect while it holds its shard's lock, a read of a plain value at the
//! instant that the shard's version confirms.
//! [`try_for_each`](ShardedMap::try_for_each), [`for_each`](ShardedMap::for_each),
//! [`retain`](ShardedMap::retain) and [`clear`](ShardedMap::clear) go from shard to shard: each shard is seen
//! at one instant, the map is not. That a small map is divided meanwhile shows in nothing but `shards` and `capacity`. [`get_many`](ShardedMap::get_many) and
//! [`insert_many`](ShardedMap::insert_many) work on bounded chunks of keys: of plain entries they fetch the shards of the next
//! keys into the cache while they look at one; of others they take each shard's lock once for its group of a chunk.
//! [`len`](ShardedMap::len) adds up counts that the writes leave behind.
//!
//! What only locks can give is a trait of its own, [`LockedMap`], and a group of methods: values changed in place
//! ([`modify`](ShardedMap::modify)), several keys read or changed at one instant ([`read_many`](ShardedMap::read_many),
//! [`transact`](ShardedMap::transact)), all entries at one instant ([`snapshot`](ShardedMap::snapshot)).
//!
//! # Progress and blocking
//!
//! An operation holds one shard's lock at a time, but for `read_many` and `transact`, which hold those of their keys, and
//! `snapshot`, which holds all. Several are held in an order, or given back where that would make two threads wait for each other;
//! a `transact` of keys in other tables that are in use without a pause may have to try again and again. Writes to a shard wait for each other. A read of a plain value waits
//! for nobody, unless many attempts in a row have met a writer at work; any other read waits for a write under way in its
//! shard, and a new one for a waiting write, so that writes are not starved, and a write waits for all in its shard. What
//! waits spins briefly and is then parked. `len`, `is_empty` and `pin` never wait, but that with plain entries
//! each step of [`shrink_to_fit`](ShardedMap::shrink_to_fit) waits for all operations under way, and those that come then for it: 64 pairs of
//! shards at the most. Between two steps they go on.
//!
//! A closure that is lent a plain value runs under no shard's lock in `read`, `get_many`, `read_many`, `for_each` and `snapshot`: it gets a copy. Otherwise
//! a closure runs under its shard's lock: in shared mode in `read`, `get`, `contains_key`, `get_many` and
//! `for_each`, exclusively in `compute` and its relatives, `update`, `remove_if`, `retain`, and in
//! `get_or_insert_with` when the key is absent. So do those of `modify` and its relatives and of `transact`, exclusively, and those of
//! `read_many` and `snapshot`, shared. The closures of `insert_then` and `remove_then` run after
//! the lock. Keys are hashed before the lock, and iterators given to `get_many` and `insert_many` are
//! advanced outside it.
//!
//! # Memory and reclamation
//!
//! Keys and values lie in the shards; nothing is allocated per entry. Memory is freed at once, by the
//! thread that removes. What an operation removes, replaces or refuses is dropped by that operation,
//! after the lock. Plain entries need 24 bytes for two words at 100 000 entries; a map of them allocates nothing while it is
//! empty, and growth adds buckets and moves half of the entries of one into another. With other entries a map is one table, which
//! lies in the map itself and allocates nothing while it is empty; it is divided into shards of 128 bytes each by the first write that finds 32 entries, or has to
//! wait for another operation, and stays divided. A shard that grows has
//! two tables, the old one at most as large as the new. The map shrinks only in
//! [`shrink_to_fit`](ShardedMap::shrink_to_fit), and tables also in [`clear`](ShardedMap::clear).
//!
//! # Complexity
//!
//! As the contract says. No write moves more than the entries of one bucket, 32 and a chain that is short if the hasher spreads, or
//! 32 entries of a table, however large the map; `transact` moves as much for each key. The one write that divides a small map
//! moves what is in it, some 100 entries at the most. With tables that bounds
//! what is moved, not what the allocator does: the write that starts a shard's growth allocates the new
//! table and writes one byte for each of its buckets, the one that ends it frees the old one.
//! `len` is linear in the number of hardware threads (plain entries) or of shards; every operation on many keys is at the least
//! linear in the number of shards. Of tables, [`capacity`](ShardedMap::capacity) supposes that the hasher spreads keys evenly; a
//! map with room for `n` entries lets each shard have its share and four standard deviations more.
//!
//! # Panics
//!
//! A panic in a closure or in `Hash`, `Eq` or `Clone` of a key or a value reaches the caller; the lock is
//! released, no entry is lost, and the map goes on, never poisoned. Because a write also moves entries of
//! other keys while the map grows, it may meet the panic of another key's `Hash`; it has not taken
//! effect then. A map that cannot have the memory to grow panics or aborts, as std's collections do;
//! [`try_reserve`](ShardedMap::try_reserve) is the way to be asked first.
//!
//! # Re-entrance
//!
//! What holds, holds for the map, not for a shard: whether two keys share a shard must not decide whether
//! a program works. A closure of a reading operation (`read`, `get_many`, `read_many`, `for_each`, `snapshot`) may read the same
//! map; the inner read does not queue behind waiting writers, so it cannot hang. Every other call of the
//! map from a closure of an operation that is not over panics, always, and names both operations. `len` and `is_empty` take
//! no lock and work everywhere. The closures of `insert_then` and `remove_then` may do everything. Two
//! *different* maps whose closures use each other in opposite orders can deadlock, as any two locks can.
//!
//! # Alternatives
//!
//! `map-rwlock`: one table, the whole map at one instant. dashmap: tables under locks with guards in place of
//! closures, which can be kept too long, and a shard's rehash in one piece. scc: buckets with locks, which every read writes.
//!
//! # Feature flags
//!
//! - `serde`: `Serialize` and `Deserialize`, as a map.
//! - `rayon`: `FromParallelIterator`, `ParallelExtend` and an owned `IntoParallelIterator`.
#![forbid(unsafe_code)]

mod batch;
mod iter;
mod locked;
mod map;
mod ops;
mod shards;
mod tables;
mod workers;

pub use iter::IntoIter;
pub use map::ShardedMap;
pub use map_core::{
    Action, BuildMap, CapacityMap, CompareExchangeError, ConcurrentMap, DefaultHashBuilder,
    Guarantees, LockedMap, Outcome, PinMap, Reentrancy, ReserveError, ShrinkMap, TryInsertError,
};
pub use workers::{
    FromWorkersError, FromWorkersReason, IntoWorkersError, IntoWorkersReason, Misrouted,
    PartlyInserted, Router, Worker,
};

map_core::misuse_must_not_compile!("map_sharded" "ShardedMap");

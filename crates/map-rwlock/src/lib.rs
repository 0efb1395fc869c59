//! A concurrent hash map: one table under one reader-writer lock.
//!
//! [`RwLockMap`] is the simplest of the Atlas maps. Reads share the lock, a write has it alone. The
//! table under it grows in bounded steps, so that no write keeps all others out for the length of a
//! rehash, and values are lent to closures, so that no caller can keep the lock.
//!
//! # When to choose it, and when not
//!
//! Choose it for a map that is filled and then read: while no write comes, a read stores to a line of its own thread alone, and
//! reads scale with the threads at nearly the speed of a plain table. Choose it too when the map is used seldom, when it is small,
//! when there are many maps of which each sees little traffic, when memory counts (an entry costs what it costs in hashbrown), or
//! for an instant of the whole map. It is also the one to debug with: one lock, one table.
//!
//! Do not choose it for a map that several threads use all the time and that is written, be it seldom. After a write, and until
//! some hundreds of reads have come without another, every operation writes to the word of the lock, and that word moves from core
//! to core. `map-sharded` spreads the writes, `map-readdirty` and `map-caslist` read without a lock.
//!
//! # Example
//!
//! ```
//! use map_rwlock::RwLockMap;
//!
//! let stock = RwLockMap::new();
//! std::thread::scope(|scope| {
//!     for _ in 0..4 {
//!         scope.spawn(|| {
//!             for item in ["bolt", "nut"] {
//!                 stock.get_or_insert_with(item, || 0, |_| ());
//!                 stock.update(item, |count| count + 1);
//!             }
//!         });
//!     }
//! });
//! assert_eq!(stock.get("bolt"), Some(4));
//! ```
//!
//! # Consistency
//!
//! Every operation on one key is linearizable; it takes effect while it holds the lock. Beyond the
//! contract: [`try_for_each`](RwLockMap::try_for_each), [`for_each`](RwLockMap::for_each),
//! [`retain`](RwLockMap::retain) and [`clear`](RwLockMap::clear) hold the lock once from their first
//! entry to their last, so each sees, or makes, one instant. [`get_many`](RwLockMap::get_many) and
//! [`insert_many`](RwLockMap::insert_many) take the lock once for each bounded chunk of keys.
//!
//! What only a lock can give is a trait of its own, [`LockedMap`], and a group of methods: values changed in place
//! ([`modify`](RwLockMap::modify)), several keys read or changed at one instant ([`read_many`](RwLockMap::read_many),
//! [`transact`](RwLockMap::transact)), all entries at one instant ([`snapshot`](RwLockMap::snapshot)).
//!
//! [`len`](RwLockMap::len) reads a count that each write leaves behind, and takes no lock.
//!
//! # Progress and blocking
//!
//! Reads wait for a write under way, and new ones for a waiting write, so that writes are not starved. A
//! write waits for everything; the first one after many reads also makes a system call of about a microsecond, by which it learns of
//! all readers. What waits spins briefly and is then parked. `len`, `is_empty` and `pin`
//! never wait.
//!
//! A closure runs under the lock: in shared mode in `read`, `get`, `contains_key`, `get_many` and
//! `for_each`, exclusively in `compute` and its relatives, `update`, `remove_if`, `retain`, and in
//! `get_or_insert_with` when the key is absent. So do those of `modify` and its relatives and of `transact`, exclusively, and those of
//! `read_many` and `snapshot`, shared. The closures of `insert_then` and `remove_then` run after
//! the lock. Keys are hashed before the lock, and iterators given to `get_many` and `insert_many` are
//! advanced outside it.
//!
//! # Memory and reclamation
//!
//! Keys and values lie in the table; nothing is allocated per entry. Memory is freed at once, by the
//! thread that removes. What an operation removes, replaces or refuses is dropped by that operation,
//! after the lock. An empty map allocates nothing. While the table grows there are two, the old one at most
//! as large as the new. The table shrinks only in [`shrink_to_fit`](RwLockMap::shrink_to_fit) and
//! [`clear`](RwLockMap::clear).
//!
//! # Complexity
//!
//! As the contract says. No write moves more than 32 entries, however large the map; `transact` moves as many for each key. That bounds
//! what is moved, not what the allocator does: the write that starts a growth allocates the new table
//! and writes one byte for each of its buckets, the one that ends it frees the old one. `shrink_to_fit`
//! is linear in the number of entries and moves at most 256 of them at a time, between which others come; `clear` holds the lock for constant time.
//!
//! # Panics
//!
//! A panic in a closure or in `Hash`, `Eq` or `Clone` of a key or a value reaches the caller; the lock is
//! released, no entry is lost, and the map goes on, never poisoned. Because a write also moves entries of
//! other keys while the map grows, it may meet the panic of another key's `Hash`; it has not taken effect
//! then. A map that cannot have the memory to grow panics or aborts, as std's collections do;
//! [`try_reserve`](RwLockMap::try_reserve) is the way to be asked first.
//!
//! # Re-entrance
//!
//! A closure of a reading operation (`read`, `get_many`, `read_many`, `for_each`, `snapshot`) may read the same map; the inner
//! read does not queue behind waiting writers, so it cannot hang. Every other call of the map from a
//! closure under the lock panics, always, and names both operations. `len` and `is_empty` take no lock
//! and work everywhere. The closures of `insert_then` and `remove_then` may do everything. Two *different* maps whose closures use each other in opposite orders can deadlock, as
//! any two locks can.
//!
//! # Alternatives
//!
//! `map-sharded`: this map, many times over. `parking_lot::RwLock<HashMap>`: guards instead of
//! closures, a rehash under the lock instead of steps.
//!
//! # Feature flags
//!
//! - `serde`: `Serialize` and `Deserialize`, as a map.
//! - `rayon`: `FromParallelIterator`, `ParallelExtend` and an owned `IntoParallelIterator`.
#![forbid(unsafe_code)]

mod iter;
mod locked;
mod map;
mod ops;

pub use iter::IntoIter;
pub use map::RwLockMap;
pub use map_core::{
    Action, BuildMap, CapacityMap, CompareExchangeError, ConcurrentMap, DefaultHashBuilder,
    Guarantees, LockedMap, Outcome, PinMap, Reentrancy, ReserveError, ShrinkMap, TryInsertError,
};

map_core::misuse_must_not_compile!("map_rwlock" "RwLockMap");

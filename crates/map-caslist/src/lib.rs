//! A lock-free concurrent hash map: one list in hash order, changed by compare-and-swap.
//!
//! Every entry is a node of one list, sorted by the hash of its key. An index of sentinels leads to
//! the middle of it; the index doubles without moving an entry. Readers walk without writing, except
//! that the first one to come to a new bucket puts its sentinel in. Writers change one pointer at a
//! time, and what they take out is freed by [`seize`] when nobody can be reading it any more.
//!
//! # When to choose it, and when not
//!
//! Choose it when no operation may wait for another thread, whatever that thread does: threads of
//! different priority, more threads than cores, closures that take long. Its longest operation stays
//! short while the map grows, since nothing is moved. Choose it also when closures must be free to
//! call the map that called them.
//!
//! Do not choose it for the highest throughput on a large map (a read follows two pointers to memory
//! of their own, where a flat table touches one line), for the smallest memory, for a
//! `get_or_insert_with` whose closure must run once, or where memory must be given back before the map
//! is dropped: the index never shrinks.
//!
//! # Example
//!
//! ```
//! use map_caslist::{Action, CasListMap, Outcome};
//!
//! let words = CasListMap::new();
//! std::thread::scope(|scope| {
//!     for _ in 0..4 {
//!         scope.spawn(|| {
//!             for word in ["to", "be", "or", "not", "to", "be"] {
//!                 words.compute(word, |n| Action::Put(n.map_or(1, |n| n + 1)));
//!             }
//!         });
//!     }
//! });
//! assert_eq!(words.get("be"), Some(8));
//! assert_eq!(words.compute_if_present("or", |_| Action::Remove), Outcome::Removed);
//! assert_eq!(words.len(), 3);
//! ```
//!
//! # Consistency
//!
//! Operations on one key are linearizable. An insertion takes effect when its node is linked, an
//! overwrite or removal when the entry's value pointer is exchanged, a read when it loads that
//! pointer. Iteration walks the live list: an entry present throughout is visited once, none twice.
//!
//! # Progress and blocking
//!
//! All operations are lock-free: a thread that is stopped at any point, even within a write, stops
//! nobody. A single operation may be retried as long as others succeed on the same place. Memory
//! comes from the allocator, which may have locks of its own.
//!
//! # Memory and reclamation
//!
//! An empty map owns no memory. An entry is one allocation if its value is of at most 16 bytes, is
//! aligned to at most 8 and has no destructor, and two otherwise; an overwrite allocates a value. The
//! index takes 8 bytes for each bucket and has between one and two buckets per entry, as a rule.
//!
//! What a thread removes or replaces waits until the thread has gathered 256 blocks, and then until
//! every thread that was pinned at that time has let go. So destructors run late, and on any thread
//! that uses the map; the last ones run when the map is dropped. A [pin](CasListMap::pin) that is held
//! keeps everything that is retired meanwhile: refresh it in long loops. Each thread keeps up to
//! 32 KiB of freed blocks of each size for its next allocations.
//!
//! # Complexity
//!
//! As the contract says. Keys with equal hashes are in one run and are searched in turn. An insertion
//! that doubles the index allocates zeroed memory for it and does no other work; a bucket's sentinel is
//! put in by the first operation that comes to it.
//!
//! # Panics
//!
//! Only those of the caller's code, and `with_capacity` and `reserve` if the room cannot be had. A
//! panic in `Hash`, `Eq` or a closure leaves the map as it was before the step it interrupted. If a
//! destructor panics while retired memory is freed, everything else is freed first; then the panic
//! continues in the operation, or drop of a pin or map, that freed it.
//!
//! # Re-entrance
//!
//! Closures, `Hash`, `Eq`, `Clone` and `Drop` may call the same map in every way. The closures of
//! `compute`, `compute_if_present`, `update` and `remove_if` may run again when another thread, or they
//! themselves, changed the key in between.
//!
//! # Alternatives
//!
//! `map-rwlock` for the smallest and simplest, `map-sharded` for the highest throughput of writes,
//! `map-readdirty` for keys that settle and are then mostly read.
//!
//! # Feature flags
//!
//! * `serde`: `Serialize` and `Deserialize`, as a map.
//! * `rayon`: `FromParallelIterator`, `ParallelExtend` and an owned `IntoParallelIterator`.
#![deny(unsafe_code)]

mod iter;
mod map;
mod ops;
#[allow(unsafe_code, reason = "the one module that has it")]
mod raw;

pub use iter::IntoIter;
pub use map::{CasListMap, CasListPin};
pub use map_core::{
    Action, BuildMap, CapacityMap, CompareExchangeError, ConcurrentMap, DefaultHashBuilder,
    Guarantees, Outcome, PinMap, Reentrancy, ReserveError, ShrinkMap, TryInsertError,
};

map_core::misuse_must_not_compile!("map_caslist" "CasListMap");

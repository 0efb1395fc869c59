//! A concurrent hash map that reads without a lock, over a small dirty level of new keys.
//!
//! [`ReadDirtyMap`] has two levels. Known keys are in a published array that readers search, and whose
//! values writers exchange, without a lock. New keys wait in a dirty level of at most 64 entries behind
//! a mutex, until they are promoted into free slots of the array. Its ancestor is the `sync.Map` of Go
//! up to 1.23; unlike there, no write ever copies the whole map, an absent key seldom costs a lock,
//! and removed keys are freed within a stated bound.
//!
//! # When to choose it, and when not
//!
//! Choose it when a map is read, and its known keys are overwritten, far more often than it gets new
//! keys: configuration, registries, caches that have warmed up, counters of a settled set of names.
//! Reads write nothing that another thread reads, so they scale with the number of threads. Keys that
//! come and go within a few operations never reach the array and do not disturb it.
//!
//! Do not choose it when threads insert new keys all the time: these inserts pass one mutex
//! (`map-sharded` has many, `map-caslist` none). An overwrite of anything but a
//! number, `bool` or `char` of up to eight bytes allocates a box.
//!
//! # Example
//!
//! ```
//! use map_readdirty::ReadDirtyMap;
//!
//! let routes = ReadDirtyMap::from([("/", "home"), ("/help", "manual")]);
//! std::thread::scope(|scope| {
//!     for _ in 0..4 {
//!         scope.spawn(|| {
//!             let pin = routes.pin();
//!             for _ in 0..100 {
//!                 assert!(pin.read("/", |page| page.len()).is_some());
//!             }
//!         });
//!     }
//!     scope.spawn(|| routes.insert("/", "new home"));
//! });
//! assert_eq!(routes.get("/"), Some("new home"));
//! ```
//!
//! For those who come from Go:
//!
//! | Go's `sync.Map` | here |
//! |---|---|
//! | `Load` | [`get`](ReadDirtyMap::get), [`read`](ReadDirtyMap::read) |
//! | `Store` | [`insert`](ReadDirtyMap::insert) |
//! | `LoadOrStore` | [`get_or_insert_with`](ReadDirtyMap::get_or_insert_with), [`try_insert`](ReadDirtyMap::try_insert) |
//! | `LoadAndDelete` | [`remove_then`](ReadDirtyMap::remove_then) |
//! | `Delete` | [`remove`](ReadDirtyMap::remove) |
//! | `Swap` | [`insert_then`](ReadDirtyMap::insert_then) |
//! | `CompareAndSwap` | [`compare_exchange`](ReadDirtyMap::compare_exchange) |
//! | `CompareAndDelete` | [`remove_if`](ReadDirtyMap::remove_if) |
//! | `Range` | [`for_each`](ReadDirtyMap::for_each), [`try_for_each`](ReadDirtyMap::try_for_each) |
//! | `Clear` | [`clear`](ReadDirtyMap::clear) |
//!
//! # Consistency
//!
//! Every operation on one key is linearizable. All changes of known keys, and all reads, have one total
//! order: two threads that each write one key and then read the other cannot both miss the other's
//! write. Beyond the contract: an iteration visits the entries that were there at one instant near its
//! start, less those that were removed meanwhile, and perhaps some that came later.
//!
//! # Progress and blocking
//!
//! *Never wait for another thread*: reads, overwrites, removals and computations of keys in the array,
//! whether present or removed lately; look-ups of absent keys that the filter before the dirty level
//! refuses (about 95 % with a full dirty level, all with an empty one); `len`; `pin`. Overwrites and
//! computations retry when another thread changed the same key first.
//!
//! *Take the mutex, for a bounded time*: inserting a key for the first time, and looking up a key of the
//! dirty level; such look-ups get the level promoted soon. What happens under it is bounded: one
//! promotion of at most 64 entries and, while the map grows, a constant number of slots for each of
//! these. The exceptions are `reserve`, which may have to complete a growth under way, a promotion after a `reserve` or
//! `shrink_to_fit` that left no room to spare, which may have to complete theirs, and what the allocator takes for the new array.
//!
//! *Take the mutex again and again*: iterations, `retain`, `clear` and `shrink_to_fit`, first to bring all
//! entries into one array, in chunks of 1024 slots; they walk without it.
//!
//! No closure ever runs under the mutex. Of user code only `Eq` of keys does, and where entries lie in the array (see below) their hasher.
//!
//! # Memory and reclamation
//!
//! On x86-64 (with AVX), if both key and value are a number, `bool`, `char` or `()` of up to eight bytes, entries lie in the array: 1.15 to
//! 2.3 slots of 17 bytes for each, and 1 KiB for the dirty level. Inserting, overwriting and removing them allocates and retires nothing but arrays.
//!
//! Others have for each entry: its hash, two words for the value, the key, and 1.6 to 3.2 slots of 8 bytes. On x86-64 a number, `bool` or `char`
//! of up to eight bytes lies in the words, and is overwritten there. Another value of up to 16 bytes without a destructor
//! lies beside its key until it is overwritten; any other value, and each overwriting one, has a box.
//!
//! What is removed or replaced is retired to the map's own domain ([`map_sync::reclaim`]) and freed, in batches of
//! 128, when no thread can still see it: at the end of a later operation of the thread that removed it, or of one that
//! has taken its place. A thread that holds a pin, or is inside a closure, keeps what was retired since from being freed; it
//! blocks nobody. Dropping the map frees all.
//!
//! Removed *keys* stay in their entry, for the key to come back, until they are swept. Beside a running
//! iteration, and but for moments when the mutex is taken, at most a quarter of the array's slots, and 64 for
//! each stripe of the counter (one per hardware thread, 16 at the most), hold removed keys. `clear`,
//! `retain` and `shrink_to_fit` sweep all. While an iteration runs, removed keys of the array it walks stay.
//!
//! The array grows by itself; it shrinks when it is rebuilt to shed removed entries and in
//! [`shrink_to_fit`](ReadDirtyMap::shrink_to_fit).
//!
//! # Complexity
//!
//! As the contract says. The array is probed linearly, slot by slot, and is at most five eighths full, or, with the entries in it,
//! in groups of 32 and at most seven eighths. No write copies the map: see *Progress and blocking*.
//!
//! # Panics
//!
//! A panic in a closure, or in `Hash`, `Eq` or `Clone`, reaches the caller and leaves the map as it was
//! before the operation. The destructor of a removed key or value runs when the memory is reclaimed, at a
//! place that has nothing to do with it: its panic is reported by the panic hook and ends there. Dropping
//! the map drops all entries, even if some of these panic, and passes the first panic on.
//!
//! # Re-entrance
//!
//! Closures may do everything with the map that called them. A key's `Eq`, and the hasher of keys in the array, may run under the mutex; if they
//! call the same map in a way that needs the mutex, that call panics and says so.
//!
//! # Alternatives
//!
//! `map-caslist` for writers that must never wait; `map-sharded` for many new keys; `map-rwlock` for
//! small or seldom used maps.
//!
//! # Feature flags
//!
//! - `serde`: `Serialize` and `Deserialize`, as a map.
//! - `rayon`: `FromParallelIterator`, `ParallelExtend` and an owned `IntoParallelIterator`.

mod iter;
mod map;
mod ops;
mod raw;
mod tally;

pub use iter::IntoIter;
pub use map::{ReadDirtyMap, ReadDirtyPin};
pub use map_core::{
    Action, BuildMap, CapacityMap, CompareExchangeError, ConcurrentMap, DefaultHashBuilder,
    Guarantees, Outcome, PinMap, Reentrancy, ReserveError, ShrinkMap, TryInsertError,
};

map_core::misuse_must_not_compile!("map_readdirty" "ReadDirtyMap");

//! The contract that the Atlas concurrent maps share.
//!
//! One trait, [`ConcurrentMap`], names every operation and says exactly what a concurrent caller may
//! observe. `map-rwlock`, `map-sharded`, `map-readdirty` and `map-caslist` implement it and differ in
//! one thing only: how they synchronise. A program written against the trait, or against the equally
//! named inherent methods, changes its map by changing one type.
//!
//! # Who should use this crate
//!
//! Write `impl ConcurrentMap<K, V>` (or `PinMap`) when a function must work on any map: a cache, a
//! benchmark, an observer, a wrapper that migrates from one map to another. A program that has
//! settled on one map needs none of this: each map crate has the same methods inherently.
//!
//! # The decision that shapes it
//!
//! A read lends `&V` to a *closure*; nothing that borrows from the map is ever returned. A map under a
//! lock can lend a value only while the lock is held, a lock-free one only while its memory is pinned.
//! A returned guard would make both possible, at the price that every user can keep it: across an
//! `.await`, in a struct, beside a second guard of the same map, the well-known way to a deadlock.
//! A closure ends, and so does the right. `docs/contract.md` holds the rejected alternatives (guards,
//! clones, an associated `Old` type) against the same needs.
//!
//! # The traits
//!
//! | trait | gives | lacked by |
//! |---|---|---|
//! | [`ConcurrentMap`] | every operation on keys and values, iteration, `len` | none |
//! | [`PinMap`] | a per-thread pin that amortises the cost per operation | none |
//! | [`BuildMap`] | construction from a capacity and a hasher | none |
//! | [`CapacityMap`] | `capacity`, `reserve`, `try_reserve` | none of ours; some peers |
//! | [`ShrinkMap`] | `shrink_to_fit` | maps whose index only grows |
//! | [`LockedMap`] | several keys at one instant, snapshots, values in place | maps without locks |
//!
//! A capability that a design cannot have is a trait it does not implement, never a panic.
//!
//! # Example
//!
//! ```
//! use map_core::ConcurrentMap;
//!
//! /// Counts one event. Works on every map and on every pin.
//! fn count(events: &impl ConcurrentMap<String, u64>, name: &str) {
//!     if !events.update(name, |n| n + 1) {
//!         events.compute(name.to_owned(), |n| map_core::Action::Put(n.map_or(1, |n| n + 1)));
//!     }
//! }
//! ```
#![forbid(unsafe_code)]

mod build;
mod capacity;
mod compute;
mod error;
mod forward;
mod guarantees;
mod inherent;
mod locked;
mod map;
mod misuse;
mod pin;
mod std_traits;

pub use build::{BuildMap, DefaultHashBuilder};
pub use capacity::{CapacityMap, ShrinkMap};
pub use compute::{Action, Outcome};
pub use error::{CompareExchangeError, ReserveError, TryInsertError};
pub use guarantees::{Guarantees, Reentrancy};
pub use locked::{LockedMap, refuse_equal_keys};
pub use map::ConcurrentMap;
pub use pin::PinMap;

//! Synchronisation primitives that more than one Atlas map uses.
//!
//! | module | what |
//! |---|---|
//! | [`shim`] | the one door through which all atomics, locks and threads come |
//! | [`reentrancy`] | refuses a closure that calls back into a map in a way that could hang |
//! | [`biased`] | a reader-writer lock whose readers write no shared line |
//! | [`seqlock`] | a mutex beside which plain data is read without a store |
//! | [`reclaim`] | frees what was taken out when nobody can be reading it any more |
//! | [`contention`] | counts of waiting, in a build that asks for them |
//! | [`counter`] | a count of entries that writers on different threads rarely share |
//! | [`pad`] | a value on cache lines of its own |
//! | [`plain`] | which data may be copied while it is overwritten |
//! | [`tags`] | bytes of hashes that tell which slots may hold a key |
//! | [`wide`] | two words that are loaded and exchanged as one |
//!
//! The map crates name no atomic and no lock of `std` or `parking_lot` themselves, so that a model
//! checker can take their place in one file.

pub mod biased;
pub mod contention;
pub mod counter;
pub mod pad;
pub mod plain;
pub mod prefetch;
pub mod reclaim;
pub mod reentrancy;
pub mod seqlock;
pub mod shim;
pub mod tags;
pub mod wide;

mod raw;

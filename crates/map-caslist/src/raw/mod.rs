//! The unsafe part: a lock-free ordered list with an index, safe to use from outside this module.
//!
//! | module | what |
//! |---|---|
//! | [`link`] | a link: an atomic pointer with tags |
//! | [`node`] | nodes and values, and who owns them |
//! | [`pool`] | their memory |
//! | [`index`] | the sentinels of the buckets, and growth |
//! | [`list`] | the list and its owner |
//! | [`session`] | what a pinned thread does: search, removal, sentinels; the algorithm's invariants |
//! | [`entry`] | what a search found, and the step that changes it |
//! | [`walk`] | iteration |
//! | [`panics`] | panics of destructors run by the collector |

mod entry;
mod index;
mod link;
mod list;
mod node;
mod panics;
mod pool;
mod session;
mod walk;

pub(crate) use entry::{Gap, Search};
pub(crate) use list::{LazyList, List};
pub(crate) use node::{OwnedNode, OwnedValue};
pub(crate) use session::Session;

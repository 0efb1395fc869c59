//! The unsafe parts of the locks.

pub(crate) mod announce;
pub(crate) mod biased;
pub(crate) mod membarrier;
pub(crate) mod reclaim;
pub(crate) mod seqlock;
pub(crate) mod slots;
mod spin;

//! The unsafe parts of the biased lock.

pub(crate) mod biased;
pub(crate) mod membarrier;
pub(crate) mod slots;

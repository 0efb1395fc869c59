//! The unsafe parts of the locks.

pub(crate) mod announce;
pub(crate) mod biased;
#[cfg_attr(any(atlas_loom, atlas_shuttle), path = "membarrier_model.rs")]
pub(crate) mod membarrier;
pub(crate) mod prefetch;
pub(crate) mod reclaim;
pub(crate) mod seqlock;
pub(crate) mod slots;
mod spin;
pub(crate) mod tags;
#[cfg_attr(
    not(all(target_arch = "x86_64", not(any(atlas_loom, atlas_shuttle)))),
    path = "wide_elsewhere.rs"
)]
pub(crate) mod wide;

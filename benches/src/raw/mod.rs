//! All `unsafe` code of this package.

pub mod counting;
pub(crate) mod face;
pub mod usage;

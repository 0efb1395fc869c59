//! The algorithm, and all `unsafe` code of the crate.
//!
//! | module | what |
//! |---|---|
//! | [`pair`] | two words that change together |
//! | [`entry`] | a key with its value, and who may free it |
//! | [`table`] | the published array of entries |
//! | [`dirty`] | the short list of entries that are not in the array yet, and its filter |
//! | [`core`] | both levels together: search, insertion, value changes |
//! | [`moves`] | promotion, growth, sweeping |
//! | [`walk`] | iteration and taking apart |

pub(crate) mod core;
pub(crate) mod dirty;
pub(crate) mod entry;
pub(crate) mod moves;
pub(crate) mod pair;
pub(crate) mod table;
pub(crate) mod walk;

pub(crate) use self::core::{Core, Pinned};

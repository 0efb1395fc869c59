//! Levels of entries that are allocated each by itself, for keys and values of all types.
//!
//! | module | what |
//! |---|---|
//! | [`entry`] | a key with its value, and who may free it |
//! | [`table`] | the published array of pointers to entries |
//! | [`dirty`] | the short list of entries that are not in the array yet |
//! | [`core`] | both levels together |
//! | [`moves`] | moving and sweeping entries |

mod core;
mod dirty;
mod entry;
mod moves;
mod table;

pub(crate) use self::core::Linked;

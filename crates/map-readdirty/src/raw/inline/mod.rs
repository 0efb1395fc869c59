//! Levels of entries that lie in the published array itself, for numbers, `bool`, `char` and `()` of up to eight bytes.
//!
//! | module | what |
//! |---|---|
//! | [`slot`] | a place for an entry, and what may be seen there |
//! | [`table`] | the published array of slots and their tags |
//! | [`dirty`] | the slots of the dirty level |
//! | [`core`] | both levels together |
//! | [`moves`] | moving and sweeping entries |

mod core;
mod dirty;
mod moves;
mod slot;
#[cfg(test)]
mod support;
mod table;

pub(crate) use self::core::Inline;

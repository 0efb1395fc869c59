//! The algorithm, and all `unsafe` code of the crate.
//!
//! | module | what |
//! |---|---|
//! | [`bits`] | plain data as the bits of a word |
//! | [`pair`] | a pointer and a word that change together |
//! | [`filter`] | the filter before the dirty level |
//! | [`levels`] | both levels, whatever an entry is |
//! | [`moves`] | promotion, growth, sweeping |
//! | [`walk`] | iteration |
//! | [`linked`] | levels of entries that are allocated each by itself |
//! | [`inline`] | levels of entries that lie in the published array itself |
//! | [`either`] | the levels of a map, of whichever kind |

mod bits;
mod either;
mod filter;
mod inline;
mod levels;
mod linked;
mod moves;
mod pair;
mod walk;

pub(crate) use self::either::{Core, Pinned, may_be_inline, on_either};

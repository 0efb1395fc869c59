//! The unsafe parts of the table: bytes, buckets, the index over them.

pub(crate) mod bits;
pub(crate) mod bucket;
pub(crate) mod chain;
mod halve;
pub(crate) mod hold;
pub(crate) mod index;
mod memory;
pub(crate) mod plain;
pub(crate) mod read;

//! Bytes of hashes that tell which slots may hold a key, compared many at a time.
//!
//! **Source**: SwissTable (Kulukundis, CppCon 2017) and F14 (Facebook, 2019): a byte of each entry's hash, all bytes
//! of a bucket compared in a few instructions.
//!
//! Tags are kept in words, since a reader loads them while a writer may store: a writer, of which there is one,
//! changes a whole word. A load or store orders nothing: whoever publishes an entry by its tag, or follows one, makes the fences.
//!
//! ```
//! use map_sync::tags::Tags;
//!
//! let tags = Tags::default();
//! tags.set(3, 0x5A);
//! tags.set(17, 0x5A);
//! assert_eq!(tags.equal_to(0x5A).collect::<Vec<_>>(), [3, 17]);
//! assert_eq!((tags.get(17), tags.get(18)), (0x5A, 0));
//! ```

pub use crate::raw::tags::{Eight, Slots, Tags};

//! Workloads: which operations on which keys, laid down before the clock starts.

mod custom;
mod file;
mod mix;
mod stream;
pub mod trace;

pub use custom::Shape;
pub use mix::Mix;
pub use stream::{BATCH, Counts, Op, Stream, Streams, growth, routed};

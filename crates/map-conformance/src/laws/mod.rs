//! The laws, in groups. Each is a function over a family that panics if the law is broken.

pub mod capacity;
pub mod collection;
pub mod concurrent;
pub mod drops;
pub mod go;
pub mod histories;
pub mod iteration;
pub mod panics;
pub mod plain;
pub mod reentrancy;
pub mod sequential;

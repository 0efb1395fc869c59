//! Models of the maps and of what they are made of. `cargo xtask verify models` runs them.
//!
//! | build | what runs | module |
//! |---|---|---|
//! | `--cfg atlas_loom` | the small protocols, in every order of their threads up to a bound | `loom` |
//! | `--cfg atlas_shuttle` | whole maps, in orders by chance | `shuttle` |
//!
//! In both the crates of the maps are compiled from their own source, in which `map_sync::shim` gives the checker's atomics and locks;
//! what that leaves out stands there. In any other build this crate is empty.

#[cfg(all(test, any(atlas_loom, atlas_shuttle)))]
mod check;
#[cfg(all(test, atlas_loom))]
mod loom;
#[cfg(all(test, any(atlas_loom, atlas_shuttle)))]
mod quarantine;
#[cfg(all(test, atlas_shuttle))]
mod shuttle;

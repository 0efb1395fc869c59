//! The asymmetric fence under a model checker, which cannot see `membarrier(2)`: a full fence on both sides.
//!
//! Stands for the module `membarrier`, which is tried by a litmus test of its own. That the call does on real
//! processors what these fences do in a model is its manual's promise, and not checked by a model.

use crate::shim::model;

/// Whether the frequent side may be [`light`]: as the model says.
pub(crate) fn available() -> bool {
    model::membarrier()
}

/// The frequent side where there is `membarrier`.
pub(crate) fn light() {
    model::light();
}

/// The frequent side on any system.
pub(crate) fn light_or_full() {
    model::light();
}

/// The rare side.
pub(crate) fn heavy() {
    model::heavy();
}

//! The levels of a map, of whichever kind: decided when it is made, by the types and the processor.

use std::hash::{BuildHasher, Hash};

use map_core::ReserveError;
use map_sync::reentrancy::Section;
use map_sync::wide;

use super::bits::fits;
use super::inline::Inline;
use super::levels;
use super::linked::Linked;

/// Whether entries may lie in the array. The compiler decides it when it optimises.
#[inline(always)]
pub(crate) fn may_be_inline<K, V>() -> bool {
    fits::<K>() && fits::<V>()
}

/// Evaluates an expression with the levels or the pin, of whichever kind.
macro_rules! on_either {
    ($Either:ident<$K:ty, $V:ty>, $value:expr, $name:pat => $body:expr) => {
        match $value {
            $crate::raw::$Either::Inline($name) if $crate::raw::may_be_inline::<$K, $V>() => $body,
            $crate::raw::$Either::Linked($name) => $body,
            $crate::raw::$Either::Inline(_) => unreachable!("other types are never inline"),
        }
    };
}
pub(crate) use on_either;

/// The levels of a map.
pub(crate) enum Core<K, V, S> {
    Linked(levels::Core<Linked<K, V>, S>),
    Inline(levels::Core<Inline<K, V>, S>),
}

/// A thread's right to follow the map's pointers.
pub(crate) enum Pinned<'a, K, V, S> {
    Linked(levels::Pinned<'a, Linked<K, V>, S>),
    Inline(levels::Pinned<'a, Inline<K, V>, S>),
}

impl<K, V, S> Core<K, V, S> {
    pub(crate) fn with_capacity(capacity: usize, hasher: S) -> Result<Self, ReserveError> {
        if may_be_inline::<K, V>() && wide::available() {
            levels::Core::with_capacity(capacity, hasher).map(Self::Inline)
        } else {
            levels::Core::with_capacity(capacity, hasher).map(Self::Linked)
        }
    }

    #[inline(always)]
    pub(crate) fn pin(&self) -> Pinned<'_, K, V, S> {
        let guard = on_either!(Core<K, V>, self, core => core.domain()).enter();
        match self {
            Self::Inline(core) if may_be_inline::<K, V>() => Pinned::Inline(core.pinned(guard)),
            Self::Linked(core) => Pinned::Linked(core.pinned(guard)),
            Self::Inline(_) => unreachable!("other types are never inline"),
        }
    }

    pub(crate) fn hasher(&self) -> &S {
        on_either!(Core<K, V>, self, core => core.hasher())
    }

    pub(crate) fn len(&self) -> usize {
        on_either!(Core<K, V>, self, core => core.len())
    }

    /// Takes out the next entry whose key is present; `position` is 0 at the first call.
    pub(crate) fn take_next(&mut self, position: &mut usize) -> Option<(K, V)> {
        on_either!(Core<K, V>, self, core => core.take_next(position))
    }
}

impl<K, V, S> Pinned<'_, K, V, S> {
    /// Lets go of what has been protected so far.
    pub(crate) fn refresh(&mut self) {
        on_either!(Pinned<K, V>, self, pin => pin.refresh());
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> Pinned<'_, K, V, S> {
    /// How many entries the table can hold, or does the map if those of the dirty level are more.
    pub(crate) fn capacity(&self) -> usize {
        on_either!(Pinned<K, V>, self, pin => pin.capacity())
    }

    /// Makes room for `additional` more entries.
    pub(crate) fn reserve(
        &self,
        additional: usize,
        section: &'static Section,
    ) -> Result<(), ReserveError> {
        on_either!(Pinned<K, V>, self, pin => pin.reserve(additional, section))
    }

    /// Gives back the slots that the present entries do not need.
    pub(crate) fn shrink(&self, section: &'static Section) {
        on_either!(Pinned<K, V>, self, pin => pin.shrink(section));
    }
}

//! Capacity.

use crate::ReserveError;

/// A map that can be told how many entries to expect.
pub trait CapacityMap {
    /// Returns how many entries fit before the map grows, at the least. May change at any time.
    fn capacity(&self) -> usize;

    /// Makes room for `additional` more entries.
    ///
    /// # Errors
    ///
    /// If the room cannot be had; the map is unchanged then.
    fn try_reserve(&self, additional: usize) -> Result<(), ReserveError>;

    /// Makes room for `additional` more entries.
    ///
    /// # Panics
    ///
    /// If the room cannot be had, with the message of [`ReserveError`], before anything is changed.
    #[inline]
    fn reserve(&self, additional: usize) {
        if let Err(error) = self.try_reserve(additional) {
            panic!("{error}");
        }
    }
}

/// A map that can give memory back.
pub trait ShrinkMap {
    /// Gives back memory that the present number of entries does not need, as far as it can be done.
    fn shrink_to_fit(&self);
}

impl<M: CapacityMap + ?Sized> CapacityMap for &M {
    #[inline]
    fn capacity(&self) -> usize {
        (**self).capacity()
    }

    #[inline]
    fn try_reserve(&self, additional: usize) -> Result<(), ReserveError> {
        (**self).try_reserve(additional)
    }
}

impl<M: ShrinkMap + ?Sized> ShrinkMap for &M {
    #[inline]
    fn shrink_to_fit(&self) {
        (**self).shrink_to_fit();
    }
}

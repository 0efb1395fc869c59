//! Data that may be copied while another thread overwrites it.
//!
//! Which types are *plain* stands at [`map_sync::plain`]. Values of these are stored and loaded as atomic words.
//!
//! **Invariant** (I1): a plain place that is shared holds, at any time, zeros or what [`store`] has put there, so
//! that a load, also of a place that is not in use, finds bytes that are a value. All types of the list have a value whose
//! bytes are zero. (I2) each place is accessed by atomics of one size only.

use core::mem::{self, MaybeUninit};

pub(crate) use map_sync::plain::is_plain;
use map_sync::shim::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

/// Copies the value at `place`; another thread may be storing another value there.
///
/// # Safety
///
/// `T` is plain. `place` is aligned, lives, and is under I1 and I2.
#[inline(always)]
pub(crate) unsafe fn load<T>(place: *const T) -> T {
    let mut copy = MaybeUninit::<T>::uninit();
    let to = copy.as_mut_ptr();
    macro_rules! word {
        ($Atomic:ty, $Word:ty) => {{
            // SAFETY: aligned for `T`, whose alignment is its size here; atomics alone access it, by I2.
            let shared = unsafe { <$Atomic>::from_ptr(place.cast_mut().cast::<$Word>()) };
            // SAFETY: `to` has the size of the word.
            unsafe { to.cast::<$Word>().write(shared.load(Relaxed)) };
        }};
    }
    match mem::size_of::<T>() {
        0 => {}
        1 => word!(AtomicU8, u8),
        2 => word!(AtomicU16, u16),
        4 => word!(AtomicU32, u32),
        8 => word!(AtomicU64, u64),
        _ => {
            for half in 0..2 {
                // SAFETY: the largest plain types have two words.
                let from = unsafe { place.cast_mut().cast::<u64>().add(half) };
                // SAFETY: aligned for `T`, hence for a word; atomics alone access it, by I2.
                let shared = unsafe { AtomicU64::from_ptr(from) };
                // SAFETY: the copy has two words as well.
                let to = unsafe { to.cast::<u64>().add(half) };
                // SAFETY: in bounds, as above; a copy of 16 bytes is aligned to a word.
                unsafe { to.write(shared.load(Relaxed)) };
            }
        }
    }
    // SAFETY: by I1 the bytes of each word are those of a value. Torn numbers of two words are numbers.
    unsafe { copy.assume_init() }
}

/// Copies a value word by word.
///
/// A pair that was just written word by word is not to be copied as a whole: a load wider than the stores before it waits for
/// them to leave the store buffer, which takes as long as the rest of an insertion.
///
/// # Panics
///
/// If `T` is not plain.
#[inline(always)]
pub(crate) fn copy<T>(value: &T) -> T {
    assert!(is_plain::<T>());
    // SAFETY: plain; a reference is aligned and lives; nobody stores there while it is borrowed.
    unsafe { load(value) }
}

/// Stores `value` at `place`; other threads may be loading it.
///
/// # Safety
///
/// `T` is plain. `place` is aligned, lives, is under I2, and no other thread stores to it.
#[inline(always)]
pub(crate) unsafe fn store<T>(place: *mut T, value: T) {
    let from = (&raw const value).cast::<u8>();
    macro_rules! word {
        ($Atomic:ty, $Word:ty) => {{
            // SAFETY: as in `load`.
            let shared = unsafe { <$Atomic>::from_ptr(place.cast::<$Word>()) };
            // SAFETY: the value has the size of the word, and no padding.
            shared.store(unsafe { from.cast::<$Word>().read() }, Relaxed);
        }};
    }
    match mem::size_of::<T>() {
        0 => {}
        1 => word!(AtomicU8, u8),
        2 => word!(AtomicU16, u16),
        4 => word!(AtomicU32, u32),
        8 => word!(AtomicU64, u64),
        _ => {
            for half in 0..2 {
                // SAFETY: the largest plain types have two words.
                let to = unsafe { place.cast::<u64>().add(half) };
                // SAFETY: as in `load`.
                let shared = unsafe { AtomicU64::from_ptr(to) };
                // SAFETY: the value has two words.
                let from = unsafe { from.cast::<u64>().add(half) };
                // SAFETY: in bounds, as above; a value of 16 bytes is aligned to a word.
                shared.store(unsafe { from.read() }, Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: PartialEq + core::fmt::Debug + Copy>(zero: T, value: T) {
        let mut place = zero;
        // SAFETY: a plain type, by the callers below; nobody else knows the place.
        unsafe { store(&raw mut place, value) };
        // SAFETY: as above.
        assert_eq!(unsafe { load(&raw const place) }, value);
    }

    #[test]
    fn values_of_each_size_come_back() {
        round_trip(0, u8::MAX);
        round_trip(0, i16::MIN);
        round_trip('\0', '\u{10FFFF}');
        round_trip(0.0, -1.5_f64);
        round_trip(0, u128::MAX - 5);
        round_trip((), ());
        round_trip(false, true);
    }
}

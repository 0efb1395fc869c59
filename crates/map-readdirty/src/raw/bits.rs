//! Plain data as the bits of a word.

use std::mem::{MaybeUninit, size_of};

use map_sync::plain::is_plain;

/// Whether data of this type are bits of a word. The compiler decides it when it optimises.
#[inline(always)]
pub(crate) fn fits<T>() -> bool {
    is_plain::<T>() && size_of::<T>() <= size_of::<u64>()
}

/// The bits of a value that [`fits`]; those beyond its size are zero.
#[inline(always)]
pub(crate) fn bits_of<T>(value: T) -> u64 {
    assert!(fits::<T>());
    let mut bits = 0_u64;
    // SAFETY: such a value is no larger than the bits, needs no larger alignment, and has no padding.
    unsafe { (&raw mut bits).cast::<T>().write(value) };
    bits
}

/// The value of which these are the bits.
///
/// # Safety
///
/// `bits` are those of a `T`, or all zeros. Nothing is asked of those beyond its size.
#[inline(always)]
pub(crate) unsafe fn from_bits<T>(bits: u64) -> T {
    assert!(fits::<T>());
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: both live, and the value is no larger than the bits.
    unsafe { value.as_mut_ptr().cast::<u8>().copy_from((&raw const bits).cast(), size_of::<T>()) };
    // SAFETY: by the caller; all zeros are a value of every plain type.
    unsafe { value.assume_init() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: PartialEq + std::fmt::Debug + Copy>(value: T) {
        assert!(fits::<T>());
        let bits = bits_of(value);
        // SAFETY: just made of it.
        assert_eq!(unsafe { from_bits::<T>(bits) }, value);
        assert!(
            size_of::<T>() == 8 || bits >> (8 * size_of::<T>()) == 0 || cfg!(target_endian = "big")
        );
    }

    #[test]
    fn values_of_each_size_come_back() {
        round_trip(());
        round_trip(true);
        round_trip(-7_i8);
        round_trip('\u{10FFFF}');
        round_trip(u16::MAX);
        round_trip(-1.5_f64);
        round_trip(u64::MAX - 5);
        assert!(!fits::<u128>() && !fits::<&u64>() && !fits::<[u64; 1]>());
    }
}

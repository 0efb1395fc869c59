//! Which data may be copied while another thread overwrites it.
//!
//! A type is *plain* if any copy of its bytes is as good as the original (it has neither a destructor nor
//! interior mutability nor padding) and all zeros are a value of it. A reader may then copy a plain value beside a writer and
//! throw the copy away if it turns out to be outdated. Rust cannot be asked on a stable compiler whether a type has interior
//! mutability, so plain types are those of a list: numbers, `bool`, `char` and `()`.

use core::any::TypeId;

/// Whether `T` is plain. The compiler decides it when it optimises.
///
/// ```
/// use map_sync::plain::is_plain;
///
/// assert!(is_plain::<u64>() && is_plain::<char>());
/// assert!(!is_plain::<String>() && !is_plain::<std::cell::Cell<u64>>());
/// ```
#[inline(always)]
#[must_use]
pub fn is_plain<T>() -> bool {
    let this = typeid::of::<T>();
    macro_rules! any_of {
        ($($Plain:ty),*) => { false $(|| this == TypeId::of::<$Plain>())* };
    }
    any_of!(
        u64,
        u32,
        u16,
        u8,
        usize,
        i64,
        i32,
        i16,
        i8,
        isize,
        (),
        bool,
        char,
        f32,
        f64,
        u128,
        i128
    )
}

#[cfg(test)]
mod tests {
    use super::is_plain;
    use core::cell::Cell;
    use core::sync::atomic::AtomicU64;

    #[test]
    fn only_the_listed_types_are_plain() {
        assert!(is_plain::<u64>() && is_plain::<i128>() && is_plain::<char>() && is_plain::<()>());
        assert!(!is_plain::<String>() && !is_plain::<Cell<u64>>() && !is_plain::<&u64>());
        assert!(!is_plain::<AtomicU64>() && !is_plain::<(u64, u64)>());
    }
}

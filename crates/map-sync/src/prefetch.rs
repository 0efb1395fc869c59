//! Memory that will be wanted soon.
//!
//! A look-up in a large table takes the time of a cache miss or two. Whoever knows the next keys can have their lines on the way
//! while it looks at one, more of them than the processor comes to by running ahead on its own.

use crate::raw;

/// Lets the processor fetch the cache line at `address`, which need not be valid. On other processors than x86-64 it does nothing.
#[inline(always)]
pub fn prefetch<T>(address: *const T) {
    raw::prefetch::prefetch(address);
}

//! The memory of buckets: zeroed, asked for in good time, and given back.

use core::marker::PhantomData;
use core::ptr::NonNull;
use std::alloc::{self, Layout};

use map_core::ReserveError;

use super::bucket::{Bucket, Header};
use super::index::Index;

/// Chunks that no index has yet, with the places that are theirs.
pub(crate) struct Fresh<K, V> {
    pub(super) chunks: Vec<(usize, NonNull<Header>)>,
    pub(super) entries: PhantomData<(K, V)>,
}

impl<K, V> Drop for Fresh<K, V> {
    fn drop(&mut self) {
        for (_, chunk) in self.chunks.drain(..) {
            // SAFETY: allocated with this layout in `fresh`, and no index has it.
            unsafe { alloc::dealloc(chunk.as_ptr().cast(), Index::<K, V>::CHUNK_LAYOUT) };
        }
    }
}

/// From how many bytes on memory is asked for at once before it is taken. Beyond what allocators keep for later.
const PROBED: usize = 64 << 20;

/// Whether so much memory could be had. Takes none.
pub(super) fn probe(layout: Layout) -> Result<(), ReserveError> {
    if layout.size() < PROBED {
        return Ok(());
    }
    // The box keeps the compiler from leaving out an allocation that nothing uses.
    // SAFETY: the size is not zero.
    let memory = core::hint::black_box(unsafe { alloc::alloc(layout) });
    if memory.is_null() {
        return Err(ReserveError::AllocError);
    }
    // SAFETY: allocated with this layout.
    unsafe { alloc::dealloc(memory, layout) };
    Ok(())
}

/// Zeroed memory for buckets.
pub(super) fn allocate(layout: Layout) -> Result<NonNull<Header>, ReserveError> {
    // SAFETY: a bucket has a header, so the size is not zero.
    let memory = unsafe { alloc::alloc_zeroed(layout) };
    NonNull::new(memory.cast()).ok_or(ReserveError::AllocError)
}

/// # Safety
///
/// `header` begins a bucket that was made by `allocate_small`, and nobody can reach it any more.
pub(super) unsafe fn free_small<K, V>(header: NonNull<Header>) {
    // SAFETY: the caller's; it still lives.
    let bucket = unsafe { Bucket::<K, V>::at(header) };
    let layout = Index::<K, V>::small_layout(bucket.slots());
    // SAFETY: the caller's; allocated with this layout.
    unsafe { alloc::dealloc(header.as_ptr().cast(), layout) };
}

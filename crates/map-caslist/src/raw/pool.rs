//! Memory for nodes and values, with a few blocks of each size kept by each thread.
//!
//! The collector frees in bursts and an operation allocates one block at a time, a pattern that
//! general allocators serve slowly. A thread therefore keeps what it frees, up to [`KEPT_BYTES`] of
//! each size, in a list threaded through the blocks themselves, and allocates from there.
//!
//! With debug assertions, and under a model checker, every block goes straight back to the allocator, so that it sees
//! each use after free. Not so in this crate's unit tests, which try the lists.
//!
//! **Invariants**: (I1) every block in the list of size class `c` was allocated with the layout of
//! `c`, is aligned to 8, at least 8 bytes long and referenced by nothing else. (I2) A list is
//! touched only by its thread.

use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{self, NonNull};
use std::alloc::{alloc, dealloc, handle_alloc_error};

/// The step between size classes, and the alignment of every block in them.
const STEP: usize = 8;
/// Blocks of up to `CLASSES * STEP` bytes are kept.
const CLASSES: usize = 16;
/// How many bytes of one size class a thread keeps.
const KEPT_BYTES: usize =
    if cfg!(all(debug_assertions, not(test))) || map_sync::shim::MODEL { 0 } else { 32 * 1024 };

/// A block that waits for its next use.
struct Free {
    next: *mut Free,
}

struct Pool {
    heads: [Cell<*mut Free>; CLASSES],
    bytes: [Cell<usize>; CLASSES],
}

map_sync::shim::thread_local! {
    static POOL: Pool = const {
        Pool {
            heads: [const { Cell::new(ptr::null_mut()) }; CLASSES],
            bytes: [const { Cell::new(0) }; CLASSES],
        }
    };
}

/// The size of the blocks of a class.
const fn block_size(class: usize) -> usize {
    (class + 1) * STEP
}

/// The layout that a block for `layout` really has, and its class if it has one.
#[inline]
const fn classify(layout: Layout) -> (Layout, Option<usize>) {
    let size = if layout.size() == 0 { STEP } else { layout.size().next_multiple_of(STEP) };
    let align = if layout.align() < STEP { STEP } else { layout.align() };
    let class = size / STEP - 1;
    let class = if align == STEP && class < CLASSES { Some(class) } else { None };
    match Layout::from_size_align(size, align) {
        Ok(rounded) => (rounded, class),
        Err(_) => panic!("capacity overflow"),
    }
}

/// Returns a block of at least `layout`, never of size zero.
#[inline]
pub(super) fn allocate(layout: Layout) -> NonNull<u8> {
    let (layout, class) = classify(layout);
    let kept = class.and_then(|class| POOL.try_with(|pool| pool.take(class)).ok().flatten());
    if let Some(block) = kept {
        return block.cast();
    }
    // SAFETY: `classify` never returns a size of zero.
    let block = unsafe { alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Takes back a block.
///
/// # Safety
///
/// `block` came from [`allocate`] with the same `layout`, and nothing uses it any more.
#[inline]
pub(super) unsafe fn release(block: NonNull<u8>, layout: Layout) {
    let (layout, class) = classify(layout);
    if let Some(class) = class {
        // SAFETY: the caller gives up a block whose layout is that of `class`, which pays for I1.
        let kept = POOL.try_with(|pool| unsafe { pool.keep(class, block.cast()) });
        if kept == Ok(true) {
            return;
        }
    }
    // SAFETY: `allocate` got the block from `alloc` with this very layout.
    unsafe { dealloc(block.as_ptr(), layout) };
}

impl Pool {
    #[inline]
    fn take(&self, class: usize) -> Option<NonNull<Free>> {
        let block = NonNull::new(self.heads[class].get())?;
        // SAFETY: by I1 the block is ours and begins with a written `Free`.
        let next = unsafe { block.read() }.next;
        self.heads[class].set(next);
        self.bytes[class].set(self.bytes[class].get() - block_size(class));
        Some(block)
    }

    /// Keeps a block if there is room.
    ///
    /// # Safety
    ///
    /// `block` is of the layout of `class` and nothing uses it any more.
    #[inline]
    unsafe fn keep(&self, class: usize, block: NonNull<Free>) -> bool {
        let bytes = self.bytes[class].get() + block_size(class);
        if bytes > KEPT_BYTES {
            return false;
        }
        let next = self.heads[class].get();
        // SAFETY: the caller's block is at least 8 bytes long, aligned to 8, and unused.
        unsafe { block.write(Free { next }) };
        self.heads[class].set(block.as_ptr());
        self.bytes[class].set(bytes);
        true
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for class in 0..CLASSES {
            while let Some(block) = self.take(class) {
                let Ok(layout) = Layout::from_size_align(block_size(class), STEP) else {
                    unreachable!("small sizes are valid layouts")
                };
                // SAFETY: by I1 the block was allocated with the layout of its class.
                unsafe { dealloc(block.as_ptr().cast(), layout) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use core::alloc::Layout;
    use core::cell::Cell;
    use core::mem::{self, ManuallyDrop};
    use core::ptr::{NonNull, null_mut};

    use map_sync::shim::thread;

    use super::{
        CLASSES, KEPT_BYTES, POOL, Pool, STEP, alloc, allocate, block_size, classify, dealloc,
        release,
    };

    /// How many bytes the thread keeps, of all classes.
    fn kept() -> usize {
        POOL.with(|pool| pool.bytes.iter().map(|bytes| bytes.get()).sum())
    }

    #[test]
    fn blocks_are_kept_by_class_and_given_out_again_up_to_a_limit() {
        let test = || {
            for bytes in [1, 8, 40, CLASSES * STEP] {
                let layout = Layout::from_size_align(bytes, 1).expect("small");
                let size = classify(layout).0.size();
                let many = KEPT_BYTES / size + 10;
                let blocks: Vec<_> = (0..many).map(|_| allocate(layout)).collect();
                assert_eq!(kept(), 0);
                for &block in &blocks {
                    // SAFETY: allocated above with this layout, and not used any more.
                    unsafe { release(block, layout) };
                }
                assert_eq!(kept(), KEPT_BYTES / size * size);
                let mut again: Vec<_> = (0..many).map(|_| allocate(layout)).collect();
                assert_eq!(kept(), 0);
                // The last one that was kept comes first.
                assert_eq!(again[0], blocks[KEPT_BYTES / size - 1]);
                again.sort_unstable();
                again.dedup();
                assert_eq!(again.len(), many, "a block was given out twice");
                for block in again {
                    // SAFETY: as above.
                    unsafe { dealloc(block.as_ptr(), classify(layout).0) };
                }
            }
        };
        thread::spawn(test).join().expect("the test passes");
    }

    #[test]
    fn a_pool_gives_back_all_that_it_keeps() {
        let mut pool = ManuallyDrop::new(Pool {
            heads: [const { Cell::new(null_mut()) }; CLASSES],
            bytes: [const { Cell::new(0) }; CLASSES],
        });
        for class in 0..CLASSES {
            let layout = Layout::from_size_align(block_size(class), STEP).expect("small");
            assert_eq!(classify(layout), (layout, Some(class)));
            for _ in 0..=class {
                // SAFETY: the size is not zero.
                let block = NonNull::new(unsafe { alloc(layout) }).expect("a little memory");
                // SAFETY: allocated above with the layout of the class, and not used any more.
                assert!(unsafe { pool.keep(class, block.cast()) });
            }
            assert_eq!(pool.bytes[class].get(), (class + 1) * layout.size());
        }
        // SAFETY: once, and what is left is only looked at.
        unsafe { ManuallyDrop::drop(&mut pool) };
        assert!(pool.heads.iter().all(|head| head.get().is_null()));
        assert!(pool.bytes.iter().all(|bytes| bytes.get() == 0));
    }

    #[test]
    fn what_fits_no_class_is_not_kept() {
        for (size, align) in [(CLASSES * STEP + 1, 8), (16, 16), (0, 64)] {
            let layout = Layout::from_size_align(size, align).expect("small");
            let before = kept();
            let block = allocate(layout);
            assert_eq!(block.addr().get() % align, 0);
            // SAFETY: allocated above with this layout, and not used any more.
            unsafe { release(block, layout) };
            assert_eq!(kept(), before);
        }
        assert!(classify(Layout::new::<()>()).0.size() >= mem::size_of::<*mut ()>());
    }
}

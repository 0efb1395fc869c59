//! The system's allocator, with a count of the bytes that are out.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// A program that names it its `#[global_allocator]` can ask for [`allocated`] bytes.
#[derive(Debug)]
pub struct Counting;

static OUT: AtomicI64 = AtomicI64::new(0);

/// The bytes that have been allocated and not been given back.
pub fn allocated() -> i64 {
    OUT.load(Relaxed)
}

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the same.
        counted(unsafe { System.alloc(layout) }, layout)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is the same.
        counted(unsafe { System.alloc_zeroed(layout) }, layout)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        OUT.fetch_sub(layout.size() as i64, Relaxed);
        // SAFETY: the caller's contract is the same.
        unsafe { System.dealloc(pointer, layout) };
    }
}

fn counted(pointer: *mut u8, layout: Layout) -> *mut u8 {
    if !pointer.is_null() {
        OUT.fetch_add(layout.size() as i64, Relaxed);
    }
    pointer
}

//! Memory that a model frees is not used again before its run has ended: it is filled with a pattern, so that a read of it, which
//! would mean that something was freed too early, is found.

use core::cell::Cell;
use core::ptr;
use std::alloc::{GlobalAlloc, Layout, System};

/// What freed memory is filled with. The atomics of a model for loom know it.
const FREED: u8 = 0xA5;

struct Quarantine;

#[global_allocator]
static ALLOCATOR: Quarantine = Quarantine;

type Freed = (*mut u8, Layout);

thread_local! {
    static IS_ON: Cell<bool> = const { Cell::new(false) };
    /// Freed blocks: where, how many, and for how many there is room.
    static BLOCKS: Cell<(*mut Freed, usize, usize)> = const { Cell::new((ptr::null_mut(), 0, 0)) };
}

// SAFETY: the system's allocator does the work; blocks only wait before it gets them back.
unsafe impl GlobalAlloc for Quarantine {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if IS_ON.get() && keep((block, layout)) {
            // SAFETY: the caller gives the block up.
            unsafe { block.write_bytes(FREED, layout.size()) };
        } else {
            // SAFETY: the caller's.
            unsafe { System.dealloc(block, layout) };
        }
    }
}

fn room_for(blocks: usize) -> Layout {
    Layout::array::<Freed>(blocks).expect("a list of blocks fits memory")
}

/// Notes a block; `false` if there is no room for the note.
fn keep(freed: Freed) -> bool {
    let (mut list, len, mut room) = BLOCKS.get();
    if len == room {
        let more = room * 2 + 1024;
        // SAFETY: not of size zero.
        let longer = unsafe { System.alloc(room_for(more)) }.cast::<Freed>();
        if longer.is_null() {
            return false;
        }
        if room > 0 {
            // SAFETY: `len` of them are there, and there is room for more.
            unsafe { longer.copy_from_nonoverlapping(list, len) };
            // SAFETY: allocated so, and copied.
            unsafe { System.dealloc(list.cast(), room_for(room)) };
        }
        (list, room) = (longer, more);
    }
    // SAFETY: there is room.
    let place = unsafe { list.add(len) };
    // SAFETY: as above.
    unsafe { place.write(freed) };
    BLOCKS.set((list, len + 1, room));
    true
}

/// Begins a run: what the one before has freed can be used again.
pub(crate) fn begin() {
    IS_ON.set(false);
    let (list, len, room) = BLOCKS.get();
    for index in 0..len {
        // SAFETY: `len` of them were noted.
        let place = unsafe { list.add(index) };
        // SAFETY: as above.
        let (block, layout) = unsafe { place.read() };
        // SAFETY: allocated with this layout, and given up.
        unsafe { System.dealloc(block, layout) };
    }
    BLOCKS.set((list, 0, room));
    IS_ON.set(true);
}

/// Ends a run.
pub(crate) fn end() {
    IS_ON.set(false);
}

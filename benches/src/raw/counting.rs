//! An allocator that counts allocations and live bytes while it is asked to.
//!
//! All counts are relaxed: each is a sum of its own, and who reads one has joined or waited for the
//! threads whose allocations must be in it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, Ordering::Relaxed};

static ON: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);
static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// The system's allocator with counts of calls and of bytes as requested, off until [`count`] runs.
///
/// While it is off an allocation pays the load of one flag, so a program can measure times and
/// memory in different phases.
#[derive(Debug)]
pub struct CountingAllocator;

/// Notes that the live bytes change, and that `asked` bytes are asked for; 0 is no call for bytes.
fn note(change: isize, asked: usize) {
    if ON.load(Relaxed) {
        if asked > 0 {
            CALLS.fetch_add(1, Relaxed);
            BYTES.fetch_add(asked as u64, Relaxed);
        }
        let live = LIVE.fetch_add(change, Relaxed) + change;
        PEAK.fetch_max(live, Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as isize, layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as isize, layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(-(layout.size() as isize), 0);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size as isize - layout.size() as isize, size);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(block, layout, size) }
    }
}

/// A view of the count, for the time of one [`count`].
#[derive(Debug)]
pub struct Counter(());

impl Counter {
    /// Returns the bytes allocated and not freed since the count began.
    pub fn live(&self) -> u64 {
        LIVE.load(Relaxed).max(0) as u64
    }

    /// Returns the most bytes that were live at once since the count began.
    pub fn peak(&self) -> u64 {
        PEAK.load(Relaxed).max(0) as u64
    }

    /// Lets the peak begin anew, at what is live now.
    pub fn restart_peak(&self) {
        PEAK.store(LIVE.load(Relaxed), Relaxed);
    }

    /// Returns the calls that asked for memory since the count began; a reallocation is one.
    pub fn calls(&self) -> u64 {
        CALLS.load(Relaxed)
    }

    /// Returns the bytes asked for since the count began; a reallocation asks for its new size.
    pub fn bytes(&self) -> u64 {
        BYTES.load(Relaxed)
    }
}

/// Runs `f` while the allocator counts; zeros throughout if the program has another allocator.
///
/// One count at a time: the figures are the whole program's.
pub fn count<R>(f: impl FnOnce(&Counter) -> R) -> R {
    LIVE.store(0, Relaxed);
    PEAK.store(0, Relaxed);
    CALLS.store(0, Relaxed);
    BYTES.store(0, Relaxed);
    ON.store(true, Relaxed);
    let result = f(&Counter(()));
    ON.store(false, Relaxed);
    result
}

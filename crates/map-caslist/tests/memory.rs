//! A map gives all its memory back: the segments of its index, its nodes, and what it was refused.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use map_caslist::{CasListMap, ReserveError};

/// Counts what each thread has, so that the threads of the test harness do not disturb. Refuses what a thread does not want.
struct ByThread;

thread_local! {
    static HAS: Cell<isize> = const { Cell::new(0) };
    /// The size of what is refused.
    static REFUSED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: hands everything on to the system's allocator, zeroed and moved memory too, or returns null, which is allowed at any time.
unsafe impl GlobalAlloc for ByThread {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() == REFUSED.get() {
            return std::ptr::null_mut();
        }
        HAS.set(HAS.get() + layout.size() as isize);
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HAS.set(HAS.get() - layout.size() as isize);
        // SAFETY: the caller's contract is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static BY_THREAD: ByThread = ByThread;

/// What is left of what `f` allocates, and has dropped.
fn left_by(f: impl Fn()) -> isize {
    // Once before, for what the process and the thread keep.
    f();
    let before = HAS.get();
    f();
    HAS.get() - before
}

#[test]
fn an_empty_map_with_room_leaves_nothing() {
    let left = left_by(|| {
        let before = HAS.get();
        let map: CasListMap<u64, u64> = CasListMap::with_capacity(1000);
        // 1024 sentinels of a word each, less those in the map itself.
        assert!(HAS.get() - before >= 8000, "{} bytes", HAS.get() - before);
        drop(map);
    });
    assert_eq!(left, 0);
}

#[test]
fn a_map_that_grew_leaves_nothing() {
    let left = left_by(|| {
        let map: CasListMap<u64, u64> = CasListMap::default();
        for key in 0..3000 {
            assert!(map.insert(key, key));
        }
        for key in 0..1000 {
            assert!(map.remove(&key));
        }
        map.try_reserve(10_000).expect("there is memory");
    });
    assert_eq!(left, 0);
}

#[test]
fn a_refused_reservation_changes_nothing() {
    let left = left_by(|| {
        let map: CasListMap<u64, u64> = CasListMap::default();
        // The list itself is made now.
        map.insert(1, 1);
        let (before, capacity) = (HAS.get(), map.capacity());
        // The fourth segment, of 128 sentinels, which is asked for after larger ones.
        REFUSED.set(128 * size_of::<usize>());
        let refusal = map.try_reserve(1000);
        REFUSED.set(0);
        assert_eq!(refusal, Err(ReserveError::AllocError));
        assert_eq!((HAS.get(), map.capacity()), (before, capacity));
        map.try_reserve(1000).expect("there is memory");
        assert!(map.capacity() >= 1000);
    });
    assert_eq!(left, 0);
}

//! Growth while there is no memory for buckets: chains take what comes, and growth goes on when memory is back. And at
//! the end all memory is given back.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::ControlFlow;

use map_buckets::{BucketTable, Shrinking};

/// Refuses zeroed memory for buckets, which is aligned as they are, while a thread asks for that.
struct Miser;

thread_local! {
    static REFUSE: Cell<bool> = const { Cell::new(false) };
    /// Bytes that the thread has allocated, less those that it has freed.
    static ALIVE: Cell<isize> = const { Cell::new(0) };
    /// How often the thread was given memory for buckets.
    static GIVEN: Cell<usize> = const { Cell::new(0) };
    /// How often it may be.
    static MOST: Cell<usize> = const { Cell::new(usize::MAX) };
    /// Bytes for buckets that were asked for in advance: not zeroed, as they are given back at once.
    static PROBED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: hands everything on to the system's allocator, or returns null, which is allowed at any time.
unsafe impl GlobalAlloc for Miser {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() == 64 {
            PROBED.set(PROBED.get() + layout.size());
        }
        ALIVE.set(ALIVE.get() + layout.size() as isize);
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() == 64 {
            if REFUSE.get() || GIVEN.get() >= MOST.get() {
                return std::ptr::null_mut();
            }
            GIVEN.set(GIVEN.get() + 1);
        }
        ALIVE.set(ALIVE.get() + layout.size() as isize);
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALIVE.set(ALIVE.get() - layout.size() as isize);
        // SAFETY: the caller's contract is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static MISER: Miser = Miser;

fn hash(key: &u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Has memory for buckets until there are `plenty` entries, and again from 2000 on.
fn lives_through_a_shortage<V: Clone + PartialEq + std::fmt::Debug>(
    plenty: u64,
    value: impl Fn(u64) -> V,
) {
    let table = BucketTable::new();
    for key in 0..6000 {
        REFUSE.set((plenty..2000).contains(&key));
        table.writer().insert(hash(&key), key, value(key), hash);
        assert_eq!(table.len() as u64, key + 1);
    }
    for key in 0..6000 {
        assert_eq!(table.writer().read(hash(&key), &key, V::clone), Some(value(key)));
    }
    assert_eq!(table.writer().read(hash(&6000), &6000, V::clone), None);
    let mut entries = 0;
    let _: ControlFlow<()> = table.try_for_each(|_, _| {
        entries += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(entries, 6000);
    assert!(table.buckets() >= 128, "{} buckets", table.buckets());
}

#[test]
fn a_shortage_at_any_size_is_lived_through() {
    for plenty in [1, 4, 5, 8, 9, 16, 17, 26, 27, 28, 52, 60, 200, 500, 1500] {
        lives_through_a_shortage(plenty, |key| key);
        lives_through_a_shortage(plenty, |key| u128::from(key) << 60);
        lives_through_a_shortage(plenty, |key| key as u8);
    }
}

#[test]
fn a_refused_reservation_changes_nothing() {
    for entries in [1, 20, 27, 60, 2000] {
        let table = BucketTable::new();
        for key in 0..entries {
            table.writer().insert(hash(&key), key, key, hash);
        }
        let (before, capacity) = (ALIVE.get(), table.capacity());
        REFUSE.set(true);
        for additional in [5000, 1 << 36] {
            table.writer().try_reserve(additional, hash).expect_err("there is no memory");
            assert!(BucketTable::<u64, u64>::try_with_capacity(additional).is_err());
        }
        REFUSE.set(false);
        assert_eq!((ALIVE.get(), table.capacity()), (before, capacity), "{entries} entries");
        table.writer().try_reserve(5000, hash).expect("there is memory");
        for key in 0..entries {
            assert_eq!(table.copy(hash(&key), &key), Some(key));
        }
    }
}

#[test]
fn a_reservation_in_a_growth_asks_once_for_what_is_missing() {
    let table = BucketTable::new();
    let (mut key, split) = (0, Cell::new(false));
    // Until the growth to 32 buckets has begun: of four chunks three are there.
    while !(table.len() > 16 * 26 && split.get()) {
        split.set(false);
        table.writer().insert(hash(&key), key, key, |key| {
            split.set(true);
            hash(key)
        });
        key += 1;
    }
    let (before, additional) = (ALIVE.get(), 32 * 26 - table.len());
    REFUSE.set(true);
    table.writer().try_reserve(additional, hash).expect_err("there is no memory");
    REFUSE.set(false);
    assert_eq!((ALIVE.get(), table.buckets()), (before, 16));
    // Some is had before the refusal.
    GIVEN.set(0);
    MOST.set(3);
    table.writer().try_reserve(5000, hash).expect_err("there is no memory for all");
    MOST.set(usize::MAX);
    assert_eq!((GIVEN.get(), ALIVE.get(), table.buckets()), (3, before, 16));
    GIVEN.set(0);
    table.writer().try_reserve(additional, hash).expect("there is memory");
    assert_eq!((GIVEN.get(), table.buckets()), (1, 32));
    assert!((0..key).all(|key| table.copy(hash(&key), &key) == Some(key)));
}

#[test]
fn only_much_memory_is_asked_for_in_advance_and_no_more_than_is_missing() {
    const BUCKET: usize = 64 + 32 * 16;
    let table = table(1000, 1000);
    assert_eq!(table.buckets(), 64);
    REFUSE.set(true);
    for (buckets, asked) in [(1 << 12, false), (1 << 16, false), (1 << 17, true), (1 << 18, true)] {
        PROBED.set(0);
        let additional = buckets * 26 - table.len();
        table.writer().try_reserve(additional, hash).expect_err("there is no memory");
        let missing = if asked { (buckets - 64) * BUCKET } else { 0 };
        assert_eq!(PROBED.get(), missing, "for {buckets} buckets");
    }
    REFUSE.set(false);
}

/// A table with so many entries that had others.
fn table(entries: u64, had: u64) -> BucketTable<u64, u64> {
    let table = BucketTable::new();
    for key in 0..had.max(entries) {
        table.writer().insert(hash(&key), key, key, hash);
    }
    for key in entries..had {
        table.writer().remove(hash(&key), &key);
    }
    table
}

#[test]
fn shrinking_gives_back_what_the_entries_do_not_need() {
    drop(table(100, 100));
    for entries in [0, 3, 20, 27, 100, 1000] {
        let start = ALIVE.get();
        let mut small = table(entries, entries + 1);
        small.shrink_to_fit();
        let needed = ALIVE.get() - start;
        drop(small);
        let mut large = table(entries, 20_000);
        let before = ALIVE.get() - start;
        let (mut shrinking, mut last) = (Shrinking::default(), before);
        while large.shrink_step(&mut shrinking) {
            let now = ALIVE.get() - start;
            assert!(now <= last, "{last}, then {now} bytes");
            if large.buckets() <= 128 {
                assert!(3 * now < before, "{now} of {before} bytes at {} buckets", large.buckets());
            }
            last = now;
        }
        assert_eq!(ALIVE.get() - start, needed, "{entries} entries");
        assert!(10 * needed < before);
        drop(large);
        assert_eq!(ALIVE.get(), start, "leaked");
    }
}

#[test]
fn a_shortage_between_steps_is_lived_through() {
    let mut table = table(5000, 9000);
    let mut shrinking = Shrinking::default();
    assert!(table.shrink_step(&mut shrinking) && table.shrink_step(&mut shrinking));
    assert_eq!(table.buckets(), 256);
    for key in 5000..30_000 {
        REFUSE.set(key < 12_000);
        table.writer().insert(hash(&key), key, key, hash);
        assert!(key != 11_999 || table.buckets() == 256, "there is no memory for more");
    }
    assert!((0..30_000).all(|key| table.copy(hash(&key), &key) == Some(key)));
    assert!(table.len() == 30_000 && table.buckets() >= 1024, "{} buckets", table.buckets());
}

#[test]
fn all_memory_is_given_back() {
    fn check<V>(value: impl Fn(u64) -> V, hash: impl Fn(&u64) -> u64 + Copy) {
        let before = ALIVE.get();
        let mut table = BucketTable::new();
        for key in 0..500 {
            table.writer().insert(hash(&key), key, value(key), hash);
        }
        for key in 100..400 {
            table.writer().remove(hash(&key), &key);
        }
        table.shrink_to_fit();
        drop(table);
        assert_eq!(ALIVE.get(), before, "leaked");
    }
    // Once, for what the process keeps.
    BucketTable::try_with_capacity(100)
        .map(|table| table.writer().insert(0, 0, 0, |_| 0))
        .expect("memory");
    check(|key| key, hash);
    check(|key| key, |_| 5);
    check(u128::from, |_| 5);
    check(|_| (), |_| 5);
}

#[test]
fn a_bucket_takes_the_memory_of_its_header_and_entries() {
    fn check<V>(size: isize, in_a_chunk: usize) {
        let start = ALIVE.get();
        GIVEN.set(0);
        let table = BucketTable::<u64, V>::try_with_capacity(1600).expect("memory");
        assert_eq!(table.buckets(), 64);
        let (taken, needed) = (ALIVE.get() - start, 64 * size);
        assert_eq!(GIVEN.get(), 64 / in_a_chunk);
        // The directory and the counters.
        assert!((needed..needed + 4096).contains(&taken), "{taken} for {needed} bytes");
    }
    check::<()>(64 + 32 * 8, 8);
    check::<u64>(64 + 32 * 16, 8);
    check::<u128>(64 + 32 * 32, 4);
}

#[test]
fn a_directory_of_many_steps_is_given_back() {
    let left = |room| {
        let start = ALIVE.get();
        let mut table = BucketTable::<u32, ()>::try_with_capacity(room).expect("memory");
        let hash = |key: &u32| hash(&u64::from(*key));
        (0..100).for_each(|key| _ = table.writer().insert(hash(&key), key, (), hash));
        table.shrink_to_fit();
        assert_eq!(table.buckets(), 4);
        ALIVE.get() - start
    };
    // Once before, for what the process keeps.
    left(1000);
    assert_eq!(left(3 << 20), left(1000));
}

//! Tests of the lock through its public face, which unlock and look at the raw one.

use super::*;
use crate::shim::atomic::{AtomicU64, Ordering::Relaxed};

/// Words that are equal whenever nobody writes.
struct Shared {
    lock: RawSeqLock,
    words: [AtomicU64; 4],
}

impl Shared {
    fn new() -> Self {
        Self { lock: RawSeqLock::NEW, words: [const { AtomicU64::new(0) }; 4] }
    }

    fn increment(&self) {
        self.lock.lock();
        self.lock.begin_write();
        for word in &self.words {
            word.store(word.load(Relaxed) + 1, Relaxed);
        }
        // SAFETY: locked above.
        unsafe { self.lock.unlock() };
    }

    fn read(&self) -> Option<u64> {
        let version = self.lock.begin_read()?;
        let words = self.words.each_ref().map(|word| word.load(Relaxed));
        if !self.lock.is_unchanged(version) {
            return None;
        }
        assert!(words.iter().all(|word| *word == words[0]), "a torn read: {words:?}");
        Some(words[0])
    }
}

#[test]
fn excludes_and_validates() {
    for writers in [1, 2, 8] {
        let shared = Shared::new();
        crate::shim::thread::scope(|scope| {
            for _ in 0..writers {
                scope.spawn(|| (0..20_000).for_each(|_| shared.increment()));
            }
            scope.spawn(|| {
                let mut last = 0;
                while last < writers * 20_000 {
                    let Some(now) = shared.read() else { continue };
                    assert!(now >= last, "an older version after a newer one");
                    last = now;
                }
            });
        });
        assert_eq!(shared.read(), Some(writers * 20_000));
    }
}

#[test]
fn a_holder_that_only_looks_disturbs_no_reader() {
    let shared = Shared::new();
    shared.lock.lock();
    assert!(!shared.lock.try_lock());
    let version = shared.lock.begin_read().expect("nobody writes");
    assert!(shared.lock.is_unchanged(version));
    assert_eq!(shared.read(), Some(0));
    shared.lock.begin_write();
    assert_eq!(shared.lock.begin_read(), None);
    assert!(!shared.lock.is_unchanged(version));
    shared.lock.end_write();
    assert!(!shared.lock.is_unchanged(version));
    assert_eq!(shared.read(), Some(0));
    // SAFETY: locked above.
    unsafe { shared.lock.unlock() };
    assert!(shared.lock.try_lock());
    // SAFETY: locked in the line above.
    unsafe { shared.lock.unlock() };
}

#[test]
fn parked_threads_are_woken() {
    let lock = RawSeqLock::NEW;
    let entered = AtomicU64::new(0);
    lock.lock();
    crate::shim::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                lock.lock();
                entered.store(entered.load(Relaxed) + 1, Relaxed);
                // SAFETY: locked above.
                unsafe { lock.unlock() };
            });
        }
        crate::shim::thread::sleep(std::time::Duration::from_millis(20));
        assert_eq!(entered.load(Relaxed), 0);
        // SAFETY: locked above.
        unsafe { lock.unlock() };
    });
    assert_eq!(entered.load(Relaxed), 16);
}

#[test]
fn the_version_changes_with_each_write_and_with_nothing_else() {
    let lock = RawSeqLock::NEW;
    let before = lock.begin_read().expect("nobody writes");
    let hold = |write: bool| {
        lock.lock();
        if write {
            lock.begin_write();
            // Once more is as good as once.
            lock.begin_write();
            assert_eq!(lock.begin_read(), None);
        }
        // SAFETY: locked above.
        unsafe { lock.unlock() };
    };
    hold(false);
    assert!(lock.is_unchanged(before));
    hold(true);
    let after = lock.begin_read().expect("nobody writes");
    assert_ne!(before, after);
    hold(false);
    assert!(lock.is_unchanged(after));
}

//! The sequence lock: exclusion, readers beside writers, parking.
//!
//! **Left out**: spinning, a thread parks at once; more than three threads.

use std::sync::Arc;

use loom::cell::UnsafeCell;
use map_sync::seqlock::RawSeqLock;
use map_sync::shim::atomic::{AtomicU64, Ordering::Relaxed};
use map_sync::shim::model::{Fault, parking::set_fair};

use super::every_schedule;
use crate::check::{Thread, must_fail, name_of, spawn};

/// A lock, two words that readers may see, and one that only holders may.
struct Shared {
    lock: RawSeqLock,
    pair: [AtomicU64; 2],
    held: UnsafeCell<u64>,
}

// SAFETY: `held` is accessed under the lock only, which is what the models check.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            lock: RawSeqLock::NEW,
            pair: [const { AtomicU64::new(0) }; 2],
            held: UnsafeCell::new(0),
        })
    }

    /// Loom panics if another thread is in here too, or has been without a happens-before.
    fn hold(&self) {
        // SAFETY: loom checks the access.
        self.held.with_mut(|held| unsafe { *held += 1 });
    }

    fn write(&self, value: u64) {
        self.lock.lock();
        self.hold();
        self.lock.begin_write();
        self.pair.iter().for_each(|word| word.store(value, Relaxed));
        // SAFETY: locked above.
        unsafe { self.lock.unlock() };
    }

    fn look(&self) {
        self.lock.lock();
        self.hold();
        // SAFETY: locked above.
        unsafe { self.lock.unlock() };
    }

    fn read(&self) -> Option<[u64; 2]> {
        let version = self.lock.begin_read()?;
        let pair = self.pair.each_ref().map(|word| word.load(Relaxed));
        self.lock.is_unchanged(version).then_some(pair)
    }
}

#[test]
fn a_reader_beside_writers_never_confirms_a_torn_pair() {
    every_schedule("seqlock: a reader beside two writes", 2, || {
        let shared = Shared::new();
        let writer = spawn(&shared, |shared| (1..=2).for_each(|value| shared.write(value)));
        let mut last = 0;
        for _ in 0..2 {
            if let Some([a, b]) = shared.read() {
                assert_eq!(a, b, "torn");
                assert!(a >= last, "older after newer");
                last = a;
            }
        }
        writer.join();
        assert_eq!(shared.read(), Some([2, 2]));
    });
}

#[test]
fn holders_exclude_each_other_and_none_sleeps_for_ever() {
    for fair in [false, true] {
        set_fair(fair);
        let name = format!("seqlock: three holders, {}", if fair { "handed on" } else { "woken" });
        // One preemption less than with two threads, which would take too long.
        every_schedule(&name, 2, || {
            let shared = Shared::new();
            let others = [(); 2].map(|()| spawn(&shared, Shared::look));
            shared.write(1);
            others.into_iter().for_each(Thread::join);
            assert_eq!(shared.read(), Some([1, 1]));
            // SAFETY: the others have ended.
            shared.held.with(|held| assert_eq!(unsafe { *held }, 3));
        });
    }
}

#[test]
fn a_lock_taken_twice_by_two_threads_loses_no_wake_up() {
    set_fair(false);
    every_schedule("seqlock: two holders, twice", 3, || {
        let shared = Shared::new();
        let other = spawn(&shared, |shared| (0..2).for_each(|_| shared.look()));
        (1..=2).for_each(|value| shared.write(value));
        other.join();
        assert!(shared.lock.try_lock());
    });
}

#[test]
fn a_broken_fence_is_found() {
    let test = name_of!(a_lock_taken_twice_by_two_threads_loses_no_wake_up);
    for fault in [Fault::LightFence, Fault::HeavyFence] {
        must_fail(test, fault, &["deadlock"]);
    }
}

#[test]
fn a_broken_order_is_found() {
    let test = name_of!(a_reader_beside_writers_never_confirms_a_torn_pair);
    for fault in [Fault::Stores, Fault::Loads, Fault::Exchanges] {
        must_fail(test, fault, &["torn", "older after newer", "Causality violation", "Some(["]);
    }
}

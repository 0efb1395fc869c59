//! The reader-writer lock under the biased one: exclusion, parking, handing over.
//!
//! **Left out**: spinning, a thread parks at once; more than three threads.

use std::sync::Arc;

use lock_api::{RawRwLock as _, RawRwLockRecursive as _};
use loom::cell::UnsafeCell;
use map_sync::rwlock::RawRwLock;
use map_sync::shim::model::{Fault, parking::set_fair};

use super::every_schedule;
use crate::check::{Thread, must_fail, name_of, spawn};

/// A lock and a number that only holders may touch.
struct Shared {
    lock: RawRwLock,
    held: UnsafeCell<u64>,
}

// SAFETY: `held` is accessed under the lock only, which is what the models check.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

impl Shared {
    fn new() -> Arc<Self> {
        Arc::new(Self { lock: RawRwLock::NEW, held: UnsafeCell::new(0) })
    }

    /// Loom panics if another thread is in here too, or has been without a happens-before.
    fn write(&self) {
        self.lock.lock_exclusive();
        // SAFETY: loom checks the access.
        self.held.with_mut(|held| unsafe { *held += 1 });
        // SAFETY: locked above.
        unsafe { self.lock.unlock_exclusive() };
    }

    fn look(&self) -> u64 {
        // SAFETY: loom checks the access.
        self.held.with(|held| unsafe { *held })
    }

    fn read(&self) -> u64 {
        self.lock.lock_shared();
        let seen = self.look();
        // SAFETY: locked above.
        unsafe { self.lock.unlock_shared() };
        seen
    }

    /// Reads twice under two holds, of which the inner one must not wait for a writer that waits.
    fn read_nested(&self) {
        self.lock.lock_shared();
        let outer = self.look();
        self.lock.lock_shared_recursive();
        assert_eq!(self.look(), outer, "written beside a reader");
        for _ in 0..2 {
            // SAFETY: locked twice above.
            unsafe { self.lock.unlock_shared() };
        }
    }
}

fn both_ways(name: &str, preemptions: usize, model: fn()) {
    for fair in [false, true] {
        set_fair(fair);
        let name = format!("rwlock: {name}, {}", if fair { "handed on" } else { "woken" });
        every_schedule(&name, preemptions, model);
    }
}

#[test]
fn two_writers_and_a_reader_exclude_each_other_and_none_sleeps_for_ever() {
    both_ways("two writers, a reader", 2, || {
        let shared = Shared::new();
        let writers = [(); 2].map(|()| spawn(&shared, Shared::write));
        assert!(shared.read() <= 2);
        writers.into_iter().for_each(Thread::join);
        assert_eq!(shared.read(), 2);
    });
}

#[test]
fn two_readers_and_a_writer_all_end() {
    both_ways("a writer, two readers", 2, || {
        let shared = Shared::new();
        let readers = [(); 2].map(|()| spawn(&shared, |shared| _ = shared.read()));
        shared.write();
        readers.into_iter().for_each(Thread::join);
        assert_eq!(shared.read(), 1);
    });
}

#[test]
fn a_nested_read_passes_a_waiting_writer() {
    both_ways("a nested read beside a writer", 3, || {
        let shared = Shared::new();
        let reader = spawn(&shared, Shared::read_nested);
        shared.write();
        reader.join();
        assert!(shared.lock.try_lock_exclusive(), "somebody has not let go");
    });
}

#[test]
fn a_lock_taken_twice_by_two_threads_loses_no_wake_up() {
    set_fair(false);
    every_schedule("rwlock: two threads, twice", 3, || {
        let shared = Shared::new();
        let other = spawn(&shared, |shared| {
            shared.write();
            shared.read();
        });
        shared.write();
        shared.write();
        other.join();
        assert_eq!(shared.read(), 3);
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
    let test = name_of!(a_lock_taken_twice_by_two_threads_loses_no_wake_up);
    for fault in [Fault::Stores, Fault::Exchanges] {
        must_fail(test, fault, &["Causality violation", "assertion"]);
    }
}

//! The biased lock: announcing in a slot, revocation, and the way back to the bias.
//!
//! What the lock guards is a cell that loom watches: it panics if a writer is beside anybody, or has been without a happens-before.
//!
//! **Left out**: more than three threads; a thread that holds more locks than a slot has words; `fork`.

use std::sync::Arc;

use loom::cell::UnsafeCell;
use map_sync::biased::{
    BiasedRwLock, RawBiasedRwLock, read_first, read_outermost, read_unbiased, write_section,
};
use map_sync::counter::StripedCounter;
use map_sync::reentrancy::Section;
use map_sync::shim::model::Fault;

use super::on_both_systems;
use crate::check::{must_fail, name_of, spawn};

static SECTION: Section = Section::exclusive("Model", "write");

struct Guarded(UnsafeCell<u64>);

// SAFETY: loom watches the cell.
unsafe impl Send for Guarded {}
// SAFETY: as above.
unsafe impl Sync for Guarded {}

impl Guarded {
    fn look(&self) -> u64 {
        // SAFETY: loom checks the access.
        self.0.with(|value| unsafe { *value })
    }

    fn count(&self) {
        // SAFETY: loom checks the access.
        self.0.with_mut(|value| unsafe { *value += 1 });
    }
}

type Lock = BiasedRwLock<Guarded>;

fn lock(raw: RawBiasedRwLock) -> Arc<Lock> {
    Arc::new(Lock::const_new(raw, Guarded(UnsafeCell::new(0))))
}

/// A lock that is biased, and will be again after two reads.
fn biased() -> Arc<Lock> {
    let lock = lock(RawBiasedRwLock::NEW);
    (0..2).for_each(|_| drop(lock.read()));
    lock
}

#[test]
fn a_revocation_waits_for_readers_and_keeps_others_out() {
    on_both_systems("biased: two reads beside a write", 4, || {
        let lock = biased();
        let reader = spawn(&lock, |lock| {
            let first = lock.read().look();
            assert!(first <= lock.read().look(), "older after newer");
        });
        lock.write().count();
        reader.join();
        assert_eq!(lock.read().look(), 1);
    });
}

#[test]
fn two_readers_beside_a_writer() {
    on_both_systems("biased: two readers beside a write", 1, || {
        let lock = biased();
        let readers = [(); 2].map(|()| spawn(&lock, |lock| lock.read().look()));
        lock.write().count();
        readers.into_iter().for_each(|reader| _ = reader.join());
        assert_eq!(lock.read().look(), 1);
    });
}

#[test]
fn a_lock_that_is_always_biased_is_so_again_after_a_write() {
    on_both_systems("biased, always: reads and a section beside two writes", 2, || {
        let lock = lock(RawBiasedRwLock::always_biased());
        let reader = spawn(&lock, |lock| {
            if let Some(guard) = read_first(lock) {
                guard.look();
            }
            if let Some(guard) = write_section(lock, &SECTION) {
                guard.look();
            }
            lock.read().look()
        });
        lock.write().count();
        lock.write().count();
        reader.join();
        assert_eq!(lock.read().look(), 2);
    });
}

#[test]
fn the_bias_is_given_beside_writers() {
    on_both_systems("biased: reads that give the bias beside two writes", 3, || {
        let lock = lock(RawBiasedRwLock::NEW);
        let reader = spawn(&lock, |lock| {
            // Gives the thread its slot.
            StripedCounter::new().add(1);
            for _ in 0..4 {
                if let Some(guard) = read_outermost(lock) {
                    guard.look();
                } else if let Some(guard) = read_unbiased(lock) {
                    guard.look();
                } else {
                    lock.read().look();
                }
            }
        });
        lock.write().count();
        lock.write().count();
        reader.join();
        assert_eq!(lock.read().look(), 2);
    });
}

#[test]
fn a_nested_read_does_not_wait_for_the_writer_that_waits_for_it() {
    on_both_systems("biased: a nested read beside a write", 4, || {
        let lock = biased();
        let reader = spawn(&lock, |lock| {
            let outer = lock.read();
            let inner = lock.read_recursive();
            assert_eq!(outer.look(), inner.look());
            drop(outer);
            inner.look();
        });
        lock.write().count();
        reader.join();
        assert_eq!(lock.read().look(), 1);
    });
}

#[test]
fn an_attempt_to_write_gives_the_bias_back() {
    on_both_systems("biased: a read beside attempts to write", 4, || {
        let lock = biased();
        let reader = spawn(&lock, |lock| lock.read().look());
        let mut written = 0;
        for _ in 0..2 {
            if let Some(guard) = lock.try_write() {
                guard.count();
                written += 1;
            }
        }
        reader.join();
        assert_eq!(lock.read().look(), written);
    });
}

#[test]
fn a_broken_fence_or_order_is_found() {
    let test = name_of!(a_revocation_waits_for_readers_and_keeps_others_out);
    let races = ["Causality violation", "older after newer", "Concurrent"];
    for fault in [Fault::LightFence, Fault::HeavyFence, Fault::Stores, Fault::Loads] {
        must_fail(test, fault, &races);
    }
}

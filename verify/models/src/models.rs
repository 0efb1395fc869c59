//! The models of the sequence lock.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use loom::cell::UnsafeCell;
use loom::thread;

use crate::seqlock::RawSeqLock;
use crate::set_fair;
use crate::shim::atomic::{AtomicU64, Ordering::Relaxed};

/// Runs a model in every schedule up to the bound, and says how many there were.
fn every_schedule(name: &str, model: impl Fn() + Send + Sync + 'static) {
    up_to(3, name, model);
}

/// As [`every_schedule`], with another bound than the usual one.
fn up_to(bound: usize, name: &str, model: impl Fn() + Send + Sync + 'static) {
    let schedules = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&schedules);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(bound));
    let bound = builder.preemption_bound;
    builder.check(move || {
        counted.fetch_add(1, Relaxed);
        model();
    });
    println!("{name}: {} schedules, at most {bound:?} preemptions", schedules.load(Relaxed));
}

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
        let shared = Self {
            lock: RawSeqLock::NEW,
            pair: [const { AtomicU64::new(0) }; 2],
            held: UnsafeCell::new(0),
        };
        // Has loom make the atomics before there are threads.
        shared.lock.lock();
        // SAFETY: locked above.
        unsafe { shared.lock.unlock() };
        assert_eq!(shared.read(), Some([0, 0]));
        Arc::new(shared)
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
    every_schedule("a reader beside two writes", || {
        let shared = Shared::new();
        let writer = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || (1..=2).for_each(|value| shared.write(value)))
        };
        let mut last = 0;
        for _ in 0..2 {
            if let Some([a, b]) = shared.read() {
                assert_eq!(a, b, "torn");
                assert!(a >= last, "older after newer");
                last = a;
            }
        }
        writer.join().expect("it asserts nothing");
        assert_eq!(shared.read(), Some([2, 2]));
    });
}

#[test]
fn holders_exclude_each_other_and_none_sleeps_for_ever() {
    for fair in [false, true] {
        set_fair(fair);
        let name = format!("three holders, {}", if fair { "handed on" } else { "woken" });
        // One preemption less than with two threads, which would take too long.
        up_to(2, &name, || {
            let shared = Shared::new();
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || shared.look())
                })
                .collect();
            shared.write(1);
            for other in others {
                other.join().expect("it asserts nothing");
            }
            assert_eq!(shared.read(), Some([1, 1]));
            // SAFETY: the others have ended.
            shared.held.with(|held| assert_eq!(unsafe { *held }, 3));
        });
    }
}

#[test]
fn a_lock_taken_twice_by_two_threads_loses_no_wake_up() {
    set_fair(false);
    every_schedule("two holders, twice", || {
        let shared = Shared::new();
        let other = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || (0..2).for_each(|_| shared.look()))
        };
        (1..=2).for_each(|value| shared.write(value));
        other.join().expect("it asserts nothing");
        assert!(shared.lock.try_lock());
    });
}

#[test]
#[should_panic(expected = "torn")]
fn the_model_sees_the_pair_torn_if_a_reader_does_not_ask() {
    every_schedule("a reader that does not ask", || {
        let shared = Shared::new();
        let writer = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.write(1))
        };
        let [a, b] = shared.pair.each_ref().map(|word| word.load(Relaxed));
        assert_eq!(a, b, "torn");
        writer.join().expect("it asserts nothing");
    });
}

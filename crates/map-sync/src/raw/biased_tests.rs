//! Tests of the lock through its public face, which unlock and look at the raw one.

use super::*;
use crate::shim::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::shim::{Barrier, mpsc};
use std::time::Duration;

/// Makes the lock biased by reading.
fn biased<T>(value: T) -> BiasedRwLock<T> {
    let lock = BiasedRwLock::new(value);
    for _ in 0..2000 {
        drop(lock.read());
    }
    assert!(format!("{:?}", lock.is_biased()).contains("true"));
    lock
}

trait IsBiased {
    fn is_biased(&self) -> bool;
}

impl<T> IsBiased for BiasedRwLock<T> {
    fn is_biased(&self) -> bool {
        // SAFETY: the raw lock is only looked at.
        let raw = unsafe { self.raw() };
        raw.is_biased()
    }
}

/// Holds a lock for a while, and has the compiler believe that its data may have changed.
fn linger<G>(guard: &mut G) {
    for _ in 0..100 {
        std::hint::black_box(&mut *guard);
    }
}

/// Two words that only a writer may see apart.
fn hammer(lock: &BiasedRwLock<[u64; 2]>, threads: usize, ops: u64, write_every: u64) {
    let writes = AtomicUsize::new(0);
    let start = Barrier::new(threads);
    crate::shim::thread::scope(|scope| {
        for thread in 0..threads as u64 {
            let (writes, start) = (&writes, &start);
            scope.spawn(move || {
                start.wait();
                for op in 0..ops {
                    if (op + thread * 7) % write_every == 0 {
                        let mut pair = lock.write();
                        pair[0] += 1;
                        linger(&mut pair);
                        pair[1] += 1;
                        writes.fetch_add(1, Ordering::Relaxed);
                    } else {
                        let mut pair = lock.read();
                        let first = pair[0];
                        linger(&mut pair);
                        assert_eq!(first, pair[1], "a reader saw half a write");
                    }
                }
            });
        }
    });
    assert_eq!(lock.read()[0], writes.load(Ordering::Relaxed) as u64, "a write was lost");
}

#[test]
fn excludes_in_every_mix() {
    for write_every in [2, 20, 300, 5000] {
        for threads in [2, 8] {
            hammer(&BiasedRwLock::new([0; 2]), threads, 20_000, write_every);
        }
    }
}

#[test]
fn excludes_with_full_fences() {
    for write_every in [20, 300] {
        let lock = BiasedRwLock::new([0; 2]);
        // SAFETY: the raw lock is told how to announce readers before it has any.
        let raw = unsafe { lock.raw() };
        raw.bias_with_fences();
        hammer(&lock, 4, 20_000, write_every);
    }
}

#[test]
fn is_biased_by_reads_and_unbiased_by_a_write() {
    let lock = biased(0);
    *lock.write() += 1;
    assert!(!lock.is_biased());
    assert_eq!(*lock.read(), 1);
}

#[test]
fn as_many_reads_are_needed_after_a_write_as_before() {
    let reads_to_bias = |lock: &BiasedRwLock<u8>| {
        let mut reads = 0;
        while !lock.is_biased() {
            drop(lock.read());
            reads += 1;
        }
        reads
    };
    let lock = BiasedRwLock::new(0);
    let needed = reads_to_bias(&lock);
    assert!(needed > 1);
    drop(lock.write());
    assert_eq!(reads_to_bias(&lock), needed);
    drop(lock.try_write().expect("free"));
    assert_eq!(reads_to_bias(&lock), needed);
    let writes: [fn(&BiasedRwLock<u8>); 2] =
        [|lock| drop(lock.write()), |lock| drop(lock.try_write())];
    let reads: [fn(&BiasedRwLock<u8>) -> bool; 3] = [
        |lock| lock.try_read().is_some(),
        |lock| lock.try_read_recursive().is_some(),
        |lock| *lock.read_recursive() == 0,
    ];
    for read in reads {
        let lock = BiasedRwLock::new(0);
        assert!((1..needed).all(|_| read(&lock)) && !lock.is_biased());
        assert!(read(&lock) && lock.is_biased());
    }
    for write in writes {
        let lock = BiasedRwLock::new(0);
        (1..needed).for_each(|_| drop(lock.try_read()));
        assert!(!lock.is_biased());
        write(&lock);
        assert_eq!(reads_to_bias(&lock), needed);
    }
}

#[test]
fn a_nested_read_does_not_wait_for_a_waiting_writer() {
    for full_fences in [false, true] {
        let lock = biased(0_u32);
        if full_fences {
            // SAFETY: nobody holds the lock.
            unsafe { lock.raw() }.bias_with_fences();
        }
        crate::shim::thread::scope(|scope| {
            let outer = lock.read();
            let (started, start) = mpsc::channel();
            let lock = &lock;
            let writer = scope.spawn(move || {
                started.send(()).expect("the test waits");
                *lock.write() += 1;
            });
            start.recv().expect("the writer sends");
            crate::shim::thread::sleep(Duration::from_millis(20));
            let second = lock.read_recursive();
            let third = lock.read_recursive();
            // Not in the order of locking.
            drop(outer);
            assert_eq!(*second + *third, 0);
            drop(second);
            assert!(!writer.is_finished(), "the writer did not wait for the third hold");
            assert_eq!(*third, 0);
            drop(third);
            writer.join().expect("the writer cannot panic");
        });
        assert_eq!(*lock.read(), 1);
    }
}

/// How many writers are parked until readers of `lock` are gone.
fn parked<T>(lock: &BiasedRwLock<T>) -> usize {
    use crate::shim::parking::{DEFAULT_UNPARK_TOKEN, FilterOp, unpark_filter};
    // SAFETY: the raw lock is only looked at.
    let key = unsafe { lock.raw() }.key();
    let mut parked = 0;
    let count = |_| {
        parked += 1;
        FilterOp::Skip
    };
    // SAFETY: the key is the lock's own; the closures call nothing of parking_lot and cannot panic. Nobody is woken.
    unsafe { unpark_filter(key, count, |_| DEFAULT_UNPARK_TOKEN) };
    parked
}

#[test]
fn the_last_reader_wakes_the_writer_that_is_parked() {
    for (full_fences, in_first_word) in [(false, false), (false, true), (true, false), (true, true)]
    {
        let (lock, other) = (biased(0), biased(0));
        if full_fences {
            // SAFETY: nobody holds the lock.
            unsafe { lock.raw() }.bias_with_fences();
        }
        let before = (!in_first_word).then(|| other.read());
        let reader = lock.read();
        drop(before);
        crate::shim::thread::scope(|scope| {
            let writer = scope.spawn(|| *lock.write() += 1);
            while parked(&lock) == 0 {
                crate::shim::thread::yield_now();
            }
            let beside =
                scope.spawn(|| lock.try_read().is_some() || lock.try_read_recursive().is_some());
            assert!(!beside.join().expect("it asserts nothing"), "it would overtake the writer");
            assert!(lock.try_read().is_some() && lock.try_read_recursive().is_some());
            assert!(!writer.is_finished());
            drop(reader);
        });
        assert_eq!(*lock.read(), 1);
    }
}

#[test]
fn reads_under_more_locks_than_words() {
    let locks: Vec<_> = (0..10).map(biased).collect();
    let guards: Vec<_> = locks.iter().map(|lock| lock.read()).collect();
    assert_eq!(guards.iter().map(|guard| **guard).sum::<i32>(), 45);
    assert!(locks.iter().all(|lock| lock.try_write().is_none()));
    drop(guards);
    assert!(locks.iter().all(|lock| lock.try_write().is_some()));
}

#[test]
fn try_write_leaves_a_held_lock_biased() {
    let lock = biased(0);
    let guard = lock.read();
    assert!(lock.try_write().is_none());
    assert!(lock.is_biased() && lock.is_locked());
    drop(guard);
    assert!(!lock.is_locked());
    let writer = lock.try_write().expect("free");
    assert!(lock.try_read().is_none());
    drop(writer);
    assert!(lock.try_read().is_some());
}

#[test]
fn readers_do_not_starve_a_writer() {
    let lock = biased(false);
    crate::shim::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| while !*lock.read() {});
        }
        crate::shim::thread::sleep(Duration::from_millis(10));
        *lock.write() = true;
    });
}

#[test]
fn reads_in_the_destructor_of_a_thread_local() {
    static DONE: AtomicBool = AtomicBool::new(false);
    static LOCK: BiasedRwLock<u8> = BiasedRwLock::const_new(RawBiasedRwLock::NEW, 7);
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            let first = LOCK.read();
            DONE.store(*LOCK.read_recursive() == 7 && *first == 7, Ordering::SeqCst);
        }
    }
    thread_local!(static LATE: Late = const { Late });
    for _ in 0..2000 {
        drop(LOCK.read());
    }
    for first in [true, false] {
        DONE.store(false, Ordering::SeqCst);
        crate::shim::thread::spawn(move || {
            if first {
                LATE.with(|_| ());
                drop(LOCK.read());
            } else {
                drop(LOCK.read());
                LATE.with(|_| ());
            }
        })
        .join()
        .expect("the thread cannot panic");
        assert!(DONE.load(Ordering::SeqCst));
    }
    assert!(LOCK.try_write().is_some());
}

#[cfg(unix)]
#[test]
fn a_forked_child_is_not_blocked_by_readers_it_has_not_got() {
    let lock = biased(0);
    crate::shim::thread::scope(|scope| {
        let (held, hold) = mpsc::channel();
        let (release, wait) = mpsc::channel::<()>();
        let lock = &lock;
        scope.spawn(move || {
            let _guard = lock.read();
            held.send(()).expect("the test waits");
            wait.recv().expect("the test releases");
        });
        hold.recv().expect("the reader sends");
        // SAFETY: the child calls only the lock, which needs no other thread of the parent, and exits.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let free = lock.try_write().is_some();
            // SAFETY: ends the child without running the parent's destructors.
            unsafe { libc::_exit(i32::from(!free)) };
        }
        let mut status = -1;
        // SAFETY: `status` outlives the call.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        release.send(()).expect("the reader waits");
        assert_eq!(status, 0, "the child found the lock held");
    });
}

#[test]
fn a_first_hold_may_end_before_a_later_one() {
    let lock = BiasedRwLock::from_raw(RawBiasedRwLock::always_biased(), 7);
    drop(lock.read());
    if !crate::raw::membarrier::available() {
        return assert!(read_first(&lock).is_none() && lock.is_biased());
    }
    let first = read_first(&lock).expect("biased, and the first word is free");
    let nested = lock.read_recursive();
    drop(first);
    assert!(lock.try_write().is_none(), "the later hold is still there");
    assert_eq!(*nested, 7);
    drop(nested);
    assert!(lock.try_write().is_some());
}

#[test]
fn an_always_biased_lock_is_biased_again_after_a_write() {
    let lock = BiasedRwLock::from_raw(RawBiasedRwLock::always_biased(), 7);
    assert!(lock.is_biased());
    *lock.write() += 1;
    assert!(lock.is_biased());
    drop(lock.try_write());
    assert!(lock.is_biased());
    BiasedWriteGuard::unlock_fair(lock.write());
    assert!(lock.is_biased() && lock.try_write().is_some());
}

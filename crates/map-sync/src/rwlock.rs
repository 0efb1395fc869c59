//! A reader-writer lock of which the exclusive hold costs one atomic read-modify-write.
//!
//! Usable through [`lock_api`]. It is what a [`biased`](crate::biased) lock is while it is not biased.
//!
//! **Cost**: locking and unlocking exclusively, uncontended, is one read-modify-write and one store; shared it is two
//! read-modify-writes. Twelve bytes.
//!
//! **Blocking**: a reader waits for a writer that holds the lock and, unless it locks recursively or has been woken before, for one that
//! waits while others read; a writer waits for all. Threads that wait look again after pauses that double, and then park. One that is
//! woken may find the lock taken again; now and then it is handed over, so that neither side starves.
//!
//! **Panics**: `try_lock_shared` and its relatives if two thousand million readers hold the lock, which takes leaked guards.
//!
//! ```
//! use map_sync::rwlock::RawRwLock;
//!
//! let lock = lock_api::RwLock::<RawRwLock, _>::new(1);
//! {
//!     let (one, other) = (lock.read(), lock.read());
//!     assert_eq!(*one + *other, 2);
//!     assert!(lock.try_write().is_none());
//! }
//! *lock.write() += 1;
//! assert_eq!(*lock.read(), 2);
//! ```

pub use crate::raw::rwlock::RawRwLock;

#[cfg(test)]
mod tests {
    use super::RawRwLock;
    use crate::shim::atomic::{AtomicUsize, Ordering::SeqCst};
    use crate::shim::thread;

    type RwLock<T> = lock_api::RwLock<RawRwLock, T>;

    #[test]
    fn it_is_small() {
        assert_eq!(size_of::<RawRwLock>(), 12);
    }

    #[test]
    fn writers_exclude_all_and_readers_only_writers() {
        let lock = RwLock::new([0_u64; 4]);
        let inside = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let mut words = lock.write();
                        assert_eq!(inside.fetch_add(1, SeqCst), 0, "two writers");
                        words.iter_mut().for_each(|word| *word += 1);
                        inside.fetch_sub(1, SeqCst);
                    }
                });
                scope.spawn(|| {
                    for step in 0..20_000 {
                        let words = lock.read();
                        assert_eq!(inside.load(SeqCst), 0, "a reader beside a writer");
                        if step % 16 == 0 {
                            assert_eq!(*lock.read_recursive(), *words);
                        }
                        assert!(words.iter().all(|word| *word == words[0]), "{words:?}");
                    }
                });
            }
        });
        assert_eq!(lock.into_inner(), [80_000; 4]);
    }

    #[test]
    fn readers_share() {
        let lock = RwLock::new(());
        let all = std::sync::Barrier::new(3);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let _held = lock.read();
                    all.wait();
                });
            }
        });
        assert!(!lock.is_locked());
    }

    /// New readers come all the time; the writer gets in nevertheless, as the test ends.
    #[test]
    fn a_writer_gets_in_among_readers_without_a_pause() {
        let lock = RwLock::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !*lock.read() {
                        thread::yield_now();
                    }
                });
            }
            scope.spawn(|| *lock.write() = true);
        });
    }

    /// The outer hold keeps the writer out, the inner one must not wait for it.
    #[test]
    fn a_nested_read_passes_a_waiting_writer() {
        let lock = RwLock::new(0);
        thread::scope(|scope| {
            let outer = lock.read();
            let writer = scope.spawn(|| *lock.write() += 1);
            while lock.try_read().is_some() {
                thread::yield_now();
            }
            assert_eq!(*lock.read_recursive() + *outer, 0);
            drop(outer);
            assert!(writer.join().is_ok());
        });
        assert_eq!(*lock.read(), 1);
    }

    #[test]
    fn attempts_fail_without_waiting() {
        let lock = RwLock::new(());
        let reading = lock.read();
        assert!(lock.try_write().is_none() && lock.try_read().is_some());
        drop(reading);
        let writing = lock.write();
        assert!(lock.try_write().is_none() && lock.try_read().is_none());
        assert!(lock.try_read_recursive().is_none() && lock.is_locked_exclusive());
        drop(writing);
        assert!(lock.try_write().is_some());
    }
}

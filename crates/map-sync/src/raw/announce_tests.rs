//! Tests of the short ways, and of what the thread's first word tells meanwhile.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::*;
use crate::biased::BiasedRwLock;
use crate::reentrancy::{self, Nesting};
use crate::shim::{mpsc, thread};

static READ: Section = Section::shared("Map", "read");
static WRITE: Section = Section::exclusive("Map", "insert");

fn first_word() -> usize {
    slots::current().words[0].load(Ordering::Relaxed)
}

fn raw<T>(lock: &BiasedRwLock<T>) -> &RawBiasedRwLock {
    // SAFETY: the raw lock is only looked at.
    unsafe { lock.raw() }
}

/// More reads than it takes to bias a lock.
const MANY: u32 = 2000;

fn biased<T>(value: T) -> BiasedRwLock<T> {
    let lock = BiasedRwLock::new(value);
    for _ in 0..MANY {
        drop(lock.read());
    }
    lock
}

#[test]
fn the_outermost_read_is_for_biased_locks_outside_of_sections() {
    let (lock, unbiased) = (biased(7), BiasedRwLock::new(8));
    assert!(read_outermost(&unbiased).is_none());
    if !membarrier::available() {
        return assert!(read_outermost(&lock).is_none() && raw(&lock).is_biased());
    }
    let guard = read_outermost(&lock).expect("biased, and the thread holds nothing");
    assert_eq!((*guard, first_word()), (7, raw(&lock).address()));
    assert!(read_outermost(&lock).is_none() && read_first(&lock).is_none());
    assert!(lock.try_write().is_none());
    drop(guard);
    assert_eq!(first_word(), 0);
    reentrancy::enter(&lock, &READ, |nesting| {
        assert_eq!(nesting, Nesting::Outermost);
        assert!(read_outermost(&lock).is_none() && read_unbiased(&unbiased).is_none());
        assert!(read_first(&lock).is_some());
    });
    assert!(lock.try_write().is_some());
}

#[test]
fn an_unbiased_read_is_told_of_by_the_first_word() {
    slots::current_or_new();
    let (lock, other) = (BiasedRwLock::new(7), BiasedRwLock::new(8));
    let guard = read_unbiased(&lock).expect("unbiased, and the thread holds nothing");
    assert_eq!((*guard, first_word()), (7, raw(&lock).address() | THROUGH_INNER));
    assert!(read_unbiased(&lock).is_none() && read_unbiased(&other).is_none());
    assert!(lock.try_write().is_none());
    drop(guard);
    assert_eq!(first_word(), 0);
    assert!(lock.try_write().is_some());
    for _ in 0..MANY {
        drop(read_unbiased(&lock));
    }
    assert!(raw(&lock).is_biased() && read_unbiased(&lock).is_none());
}

#[test]
fn a_later_hold_of_an_unbiased_lock_is_one_of_the_ordinary_lock() {
    slots::current_or_new();
    let lock = BiasedRwLock::new(7);
    let outer = read_unbiased(&lock).expect("unbiased");
    for _ in 0..2 {
        let later = lock.read_recursive();
        assert_eq!((*later, first_word()), (7, raw(&lock).address() | THROUGH_INNER));
        drop(later);
        assert_eq!(first_word(), raw(&lock).address() | THROUGH_INNER);
        assert!(lock.try_write().is_none());
    }
    drop(outer);
    assert_eq!(first_word(), 0);
    assert!(lock.try_write().is_some());
}

#[test]
fn an_unbiased_read_waits_for_the_writer() {
    let lock = BiasedRwLock::new(0);
    let mut writer = lock.write();
    thread::scope(|scope| {
        let (started, start) = mpsc::channel();
        let lock = &lock;
        let reader = scope.spawn(move || {
            slots::current_or_new();
            started.send(()).expect("the test waits");
            *read_unbiased(lock).expect("unbiased, and the thread holds nothing")
        });
        start.recv().expect("the reader sends");
        // Time for a reader that does not wait.
        thread::sleep(Duration::from_millis(20));
        *writer = 1;
        drop(writer);
        assert_eq!(reader.join().expect("it asserts nothing"), 1);
    });
    assert!(lock.try_write().is_some());
}

#[test]
fn who_waited_for_the_writer_holds_the_lock_once() {
    let lock = BiasedRwLock::new(7);
    let inner = &raw(&lock).inner;
    // As if the writer had gone since.
    raw(&lock).lock_inner_shared_from_a_writer();
    assert!(inner.is_locked() && !inner.is_locked_exclusive());
    // SAFETY: locked above.
    unsafe { inner.unlock_shared() };
    assert!(!inner.is_locked());
    raw(&lock).lock_inner_exclusive();
    assert!(inner.is_locked_exclusive());
    // SAFETY: locked above.
    unsafe { inner.unlock_exclusive() };
    assert!(!inner.is_locked());
}

/// On a thread of its own, for one of the locks is never let go.
#[test]
fn a_later_hold_is_let_go_before_an_unbiased_read() {
    let test = || {
        slots::current_or_new();
        for in_order in [true, false] {
            let lock = BiasedRwLock::new(7);
            let outer = read_unbiased(&lock).expect("unbiased");
            thread::scope(|scope| {
                // Now it is biased, so that later holds are announced.
                scope.spawn(|| (0..MANY).for_each(|_| drop(lock.read())));
            });
            let later = lock.read_recursive();
            assert_eq!(first_word(), raw(&lock).address() | THROUGH_INNER | NESTED);
            if in_order {
                drop(later);
                drop(outer);
                assert_eq!(first_word(), 0);
                assert!(lock.try_write().is_some());
            } else {
                let early = catch_unwind(AssertUnwindSafe(|| drop(outer)));
                assert!(early.is_err(), "the later hold is still there");
                assert_eq!(*later, 7);
                drop(later);
                assert!(lock.try_write().is_none());
            }
        }
    };
    thread::spawn(test).join().expect("the test passes");
}

#[test]
fn a_writing_section_refuses_others_of_its_thread() {
    let lock = BiasedRwLock::from_raw(RawBiasedRwLock::always_biased(), 7);
    drop(lock.read());
    assert!(write_section(&BiasedRwLock::new(8), &WRITE).is_none(), "it is not biased");
    if !membarrier::available() {
        return assert!(write_section(&lock, &WRITE).is_none() && raw(&lock).is_biased());
    }
    let guard = write_section(&lock, &WRITE).expect("biased, and the thread holds nothing");
    assert_eq!((*guard, first_word()), (7, raw(&lock).address() | WRITING));
    assert!(write_section(&lock, &WRITE).is_none() && read_first(&lock).is_none());
    assert!(lock.try_write().is_none());
    let refused = catch_unwind(AssertUnwindSafe(|| reentrancy::enter(&lock, &READ, |_| ())));
    let message = refused.expect_err("refused").downcast::<String>().expect("a text");
    assert!(message.contains("insert"), "{message}");
    thread::scope(|scope| {
        let beside = scope.spawn(|| {
            drop(lock.read());
            write_section(&lock, &WRITE).is_some()
        });
        assert!(beside.join().expect("it asserts nothing"), "the lock is held shared");
    });
    drop(guard);
    assert_eq!(first_word(), 0);
    assert!(lock.try_write().is_some());
}

#[test]
fn a_biased_lock_is_taken_by_the_first_word_alone() {
    let (lock, unbiased) = (biased(7), BiasedRwLock::new(8));
    assert!(!raw(&unbiased).try_lock_biased());
    if !membarrier::available() {
        return assert!(!raw(&lock).try_lock_biased() && raw(&lock).is_biased());
    }
    assert!(raw(&lock).try_lock_biased());
    assert_eq!(first_word(), raw(&lock).address());
    assert!(!raw(&lock).try_lock_biased(), "the first word is in use");
    assert!(lock.try_write().is_none());
    raw(&lock).clear(&slots::current().words[0]);
    assert!(lock.try_write().is_some());
}

#[test]
fn each_of_several_holds_counts() {
    for (full_fences, nested) in (0..5).flat_map(|nested| [(false, nested), (true, nested)]) {
        let lock = biased(7);
        if full_fences {
            raw(&lock).bias_with_fences();
        }
        let mut holds = vec![lock.read_recursive()];
        assert_ne!(first_word(), 0, "told of by the word, whatever the fences");
        holds.extend((0..nested).map(|_| lock.read_recursive()));
        while !holds.is_empty() {
            assert!(lock.try_write().is_none(), "{} holds are left of {nested}", holds.len());
            drop(holds.swap_remove(0));
        }
        assert_eq!(first_word(), 0);
        assert!(lock.try_write().is_some());
    }
}

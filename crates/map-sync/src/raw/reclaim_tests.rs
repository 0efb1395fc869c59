use super::{BATCH, Bag, Batch, Domain, Guard, OWN_BAGS, SPARES, slots};
use crate::shim::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};
use crate::shim::{Arc, Barrier, mpsc, thread};
use core::cell::Cell;

/// Counts how often it was freed.
#[derive(Default)]
struct Count(Arc<AtomicUsize>);

impl Drop for Count {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// # Safety
///
/// `object` must come from a box of a `Count`.
unsafe fn free(object: *mut ()) {
    // SAFETY: only boxes of `Count` are retired with it, once each.
    drop(unsafe { Box::from_raw(object.cast::<Count>()) });
}

fn retire(guard: &Guard<'_>, count: &Arc<AtomicUsize>, times: usize) {
    for _ in 0..times {
        let object = Box::into_raw(Box::new(Count(count.clone())));
        // SAFETY: nobody else knows the object.
        unsafe { guard.retire(object.cast(), free) };
    }
}

#[test]
fn a_full_batch_is_freed_when_its_thread_leaves() {
    let (domain, freed) = (Domain::new(), Arc::default());
    let guard = domain.enter();
    retire(&guard, &freed, BATCH);
    assert_eq!(freed.load(SeqCst), 0, "the thread itself may be reading");
    drop(guard);
    assert_eq!(freed.load(SeqCst), BATCH);
    retire(&domain.enter(), &freed, 1);
    assert_eq!(freed.load(SeqCst), BATCH);
    drop(domain);
    assert_eq!(freed.load(SeqCst), BATCH + 1);
}

#[test]
fn flush_and_refresh_free_less_than_a_batch() {
    let (domain, freed) = (Domain::new(), Arc::default());
    let mut guard = domain.enter();
    retire(&guard, &freed, 1);
    guard.refresh();
    assert_eq!(freed.load(SeqCst), 0);
    guard.flush();
    guard.refresh();
    assert_eq!(freed.load(SeqCst), 1);
    retire(&guard, &freed, BATCH);
    guard.refresh();
    assert_eq!(freed.load(SeqCst), BATCH + 1);
}

/// Runs `reader` on a thread of its own, and stops it at each `wait` to note how many objects have been freed after
/// `BATCH` more have been retired.
///
/// Nothing is asserted before both threads have ended: a failure would leave the other one waiting.
fn freed_beside(
    domain: &Domain,
    stops: usize,
    reader: impl FnOnce(&dyn Fn()) + Send,
) -> Vec<usize> {
    let (freed, [stopped, go]) = (Arc::default(), [Barrier::new(2), Barrier::new(2)]);
    let mut seen = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            reader(&|| {
                stopped.wait();
                go.wait();
            });
        });
        for _ in 0..stops {
            stopped.wait();
            retire(&domain.enter(), &freed, BATCH);
            seen.push(freed.load(SeqCst));
            go.wait();
        }
    });
    seen
}

#[test]
fn a_reader_holds_back_what_was_retired_while_it_was_inside() {
    let domain = Domain::new();
    let seen = freed_beside(&domain, 3, |wait| {
        let mut guard = domain.enter();
        wait();
        guard.refresh();
        wait();
        drop(guard);
        wait();
    });
    assert_eq!(seen, [0, BATCH, 3 * BATCH]);
}

#[test]
fn readers_of_other_domains_hold_back_nothing_and_of_three_everything() {
    let (domain, others) = (Domain::new(), [(); 3].map(|()| Domain::new()));
    let seen = freed_beside(&domain, 4, |wait| {
        let first = others[0].enter();
        wait();
        let second = others[1].enter();
        // In the order in which they were made, too.
        drop(first);
        wait();
        let third = others[2].enter();
        drop(second);
        wait();
        drop(third);
        wait();
    });
    assert_eq!(seen, [BATCH, 2 * BATCH, 2 * BATCH, 4 * BATCH]);
}

#[test]
fn a_second_domain_is_held_back_until_the_thread_has_left() {
    let (domain, other) = (Domain::new(), Domain::new());
    let seen = freed_beside(&domain, 3, |wait| {
        let mut outer = other.enter();
        let inner = domain.enter();
        wait();
        drop(inner);
        wait();
        outer.refresh();
        wait();
    });
    assert_eq!(seen, [0, 0, 3 * BATCH]);
}

#[test]
fn what_is_retired_inside_of_another_domain_is_freed_all_the_same() {
    for outer_first in [false, true] {
        let (outer, inner) = (Domain::new(), Domain::new());
        let count = Arc::new(AtomicUsize::new(0));
        const ROUNDS: usize = 20;
        for _ in 0..ROUNDS {
            let (first, guard) = (outer.enter(), inner.enter());
            retire(&guard, &count, BATCH);
            if outer_first {
                drop(first);
                assert!(count.load(SeqCst) % BATCH == 0);
                drop(guard);
            } else {
                drop(guard);
                drop(first);
            }
        }
        let freed = count.load(SeqCst);
        assert!(freed >= (ROUNDS - 2) * BATCH, "{freed} of {}", ROUNDS * BATCH);
        // Less than a batch, at once.
        for _ in 0..2 {
            let _first = outer.enter();
            let guard = inner.enter();
            retire(&guard, &count, 1);
            guard.flush();
        }
        assert!(count.load(SeqCst) > ROUNDS * BATCH);
    }
}

#[test]
fn nested_guards_leave_with_the_last() {
    let (domain, freed) = (Domain::new(), Arc::default());
    let outer = domain.enter();
    let mut inner = domain.enter();
    retire(&inner, &freed, BATCH);
    inner.refresh();
    drop(outer);
    assert_eq!(freed.load(SeqCst), 0, "the inner guard is still inside");
    drop(inner);
    assert_eq!(freed.load(SeqCst), BATCH);
}

#[test]
fn what_is_freed_may_retire_more() {
    struct Chain<'a> {
        domain: &'a Domain,
        left: usize,
        freed: &'a Cell<usize>,
    }
    /// # Safety
    ///
    /// `object` must come from a box of a `Chain`.
    unsafe fn free_chain(object: *mut ()) {
        // SAFETY: only boxes of `Chain` are retired with it, once each.
        let chain = unsafe { Box::from_raw(object.cast::<Chain<'_>>()) };
        chain.freed.set(chain.freed.get() + 1);
        if chain.left > 0 {
            let guard = chain.domain.enter();
            let next = Box::new(Chain { left: chain.left - 1, ..*chain });
            // SAFETY: nobody else knows the object, and the domain outlives it.
            unsafe { guard.retire(Box::into_raw(next).cast(), free_chain) };
            guard.flush();
        }
    }
    let (domain, freed) = (Domain::new(), Cell::new(0));
    let guard = domain.enter();
    let first = Box::new(Chain { domain: &domain, left: 1000, freed: &freed });
    // SAFETY: as above.
    unsafe { guard.retire(Box::into_raw(first).cast(), free_chain) };
    guard.flush();
    drop(guard);
    assert_eq!(freed.get(), 1001);
}

#[test]
fn a_thread_that_is_being_torn_down_can_enter() {
    struct AtExit(Arc<Domain>, Arc<AtomicUsize>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            retire(&self.0.enter(), &self.1, BATCH);
        }
    }
    thread_local!(static LAST: Cell<Option<AtExit>> = const { Cell::new(None) });
    let (domain, freed) = (Arc::new(Domain::new()), Arc::default());
    for _ in 0..2 {
        let last = AtExit(domain.clone(), Arc::clone(&freed));
        let thread = thread::spawn(move || {
            // Set first, so that it is torn down after the thread's slot on most systems.
            LAST.set(Some(last));
            drop(Domain::new().enter());
        });
        thread.join().expect("it asserts nothing");
    }
    let guard = domain.enter();
    guard.flush();
    drop(guard);
    drop(domain);
    assert_eq!(freed.load(SeqCst), 2 * BATCH);
}

#[test]
fn a_thread_that_is_being_torn_down_is_seen_inside() {
    type Inside = (mpsc::Sender<()>, mpsc::Receiver<()>);
    struct AtExit(Arc<Domain>, Inside);
    impl Drop for AtExit {
        fn drop(&mut self) {
            let (inside, leave) = &self.1;
            let guard = self.0.enter();
            let nested = self.0.enter();
            // If the other side is gone its assertion has failed.
            _ = inside.send(());
            _ = leave.recv();
            drop(nested);
            drop(guard);
        }
    }
    thread_local!(static LAST: Cell<Option<AtExit>> = const { Cell::new(None) });
    let (domain, freed) = (Arc::new(Domain::new()), Arc::default());
    let ((inside, is_inside), (go, leave)) = (mpsc::channel(), mpsc::channel());
    let last = AtExit(domain.clone(), (inside, leave));
    let thread = thread::spawn(move || {
        // As above.
        LAST.set(Some(last));
        drop(Domain::new().enter());
    });
    is_inside.recv().expect("the thread sends");
    retire(&domain.enter(), &freed, BATCH);
    assert_eq!(freed.load(SeqCst), 0);
    go.send(()).expect("the thread waits");
    thread.join().expect("it asserts nothing");
    domain.enter().flush();
    assert_eq!(freed.load(SeqCst), BATCH);
}

#[test]
fn more_threads_than_bags() {
    const THREADS: usize = 100;
    let (domain, freed) = (Domain::new(), Arc::default());
    let all_inside = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let guard = domain.enter();
                all_inside.wait();
                retire(&guard, &freed, BATCH);
            });
        }
    });
    drop(domain);
    assert_eq!(freed.load(SeqCst), THREADS * BATCH);
}

#[test]
fn a_batch_that_has_more_than_enough_is_freed_too() {
    for more in 1..4 {
        let (domain, freed) = (Domain::new(), Arc::default());
        retire(&domain.enter(), &freed, BATCH + more);
        assert_eq!(freed.load(SeqCst), BATCH + more);
    }
}

#[test]
fn a_refresh_lets_go_of_nothing_that_another_guard_of_the_thread_holds() {
    let domain = Domain::new();
    let seen = freed_beside(&domain, 3, |wait| {
        let outer = domain.enter();
        let mut inner = domain.enter();
        wait();
        inner.refresh();
        wait();
        drop((outer, inner));
        wait();
    });
    assert_eq!(seen, [0, 0, 3 * BATCH]);
}

#[test]
fn a_guard_is_still_one_after_a_refresh_that_collects() {
    let domain = Domain::new();
    let seen = freed_beside(&domain, 2, |wait| {
        let mut guard = domain.enter();
        retire(&guard, &Arc::default(), 1);
        guard.flush();
        guard.refresh();
        wait();
        drop(guard);
        wait();
    });
    assert_eq!(seen, [0, 2 * BATCH]);
}

#[test]
fn a_thread_that_collects_keeps_its_slot() {
    let domain = Domain::new();
    let mut guard = domain.enter();
    retire(&guard, &Arc::default(), 1);
    guard.flush();
    guard.refresh();
    retire(&guard, &Arc::default(), 1);
    guard.flush();
    drop(guard);
    assert!(slots::current().is_owned());
    drop(domain.enter());
    assert!(slots::current().is_owned());
}

#[test]
fn leaving_collects_nothing_unasked() {
    let (domain, other, freed) = (Domain::new(), Domain::new(), Arc::default());
    let first = domain.enter();
    let second = other.enter();
    retire(&first, &freed, 1);
    drop(second);
    drop(first);
    assert_eq!(freed.load(SeqCst), 0, "a collection is dear");
}

#[test]
fn a_bag_keeps_few_batches_of_the_usual_size() {
    let of = |objects| Batch { objects: Vec::with_capacity(objects), inside: Vec::new() };
    let mut bag = Bag::default();
    for _ in 0..5 {
        bag.keep(of(BATCH));
    }
    assert_eq!(bag.spare.len(), SPARES);
    let mut bag = Bag::default();
    bag.keep(of(2 * BATCH));
    bag.keep(of(2 * BATCH + 1));
    assert_eq!(bag.spare.len(), 1);
}

#[test]
fn early_threads_have_bags_of_their_own() {
    let domain = Domain::new();
    drop(domain.enter());
    let slot = slots::current();
    let own = domain.own_bag(slot);
    assert_eq!(own.is_some(), slot.number < OWN_BAGS);
    if let Some(own) = own {
        own.busy.store(true, SeqCst);
        assert!(domain.own_bag(slot).is_none(), "a fork has spoilt it");
        own.busy.store(false, SeqCst);
    }
}

/// Readers follow a pointer that writers replace; an early free shows in the canary.
#[test]
fn nothing_is_freed_under_a_reader() {
    const ALIVE: usize = 0xA11E;
    /// # Safety
    ///
    /// `object` must come from a box of an atomic.
    unsafe fn poison(object: *mut ()) {
        // SAFETY: only boxes of atomics are retired with it, once each.
        let object = unsafe { Box::from_raw(object.cast::<AtomicUsize>()) };
        object.store(0, SeqCst);
    }
    let domain = Domain::new();
    let shared = AtomicPtr::new(Box::into_raw(Box::new(AtomicUsize::new(ALIVE))));
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..50_000 {
                let guard = domain.enter();
                let new = Box::into_raw(Box::new(AtomicUsize::new(ALIVE)));
                let old = shared.swap(new, SeqCst);
                // SAFETY: the only pointer to it has been overwritten.
                unsafe { guard.retire(old.cast(), poison) };
                if round % 8 == 0 {
                    guard.flush();
                }
            }
            drop(done);
        });
        let mut guard = domain.enter();
        let mut reads = 0_u32;
        while is_done.try_recv() == Err(mpsc::TryRecvError::Empty) {
            // SAFETY: it was reachable after this thread had entered.
            let object = unsafe { &*shared.load(SeqCst) };
            for _ in 0..20 {
                assert_eq!(object.load(SeqCst), ALIVE);
            }
            reads += 1;
            if reads % 2 == 0 {
                guard.refresh();
            } else {
                drop(guard);
                guard = domain.enter();
            }
        }
    });
    // SAFETY: the threads have ended.
    drop(unsafe { Box::from_raw(shared.into_inner()) });
}

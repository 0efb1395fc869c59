//! Refuses a closure that calls back into a map in a way that could hang.
//!
//! A map under locks runs its caller's closures, and its keys' `Hash`, `Eq` and `Clone`, while it
//! holds a lock. If these call the same map again, the thread may wait for itself; with several locks
//! in a map, two threads may wait for each other. This module makes each such call either work or
//! panic, always the same way, whatever other threads do.
//!
//! **Layout**: each thread has a list of the critical sections it is in, newest first; the nodes are
//! on its own stack. A section names the map (by the address of the memory its locks lie in), the operation,
//! and whether it is a shared (reading) or an exclusive one. A short section is not in
//! the list: the first word of the thread's slot stands for it (module `biased`), and `enter` looks at both.
//!
//! ```text
//! thread-local TOP ──> Frame{map B, "for_each", shared} ──> Frame{map A, "update", exclusive} ──> ·
//! ```
//!
//! **Rule**: a new section on the same map is let in only if it and every open section on that map
//! are shared; the caller must then take its lock in a way that does not queue behind waiting
//! writers. A reader therefore never waits for a thread that waits for it: whoever holds a lock
//! exclusively on this map is in no other section of it, so he finishes.
//!
//! **Not covered**: two *different* maps whose closures call each other in opposite order on two
//! threads. That is a lock order of the program's own, as with any two locks.
//!
//! **Cost**: a load of the thread-local head and of the slot's first word, three stores to the stack and two to
//! the head.
//!
//! **Invariants**: (I1) every frame in the list lives in a stack frame of `enter` further down on the
//! same thread; (I2) `enter` unlinks its frame before it returns or unwinds; (I3) a map takes the short way to a lock, outside of any
//! section here, only with the first word of the slot. So the other words tell of a lock of a map only inside a section.

use core::cell::Cell;
use core::ops::Range;
use core::ptr;

use crate::raw::slots::{self, Announced};

/// A kind of critical section: the map's type, the operation, and its mode.
#[derive(Debug)]
pub struct Section {
    /// The name of the map's type.
    pub map: &'static str,
    /// The name of the operation.
    pub operation: &'static str,
    /// Whether the section only reads.
    pub shared: bool,
}

impl Section {
    /// A section that reads.
    pub const fn shared(map: &'static str, operation: &'static str) -> Self {
        Self { map, operation, shared: true }
    }

    /// A section that writes.
    pub const fn exclusive(map: &'static str, operation: &'static str) -> Self {
        Self { map, operation, shared: false }
    }
}

/// Whether the thread is already in a (shared) section of the same map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// It is not: take the lock in the usual, fair way.
    Outermost,
    /// It is: take the lock without queueing behind waiting writers.
    Nested,
}

struct Frame {
    map: usize,
    section: &'static Section,
    previous: *const Frame,
}

crate::shim::thread_local! {
    // No destructor: it can be used while the thread's other locals are torn down.
    static TOP: Cell<*const Frame> = const { Cell::new(ptr::null()) };
}

/// Unlinks the newest frame, also on unwinding.
struct Unlink {
    previous: *const Frame,
}

impl Drop for Unlink {
    #[inline]
    fn drop(&mut self) {
        TOP.set(self.previous);
    }
}

/// Runs `f` inside a section on the map whose locks lie in the memory of `locks`.
///
/// # Panics
///
/// If the calling thread is in a section of the same map already and not both are shared. The message
/// names the map and both operations. Nothing has been locked or changed then.
#[inline]
pub fn enter<L: ?Sized, R>(
    locks: &L,
    section: &'static Section,
    f: impl FnOnce(Nesting) -> R,
) -> R {
    enter_either(locks, || None::<&()>, section, f)
}

/// As [`enter`], for a map whose locks lie in two places; `locks` is the one that it always has.
///
/// # Panics
///
/// As [`enter`].
#[inline]
pub fn enter_either<'map, L: ?Sized, M: ?Sized + 'map, R>(
    locks: &L,
    more: impl FnOnce() -> Option<&'map M>,
    section: &'static Section,
    f: impl FnOnce(Nesting) -> R,
) -> R {
    let previous = TOP.get();
    let nesting = if previous.is_null() && slots::current().first_is_idle() {
        Nesting::Outermost
    } else {
        check(previous, [memory_of(locks), more().map_or(0..0, memory_of)], section)
    };
    let frame = Frame { map: ptr::from_ref(locks).cast::<()>().addr(), section, previous };
    TOP.set(&raw const frame);
    let _unlink = Unlink { previous };
    f(nesting)
}

/// Returns whether the calling thread is inside any section that `enter` has opened.
#[inline(always)]
pub(crate) fn is_inside() -> bool {
    !TOP.get().is_null()
}

fn memory_of<T: ?Sized>(value: &T) -> Range<usize> {
    let start = ptr::from_ref(value).cast::<()>().addr();
    start..start + size_of_val(value)
}

/// Looks for open sections on the map whose locks lie in `locks`, of which the first names it.
#[cold]
fn check(top: *const Frame, locks: [Range<usize>; 2], section: &'static Section) -> Nesting {
    let mut nesting = Nesting::Outermost;
    let mut next = top;
    while !next.is_null() {
        // SAFETY: by I1 and I2 every linked frame is in a live stack frame of this thread.
        let frame = unsafe { &*next };
        if frame.map == locks[0].start {
            if !(section.shared && frame.section.shared) {
                refuse(section, frame.section.operation);
            }
            nesting = Nesting::Nested;
        }
        next = frame.previous;
    }
    for memory in &locks {
        match slots::current_or_new().announces(memory) {
            Announced::Nothing => {}
            Announced::Read if section.shared => nesting = Nesting::Nested,
            Announced::Read => refuse(section, "read"),
            Announced::Write(open) => refuse(section, open.operation),
        }
    }
    nesting
}

#[cold]
#[track_caller]
fn refuse(new: &Section, open: &str) -> ! {
    panic!(
        "{}: `{}` was called on the same map from inside `{open}`, which would deadlock",
        new.map, new.operation
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    static READ: Section = Section::shared("TestMap", "read");
    static WRITE: Section = Section::exclusive("TestMap", "insert");

    fn message(f: impl FnOnce()) -> String {
        let error = catch_unwind(AssertUnwindSafe(f)).expect_err("must be refused");
        error.downcast_ref::<String>().expect("a formatted message").clone()
    }

    #[test]
    fn reads_nest_in_reads() {
        let map = 0_u8;
        enter(&map, &READ, |outer| {
            assert_eq!(outer, Nesting::Outermost);
            enter(&map, &READ, |inner| assert_eq!(inner, Nesting::Nested));
        });
    }

    #[test]
    fn other_maps_are_independent() {
        let maps = [0_u8; 2];
        enter(&maps[0], &WRITE, |_| {
            enter(&maps[1], &WRITE, |nesting| assert_eq!(nesting, Nesting::Outermost));
        });
    }

    #[test]
    fn every_mix_with_a_write_is_refused() {
        let map = 0_u8;
        for (open, new) in [(&READ, &WRITE), (&WRITE, &READ), (&WRITE, &WRITE)] {
            let text = message(|| enter(&map, open, |_| enter(&map, new, |_| ())));
            assert!(text.contains("TestMap"), "{text}");
            assert!(text.contains(new.operation) && text.contains(open.operation), "{text}");
        }
    }

    #[test]
    fn a_map_further_down_is_found() {
        let maps = [0_u8; 2];
        let text = message(|| {
            enter(&maps[0], &READ, |_| {
                enter(&maps[1], &WRITE, |_| enter(&maps[0], &WRITE, |_| ()))
            });
        });
        assert!(text.contains("`insert`"), "{text}");
    }

    #[test]
    fn a_panic_closes_its_section() {
        let map = 0_u8;
        message(|| enter(&map, &WRITE, |_| panic!("{}", 1)));
        enter(&map, &WRITE, |nesting| assert_eq!(nesting, Nesting::Outermost));
    }

    #[test]
    fn an_announced_read_counts_as_a_shared_section() {
        use crate::biased::{BiasedRwLock, read_outermost};
        let map = [const { BiasedRwLock::const_new(crate::biased::RawBiasedRwLock::NEW, 0) }; 3];
        let other = 0_u8;
        for _ in 0..2000 {
            drop(map[1].read());
        }
        if !crate::raw::membarrier::available() {
            return assert!(read_outermost(&map[1]).is_none());
        }
        let guard = read_outermost(&map[1]).expect("biased, and no section is open");
        enter(&map, &READ, |nesting| assert_eq!(nesting, Nesting::Nested));
        enter(&other, &WRITE, |nesting| {
            assert_eq!(nesting, Nesting::Outermost);
            assert!(read_outermost(&map[1]).is_none(), "a section is open");
        });
        let text = message(|| enter(&map, &WRITE, |_| ()));
        assert!(text.contains("`insert`") && text.contains("`read`"), "{text}");
        drop(guard);
        enter(&map, &WRITE, |nesting| assert_eq!(nesting, Nesting::Outermost));
    }
}

//! What stands for atomics, locks and thread-locals under a model checker: loom (`--cfg atlas_loom`) or shuttle
//! (`--cfg atlas_shuttle`).
//!
//! A checker runs a model again and again, each time in another order of its threads, all on one thread of the system. So
//! nothing here is synchronised by itself.
//!
//! **Same size, same bytes.** The types here are as large as those they stand for, can be made in a constant, and zeros are valid.
//! What the checker needs to know of one is kept beside, by its address, for one run of the model. The structures under test
//! are therefore compiled as they are: with their layouts, in zeroed memory, in statics.
//!
//! **Left out**: `membarrier(2)`, which no checker sees: both of its sides are a full fence ([`light`], [`heavy`]), and whether
//! there is the call is the model's choice ([`set_membarrier`]). Spinning: a thread that waits parks, or lets the others run.
//! `fork`. Fairness of locks: who waits for a lock gets it in any order. The atomics inside `seize`, which is
//! trusted: it takes the threads of a model for one, which is inside as long as any of them is, so that it frees nothing before all
//! have left.

use core::cell::RefCell;
use core::mem::ManuallyDrop;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};

#[cfg(atlas_loom)]
#[path = "loom.rs"]
mod checker;
#[cfg(atlas_shuttle)]
#[path = "shuttle.rs"]
mod checker;
mod fixed;
mod local;
mod lock;
mod once;
pub mod parking;

pub use checker::{JoinHandle, atomic, thread_number, yield_now};
pub use fixed::Static;
pub use local::{Gone, LocalKey};
pub use lock::{RawMutex, RawRwLock};
pub use once::OnceLock;

/// What is known of one run of a model.
#[derive(Default)]
struct Run {
    checker: checker::Run,
    locks: lock::Locks,
    locals: HashMap<(usize, usize), local::Local>,
    parked: Option<Rc<parking::Queue>>,
    has_ended: bool,
}

std::thread_local! {
    // Not dropped: what a run that panicked has left behind belongs to no run any more.
    static RUN: ManuallyDrop<RefCell<Run>> = ManuallyDrop::default();
}

/// Something of the present run. `f` must not let other threads run.
fn of_run<R>(f: impl FnOnce(&mut Run) -> R) -> R {
    RUN.with(|run| f(&mut run.borrow_mut()))
}

/// Runs the main thread of a model, from the beginning to the end of its thread-locals.
///
/// `atomics` says how many may be used in one run; returns how many were not. Only loom needs to know.
pub fn run(atomics: usize, model: impl FnOnce()) -> usize {
    let before = of_run(core::mem::take);
    if !before.has_ended {
        // It has panicked. What is left of it belongs to no run any more.
        core::mem::forget(before);
    }
    fixed::restore();
    let (checker, parked) = (checker::Run::new(atomics), parking::Queue::new());
    of_run(|run| {
        run.checker = checker;
        run.parked = Some(Rc::new(parked));
    });
    model();
    local::end();
    of_run(|run| {
        run.has_ended = true;
        run.checker.left()
    })
}

/// Starts a thread of a model. Its thread-locals are dropped before it can be joined.
pub fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    checker::spawn(move || {
        let result = f();
        local::end();
        result
    })
}

/// What a model breaks, to see that it finds out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The frequent side of the asymmetric fence does nothing.
    LightFence,
    /// The rare side of the asymmetric fence does nothing.
    HeavyFence,
    /// Stores do not release.
    Stores,
    /// Loads do not acquire.
    Loads,
    /// Exchanges are not atomic: a load, and later a store.
    Exchanges,
    /// Locks do not keep out who wants them exclusively.
    Locks,
}

static FAULT: AtomicU8 = AtomicU8::new(Fault::None as u8);
static MEMBARRIER: AtomicBool = AtomicBool::new(true);

/// Has all models break something from now on.
pub fn set_fault(fault: Fault) {
    FAULT.store(fault as u8, SeqCst);
}

pub(crate) fn is_broken(fault: Fault) -> bool {
    FAULT.load(SeqCst) == fault as u8
}

/// Whether the system of all models has `membarrier`. If so, its sides are full fences all the same, but locks take the ways that
/// they take with it.
pub fn set_membarrier(available: bool) {
    MEMBARRIER.store(available, SeqCst);
}

pub(crate) fn membarrier() -> bool {
    MEMBARRIER.load(SeqCst)
}

/// The frequent side of the asymmetric fence: a full fence.
pub(crate) fn light() {
    if !is_broken(Fault::LightFence) {
        atomic::fence(SeqCst);
    }
}

/// The rare side of the asymmetric fence: a full fence.
pub(crate) fn heavy() {
    if !is_broken(Fault::HeavyFence) {
        atomic::fence(SeqCst);
    }
}

/// The threads of a model.
pub mod thread {
    use core::num::NonZero;

    pub use super::{JoinHandle, spawn, yield_now};
    pub use std::thread::panicking;

    /// Two, on any machine.
    ///
    /// # Errors
    ///
    /// Never; the original may.
    pub fn available_parallelism() -> std::io::Result<NonZero<usize>> {
        Ok(NonZero::<usize>::MIN.saturating_add(1))
    }
}

/// Waiting without parking.
pub mod hint {
    /// Lets the other threads run.
    pub fn spin_loop() {
        super::yield_now();
    }
}

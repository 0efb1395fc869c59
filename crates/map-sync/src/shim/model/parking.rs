//! A plain parking lot over the checker's mutex and condition variable, with the names and the meaning of `parking_lot_core`.

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::checker::sync::{Condvar, Mutex, MutexGuard};
use super::of_run;

/// What a parked thread leaves for who wakes it.
#[derive(Clone, Copy, Debug)]
pub struct ParkToken(pub usize);

/// What a woken thread is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnparkToken(pub usize);

/// The token of those who say nothing.
pub const DEFAULT_PARK_TOKEN: ParkToken = ParkToken(0);
/// The token of those who say nothing.
pub const DEFAULT_UNPARK_TOKEN: UnparkToken = UnparkToken(0);

/// How parking ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkResult {
    /// Woken, with a token.
    Unparked(UnparkToken),
    /// Not parked: the condition did not hold.
    Invalid,
}

/// What is known of who is woken.
#[derive(Clone, Copy, Debug)]
pub struct UnparkResult {
    /// How many are woken.
    pub unparked_threads: usize,
    /// Whether it is time to be fair.
    pub be_fair: bool,
}

/// Never spins: waiting is modelled by parking.
#[derive(Debug, Default)]
pub struct SpinWait;

impl SpinWait {
    /// Makes one.
    pub fn new() -> Self {
        Self
    }

    /// Says that it is time to park.
    pub fn spin(&mut self) -> bool {
        false
    }

    /// Begins anew.
    pub fn reset(&mut self) {}
}

/// Whether every wake-up is a fair one; the original decides by the clock.
static FAIR: AtomicBool = AtomicBool::new(false);

/// Has every wake-up be fair, or none.
pub fn set_fair(fair: bool) {
    FAIR.store(fair, Ordering::SeqCst);
}

struct Waiter {
    key: usize,
    woken: Condvar,
    token: std::sync::Mutex<Option<UnparkToken>>,
}

impl Waiter {
    fn token(&self) -> std::sync::MutexGuard<'_, Option<UnparkToken>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self, token: UnparkToken) {
        *self.token() = Some(token);
        self.woken.notify_one();
    }
}

/// The parked threads of a run.
pub(super) struct Queue(Mutex<Vec<Arc<Waiter>>>);

impl Queue {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn of_run() -> Rc<Self> {
        of_run(|run| run.parked.clone()).expect("a model is running")
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Waiter>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parks under `key` if `validate` holds, until somebody wakes the thread.
///
/// # Safety
///
/// As of the original; here nothing depends on it.
pub unsafe fn park(
    key: usize,
    validate: impl FnOnce() -> bool,
    before_sleep: impl FnOnce(),
    _timed_out: impl FnOnce(usize, bool),
    _token: ParkToken,
    _timeout: Option<Instant>,
) -> ParkResult {
    let parked = Queue::of_run();
    let mut queue = parked.lock();
    if !validate() {
        return ParkResult::Invalid;
    }
    let waiter = Arc::new(Waiter { key, woken: Condvar::new(), token: None.into() });
    queue.push(Arc::clone(&waiter));
    before_sleep();
    loop {
        let token = *waiter.token();
        if let Some(token) = token {
            return ParkResult::Unparked(token);
        }
        queue = waiter.woken.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Wakes who has been parked longest under `key`.
///
/// # Safety
///
/// As of the original; here nothing depends on it.
pub unsafe fn unpark_one(
    key: usize,
    callback: impl FnOnce(UnparkResult) -> UnparkToken,
) -> UnparkResult {
    let parked = Queue::of_run();
    let mut queue = parked.lock();
    let first = queue.iter().position(|waiter| waiter.key == key);
    let be_fair = first.is_some() && FAIR.load(Ordering::SeqCst);
    let result = UnparkResult { unparked_threads: usize::from(first.is_some()), be_fair };
    let token = callback(result);
    if let Some(first) = first {
        queue.remove(first).wake(token);
    }
    result
}

/// Wakes all who are parked under `key`; returns how many.
///
/// # Safety
///
/// As of the original; here nothing depends on it.
pub unsafe fn unpark_all(key: usize, token: UnparkToken) -> usize {
    let parked = Queue::of_run();
    let mut queue = parked.lock();
    let before = queue.len();
    queue.retain(|waiter| {
        let stays = waiter.key != key;
        if !stays {
            waiter.wake(token);
        }
        stays
    });
    before - queue.len()
}

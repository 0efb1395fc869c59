//! A plain parking lot over loom's mutex and condition variable, with the names and the meaning of `parking_lot_core`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use loom::sync::{Condvar, Mutex};

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

loom::lazy_static! {
    static ref QUEUE: Mutex<Vec<Arc<Waiter>>> = Mutex::new(Vec::new());
}

/// Parks under `key` if `validate` holds, until somebody wakes the thread.
///
/// # Panics
///
/// If a model has panicked here before.
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
    let mut queue = QUEUE.lock().expect("no model panics here");
    if !validate() {
        return ParkResult::Invalid;
    }
    let waiter = Arc::new(Waiter { key, woken: Condvar::new(), token: None.into() });
    queue.push(Arc::clone(&waiter));
    before_sleep();
    loop {
        if let Some(token) = *waiter.token.lock().expect("as above") {
            return ParkResult::Unparked(token);
        }
        queue = waiter.woken.wait(queue).expect("as above");
    }
}

/// Wakes who has been parked longest under `key`.
///
/// # Panics
///
/// If a model has panicked here before.
///
/// # Safety
///
/// As of the original; here nothing depends on it.
pub unsafe fn unpark_one(
    key: usize,
    callback: impl FnOnce(UnparkResult) -> UnparkToken,
) -> UnparkResult {
    let mut queue = QUEUE.lock().expect("no model panics here");
    let first = queue.iter().position(|waiter| waiter.key == key);
    let be_fair = first.is_some() && FAIR.load(Ordering::SeqCst);
    let result = UnparkResult { unparked_threads: usize::from(first.is_some()), be_fair };
    let token = callback(result);
    if let Some(first) = first {
        let waiter = queue.remove(first);
        *waiter.token.lock().expect("as above") = Some(token);
        waiter.woken.notify_one();
    }
    result
}

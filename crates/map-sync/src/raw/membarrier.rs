//! An asymmetric fence: next to nothing on the frequent side, a system call on the rare one.
//!
//! **Source**: `membarrier(2)`, Mathieu Desnoyers; used so by user-space RCU, folly and `seize`.
//!
//! **Meaning**: take two threads, each of which stores to one place, fences, and loads from the other's. If
//! one fence is [`light`] and the other [`heavy`], at least one of the two loads sees the other
//! thread's store. Two light fences promise nothing.
//!
//! **How**: `MEMBARRIER_CMD_PRIVATE_EXPEDITED` makes every running thread of the process execute a full
//! fence before it returns; a thread that is not running passes one when it is scheduled. So the light side only has
//! to keep the compiler from moving accesses across it. Only Linux has the call; where it is missing,
//! [`available`] says so and both sides must use a full fence.
//!
//! **Substitution**: a model checker cannot see the call. Under one, `membarrier_model.rs` stands for this file.

use crate::shim::atomic::{AtomicU8, Ordering, compiler_fence, fence};

const UNKNOWN: u8 = 0;
const EXPEDITED: u8 = 1;
const MISSING: u8 = 2;

/// Whether the process may rely on `light`. Decided once, never changed: a light fence that has
/// been relied upon cannot be made up for later.
static MODE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// Returns whether [`light`] is enough on the frequent side. Registers the process at the first call.
#[inline]
pub(crate) fn available() -> bool {
    // Relaxed: the value guards no other memory.
    match MODE.load(Ordering::Relaxed) {
        UNKNOWN => detect(),
        mode => mode == EXPEDITED,
    }
}

#[cold]
fn detect() -> bool {
    let found = if system::register() { EXPEDITED } else { MISSING };
    // The first answer stands: another thread may have acted on it.
    let decided = match MODE.compare_exchange(UNKNOWN, found, Ordering::SeqCst, Ordering::SeqCst) {
        Ok(_) => found,
        Err(earlier) => earlier,
    };
    decided == EXPEDITED
}

/// The frequent side: an ordering for the compiler alone. Needs [`available`].
#[inline(always)]
pub(crate) fn light() {
    compiler_fence(Ordering::SeqCst);
}

/// The frequent side on any system: [`light`] where that is enough, else a full fence.
#[inline(always)]
pub(crate) fn light_or_full() {
    // Relaxed: as in `available`. Before the first decision the full fence is right whatever it will be.
    if MODE.load(Ordering::Relaxed) == EXPEDITED {
        light();
    } else {
        fence(Ordering::SeqCst);
    }
}

/// The rare side. A full fence of the calling thread and, if [`available`], of all others.
///
/// Ends the process if the system takes back a call that it granted: readers have relied on it.
pub(crate) fn heavy() {
    fence(Ordering::SeqCst);
    if available() && !system::barrier() {
        // After a fork, or in a sandbox that forgot: ask again.
        let granted = system::register() && system::barrier();
        if !granted {
            eprintln!("map-sync: membarrier was granted and then refused; cannot go on safely");
            std::process::abort();
        }
    }
    fence(Ordering::SeqCst);
}

#[cfg(all(target_os = "linux", not(miri)))]
mod system {
    pub(super) const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    pub(super) const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    fn membarrier(command: libc::c_int) -> bool {
        let flags: libc::c_int = 0;
        // SAFETY: membarrier takes two integers, touches no memory of the caller, and reports an
        // unknown command as an error.
        let status = unsafe { libc::syscall(libc::SYS_membarrier, command, flags) };
        status == 0
    }

    pub(super) fn register() -> bool {
        membarrier(REGISTER_PRIVATE_EXPEDITED)
    }

    pub(super) fn barrier() -> bool {
        membarrier(PRIVATE_EXPEDITED)
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
mod system {
    pub(super) fn register() -> bool {
        false
    }

    pub(super) fn barrier() -> bool {
        false
    }
}

#[cfg(test)]
#[path = "membarrier_tests.rs"]
mod tests;

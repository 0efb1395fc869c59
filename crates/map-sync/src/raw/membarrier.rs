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
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

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
mod tests {
    use super::*;
    use crate::shim::atomic::AtomicU32;

    /// The store-buffer litmus: both threads missing the other's store must never be seen.
    #[test]
    fn light_and_heavy_exclude_a_double_miss() {
        if !available() {
            return;
        }
        const ROUNDS: u32 = 20_000;
        let (x, y, turn) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
        let (seen_by_light, seen_by_heavy) = (AtomicU32::new(0), AtomicU32::new(0));
        let wait_for = |value: u32| {
            let mut spins = 0_u32;
            while turn.load(Ordering::SeqCst) < value {
                spins += 1;
                if spins % 1024 == 0 {
                    std::thread::yield_now();
                }
                std::hint::spin_loop();
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    wait_for(3 * round - 2);
                    x.store(round, Ordering::Relaxed);
                    light();
                    seen_by_light.store(y.load(Ordering::Relaxed), Ordering::SeqCst);
                    turn.fetch_add(1, Ordering::SeqCst);
                }
            });
            for round in 1..=ROUNDS {
                turn.fetch_add(1, Ordering::SeqCst);
                y.store(round, Ordering::Relaxed);
                heavy();
                seen_by_heavy.store(x.load(Ordering::Relaxed), Ordering::SeqCst);
                wait_for(3 * round - 1);
                let light_missed = seen_by_light.load(Ordering::SeqCst) != round;
                let heavy_missed = seen_by_heavy.load(Ordering::SeqCst) != round;
                assert!(!(light_missed && heavy_missed), "both missed in round {round}");
                turn.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
}

//! Whether the fences order what they say, and what becomes of the locks where the system refuses the call.

use std::time::{Duration, Instant};

use super::*;
use crate::shim::atomic::{AtomicBool, AtomicU32};
use crate::shim::thread;

/// The store-buffer litmus: how often two threads missed each other's store.
///
/// One side waits a little longer with each round, so that the two meet in some of them however long each takes to begin.
fn double_misses(frequent: fn(), rare: fn()) -> u32 {
    const ROUNDS: u32 = if cfg!(miri) { 100 } else { 40_000 };
    const DELAYS: u32 = 200;
    /// On a busy machine each turn may take as long as the system lets others run.
    const AT_MOST: Duration = Duration::from_millis(500);
    let (x, y, turn) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    let (seen_by_frequent, mut missed) = (AtomicU32::new(0), 0);
    let over = AtomicBool::new(false);
    let wait_for = |value: u32| {
        let mut spins = 0_u32;
        while turn.load(Ordering::SeqCst) < value {
            spins += 1;
            // Seldom: who gives way on a busy machine is away for long, and the two must run at the same time.
            if spins % (1 << 14) == 0 {
                thread::yield_now();
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1.. {
                wait_for(2 * round - 1);
                if over.load(Ordering::SeqCst) {
                    break;
                }
                x.store(round, Ordering::Relaxed);
                frequent();
                let seen = y.load(Ordering::Relaxed);
                seen_by_frequent.store(seen, Ordering::Relaxed);
                turn.fetch_add(1, Ordering::SeqCst);
            }
        });
        let begun = Instant::now();
        for round in 1..=ROUNDS {
            over.store(round == ROUNDS || begun.elapsed() > AT_MOST, Ordering::SeqCst);
            turn.fetch_add(1, Ordering::SeqCst);
            if over.load(Ordering::SeqCst) {
                break;
            }
            for delay in 0..round % DELAYS {
                std::hint::black_box(delay);
            }
            y.store(round, Ordering::Relaxed);
            rare();
            let seen = x.load(Ordering::Relaxed);
            wait_for(2 * round);
            if seen != round && seen_by_frequent.load(Ordering::Relaxed) != round {
                missed += 1;
            }
        }
    });
    missed
}

#[test]
fn light_and_heavy_exclude_a_double_miss() {
    if available() {
        assert_eq!(double_misses(light, heavy), 0);
    }
    assert_eq!(double_misses(light_or_full, heavy), 0);
}

/// Where the system refuses the call, as in some sandboxes.
#[cfg(all(target_os = "linux", not(miri)))]
mod refused {
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::{env, io};

    use super::super::system::{PRIVATE_EXPEDITED, REGISTER_PRIVATE_EXPEDITED};
    use super::*;

    /// Has the system refuse the given commands of `membarrier` to this thread and to those that it starts.
    fn refuse(commands: libc::c_int) -> io::Result<()> {
        use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W};
        let low_half = if cfg!(target_endian = "big") { 4 } else { 0 };
        let step = |code: u32, skip_if_not: u8, k: u32| libc::sock_filter {
            code: code as u16,
            jt: 0,
            jf: skip_if_not,
            k,
        };
        let load = |offset: usize| step(BPF_LD | BPF_W | BPF_ABS, 0, offset as u32);
        let mut filter = [
            load(core::mem::offset_of!(libc::seccomp_data, nr)),
            step(BPF_JMP | BPF_JEQ | BPF_K, 3, libc::SYS_membarrier as u32),
            load(core::mem::offset_of!(libc::seccomp_data, args) + low_half),
            step(BPF_JMP | BPF_JSET | BPF_K, 1, commands as u32),
            step(BPF_RET | BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
            step(BPF_RET | BPF_K, 0, libc::SECCOMP_RET_ALLOW),
        ];
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
        let (yes, no, mode) = (1 as libc::c_ulong, 0 as libc::c_ulong, libc::SECCOMP_MODE_FILTER);
        // SAFETY: it takes numbers.
        let status = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, yes, no, no, no) };
        // SAFETY: it reads the program, which outlives the call.
        let status =
            status | unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) };
        if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// What becomes of a child that calls `test` where `commands` are refused: a status as of `waitpid`; 0 if it returns true.
    fn status_of_child(commands: libc::c_int, test: fn() -> bool) -> libc::c_int {
        // SAFETY: the child calls only the fences, which need no other thread of the parent, and exits.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let failed = refuse(commands).is_err() || !test();
            // SAFETY: ends the child without running the parent's destructors.
            unsafe { libc::_exit(i32::from(failed)) };
        }
        let mut status = -1;
        // SAFETY: `status` outlives the call.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        status
    }

    /// Whether this system can be made to.
    fn can_refuse() -> bool {
        status_of_child(0, || true) == 0
    }

    #[test]
    fn without_the_call_both_sides_are_full_fences() {
        if !can_refuse() {
            return;
        }
        let status = status_of_child(PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED, || {
            MODE.store(UNKNOWN, Ordering::SeqCst);
            let available = available();
            // Returns, since nobody relies on more.
            heavy();
            !available && MODE.load(Ordering::SeqCst) == MISSING
        });
        assert_eq!(status, 0);
    }

    #[test]
    fn a_call_that_was_granted_and_is_refused_ends_the_process() {
        if !available() || !can_refuse() {
            return;
        }
        for commands in [PRIVATE_EXPEDITED, PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED] {
            let status = status_of_child(commands, || {
                heavy();
                true
            });
            assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGABRT);
        }
    }

    /// The other tests of the crate, in a process of their own.
    #[test]
    fn the_locks_work_without_the_call() {
        if !can_refuse() {
            return;
        }
        let mut command = Command::new(env::current_exe().expect("a test is a program"));
        command.args(["--skip", "refused::"]);
        // SAFETY: between `fork` and `exec` it makes system calls only.
        unsafe {
            command.pre_exec(|| refuse(PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED));
        }
        let run = command.output().expect("it runs");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
    }
}

//! What the operating system counts for the calling thread. `None` where it does not.

#[cfg(target_os = "linux")]
mod linux {
    use std::mem::MaybeUninit;

    fn clock(id: libc::clockid_t) -> Option<f64> {
        let mut time = MaybeUninit::<libc::timespec>::zeroed();
        // SAFETY: `time` is a valid place for a `timespec` during the call.
        let status = unsafe { libc::clock_gettime(id, time.as_mut_ptr()) };
        // SAFETY: a `timespec` is made of numbers, for which all zeros are valid too.
        let time = unsafe { time.assume_init() };
        (status == 0).then(|| time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
    }

    pub(super) fn running_seconds() -> Option<f64> {
        clock(libc::CLOCK_THREAD_CPUTIME_ID)
    }

    pub(super) fn voluntary_switches() -> Option<u64> {
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: `usage` is a valid place for a `rusage` during the call.
        let status = unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) };
        // SAFETY: a `rusage` is made of numbers, for which all zeros are valid too.
        let usage = unsafe { usage.assume_init() };
        (status == 0).then_some(usage.ru_nvcsw as u64)
    }
}

#[cfg(not(target_os = "linux"))]
mod linux {
    pub(super) fn running_seconds() -> Option<f64> {
        None
    }

    pub(super) fn voluntary_switches() -> Option<u64> {
        None
    }
}

/// Seconds that this thread has been on a core.
pub fn running_seconds() -> Option<f64> {
    linux::running_seconds()
}

/// Seconds that this thread could run but stood in line for a core.
pub fn queued_seconds() -> Option<f64> {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

/// How many times this thread gave up its core to wait for something.
pub fn voluntary_switches() -> Option<u64> {
    linux::voluntary_switches()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::hint::black_box;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn work_is_running_and_sleep_is_not() {
        let before = running_seconds().expect("a clock");
        let switches = voluntary_switches().expect("a count");
        thread::sleep(Duration::from_millis(50));
        let asleep = running_seconds().expect("a clock") - before;
        assert!(asleep < 0.05, "{asleep} s");
        assert!(voluntary_switches().expect("a count") > switches);
        (0..1_000_000_u64).for_each(|n| {
            black_box(n);
        });
        assert!(running_seconds().expect("a clock") - before > asleep);
    }
}

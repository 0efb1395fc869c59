//! What the system says of a thread: when it waited, and when it was interrupted.

use std::ops::{Add, Sub};
use std::time::Duration;

/// What a thread has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Times that it gave up the processor to wait.
    pub voluntary: u64,
    /// Times that the processor was taken from it, or that it yielded.
    pub involuntary: u64,
    /// Processor time.
    pub cpu: Duration,
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, start: Self) -> Self {
        Self {
            voluntary: self.voluntary - start.voluntary,
            involuntary: self.involuntary - start.involuntary,
            cpu: self.cpu.saturating_sub(start.cpu),
        }
    }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            voluntary: self.voluntary + other.voluntary,
            involuntary: self.involuntary + other.involuntary,
            cpu: self.cpu + other.cpu,
        }
    }
}

/// Looks at the calling thread; `None` where the system has no figures for single threads.
///
/// A system call of a few hundred nanoseconds.
#[cfg(target_os = "linux")]
pub fn thread() -> Option<Usage> {
    // SAFETY: all fields of `rusage` are integers, for which zeros are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is valid for the write of one `rusage`.
    if unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) } != 0 {
        return None;
    }
    let time = |time: libc::timeval| {
        Duration::new(time.tv_sec.unsigned_abs(), 1000 * time.tv_usec.unsigned_abs() as u32)
    };
    Some(Usage {
        voluntary: usage.ru_nvcsw.unsigned_abs(),
        involuntary: usage.ru_nivcsw.unsigned_abs(),
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
    })
}

/// Seconds that the calling thread could run but stood in line for a core; `None` where the system does
/// not say.
pub fn queued_seconds() -> Option<f64> {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

/// Looks at the calling thread; `None` where the system has no figures for single threads.
#[cfg(not(target_os = "linux"))]
pub fn thread() -> Option<Usage> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn sleeping_is_voluntary_and_working_takes_time() {
        let before = thread().unwrap();
        std::thread::sleep(Duration::from_millis(1));
        let begin = std::time::Instant::now();
        while thread().unwrap().cpu == before.cpu {
            assert!(begin.elapsed() < Duration::from_secs(60));
        }
        let used = thread().unwrap() - before;
        assert!(used.voluntary > 0, "{used:?}");
    }
}

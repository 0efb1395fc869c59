//! Runs a law: with a watchdog, a seed that is told, and teams of threads.

use core::any::Any;
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, OnceLock, mpsc};
use std::time::Instant;

/// After how long a law that has not ended is taken to hang.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many threads the laws use: few, then more than most machines have cores.
pub const TEAMS: [usize; 3] = [2, 4, 8];

/// The number that all randomness of the suite comes from: `ATLAS_SEED`, or a new one for each
/// process.
pub fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        number("ATLAS_SEED").unwrap_or_else(|| {
            use core::hash::BuildHasher;
            std::hash::RandomState::new().hash_one(std::process::id())
        })
    })
}

/// How many times as much as usual is to be tried: `ATLAS_CASES`, 1 if it is not set.
pub fn effort() -> usize {
    static EFFORT: OnceLock<usize> = OnceLock::new();
    *EFFORT.get_or_init(|| {
        number("ATLAS_CASES").map_or(1, |n| usize::try_from(n.max(1)).unwrap_or(usize::MAX))
    })
}

/// A number of keys or steps that grows with [`effort`], up to sixteen times.
pub fn scaled(n: u64) -> u64 {
    n * effort().min(16) as u64
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a number, not `{text}`")))
}

/// Runs a law and, if it fails or does not end, says which, on which map and with which seed.
///
/// # Panics
///
/// If the law fails or has not ended after two minutes (times [`effort`]). In the latter case its
/// threads are left behind.
pub fn run(map: &str, law: &'static str, body: fn()) {
    if let Err(message) = outcome(body) {
        panic!(
            "{map} breaks the law `{law}`: {message}\nATLAS_SEED={} makes the same choices again",
            seed()
        );
    }
}

/// Runs a law and returns what it says against the map.
///
/// # Errors
///
/// The message of the law's panic, or that it hangs.
pub fn outcome(body: fn()) -> Result<(), String> {
    let patience = PATIENCE.saturating_mul(u32::try_from(effort()).unwrap_or(u32::MAX));
    match within(patience, body) {
        Some(Ok(())) => Ok(()),
        Some(Err(panic)) => Err(message(&*panic)),
        None => Err(format!("it did not end within {patience:?}: a deadlock or a livelock")),
    }
}

/// Runs `f` on a thread of its own; `None` if it has not ended after `patience`.
pub fn within<R: Send + 'static>(
    patience: Duration,
    f: impl FnOnce() -> R + Send + 'static,
) -> Option<std::thread::Result<R>> {
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(f));
        // The receiver is gone if the time was up.
        let _ = done.send(result);
    });
    wait.recv_timeout(patience).ok()
}

/// The text of a panic.
pub fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// Runs `f(0)`, …, `f(threads - 1)` at once, from a common start; returns what they return.
pub fn team<R: Send>(threads: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        let members: Vec<_> = (0..threads)
            .map(|member| {
                let (f, start) = (&f, &start);
                scope.spawn(move || {
                    start.wait();
                    f(member)
                })
            })
            .collect();
        members
            .into_iter()
            .map(|member| member.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}

/// Runs `work` on threads while `check` runs on others, again and again until `work` has ended.
pub fn beside(
    workers: usize,
    checkers: usize,
    work: impl Fn(usize) + Sync,
    check: impl Fn(usize) + Sync,
) {
    /// Counts a worker off, also when it panics: the checkers must end.
    struct Off<'a>(&'a AtomicUsize);

    impl Drop for Off<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Release);
        }
    }

    let working = AtomicUsize::new(workers);
    team(workers + checkers, |member| {
        if member < workers {
            let _off = Off(&working);
            work(member);
        } else {
            loop {
                let last = working.load(Ordering::Acquire) == 0;
                check(member - workers);
                if last {
                    break;
                }
            }
        }
    });
}

/// Repeats `round` for about `milliseconds`, times [`effort`], and at least twice.
pub fn rounds(milliseconds: u64, mut round: impl FnMut(u64)) {
    let effort = u32::try_from(effort()).unwrap_or(u32::MAX);
    let end = Instant::now() + Duration::from_millis(milliseconds).saturating_mul(effort);
    for number in 0.. {
        if number >= 2 && Instant::now() >= end {
            break;
        }
        round(number);
    }
}

/// A small generator of random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator for a thread of a law; different `stream`s give different numbers.
    pub fn new(stream: u64) -> Self {
        Self(seed() ^ stream.wrapping_mul(0xA076_1D64_78BD_642F))
    }

    /// A generator for one seed, whatever that of the process is.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit
    }
}

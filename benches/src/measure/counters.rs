//! The processor's own counters, where the kernel lets a program ask them.

/// Runs `f` with whether cache misses are counted; returns the share of cache references that missed,
/// in this thread and in those that `f` starts, or `None` where that is not counted.
#[cfg(target_os = "linux")]
pub(super) fn cache_misses<R>(f: impl FnOnce(bool) -> R) -> (R, Option<f64>) {
    use perf_event::Builder;
    use perf_event::events::Hardware;

    let counter = |event| {
        let mut counter = Builder::new(event).inherit(true).build().ok()?;
        counter.enable().ok()?;
        Some(counter)
    };
    let counters = counter(Hardware::CACHE_REFERENCES).zip(counter(Hardware::CACHE_MISSES));
    let result = f(counters.is_some());
    let share = counters.and_then(|(mut references, mut misses)| {
        let (references, misses) = (references.read().ok()?, misses.read().ok()?);
        (references > 0).then(|| misses as f64 / references as f64)
    });
    (result, share)
}

/// Runs `f`; this system's counters are not read.
#[cfg(not(target_os = "linux"))]
pub(super) fn cache_misses<R>(f: impl FnOnce(bool) -> R) -> (R, Option<f64>) {
    (f(false), None)
}

/// What was counted while a job ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Cycles in user code.
    pub cycles: u64,
    /// Instructions in user code.
    pub instructions: u64,
    /// Misses of the last-level cache, if the machine counts them.
    pub last_level_misses: Option<u64>,
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;

    use perf_event::events::Hardware;
    use perf_event::{Builder, Counter};

    use super::Count;

    /// Counters of this thread.
    #[derive(Debug)]
    pub struct Counters {
        cycles: Counter,
        instructions: Counter,
        misses: Option<Counter>,
    }

    impl Counters {
        /// Asks the kernel for counters.
        ///
        /// # Errors
        ///
        /// If it refuses, or the machine has none.
        pub fn new() -> io::Result<Self> {
            let counter = |event| Builder::new(event).build();
            Ok(Self {
                cycles: counter(Hardware::CPU_CYCLES)?,
                instructions: counter(Hardware::INSTRUCTIONS)?,
                misses: counter(Hardware::CACHE_MISSES).ok(),
            })
        }

        /// Counts while `job` runs.
        ///
        /// # Errors
        ///
        /// If the kernel does not give the counts.
        pub fn count(&mut self, job: &mut dyn FnMut()) -> io::Result<Count> {
            let Self { cycles, instructions, misses } = self;
            let mut all = [Some(cycles), Some(instructions), misses.as_mut()];
            for counter in all.iter_mut().flatten() {
                counter.reset()?;
                counter.enable()?;
            }
            job();
            for counter in all.iter_mut().flatten() {
                counter.disable()?;
            }
            let mut counts = [None; 3];
            for (counter, count) in all.into_iter().zip(&mut counts) {
                *count = counter.map(Counter::read).transpose()?;
            }
            let [cycles, instructions, last_level_misses] = counts;
            Ok(Count {
                cycles: cycles.unwrap_or(0),
                instructions: instructions.unwrap_or(0),
                last_level_misses,
            })
        }
    }
}

/// No system but Linux has counters that the programs know of.
#[cfg(not(target_os = "linux"))]
mod other {
    use std::io;

    use super::Count;

    /// Counters that cannot be had.
    #[derive(Debug)]
    pub enum Counters {}

    impl Counters {
        /// Refuses.
        ///
        /// # Errors
        ///
        /// Always.
        pub fn new() -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        /// Cannot be called.
        ///
        /// # Errors
        ///
        /// None.
        pub fn count(&mut self, _: &mut dyn FnMut()) -> io::Result<Count> {
            match *self {}
        }
    }
}

#[cfg(target_os = "linux")]
pub use linux::Counters;
#[cfg(not(target_os = "linux"))]
pub use other::Counters;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_share() {
        let (offered, share) = cache_misses(|offered| {
            std::hint::black_box((0..1000_u64).collect::<Vec<_>>());
            offered
        });
        assert!(offered || share.is_none());
        assert!(share.is_none_or(|share| (0.0..=1.0).contains(&share)), "{share:?}");
    }
}

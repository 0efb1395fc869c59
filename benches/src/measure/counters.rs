//! The processor's own counters, where the kernel lets a program ask them.

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

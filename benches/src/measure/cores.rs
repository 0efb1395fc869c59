//! Threads on cores of their own choice.

use std::thread;

use core_affinity::CoreId;

/// The cores that this process may use.
#[derive(Clone, Debug)]
pub struct Cores(Vec<CoreId>);

impl Cores {
    /// Looks for them; `None` if threads cannot be pinned here.
    pub fn find() -> Option<Self> {
        let cores = core_affinity::get_core_ids()?;
        let first = *cores.first()?;
        // By a thread that ends, so that the calling one stays free.
        let tried = thread::spawn(move || core_affinity::set_for_current(first)).join();
        tried.is_ok_and(|pinned| pinned).then_some(Self(cores))
    }

    /// Pins the calling thread, which is number `thread` of its round; more threads than cores share them in turn.
    pub(super) fn pin(&self, thread: usize) {
        // Tried before: what fails now costs the run a little order, and no answer.
        core_affinity::set_for_current(self.0[thread % self.0.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_thread_that_asks_is_pinned() {
        let Some(cores) = Cores::find() else { return };
        let allowed = || core_affinity::get_core_ids().map_or(0, |cores| cores.len());
        assert_eq!(allowed(), cores.0.len());
        let pinned = thread::spawn(move || {
            cores.pin(1000);
            allowed()
        });
        assert_eq!(pinned.join().ok(), Some(1));
    }
}

//! How long a thread waits for a lock before it parks.
//!
//! **Algorithm**: look, pause, look again, each pause twice as long as the one before, up to a limit. Pauses that soon are long leave
//! the lock's line to its holder, who often takes the lock several times in a row meanwhile: the line then moves between the cores
//! once for many operations, not for each. A thread that parks costs microseconds to wake, so the pauses together are about as long.
//!
//! In a model a thread parks at once.
//!
//! **Source**: exponential back-off (Anderson, IEEE TPDS 1990).

use crate::shim::{MODEL, hint};

/// The longest pause, in instructions that tell the processor that it waits: some tens of cycles each.
const LONGEST: u32 = 64;
/// How many pauses of that length there are.
const REPEATED: usize = 4;

/// The first pause of who wants a lock alone.
pub(super) const ALONE: u32 = 8;
/// The first pause of a reader, who waits for one writer and not for other readers.
pub(super) const BESIDE_OTHERS: u32 = 2;

/// Waits until `done`, at first for so long; returns `false` if it took too long.
#[inline]
pub(super) fn until(first: u32, mut done: impl FnMut() -> bool) -> bool {
    if MODEL {
        return false;
    }
    let doubling = core::iter::successors(Some(first), |pauses| Some(2 * pauses));
    let pauses = doubling.take_while(|pauses| *pauses < LONGEST);
    pauses.chain([LONGEST; REPEATED]).any(|pauses| {
        (0..pauses).for_each(|_| hint::spin_loop());
        done()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_more_seldom_each_time_and_gives_up() {
        for (first, looks) in [(LONGEST, 0), (LONGEST / 2, 1), (ALONE, 3), (BESIDE_OTHERS, 5)] {
            let mut looked = 0;
            let gives_up = !until(first, || {
                looked += 1;
                false
            });
            assert_eq!((gives_up, looked), (true, looks + REPEATED));
            let mut left = looks + REPEATED;
            let last_look = || {
                left -= 1;
                left == 0
            };
            assert!(until(first, last_look));
        }
    }
}

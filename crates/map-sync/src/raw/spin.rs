//! How long a thread waits for a lock before it parks.
//!
//! **Algorithm**: look, pause, look again, each pause twice as long as the one before, up to a limit. Pauses that soon are long leave
//! the lock's line to its holder, who often takes the lock several times in a row meanwhile: the line then moves between the cores
//! once for many operations, not for each. A thread that parks costs microseconds to wake, so the pauses together are about as long.
//!
//! **Source**: exponential back-off (Anderson, IEEE TPDS 1990).

/// The pauses, in instructions that tell the processor that it waits: some tens of cycles each.
const PAUSES: [u32; 7] = [8, 16, 32, 64, 64, 64, 64];

/// Waits until `done`; returns `false` if that took too long.
#[inline]
pub(super) fn until(mut done: impl FnMut() -> bool) -> bool {
    PAUSES.into_iter().any(|pauses| {
        (0..pauses).for_each(|_| core::hint::spin_loop());
        done()
    })
}

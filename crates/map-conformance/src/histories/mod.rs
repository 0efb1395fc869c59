//! Recorded histories of single keys, and the search for an order that explains them.
//!
//! Threads call operations of a map at random and note what each returned and when it began and ended. Keys are
//! independent objects, so the history of each key is judged by itself (the locality of linearizability, Herlihy and
//! Wing): it is explained if its calls can be put in an order that keeps each between its two instants and in which
//! a single cell gives the same answers.
//!
//! **The clock** is a shared counter, and not that of the system: a call whose end was counted before another's beginning
//! happens before it by the rules of the memory model too, so a map is blamed only for what it promises.
//!
//! **Operations on all keys** are no one instant, and are held to what they promise. Each rule follows from the contract
//! whatever the instants were, so that no right map is blamed:
//!
//! * `get_many`, `insert_many`: each key is a call by itself, between the two instants of the whole.
//! * `for_each`, `retain`: a visited value was its key's at an instant of the call; a key that is not visited was absent
//!   at one, or else it was present throughout; none is visited twice. What `retain` refused is gone with the same step
//!   or, if the closure may run again, before the call ends; then the last run alone counts.
//! * `clear`: an entry that is there when it begins is gone at some instant before it ends, or is written again. It may
//!   remove what is put in meanwhile, and as often as that happens. The search knows where the call begins and ends:
//!   module `check`.
//! * `len`, `is_empty`: not further from the number of entries than there are calls beside it that write: module `count`.
//!
//! A history has up to three acts. Between two of them all threads have ended, and then iteration must show exactly
//! what is there, and `len` must be exact.
//!
//! **Meanwhile** the map is disturbed: entries of other keys come and go, so that the map grows and gives memory back
//! while the calls run.
//!
//! Everything that is random comes from one number, the seed of the history, except for the schedule of the threads.

mod check;
mod count;
mod record;

use core::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use map_core::{ConcurrentMap, PinMap};

pub use check::{Event, Left, Saw, Verdict, judge};
pub use record::Plan;

use crate::harness::message;
use crate::types::{TestKey, TestValue};

/// What may be done to a map beside the calls that are recorded, beyond the operations of the contract.
pub type Disturbances<'a, M> = &'a [fn(&M)];

/// What has been looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Histories: each is one map, with up to four keys.
    pub histories: u64,
    /// Recorded calls, one for each key that a call names.
    pub calls: u64,
    /// Calls that overlapped another one on the same key.
    pub overlapping: u64,
    /// Histories of one key for which the search was given up.
    pub undecided: u64,
}

impl Tally {
    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.histories += other.histories;
        self.calls += other.calls;
        self.overlapping += other.overlapping;
        self.undecided += other.undecided;
    }
}

/// A history that no order explains.
#[derive(Debug)]
pub struct Unexplained {
    /// The seed of the history.
    pub seed: u64,
    /// How it was made.
    pub plan: Plan,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Unexplained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "history with seed {} of {:?}: {}", self.seed, self.plan, self.what)
    }
}

/// Makes one history on a new map and looks for its explanation.
///
/// # Errors
///
/// If there is none, or the map panics.
pub fn try_one<K, V, M>(
    seed: u64,
    make: impl FnOnce() -> M,
    disturbances: Disturbances<'_, M>,
) -> Result<Tally, Unexplained>
where
    K: TestKey,
    V: TestValue,
    M: ConcurrentMap<K, V> + PinMap<K, V> + Sync,
{
    let plan = Plan::new(seed);
    let map = make();
    let record = || record::record::<K, V, M>(&map, &plan, disturbances);
    let recorded = catch_unwind(AssertUnwindSafe(record));
    let judged = recorded.map_err(|panic| message(&*panic)).and_then(|mut histories| {
        let mut tally = Tally { histories: 1, ..Tally::default() };
        for (key, history) in histories.iter_mut().enumerate() {
            tally.calls += history.len() as u64;
            tally.overlapping += check::overlapping(history);
            match judge(history) {
                Verdict::Explained => {}
                Verdict::Undecided => tally.undecided += 1,
                Verdict::Unexplained => {
                    return Err(format!("no order explains key {key}:\n{}", listing(history)));
                }
            }
        }
        Ok(tally)
    });
    judged.map_err(|what| Unexplained { seed, plan, what })
}

/// One line for each call.
fn listing(history: &[Event]) -> String {
    history.iter().map(|event| format!("  {event}\n")).collect()
}

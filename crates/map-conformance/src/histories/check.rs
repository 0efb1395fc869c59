//! The search for an order.
//!
//! **Source**: Wing and Gong (1993), with the states that have failed remembered, after Lowe (2017).

use core::fmt;
use std::collections::HashSet;

/// How many failed states are remembered before the search is given up.
const MOST_STATES: usize = 400_000;

/// What a call saw of the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saw {
    /// Nothing.
    Any,
    /// All: the value, or that there is none.
    Value(Option<u64>),
    /// Only whether there is a value.
    Present(bool),
    /// A value that is another one.
    Not(u64),
}

/// What a call left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// What was there.
    Same,
    /// This value.
    Put(u64),
    /// Nothing.
    Gone,
    /// Nothing, or what was there.
    GoneOrSame,
}

/// A call with the instants of its beginning and its end.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// The operation.
    pub call: &'static str,
    /// The thread that called.
    pub thread: usize,
    /// When it began.
    pub began: u64,
    /// When it ended, after `began`.
    pub ended: u64,
    /// What it saw.
    pub saw: Saw,
    /// What it left.
    pub left: Left,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, thread, began, ended, saw, left } = self;
        write!(f, "{began:>4} .. {ended:<4} thread {thread}  {call:<18} {saw:?} -> {left:?}")
    }
}

impl Event {
    /// What the cell can be after the call; nothing if the call cannot have met this cell.
    fn steps(&self, cell: Option<u64>) -> impl Iterator<Item = Option<u64>> + use<> {
        let fits = match self.saw {
            Saw::Any => true,
            Saw::Value(value) => value == cell,
            Saw::Present(present) => present == cell.is_some(),
            Saw::Not(value) => cell.is_some_and(|cell| cell != value),
        };
        let after = match self.left {
            Left::Same => [Some(cell), None],
            Left::Put(value) => [Some(Some(value)), None],
            Left::Gone => [Some(None), None],
            Left::GoneOrSame => [Some(None), Some(cell)],
        };
        after.into_iter().flatten().filter(move |_| fits)
    }
}

/// What came of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is an order.
    Explained,
    /// There is none.
    Unexplained,
    /// The search was given up.
    Undecided,
}

/// The number of calls that overlapped another one.
pub(super) fn overlapping(history: &[Event]) -> u64 {
    let overlaps = |a: &&Event| {
        history.iter().any(|b| a.began != b.began && a.began < b.ended && b.began < a.ended)
    };
    history.iter().filter(overlaps).count() as u64
}

/// Looks for an order that explains the history of a cell which is empty at first. Sorts it by the calls' beginnings.
pub fn judge(history: &mut [Event]) -> Verdict {
    history.sort_unstable_by_key(|event| event.began);
    let mut search = Search {
        history,
        done: vec![0; history.len().div_ceil(64)],
        failed: HashSet::new(),
        exhausted: false,
    };
    match search.go_on(0, None) {
        true => Verdict::Explained,
        false if search.exhausted => Verdict::Undecided,
        false => Verdict::Unexplained,
    }
}

struct Search<'a> {
    history: &'a [Event],
    /// The calls that have their place in the order.
    done: Vec<u64>,
    failed: HashSet<(Vec<u64>, Option<u64>)>,
    exhausted: bool,
}

impl Search<'_> {
    fn is_done(&self, call: usize) -> bool {
        self.done[call / 64] & 1 << (call % 64) != 0
    }

    fn flip(&mut self, call: usize) {
        self.done[call / 64] ^= 1 << (call % 64);
    }

    /// Whether the rest can be ordered; all calls before `first` are done.
    fn go_on(&mut self, first: usize, cell: Option<u64>) -> bool {
        let Some(first) = (first..self.history.len()).find(|call| !self.is_done(*call)) else {
            return true;
        };
        let state = (self.done.clone(), cell);
        if self.failed.contains(&state) {
            return false;
        }
        // Next can only be a call that began before every open one ended.
        let mut horizon = u64::MAX;
        for call in first..self.history.len() {
            let event = self.history[call];
            if event.began >= horizon || self.exhausted {
                break;
            }
            if self.is_done(call) {
                continue;
            }
            horizon = horizon.min(event.ended);
            for next in event.steps(cell) {
                self.flip(call);
                let found = self.go_on(first, next);
                self.flip(call);
                if found {
                    return true;
                }
            }
        }
        self.failed.insert(state);
        self.exhausted |= self.failed.len() > MOST_STATES;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(began: u64, ended: u64, saw: Saw, left: Left) -> Event {
        Event { call: "call", thread: 0, began, ended, saw, left }
    }

    fn explained(mut events: Vec<Event>) -> bool {
        judge(&mut events) == Verdict::Explained
    }

    const ABSENT: Saw = Saw::Value(None);

    #[test]
    fn overlap_may_be_ordered_either_way() {
        let put = event(0, 3, ABSENT, Left::Put(1));
        assert!(explained(vec![put, event(1, 2, ABSENT, Left::Same)]));
        assert!(explained(vec![put, event(1, 2, Saw::Value(Some(1)), Left::Same)]));
        assert!(!explained(vec![put, event(1, 2, Saw::Value(Some(2)), Left::Same)]));
    }

    #[test]
    fn a_stale_read_has_no_explanation() {
        let put = event(0, 1, ABSENT, Left::Put(1));
        assert!(!explained(vec![put, event(2, 3, ABSENT, Left::Same)]));
        assert!(!explained(vec![put, event(2, 3, Saw::Present(false), Left::Same)]));
        assert!(!explained(vec![put, event(2, 3, Saw::Not(1), Left::Same)]));
    }

    #[test]
    fn two_winners_have_no_explanation() {
        let won = |began, ended, new| event(began, ended, ABSENT, Left::Put(new));
        assert!(!explained(vec![won(0, 2, 1), won(1, 3, 2)]));
        let gone = event(2, 4, Saw::Present(true), Left::Gone);
        assert!(explained(vec![won(0, 3, 1), won(1, 5, 2), gone]));
    }

    #[test]
    fn long_histories_of_many_overlapping_calls_are_decided() {
        // Rounds of eight calls that all overlap; the last read of a round shows which one came last.
        let mut events = Vec::new();
        for round in 0..40 {
            let at = round * 100;
            for call in 0..7 {
                events.push(event(at + call, at + 50 + call, Saw::Any, Left::Put(at + call)));
            }
            events.push(event(at + 60, at + 61, Saw::Value(Some(at + 3)), Left::Same));
        }
        assert!(explained(events.clone()));
        // 3 came last, so 2 cannot come after it without another call.
        events.push(event(10_000, 10_001, Saw::Value(Some(3902)), Left::Same));
        assert_eq!(judge(&mut events), Verdict::Unexplained);
    }
}

//! The search for an order.
//!
//! **Source**: Wing and Gong (1993), with the states that have failed remembered, after Lowe (2017).
//!
//! **`clear`** is no call with one instant, so it has two places in the order: its beginning and its end, which are
//! exactly where they were. Between the two it may remove the entry, as often as one is there. If there is one at the
//! beginning, then at the end it must have been removed, by whomever, or written again.
//!
//! **A removal that may come later than its test** (`retain` whose closure may run again) leaves either nothing, or an
//! entry that in the same way must be removed or written again before the call ends.

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
    /// What `clear` may leave.
    Cleared,
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
            // Not one step.
            Left::Cleared => [None, None],
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
///
/// # Panics
///
/// If `clear` was called more than 64 times.
pub fn judge(history: &mut [Event]) -> Verdict {
    history.sort_unstable_by_key(|event| event.began);
    let mut steps = Vec::with_capacity(history.len());
    let clears = history.iter().filter(|event| event.left == Left::Cleared).count();
    let (mut next_clear, mut next_removal) = (0, clears as u32);
    for event in &*history {
        let Event { began, ended, .. } = *event;
        let mut owes = 0;
        if event.left == Left::Cleared {
            owes = 1_u64.checked_shl(next_clear).expect("few calls of `clear`");
            next_clear += 1;
            steps.push(Step { began, ended: began, kind: Kind::ClearBegins(owes) });
        } else {
            if event.left == Left::GoneOrSame {
                // With too many of them, the last owe nothing.
                owes = 1_u64.checked_shl(next_removal).unwrap_or(0);
                next_removal += 1;
            }
            steps.push(Step { began, ended, kind: Kind::Call(event, owes) });
        }
        if owes != 0 {
            steps.push(Step { began: ended, ended, kind: Kind::Ends(owes) });
        }
    }
    steps.sort_by_key(|step| step.began);
    let done = vec![0; steps.len().div_ceil(64)];
    let mut search = Search { steps: &steps, done, failed: HashSet::new(), exhausted: false };
    match search.go_on(0, State::default()) {
        true => Verdict::Explained,
        false if search.exhausted => Verdict::Undecided,
        false => Verdict::Unexplained,
    }
}

/// Some of the calls that owe a removal.
type Owing = u64;

/// What has a place in the order.
struct Step<'a> {
    began: u64,
    ended: u64,
    kind: Kind<'a>,
}

#[derive(Clone, Copy)]
enum Kind<'a> {
    Call(&'a Event, Owing),
    ClearBegins(Owing),
    Ends(Owing),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    cell: Option<u64>,
    /// The calls of `clear` that have begun and not ended.
    open: Owing,
    /// Those that met an entry which has not been removed or written since.
    owing: Owing,
}

impl State {
    /// Another value, or none.
    fn with(self, cell: Option<u64>) -> Self {
        Self { cell, owing: 0, ..self }
    }
}

impl Kind<'_> {
    /// What can be after this step; nothing if it cannot come now.
    fn after(self, state: State) -> impl Iterator<Item = State> {
        let mut next = [None, None];
        match self {
            Kind::Call(event, owes) => {
                let writes = matches!(event.left, Left::Put(_));
                let changed = |cell: Option<u64>| match cell {
                    _ if writes || cell != state.cell => state.with(cell),
                    Some(_) => State { owing: state.owing | owes, ..state },
                    None => state,
                };
                let mut cells = event.steps(state.cell);
                next = [cells.next().map(changed), cells.next().map(changed)];
            }
            Kind::ClearBegins(one) => {
                let owing = if state.cell.is_some() { one } else { 0 };
                let (open, owing) = (state.open | one, state.owing | owing);
                next[0] = Some(State { open, owing, ..state });
            }
            Kind::Ends(one) => {
                let open = state.open & !one;
                next[0] = (state.owing & one == 0).then_some(State { open, ..state });
            }
        }
        next.into_iter().flatten()
    }
}

struct Search<'a> {
    steps: &'a [Step<'a>],
    /// The steps that have their place in the order.
    done: Vec<u64>,
    failed: HashSet<(Vec<u64>, State)>,
    exhausted: bool,
}

impl Search<'_> {
    fn is_done(&self, step: usize) -> bool {
        self.done[step / 64] & 1 << (step % 64) != 0
    }

    fn flip(&mut self, step: usize) {
        self.done[step / 64] ^= 1 << (step % 64);
    }

    /// Whether the rest can be ordered; all steps before `first` are done.
    fn go_on(&mut self, first: usize, state: State) -> bool {
        let Some(first) = (first..self.steps.len()).find(|step| !self.is_done(*step)) else {
            return true;
        };
        let known = (self.done.clone(), state);
        if self.failed.contains(&known) {
            return false;
        }
        // Next can only be a step that began before every open one ended.
        let mut horizon = u64::MAX;
        for step in first..self.steps.len() {
            let Step { began, ended, kind } = self.steps[step];
            if began >= horizon || self.exhausted {
                break;
            }
            if self.is_done(step) {
                continue;
            }
            horizon = horizon.min(ended);
            for next in kind.after(state) {
                self.flip(step);
                let found = self.go_on(first, next);
                self.flip(step);
                if found {
                    return true;
                }
            }
        }
        // A call of `clear` removes the entry.
        if state.open != 0 && state.cell.is_some() && self.go_on(first, state.with(None)) {
            return true;
        }
        self.failed.insert(known);
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
    fn clear_removes_what_was_there_and_is_not_written_again() {
        let put = event(0, 1, ABSENT, Left::Put(1));
        let clear = event(2, 7, Saw::Any, Left::Cleared);
        let found = |began, value| event(began, began + 1, Saw::Value(Some(value)), Left::Same);
        let gone = |began| event(began, began + 1, ABSENT, Left::Same);
        assert!(!explained(vec![put, clear, found(8, 1)]), "it stays");
        assert!(explained(vec![put, clear, gone(8)]));
        assert!(explained(vec![put, clear, found(3, 1), gone(5)]), "it goes in between");
        assert!(!explained(vec![put, clear, gone(3), found(5, 1)]), "it comes back");
        // Written again meanwhile, or perhaps so, it may stay and may go.
        let again = event(3, 4, Saw::Value(Some(1)), Left::Put(2));
        assert!(explained(vec![put, clear, again, found(8, 2)]));
        assert!(explained(vec![put, clear, again, gone(8)]));
        let perhaps = event(5, 9, Saw::Any, Left::Put(2));
        assert!(explained(vec![put, clear, perhaps, found(10, 2)]));
        assert!(!explained(vec![put, clear, event(8, 9, ABSENT, Left::Same), found(10, 1)]));
        // What is put in before the end may go again and again, but not after the end.
        let new = event(5, 6, ABSENT, Left::Put(3));
        assert!(explained(vec![put, clear, new, gone(8)]));
        let after = event(8, 9, ABSENT, Left::Put(4));
        assert!(!explained(vec![put, clear, after, gone(10)]));
    }

    #[test]
    fn what_is_refused_goes_before_the_end() {
        let put = event(0, 1, ABSENT, Left::Put(1));
        let retain = event(2, 7, Saw::Value(Some(1)), Left::GoneOrSame);
        let found = |began, value| event(began, began + 1, Saw::Value(Some(value)), Left::Same);
        assert!(explained(vec![put, retain, found(4, 1)]));
        assert!(!explained(vec![put, retain, found(8, 1)]));
        let again = event(5, 9, Saw::Any, Left::Put(2));
        assert!(explained(vec![put, retain, again, found(10, 2)]));
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

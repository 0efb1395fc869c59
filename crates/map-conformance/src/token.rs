//! Keys and values that are accounted for, and that panic when told to.

use core::cell::Cell;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

/// Knows of each token how often it was dropped.
///
/// A ledger lives for ever, so that a token dropped twice is found and does not read freed memory.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Vec<u8>>);

impl Ledger {
    /// Opens a ledger.
    pub fn open() -> &'static Self {
        /// All of them, so that a search for leaked memory finds none of them.
        static OPENED: Mutex<Vec<&'static Ledger>> = Mutex::new(Vec::new());
        let ledger: &Self = Box::leak(Box::default());
        OPENED.lock().unwrap_or_else(PoisonError::into_inner).push(ledger);
        ledger
    }

    fn with<R>(&self, f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many tokens have not been dropped.
    pub fn alive(&self) -> usize {
        self.with(|drops| drops.iter().filter(|drops| **drops == 0).count())
    }

    /// Asserts that no token was dropped twice.
    ///
    /// # Panics
    ///
    /// If one was.
    pub fn assert_none_twice(&self, when: &str) {
        let twice = self.with(|drops| drops.iter().filter(|drops| **drops > 1).count());
        assert_eq!(twice, 0, "{when}: {twice} tokens were dropped more than once");
    }

    /// Asserts that each token was dropped once.
    ///
    /// # Panics
    ///
    /// If one was not.
    pub fn assert_settled(&self, when: &str) {
        self.assert_none_twice(when);
        let alive = self.alive();
        assert_eq!(alive, 0, "{when}: {alive} tokens were never dropped");
    }
}

/// A number, used as a key or a value, whose every copy is entered in a ledger.
pub struct Token {
    number: u64,
    entry: usize,
    ledger: &'static Ledger,
}

impl Token {
    /// Makes a token.
    pub fn new(ledger: &'static Ledger, number: u64) -> Self {
        let entry = ledger.with(|drops| {
            drops.push(0);
            drops.len() - 1
        });
        Self { number, entry, ledger }
    }

    /// The number.
    ///
    /// # Panics
    ///
    /// If the token has been dropped: then nobody may be shown it.
    pub fn number(&self) -> u64 {
        let drops = self.ledger.with(|drops| drops[self.entry]);
        assert_eq!(drops, 0, "a token is used after it was dropped");
        self.number
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.ledger.with(|drops| drops[self.entry] = drops[self.entry].saturating_add(1));
        tick(Event::Drop);
    }
}

impl Clone for Token {
    fn clone(&self) -> Self {
        tick(Event::Clone);
        Self::new(self.ledger, self.number())
    }
}

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        tick(Event::Hash);
        state.write_u64(self.number());
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        tick(Event::Eq);
        self.number() == other.number()
    }
}

impl Eq for Token {}

impl PartialOrd for Token {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Token {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.number)
    }
}

/// A kind of user code that a map runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A key's `Hash`.
    Hash,
    /// A key's or value's `Eq`.
    Eq,
    /// A value's `Clone`.
    Clone,
    /// A key's or value's `Drop`.
    Drop,
    /// A closure or an iterator.
    Closure,
}

thread_local! {
    /// Which event is to panic next, and at which of its occurrences (1 is the next one).
    static FUSE: Cell<Option<(Event, u64)>> = const { Cell::new(None) };

    /// Whether events count.
    static LIVE: Cell<bool> = const { Cell::new(false) };
}

/// What an injected panic carries.
struct Blown;

/// Says that an event occurs; panics if it is the one to.
pub fn tick(event: Event) {
    let Some((chosen, left)) = FUSE.get() else { return };
    if chosen != event || !LIVE.get() || std::thread::panicking() {
        return;
    }
    if left > 1 {
        FUSE.set(Some((chosen, left - 1)));
    } else {
        FUSE.set(None);
        // Not `panic!`: nothing is to be printed for a panic that is meant.
        resume_unwind(Box::new(Blown));
    }
}

/// Lets no further event on this thread count: what follows is the caller's own code.
pub fn defuse() {
    LIVE.set(false);
}

/// How a call with a fuse ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The event did not occur that often.
    Whole,
    /// The injected panic reached the caller.
    Blown,
    /// The event panicked, yet the call returned.
    Swallowed,
}

/// Runs `f` with a panic at the `occurrence`-th `event` on this thread.
pub fn fused(event: Event, occurrence: u64, f: impl FnOnce()) -> Ended {
    FUSE.set(Some((event, occurrence)));
    LIVE.set(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    LIVE.set(false);
    let unspent = FUSE.take().is_some();
    match result {
        Ok(()) if unspent => Ended::Whole,
        Ok(()) => Ended::Swallowed,
        Err(panic) if panic.is::<Blown>() => Ended::Blown,
        Err(panic) => resume_unwind(panic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_knows_the_living() {
        let ledger = Ledger::open();
        let token = Token::new(ledger, 1);
        let copy = token.clone();
        assert_eq!(ledger.alive(), 2);
        drop(token);
        assert_eq!(ledger.alive(), 1);
        drop(copy);
        ledger.assert_settled("at the end");
    }

    #[test]
    fn a_fuse_blows_at_its_occurrence() {
        let ledger = Ledger::open();
        let token = Token::new(ledger, 1);
        let twice = || drop((token.clone(), token.clone()));
        assert_eq!(fused(Event::Clone, 2, twice), Ended::Blown);
        assert_eq!(fused(Event::Clone, 3, twice), Ended::Whole);
        drop(token);
        ledger.assert_settled("at the end");
    }
}

//! Keys that count, for their thread, how often they are hashed and cloned.

use std::borrow::Borrow;
use std::cell::Cell;
use std::hash::{Hash, Hasher};

use crate::entries::Entries;

thread_local! {
    static HASHED: Cell<u64> = const { Cell::new(0) };
    static CLONED: Cell<u64> = const { Cell::new(0) };
}

/// How often the calling thread has hashed and cloned keys.
pub(super) fn calls() -> (u64, u64) {
    (HASHED.get(), CLONED.get())
}

/// A number that counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Counted(u64);

impl Hash for Counted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        HASHED.set(HASHED.get() + 1);
        self.0.hash(state);
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        CLONED.set(CLONED.get() + 1);
        Self(self.0)
    }
}

impl Borrow<u64> for Counted {
    fn borrow(&self) -> &u64 {
        &self.0
    }
}

/// [`Counted`] → `u64`. Look-ups are not counted.
#[derive(Debug)]
pub(super) struct CountedNumbers;

impl Entries for CountedNumbers {
    const NAME: &'static str = "u64";
    type Key = Counted;
    type Look = u64;
    type Value = u64;

    fn new(_: u64) -> Self {
        Self
    }

    fn key(&self, id: u64) -> Counted {
        Counted(id)
    }

    fn look<'a>(&'a self, id: &'a u64) -> &'a u64 {
        id
    }
}

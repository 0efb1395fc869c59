//! Keys and values that run a hook in their `Hash`, `Eq`, `Clone` and `Drop`, and the hook itself.
//!
//! A thread arms one hook at a time, for one kind of event; the first such event takes it out and runs it. One type serves
//! as key and as value, told apart by its number, so that a place in the user's code is an [`Event`] and nothing more.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hash, Hasher};
use std::mem::ManuallyDrop;

/// Numbers from here on are values, smaller ones keys.
const VALUES: u64 = 10_000;
/// Numbers of keys from here on fill the map up.
pub const FILLERS: u64 = 1000;

/// A place in the user's code that a map runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A closure, or an iterator that the map draws from.
    Closure,
    /// The `Hash` of a key that the operation was given.
    Hash,
    /// The `Hash` of a key that is in the map: it grows.
    Rehash,
    /// The `Eq` of a key, other than the next.
    KeyEq,
    /// The `Eq` of a key that was not in the map at first, with its like.
    NewKeyEq,
    /// The `PartialEq` of a value.
    ValueEq,
    /// The `Clone` of a value.
    Clone,
    /// The `Drop` of a key.
    KeyDrop,
    /// The `Drop` of a value.
    ValueDrop,
}

type Hook = (Event, Box<dyn FnOnce()>);

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Runs `f` at the next `event` on this thread.
pub fn arm(event: Event, f: impl FnOnce() + 'static) {
    HOOK.set(Some((event, Box::new(f))));
}

/// Whether the hook waits for its event.
pub fn armed() -> bool {
    HOOK.with_borrow(Option::is_some)
}

/// Takes the hook back: what follows is no code that the map runs.
pub fn disarm() {
    drop(HOOK.take());
}

/// Says that an event occurs.
pub fn tick(event: Event) {
    let hook = HOOK.with_borrow_mut(|hook| hook.take_if(|(awaited, _)| *awaited == event));
    if let Some((_, f)) = hook {
        f();
    }
}

/// What serves as key and as value.
pub trait Entry: Hash + Eq + Clone + Send + Sync + 'static {
    /// Makes the one of a number.
    fn new(number: u64) -> Self;

    /// The number.
    fn number(&self) -> u64;

    /// A key to ask with, which is never dropped.
    fn asked(number: u64) -> ManuallyDrop<Self> {
        ManuallyDrop::new(Self::new(number))
    }

    /// The value that a key has at first.
    fn value(key: u64) -> Self {
        Self::new(VALUES + key)
    }
}

impl Entry for u64 {
    fn new(number: u64) -> Self {
        number
    }

    fn number(&self) -> u64 {
        *self
    }
}

/// A number that is not plain, with hooks.
#[derive(Debug)]
pub struct Hooked(u64);

impl Entry for Hooked {
    fn new(number: u64) -> Self {
        Self(number)
    }

    fn number(&self) -> u64 {
        self.0
    }
}

impl Hash for Hooked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

impl PartialEq for Hooked {
    fn eq(&self, other: &Self) -> bool {
        tick(match self.0 {
            VALUES.. => Event::ValueEq,
            3..8 | 11..16 if self.0 == other.0 => Event::NewKeyEq,
            _ => Event::KeyEq,
        });
        self.0 == other.0
    }
}

impl Eq for Hooked {}

impl Clone for Hooked {
    fn clone(&self) -> Self {
        tick(Event::Clone);
        Self(self.0)
    }
}

impl Drop for Hooked {
    fn drop(&mut self) {
        tick(if self.0 < VALUES { Event::KeyDrop } else { Event::ValueDrop });
    }
}

/// Puts the keys below 8 in one place of the table, those below 16 in another far from it, and all others anywhere.
///
/// The hook of `Hash` is here, so that plain numbers have it too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Directed(u64);

impl BuildHasher for Directed {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self::default()
    }
}

impl Hasher for Directed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys hash as one word");
    }

    fn write_u64(&mut self, number: u64) {
        const NEAR: u64 = 0x6A5C_96E1_7B24_D08F;
        let filler = (FILLERS..2 * FILLERS).contains(&number);
        tick(if filler { Event::Rehash } else { Event::Hash });
        self.0 = match number {
            0..8 => NEAR,
            8..16 => !NEAR,
            _ => map_conformance::hashers::Mixed.hash_one(number),
        };
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

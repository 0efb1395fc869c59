//! A place for an entry of plain data, and what may be seen there.
//!
//! **Layout**: two words that change together ([`wide`](map_sync::wide)).
//!
//! | first word | second word | the key is | next states |
//! |---|---|---|---|
//! | the key | its value | present | another value, absent, moved |
//! | `ABSENT` | the key | absent; may come back here | a value, moved, dead |
//! | `MOVED` | the key | elsewhere, further on in the search, or absent | of a place in the dirty level: another key; of a table: none |
//! | `DEAD` | a key | elsewhere or absent | another key |
//!
//! A key of eight bytes may be one of the three *marks*. Such a key has a place of its own, in which the first word is 1 if the key
//! is present and 0 if not; it is never moved, nor does it die.
//!
//! **Invariants**: (I1) a place that a tag or a length says is in use holds a mark, or the bits of a key; a mark comes with the bits of
//! a key. (I2) a place that is dead or moved, or has never been used, is given a key under the map's mutex only.
//!
//! **The same words may come again**, and then mean the same: that this key has this value, now, in this place. So who has seen them and
//! exchanges them later need not know what was there meanwhile. (Where an exchange must fail, the words differ: an entry that was moved or has
//! died carries another mark.)
//!
//! **Ordering**: as in [`wide`](map_sync::wide): all changes and looks have one total order.

use std::borrow::Borrow;
use std::marker::PhantomData;
use std::mem::size_of;

use map_sync::wide::Wide;

use super::super::bits::{bits_of, from_bits};

/// How many marks there are.
pub(super) const MARKS: usize = 3;
/// The first mark. No key is likely to be one.
const FIRST_MARK: u64 = 0xA51A_7C3E_9D02_B64F;
pub(super) const ABSENT: u64 = FIRST_MARK;
pub(super) const MOVED: u64 = FIRST_MARK + 1;
pub(super) const DEAD: u64 = FIRST_MARK + 2;

/// The first word while a key that is a mark is present.
const PRESENT: u64 = 1;

/// Whether a first word says something else than a key.
#[inline(always)]
pub(super) fn is_mark(word: u64) -> bool {
    word.wrapping_sub(FIRST_MARK) < MARKS as u64
}

/// Which mark a key is, if it is one.
#[inline(always)]
pub(super) fn mark_of<K, Q>(key: &Q) -> Option<usize>
where
    K: Borrow<Q>,
    Q: Eq + ?Sized,
{
    // Shorter keys leave the upper bits of a word zero.
    if size_of::<K>() < size_of::<u64>() {
        return None;
    }
    (0..MARKS).find(|&mark| {
        // SAFETY: any bits are those of a plain value of eight bytes.
        let known: K = unsafe { from_bits(FIRST_MARK + mark as u64) };
        known.borrow() == key
    })
}

/// A place for an entry. Zeroed memory is one that has never been used.
#[derive(Debug, Default)]
#[repr(transparent)]
pub(super) struct Slot(Wide);

/// What a place in use holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Present,
    Absent,
    Moved,
    Dead,
}

/// What a look at a place in use has shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    words: [u64; 2],
    pub(super) held: Held,
    /// The bits of the key.
    pub(super) key: u64,
}

impl Slot {
    /// The two words.
    #[inline(always)]
    pub(super) fn words(&self) -> [u64; 2] {
        self.0.load()
    }

    /// Looks at a place that is in use, and not the own one of a mark.
    #[inline(always)]
    pub(super) fn look(&self) -> Look {
        let words = self.0.load();
        if !is_mark(words[0]) {
            return Look { words, held: Held::Present, key: words[0] };
        }
        let held = match words[0] {
            ABSENT => Held::Absent,
            MOVED => Held::Moved,
            _ => Held::Dead,
        };
        Look { words, held, key: words[1] }
    }

    /// Looks at the own place of a mark.
    pub(super) fn look_at_mark(&self, mark: usize) -> Look {
        let words = self.0.load();
        let held = if words[0] == PRESENT { Held::Present } else { Held::Absent };
        Look { words, held, key: FIRST_MARK + mark as u64 }
    }

    /// Gives the key that was seen a value if the place is as it was seen.
    #[inline(always)]
    pub(super) fn put(&self, seen: Look, value: u64) -> Option<Look> {
        let first = if is_mark(seen.key) { PRESENT } else { seen.key };
        let new = Look { words: [first, value], held: Held::Present, key: seen.key };
        self.0.exchange(seen.words, new.words).then_some(new)
    }

    /// Makes the key that was seen absent if the place is as it was seen; returns whether it was.
    #[inline(always)]
    pub(super) fn take(&self, seen: Look) -> bool {
        let absent = if is_mark(seen.key) { [0, 0] } else { [ABSENT, seen.key] };
        self.0.exchange(seen.words, absent)
    }

    /// Sets a mark if the place is as it was seen; returns whether it was.
    pub(super) fn set_mark(&self, seen: Look, mark: u64) -> bool {
        self.0.exchange(seen.words, [mark, seen.key])
    }

    /// Gives a place that is dead, moved or has never been used to a key. Needs the mutex.
    pub(super) fn refill(&self, key: u64, value: u64) {
        if self.0.load() == [0, 0] {
            // Nobody has ever seen it.
            self.0.fill([key, value]);
        } else {
            self.set(key, value);
        }
    }

    /// Gives a place in which nobody else can exchange anything to a key. Needs the mutex.
    pub(super) fn set(&self, key: u64, value: u64) {
        let done = self.0.exchange(self.0.load(), [key, value]);
        debug_assert!(done, "nobody else exchanges anything here");
    }
}

impl Look {
    /// What is seen of a key that was just given this value.
    pub(super) fn present(key: u64, value: u64) -> Self {
        Self { words: [key, value], held: Held::Present, key }
    }

    /// The bits of the value, if the key is present.
    pub(super) fn value(&self) -> Option<u64> {
        (self.held == Held::Present).then_some(self.words[1])
    }
}

/// What a look-up found: the value of a key, or that it is absent.
pub(crate) struct Seen<'p, K, V> {
    pub(super) slot: &'p Slot,
    pub(super) look: Look,
    _entry: PhantomData<(K, V)>,
}

impl<'p, K, V> Seen<'p, K, V> {
    /// Of a key that is present or absent.
    #[inline(always)]
    pub(super) fn new(slot: &'p Slot, look: Look) -> Self {
        debug_assert!(matches!(look.held, Held::Present | Held::Absent));
        Self { slot, look, _entry: PhantomData }
    }

    pub(crate) fn key(&self) -> &K {
        // SAFETY: by I1 the bits are those of a key, which is no larger and needs no larger alignment.
        unsafe { &*(&raw const self.look.key).cast() }
    }

    /// The value, unless the key was absent.
    #[inline(always)]
    pub(crate) fn value(&self) -> Option<&V> {
        // SAFETY: the second word of a key that is present holds the bits of a value, which is no larger and needs no larger alignment.
        (self.look.held == Held::Present)
            .then(|| unsafe { &*(&raw const self.look.words[1]).cast() })
    }

    /// Gives the key a value if nothing has changed; otherwise hands the value back.
    #[inline(always)]
    pub(super) fn put(&self, value: V) -> Result<Self, V> {
        let bits = bits_of(value);
        match self.slot.put(self.look, bits) {
            Some(look) => Ok(Self::new(self.slot, look)),
            // SAFETY: just made of the value.
            None => Err(unsafe { from_bits(bits) }),
        }
    }
}

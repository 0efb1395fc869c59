//! A key with its value.
//!
//! **Layout**: an entry is one allocation: the *value pair*, the key's full hash and the key.
//!
//! *Inline* values are plain ([`map_sync::plain`]) and take eight bytes at the most: they are the bits of the pair, whose word
//! counts its changes. An overwrite allocates nothing. Of all other values the word is the address. Small ones without a destructor have
//! room for the *first* value behind the key, so that a map whose values are not overwritten reads no further cache
//! line; every other value has a box of its own.
//!
//! ```text
//!   slot ──> Entry{ n | state, the value, hash, key }                  inline
//!   slot ──> Entry{ value, ·, hash, key │ first: V }                   others
//!                     │                      ▲
//!                     └──────────────────────┘   until the first overwrite; then ──> Box<V>
//! ```
//!
//! **States**:
//!
//! | word, inline | word, others | the key is | next states |
//! |---|---|---|---|
//! | `4n + 1` | pointer to a value | present | another value, absent |
//! | `4n` | `null` | absent; the entry may be used again | a value, dead |
//! | `4n + 2` | `DEAD` | in another entry or absent | none |
//!
//! **Invariants**: (I1) "dead" is final, and is only ever reached from "absent". (I2) A value is owned
//! by the word that points to it; who swaps it out by a successful compare-and-swap owns it and
//! retires it. (I3) A value in `first` needs no destructor and lives as long as its entry; `first` is
//! written once, before the entry is shared. (I4) `hash` and `key` never change. (I5) Of an inline value `n` grows with each change, so
//! that a word never comes again; while the key is present the bits are those of a value.
//!
//! **Ordering**: the value is read and written `SeqCst` throughout: so all operations on known
//! keys have one total order, and two threads which each write one key and then read the other
//! cannot both miss the other's write. On x86-64 this costs nothing over acquire and release.

use std::mem::{MaybeUninit, needs_drop, size_of};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use map_sync::contention;
use map_sync::shim::atomic::Ordering::SeqCst;

use super::super::bits::{bits_of, fits, from_bits};
use super::super::levels::Payload;
use super::super::pair::{self, HAVE_PAIRS, Pair};

/// The largest value that is stored behind its key, in bytes.
const FIRST_MAX: usize = 16;

/// The states of an inline value, in the low bits of its word; what is above counts changes.
const ABSENT: usize = 0;
const LIVE: usize = 1;
const DEAD: usize = 2;
const STATE: usize = 3;

/// A key with its value.
#[repr(C)]
pub(crate) struct Entry<K, V> {
    value: Pair<V>,
    pub(crate) hash: u64,
    pub(crate) key: K,
}

/// An entry with room for its first value.
#[repr(C)]
struct Roomy<K, V> {
    entry: Entry<K, V>,
    first: MaybeUninit<V>,
}

/// What an entry's value was seen to be.
pub(crate) struct Content<V>(pair::Seen<V>);

impl<V> Clone for Content<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Content<V> {}

/// The word of a dead entry whose value is not inline.
fn dead<V>() -> *mut V {
    ptr::without_provenance_mut(usize::MAX)
}

/// Whether values are the bits of the pair. The compiler decides it when it optimises.
#[inline(always)]
fn is_inline<V>() -> bool {
    HAVE_PAIRS && fits::<V>()
}

impl<V> Content<V> {
    /// Of a value that nobody has seen yet, in its own box or behind its key.
    fn at(value: *mut V) -> Self {
        Self(pair::Seen { word: value, bits: 0 })
    }

    /// The `next` state of an inline value.
    #[inline(always)]
    fn then(self, state: usize, bits: u64) -> Self {
        let changes = self.0.word.addr() | STATE;
        Self(pair::Seen {
            word: ptr::without_provenance_mut(changes.wrapping_add(1) | state),
            bits,
        })
    }

    /// Whether the key is present.
    #[inline(always)]
    pub(crate) fn is_live(&self) -> bool {
        let word = self.0.word;
        if is_inline::<V>() {
            word.addr() & STATE == LIVE
        } else {
            !word.is_null() && word != dead()
        }
    }

    /// Whether the entry is of no use any more.
    #[inline(always)]
    pub(crate) fn is_dead(&self) -> bool {
        let word = self.0.word;
        if is_inline::<V>() { word.addr() & STATE == DEAD } else { word == dead() }
    }

    /// The value, if the key is present.
    ///
    /// # Safety
    ///
    /// For as long as `self` is borrowed, a value with an address is not freed.
    #[inline(always)]
    pub(crate) unsafe fn value(&self) -> Option<&V> {
        let place = if is_inline::<V>() {
            (&raw const self.0.bits).cast()
        } else {
            self.0.word.cast_const()
        };
        // SAFETY: by I5 the bits are those of a value; or it has an address, and by the caller lives.
        self.is_live().then(|| unsafe { &*place })
    }

    /// A copy of an inline value.
    ///
    /// # Safety
    ///
    /// Values are inline, and the bits are those of one.
    #[inline(always)]
    unsafe fn inline_value(&self) -> V {
        // SAFETY: by the caller.
        unsafe { from_bits(self.0.bits) }
    }

    /// The value behind its address, which who has exchanged the word owns by I2.
    pub(crate) fn address(&self) -> Option<*mut V> {
        (!is_inline::<V>() && self.is_live()).then_some(self.0.word)
    }
}

impl<K, V> Entry<K, V> {
    const ROOMY: bool = !needs_drop::<V>() && size_of::<V>() <= FIRST_MAX;

    /// Whether there is room for a first value behind the key.
    #[inline(always)]
    fn is_roomy() -> bool {
        Self::ROOMY && !is_inline::<V>()
    }

    /// Makes an entry that holds `value`.
    fn allocate(hash: u64, key: K, value: V) -> *mut Self {
        if is_inline::<V>() {
            let value = Pair::new(ptr::without_provenance_mut(LIVE), bits_of(value));
            Box::into_raw(Box::new(Entry { value, hash, key }))
        } else if Self::is_roomy() {
            let entry = Entry { value: Pair::new(ptr::null_mut(), 0), hash, key };
            let roomy = Box::new(Roomy { entry, first: MaybeUninit::new(value) });
            let roomy = Box::into_raw(roomy);
            // SAFETY: the allocation is valid and not shared yet.
            let first = unsafe { &raw mut (*roomy).first }.cast::<V>();
            // SAFETY: as above.
            let entry = unsafe { &*roomy };
            entry.entry.value.word().store(first, SeqCst);
            roomy.cast()
        } else {
            let value = Pair::new(Box::into_raw(Box::new(value)), 0);
            Box::into_raw(Box::new(Entry { value, hash, key }))
        }
    }

    /// Looks at the value.
    #[inline(always)]
    pub(crate) fn load(&self) -> Content<V> {
        if is_inline::<V>() {
            Content(self.value.load())
        } else {
            Content::at(self.value.word().load(SeqCst))
        }
    }

    /// Exchanges the content if it is still the one that was seen, and counts a failure as contention.
    #[inline(always)]
    fn exchange(&self, seen: Content<V>, new: Content<V>) -> bool {
        let done = self.exchange_uncounted(seen, new);
        contention::exchanged(done);
        done
    }

    /// As [`exchange`](Self::exchange), where a failure is no contention.
    #[inline(always)]
    fn exchange_uncounted(&self, seen: Content<V>, new: Content<V>) -> bool {
        if is_inline::<V>() {
            self.value.exchange(seen.0, new.0)
        } else {
            let word = self.value.word();
            word.compare_exchange(seen.0.word, new.0.word, SeqCst, SeqCst).is_ok()
        }
    }

    /// Gives the entry a value if its content is still the one that was seen; otherwise hands it back.
    #[inline]
    pub(crate) fn put(&self, seen: Content<V>, value: V) -> Result<Content<V>, V> {
        if is_inline::<V>() {
            let new = seen.then(LIVE, bits_of(value));
            if self.exchange(seen, new) {
                return Ok(new);
            }
            // SAFETY: the bits are those of the value.
            return Err(unsafe { new.inline_value() });
        }
        let new = Box::into_raw(Box::new(value));
        if self.exchange(seen, Content::at(new)) {
            Ok(Content::at(new))
        } else {
            // SAFETY: made above and not shared.
            Err(*unsafe { Box::from_raw(new) })
        }
    }

    /// Makes the key absent if the content is still the one that was seen; returns whether it was.
    #[inline]
    pub(crate) fn take(&self, seen: Content<V>) -> bool {
        let absent =
            if is_inline::<V>() { seen.then(ABSENT, 0) } else { Content::at(ptr::null_mut()) };
        self.exchange(seen, absent)
    }

    /// Turns an absent entry into a dead one; `false` if it is present.
    ///
    /// On success the caller must make the entry unreachable and retire it.
    pub(crate) fn kill(&self) -> bool {
        let seen = self.load();
        let dead = if is_inline::<V>() { seen.then(DEAD, 0) } else { Content::at(dead()) };
        // Not counted: it is meant to fail if the key has come back.
        !seen.is_live() && !seen.is_dead() && self.exchange_uncounted(seen, dead)
    }

    /// Returns whether `value` is the one behind the key of the entry `this`.
    ///
    /// # Safety
    ///
    /// `this` must point to a live entry that [`allocate`](Self::allocate) made.
    pub(crate) unsafe fn is_first(this: *const Self, value: *const V) -> bool {
        if !Self::is_roomy() {
            return false;
        }
        let roomy = this.cast::<Roomy<K, V>>();
        // SAFETY: by the caller and `is_roomy`, `this` points into an allocation of a `Roomy`.
        let first = unsafe { &raw const (*roomy).first };
        ptr::addr_eq(first, value)
    }
}

/// The only owner of an entry.
pub(crate) struct Owned<K, V>(*mut Entry<K, V>);

impl<K, V> Owned<K, V> {
    pub(crate) fn new(hash: u64, key: K, value: V) -> Self {
        Self(Entry::allocate(hash, key, value))
    }

    /// Takes ownership of `entry`.
    ///
    /// # Safety
    ///
    /// `entry` must come from [`into_raw`](Self::into_raw) and nobody may use it any more.
    pub(crate) unsafe fn from_raw(entry: *mut Entry<K, V>) -> Self {
        Self(entry)
    }

    /// Gives up ownership.
    pub(crate) fn into_raw(self) -> *mut Entry<K, V> {
        std::mem::ManuallyDrop::new(self).0
    }

    pub(crate) fn key(&self) -> &K {
        // SAFETY: the entry is owned, hence valid.
        unsafe { &(*self.0).key }
    }

    /// Frees the entry and gives back the key, and the value if there is one.
    pub(crate) fn into_parts(self) -> (K, Option<V>) {
        let entry = self.into_raw();
        // SAFETY: the entry is owned, hence valid.
        let content = unsafe { &*entry }.load();
        // SAFETY: the entry was owned, and this is its content.
        let value = content.is_live().then(|| unsafe { take_value(entry, content) });
        // SAFETY: the entry was owned and its value has been moved out.
        let entry = unsafe { take_entry(entry) };
        (entry.key, value)
    }
}

impl<K, V> Drop for Owned<K, V> {
    fn drop(&mut self) {
        drop(Self(self.0).into_parts());
    }
}

/// Moves the value out of where it lies and frees its box, if it has one.
///
/// # Safety
///
/// `content` must be that of `entry`, of a present key, and both must be owned by the caller.
unsafe fn take_value<K, V>(entry: *mut Entry<K, V>, content: Content<V>) -> V {
    let Some(value) = content.address() else {
        // SAFETY: inline values have no address; by I5 the bits are those of one.
        return unsafe { content.inline_value() };
    };
    // SAFETY: the entry is valid.
    if unsafe { Entry::is_first(entry, value) } {
        // SAFETY: `first` is initialised (I3) and, having no destructor, is never dropped.
        unsafe { value.read() }
    } else {
        // SAFETY: all other values are boxes (see `allocate` and `put`).
        *unsafe { Box::from_raw(value) }
    }
}

/// Frees the allocation of an entry whose value has been moved out.
///
/// # Safety
///
/// The entry must be owned by the caller and made by `Entry::allocate`.
unsafe fn take_entry<K, V>(entry: *mut Entry<K, V>) -> Entry<K, V> {
    if Entry::<K, V>::is_roomy() {
        // SAFETY: by `is_roomy` the allocation is a `Roomy`.
        let roomy = unsafe { Box::from_raw(entry.cast::<Roomy<K, V>>()) };
        roomy.entry
    } else {
        // SAFETY: without room the allocation is an `Entry`.
        *unsafe { Box::from_raw(entry) }
    }
}

/// Runs code that drops what a user gave, and hands back its panic.
pub(crate) fn contain(f: impl FnOnce()) -> Result<(), Payload> {
    catch_unwind(AssertUnwindSafe(f))
}

/// Frees a retired entry. Its value, if it ever had one, was retired separately (I1, I2).
///
/// A panic of the key's destructor has no caller to reach; it ends here, after the panic hook.
///
/// # Safety
///
/// `entry` must point to an `Entry<K, V>`; otherwise as for [`Owned::from_raw`].
pub(crate) unsafe fn free<K, V>(entry: *mut ()) {
    let _ = contain(|| {
        // SAFETY: passed on to the caller.
        drop(unsafe { Owned::from_raw(entry.cast::<Entry<K, V>>()) });
    });
}

/// Frees a retired value that has a box of its own.
///
/// A panic of its destructor has no caller to reach; it ends here, after the panic hook.
///
/// # Safety
///
/// `value` must come from the box of a `V` and nobody may use it any more.
pub(crate) unsafe fn free_value<V>(value: *mut ()) {
    let _ = contain(|| {
        // SAFETY: passed on to the caller.
        drop(unsafe { Box::from_raw(value.cast::<V>()) });
    });
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;

//! A key with its value word.
//!
//! **Layout**: an entry is one allocation: the key's full hash, the value word, the key and, for
//! small values without a destructor, room for the *first* value, so that a map whose values are not
//! overwritten reads no further cache line. Every other value has a box of its own.
//!
//! ```text
//!   slot ──> Entry{hash, value, key | first: V}
//!                        │             ▲
//!                        └─────────────┘   until the first overwrite; then ──> Box<V>
//! ```
//!
//! **States of the value word**:
//!
//! | word | the key is | next states |
//! |---|---|---|
//! | pointer to a value | present | another value, `null` |
//! | `null` | absent; the entry may be used again | a value, `DEAD` |
//! | `DEAD` | in another entry or absent | none |
//!
//! **Invariants**: (I1) `DEAD` is final, and is only ever reached from `null`. (I2) A value is owned
//! by the word that points to it; who swaps it out by a successful compare-and-swap owns it and
//! retires it. (I3) A value in `first` needs no destructor and lives as long as its entry; `first` is
//! written once, before the entry is shared. (I4) `hash` and `key` never change.
//!
//! **Ordering**: the value word is read and written `SeqCst` throughout: so all operations on known
//! keys have one total order, and two threads which each write one key and then read the other
//! cannot both miss the other's write. On x86-64 this costs nothing over acquire and release.

use std::any::Any;
use std::mem::{MaybeUninit, needs_drop, size_of};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use map_sync::contention;
use map_sync::shim::atomic::{AtomicPtr, Ordering::SeqCst};

/// The largest value that is stored inside its entry, in bytes.
const FIRST_MAX: usize = 16;

/// A key with its value word.
pub(crate) struct Entry<K, V> {
    pub(crate) hash: u64,
    value: AtomicPtr<V>,
    pub(crate) key: K,
}

/// An entry with room for its first value.
#[repr(C)]
struct Roomy<K, V> {
    entry: Entry<K, V>,
    first: MaybeUninit<V>,
}

/// What a value word was seen to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word<V> {
    Live(*mut V),
    Absent,
    Dead,
}

fn dead<V>() -> *mut V {
    ptr::without_provenance_mut(usize::MAX)
}

impl<K, V> Entry<K, V> {
    const ROOMY: bool = !needs_drop::<V>() && size_of::<V>() <= FIRST_MAX;

    /// Makes an entry that holds `value`.
    fn allocate(hash: u64, key: K, value: V) -> *mut Self {
        if Self::ROOMY {
            let entry = Entry { hash, value: AtomicPtr::new(ptr::null_mut()), key };
            let roomy = Box::new(Roomy { entry, first: MaybeUninit::new(value) });
            let roomy = Box::into_raw(roomy);
            // SAFETY: the allocation is valid and not shared yet.
            let first = unsafe { &raw mut (*roomy).first }.cast::<V>();
            // SAFETY: as above.
            let entry = unsafe { &*roomy };
            entry.entry.value.store(first, SeqCst);
            roomy.cast()
        } else {
            let value = AtomicPtr::new(Box::into_raw(Box::new(value)));
            Box::into_raw(Box::new(Entry { hash, value, key }))
        }
    }

    /// Reads the value word.
    #[inline]
    pub(crate) fn load(&self) -> Word<V> {
        let value = self.value.load(SeqCst);
        if value.is_null() {
            Word::Absent
        } else if value == dead() {
            Word::Dead
        } else {
            Word::Live(value)
        }
    }

    /// Exchanges the value word if it holds `seen` (`null` for "absent").
    #[inline]
    pub(crate) fn exchange(&self, seen: *mut V, new: *mut V) -> Result<*mut V, ()> {
        let result = self.value.compare_exchange(seen, new, SeqCst, SeqCst);
        contention::exchanged(result.is_ok());
        result.map_err(drop)
    }

    /// Turns an absent entry into a dead one; `false` if it is present.
    ///
    /// On success the caller must make the entry unreachable and retire it.
    pub(crate) fn kill(&self) -> bool {
        // Not counted as contention: of a present entry it is meant to fail.
        self.value.compare_exchange(ptr::null_mut(), dead(), SeqCst, SeqCst).is_ok()
    }

    /// Returns whether `value` is the one inside the entry `this`.
    ///
    /// # Safety
    ///
    /// `this` must point to a live entry that [`allocate`](Self::allocate) made.
    pub(crate) unsafe fn is_first(this: *const Self, value: *const V) -> bool {
        if !Self::ROOMY {
            return false;
        }
        let roomy = this.cast::<Roomy<K, V>>();
        // SAFETY: by the caller and `ROOMY`, `this` points into an allocation of a `Roomy`.
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
        let word = unsafe { &*entry }.load();
        let value = match word {
            // SAFETY: the entry was owned and its word points to this value.
            Word::Live(value) => Some(unsafe { take_value(entry, value) }),
            Word::Absent | Word::Dead => None,
        };
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
/// `value` must be the value of `entry`, and both must be owned by the caller.
unsafe fn take_value<K, V>(entry: *mut Entry<K, V>, value: *mut V) -> V {
    // SAFETY: the entry is valid.
    if unsafe { Entry::is_first(entry, value) } {
        // SAFETY: `first` is initialised (I3) and, having no destructor, is never dropped.
        unsafe { value.read() }
    } else {
        // SAFETY: all other values are boxes (see `allocate` and `Core::replace`).
        *unsafe { Box::from_raw(value) }
    }
}

/// Frees the allocation of an entry whose value has been moved out.
///
/// # Safety
///
/// The entry must be owned by the caller and made by `Entry::allocate`.
unsafe fn take_entry<K, V>(entry: *mut Entry<K, V>) -> Entry<K, V> {
    if Entry::<K, V>::ROOMY {
        // SAFETY: by `ROOMY` the allocation is a `Roomy`.
        let roomy = unsafe { Box::from_raw(entry.cast::<Roomy<K, V>>()) };
        roomy.entry
    } else {
        // SAFETY: without `ROOMY` the allocation is an `Entry`.
        *unsafe { Box::from_raw(entry) }
    }
}

/// Runs code that drops what a user gave, and hands back its panic.
pub(crate) fn contain(f: impl FnOnce()) -> Result<(), Box<dyn Any + Send>> {
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

//! What an entry is: a small number, or a string with a value of two cache lines.
//!
//! Workloads speak of keys by *id*, a number from 0. A value tells the id of the key that it was
//! written for, so that every read can be checked, and a *stamp* that writes change.

use std::borrow::Borrow;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::contenders::{Key, Value};

/// One more than the highest id.
pub const MAX_IDS: u64 = 1 << (64 - STAMP_BITS);
/// Width of a stamp; sums of stamps are compared modulo this many bits.
pub const STAMP_BITS: u32 = 40;
/// The bits of a stamp.
pub const STAMP_MASK: u64 = (1 << STAMP_BITS) - 1;

/// A kind of entries, with the keys of a workload.
pub trait Entries: Send + Sync + 'static {
    /// The name in results.
    const NAME: &'static str;
    /// The key.
    type Key: Key + Borrow<Self::Look>;
    /// The form that keys are asked for in.
    type Look: Hash + Eq + ?Sized;
    /// The value.
    type Value: Value + Stamped;

    /// Makes the keys of the ids below `ids`.
    fn new(ids: u64) -> Self;

    /// Returns the key of `id` for a map to own.
    fn key(&self, id: u64) -> Self::Key;

    /// Returns the key of `id` for a look-up.
    fn look<'a>(&'a self, id: &'a u64) -> &'a Self::Look;
}

/// A value that tells which key it was written for.
pub trait Stamped {
    /// Makes the value of the key with this id.
    fn stamped(id: u64, stamp: u64) -> Self;

    /// The id of the key.
    fn id(&self) -> u64;

    /// The stamp.
    fn stamp(&self) -> u64;

    /// The same with the next stamp.
    #[must_use]
    fn bumped(&self) -> Self;
}

impl Stamped for u64 {
    #[inline]
    fn stamped(id: u64, stamp: u64) -> Self {
        id << STAMP_BITS | stamp
    }

    #[inline]
    fn id(&self) -> u64 {
        self >> STAMP_BITS
    }

    #[inline]
    fn stamp(&self) -> u64 {
        self & STAMP_MASK
    }

    #[inline]
    fn bumped(&self) -> Self {
        Self::stamped(self.id(), (self.stamp() + 1) & STAMP_MASK)
    }
}

/// `u64` → `u64`; the key is the id.
#[derive(Debug)]
pub struct Numbers;

impl Entries for Numbers {
    const NAME: &'static str = "u64";
    type Key = u64;
    type Look = u64;
    type Value = u64;

    fn new(_: u64) -> Self {
        Self
    }

    #[inline]
    fn key(&self, id: u64) -> u64 {
        id
    }

    #[inline]
    fn look<'a>(&'a self, id: &'a u64) -> &'a u64 {
        id
    }
}

/// A value of 128 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record([u64; 16]);

impl Stamped for Record {
    #[inline]
    fn stamped(id: u64, stamp: u64) -> Self {
        let mut words = [id; 16];
        words[15] = stamp;
        Self(words)
    }

    #[inline]
    fn id(&self) -> u64 {
        self.0[0]
    }

    #[inline]
    fn stamp(&self) -> u64 {
        self.0[15]
    }

    #[inline]
    fn bumped(&self) -> Self {
        let mut next = self.clone();
        next.0[15] = (next.0[15] + 1) & STAMP_MASK;
        next
    }
}

/// `String` of 28 bytes → [`Record`]; asked for by `&str`. A map gets a clone of the key, which the
/// clock counts, alike for all.
#[derive(Debug)]
pub struct Strings(Vec<String>);

impl Entries for Strings {
    const NAME: &'static str = "string";
    type Key = String;
    type Look = str;
    type Value = Record;

    fn new(ids: u64) -> Self {
        Self((0..ids).map(|id| format!("customer/{id:012}/orders")).collect())
    }

    #[inline]
    fn key(&self, id: u64) -> String {
        self.0[id as usize].clone()
    }

    #[inline]
    fn look<'a>(&'a self, id: &'a u64) -> &'a str {
        &self.0[*id as usize]
    }
}

/// A value of 8 bytes that has room for any id, but for no stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unstamped(u64);

impl Stamped for Unstamped {
    #[inline]
    fn stamped(id: u64, _: u64) -> Self {
        Self(id)
    }

    #[inline]
    fn id(&self) -> u64 {
        self.0
    }

    #[inline]
    fn stamp(&self) -> u64 {
        0
    }

    #[inline]
    fn bumped(&self) -> Self {
        self.clone()
    }
}

/// A value of as many bytes as [`Payload::set_bytes`] says, in a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload(Box<[u64]>);

/// The words of every [`Payload`]: a value is made without being told its size.
static PAYLOAD_WORDS: AtomicUsize = AtomicUsize::new(17);

impl Payload {
    /// Sets the size of all values made from now on: at least 16, rounded down to a multiple of 8.
    pub fn set_bytes(bytes: usize) {
        // Relaxed: pairs with nothing; threads are started after it.
        PAYLOAD_WORDS.store((bytes / 8).max(2), Relaxed);
    }
}

impl Stamped for Payload {
    fn stamped(id: u64, stamp: u64) -> Self {
        let mut words = vec![id; PAYLOAD_WORDS.load(Relaxed)].into_boxed_slice();
        if let Some(last) = words.last_mut() {
            *last = stamp;
        }
        Self(words)
    }

    #[inline]
    fn id(&self) -> u64 {
        self.0[0]
    }

    #[inline]
    fn stamp(&self) -> u64 {
        self.0[self.0.len() - 1]
    }

    fn bumped(&self) -> Self {
        let mut next = self.clone();
        if let Some(last) = next.0.last_mut() {
            *last = (*last + 1) & STAMP_MASK;
        }
        next
    }
}

/// The keys of `E` with values of another type.
#[derive(Debug)]
pub struct With<E, V>(E, PhantomData<fn() -> V>);

impl<E: Entries, V: Value + Stamped> Entries for With<E, V> {
    const NAME: &'static str = "custom";
    type Key = E::Key;
    type Look = E::Look;
    type Value = V;

    fn new(ids: u64) -> Self {
        Self(E::new(ids), PhantomData)
    }

    #[inline]
    fn key(&self, id: u64) -> E::Key {
        self.0.key(id)
    }

    #[inline]
    fn look<'a>(&'a self, id: &'a u64) -> &'a E::Look {
        self.0.look(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_keys_have_28_bytes() {
        assert_eq!(Strings::new(1).key(0).len(), 28);
    }

    fn round_trip<V: Stamped>() {
        let value = V::stamped(MAX_IDS - 1, STAMP_MASK);
        assert_eq!((value.id(), value.stamp()), (MAX_IDS - 1, STAMP_MASK));
        assert_eq!((value.bumped().id(), value.bumped().stamp()), (MAX_IDS - 1, 0));
    }

    #[test]
    fn values_tell_id_and_stamp() {
        round_trip::<u64>();
        round_trip::<Record>();
        round_trip::<Payload>();
    }
}

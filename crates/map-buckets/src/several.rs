//! Several keys at one instant.
//!
//! **Reading**: the copies of all keys are taken bucket by bucket, beside writers, each with the version of its bucket. If all
//! versions are unchanged afterwards, then at the instant between the last copy and the first of these questions all
//! keys had these values.
//!
//! **Writing**: the buckets of all keys are held at once, and let go after the last one has changed. A bucket that has changed says
//! "writing" until then, so who sees one of the changes, in a bucket that was let go, finds the others made, and their buckets
//! let go or still being written.
//!
//! **No deadlock**: buckets are held in the order of [`Bits::rank`], the bits of the hash reversed. A bucket of any depth is an
//! interval of that order, so whoever waits for a right bucket waits for one above all that it holds, whatever splits meanwhile. On the
//! way to it one may come to a wrong one: to one that was split, whose upper half is the right one, or to a half that is not in use
//! yet. The first is below, and may be the one that is held already, which is recognised; it is not below another one that is held, since
//! between the halves of a bucket there is nothing. The second is held only by who splits, who waits for nobody. All other operations wait
//! for a bucket only while they hold none.
//!
//! A snapshot holds all buckets, in the same order.
//!
//! **Source**: two-phase locking in a global order (Eswaran, Gray, Lorie and Traiger, CACM 1976).

use core::array;
use core::borrow::Borrow;

use crate::iter::Cursor;
use crate::raw::bits::{Bits, Depth};
use crate::raw::hold::{ByBucket, Found, Held};
use crate::raw::index::Index;
use crate::raw::plain;
use crate::table::{BucketTable, Core};
use crate::writer::Writer;

/// The buckets of several keys.
struct AllHeld<'table, K, V, const N: usize> {
    /// In the order of their ranks.
    held: Vec<Held<'table, K, V, ByBucket>>,
    /// Which of them each key belongs in.
    of: [usize; N],
}

impl<'table, K, V, const N: usize> AllHeld<'table, K, V, N> {
    /// Finds the `n`th key in its bucket.
    fn find(
        &mut self,
        n: usize,
        bits: Bits,
        is: impl Fn(&K) -> bool,
    ) -> Option<Found<'_, 'table, K, V, ByBucket>> {
        self.held[self.of[n]].find(bits.tag(), is)
    }

    /// Copies the values of all keys.
    fn copies(&mut self, bits: [Bits; N], is: impl Fn(usize, &K) -> bool) -> [Option<V>; N] {
        array::from_fn(|n| {
            let found = self.find(n, bits[n], |known| is(n, known))?;
            Some(plain::copy(found.value()))
        })
    }
}

/// What is to be stored when it is dropped, on unwinding too.
struct Changes<'a, 'table, K: Eq, V, const N: usize> {
    buckets: &'a mut AllHeld<'table, K, V, N>,
    bits: [Bits; N],
    keys: [K; N],
    values: [Option<V>; N],
    hint: &'a mut bool,
}

impl<K: Eq, V, const N: usize> Drop for Changes<'_, '_, K, V, N> {
    fn drop(&mut self) {
        for n in 0..N {
            let (bits, key) = (self.bits[n], &self.keys[n]);
            let found = self.buckets.find(n, bits, |known| known == key);
            match (found, self.values[n].take()) {
                (Some(found), Some(value)) => _ = found.replace(value),
                (Some(found), None) => _ = found.take(),
                (None, Some(value)) => {
                    let held = &mut self.buckets.held[self.buckets.of[n]];
                    *self.hint |= held.put(bits.tag(), (plain::copy(key), value));
                }
                (None, None) => {}
            }
        }
    }
}

impl<'table, K, V> Writer<'table, K, V> {
    /// Lends the values of several different keys to `f`, which may change them, take them out and put new ones in.
    pub fn transact<R, const N: usize>(
        &self,
        hashes: [u64; N],
        keys: [K; N],
        f: impl FnOnce(&mut [Option<V>; N]) -> R,
        rehash: impl Fn(&K) -> u64,
    ) -> R
    where
        K: Eq,
    {
        for _ in 0..N {
            self.core.help(ByBucket, &rehash);
        }
        let bits = hashes.map(Bits::of);
        let mut buckets = self.hold_all(bits);
        let values = buckets.copies(bits, |n, known| *known == keys[n]);
        let mut hint = false;
        let mut changes = Changes { buckets: &mut buckets, bits, keys, values, hint: &mut hint };
        let result = f(&mut changes.values);
        drop(changes);
        drop(buckets);
        self.core.grow_if_full(ByBucket, hint);
        result
    }

    fn hold_all<const N: usize>(&self, bits: [Bits; N]) -> AllHeld<'table, K, V, N> {
        let mut order: [usize; N] = array::from_fn(|n| n);
        order.sort_unstable_by_key(|&n| bits[n].rank());
        let mut held: Vec<Held<'table, K, V, ByBucket>> = Vec::with_capacity(N);
        let mut of = [0; N];
        let mut previous = None;
        for n in order {
            let joins = |one: Bits| held.last()?.header().depth().joins(one, bits[n]).then_some(());
            while previous.and_then(joins).is_none() {
                match hold_above(self.core, bits[n], held.last()) {
                    None => self.make_first(),
                    Some(next) => {
                        held.push(next);
                        break;
                    }
                }
            }
            of[n] = held.len() - 1;
            previous = Some(bits[n]);
        }
        AllHeld { held, of }
    }
}

/// Holds the bucket of a hash, which is above the last one held; `None` if there is no bucket at all.
fn hold_above<'table, K, V>(
    core: &'table Core<K, V>,
    bits: Bits,
    last: Option<&Held<'table, K, V, ByBucket>>,
) -> Option<Held<'table, K, V, ByBucket>> {
    let mut guess = core.index.guess(bits);
    loop {
        let depth = match core.index.bucket(guess) {
            Some(bucket)
                if last.is_some_and(|last| last.bucket().address() == bucket.address()) =>
            {
                bucket.header().depth()
            }
            Some(bucket) => {
                let held = Held::at(core, ByBucket, bucket);
                let depth = held.header().depth();
                if depth.is_right(bits, guess) {
                    return Some(held);
                }
                depth
            }
            None if guess == 0 => return None,
            None => Depth::NONE,
        };
        guess = Index::<K, V>::redirect(bits, guess, depth);
    }
}

impl<K, V> BucketTable<K, V> {
    /// Copies the values that several keys have at one instant, beside writers; takes their buckets' locks after many vain attempts.
    pub fn copy_many<Q, const N: usize>(&self, hashes: [u64; N], keys: [&Q; N]) -> [Option<V>; N]
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let (core, bits) = (self.core(), hashes.map(Bits::of));
        core.copy_many(bits, keys).unwrap_or_else(|_| copy_many_held(core, bits, keys))
    }

    /// Copies the entries of one instant, and locks out all writers for so long.
    pub fn snapshot(&self) -> Vec<(K, V)> {
        let core = self.core();
        let mut copies = Vec::with_capacity(self.len());
        let mut held = Vec::with_capacity(self.buckets());
        let mut cursor = Cursor::START;
        while let Some(bits) = cursor.bits() {
            let Some(next) = hold_above(core, bits, held.last()) else { break };
            cursor.pass(next.header().depth());
            copies
                .extend(next.entries().map(|(key, value)| (plain::copy(key), plain::copy(value))));
            held.push(next);
        }
        copies
    }
}

#[cold]
fn copy_many_held<K, V, Q, const N: usize>(
    core: &Core<K, V>,
    bits: [Bits; N],
    keys: [&Q; N],
) -> [Option<V>; N]
where
    K: Borrow<Q>,
    Q: Eq + ?Sized,
{
    Writer::new(core).hold_all(bits).copies(bits, |n, known| known.borrow() == keys[n])
}

#[cfg(test)]
#[path = "several_tests.rs"]
mod tests;

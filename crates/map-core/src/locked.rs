//! What a map under locks can give and a lock-free one cannot: several keys at once, one instant of all, values in place.

use core::borrow::Borrow;
use core::hash::Hash;

use crate::ConcurrentMap;

/// A map of which several entries can be held at once.
///
/// # Blocking and re-entrance
///
/// The closures run while the entries are held, and keep out whoever wants to change them; they should be short. Every method
/// but [`read_many`](Self::read_many) and [`snapshot`](Self::snapshot), which count as reads, counts as a write where calls from
/// inside closures are allowed or refused ([`Guarantees::reentrancy`](crate::Guarantees::reentrancy)). How several entries are held without a deadlock is the map's
/// business: calls with the same keys in opposite orders never wait for each other for ever.
///
/// # Panics in closures
///
/// What a closure has done to values before it panicked stays; no entry is lost, none stays locked.
pub trait LockedMap<K, V>: ConcurrentMap<K, V> {
    /// Lends the value of `key` to `f`, to be changed in place; `None` if the key is absent.
    ///
    /// Atomic: nobody sees the value while `f` is at work on it. Runs `f` once.
    fn modify<Q, R>(&self, key: &Q, f: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized;

    /// Lends the value of `key` to `f`, to be changed in place, inserting `make()` first if the key is absent.
    ///
    /// Atomic from `make` to the end of `f`, each of which runs once at the most. If `f` panics the entry stays inserted.
    fn modify_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&mut V) -> R,
    ) -> R;

    /// Lends every value to `f`, to be changed in place.
    ///
    /// Sees entries as [`try_for_each`](ConcurrentMap::try_for_each) does, and is atomic for each entry, not for all together.
    fn for_each_mut(&self, f: impl FnMut(&K, &mut V));

    /// Lends the values that several keys have at one instant; `None` for an absent key.
    ///
    /// A key may be given more than once. `N` log `N` steps.
    fn read_many<Q, R, const N: usize>(
        &self,
        keys: [&Q; N],
        f: impl FnOnce([Option<&V>; N]) -> R,
    ) -> R
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized;

    /// Changes several keys at one instant.
    ///
    /// `f` is given what each key has, `None` for an absent one. What it leaves there is what the keys have afterwards: it may
    /// change values in place, take them out, exchange them, put new ones in. Runs once. No other operation sees some of the
    /// keys before and some after. A stored key stays, as in [`insert`](ConcurrentMap::insert).
    ///
    /// `N` log `N` steps, comparisons of the hashes of each two keys, and of the keys where these are equal. A value that `f` drops is dropped while the entries are held.
    ///
    /// # Panics
    ///
    /// If two of the keys are equal; nothing is changed then.
    fn transact<R, const N: usize>(
        &self,
        keys: [K; N],
        f: impl FnOnce(&mut [Option<V>; N]) -> R,
    ) -> R;

    /// Lends all entries of one instant to `f`.
    ///
    /// Linear in the number of entries, and in the capacity. Writes wait until `f` has ended, or until the entries are copied if
    /// that is what the map lends; its documentation says which.
    fn snapshot<R>(&self, f: impl FnOnce(&mut dyn ExactSizeIterator<Item = (&K, &V)>) -> R) -> R;
}

/// Panics if two keys are equal.
///
/// For implementations of [`LockedMap::transact`], before they change anything.
///
/// # Panics
///
/// If two keys are equal, with the name of the map; or if their `Eq` does.
pub fn refuse_equal_keys<K: Eq, const N: usize>(map: &str, keys: &[K; N], hashes: &[u64; N]) {
    for later in 1..N {
        for earlier in 0..later {
            let equal = hashes[later] == hashes[earlier] && keys[later] == keys[earlier];
            assert!(
                !equal,
                "{map}: `transact` was given the same key twice, as number {earlier} and {later}"
            );
        }
    }
}

/// Gives a type that implements [`LockedMap`] the same operations as inherent methods.
///
/// As [`inherent_methods!`](crate::inherent_methods), with the same arguments.
#[macro_export]
macro_rules! locked_methods {
    (
        impl[$($generics:tt)*] $Type:ty, where [$($bounds:tt)*]
        , example $krate:literal $Name:literal
    ) => {
        /// What only a map under locks can give.
        impl<$($generics)*> $Type
        where
            $($bounds)*
        {
            /// Lends the value of `key` to `f`, to be changed in place; `None` if the key is absent.
            ///
            /// The exact guarantee: [`LockedMap::modify`](map_core::LockedMap::modify).
            #[doc = $crate::__example!([$krate $Name] [] "" "assert_eq!(map.modify(\"a\", |n| { *n += 1; *n }), Some(2));\nassert_eq!(map.modify(\"b\", |n| *n), None);")]
            #[inline]
            pub fn modify<Q, R>(&self, key: &Q, f: impl FnOnce(&mut V) -> R) -> Option<R>
            where
                K: ::core::borrow::Borrow<Q>,
                Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
            {
                $crate::LockedMap::<K, V>::modify(self, key, f)
            }

            /// Lends the value of `key` to `f`, to be changed in place, inserting `make()` first if the key is absent.
            ///
            /// The exact guarantee: [`LockedMap::modify_or_insert_with`](map_core::LockedMap::modify_or_insert_with).
            #[doc = $crate::__example!([$krate $Name] [] "" "map.modify_or_insert_with(\"b\", || 10, |n| *n += 1);\nassert_eq!(map.get(\"b\"), Some(11));")]
            #[inline]
            pub fn modify_or_insert_with<R>(
                &self,
                key: K,
                make: impl FnOnce() -> V,
                f: impl FnOnce(&mut V) -> R,
            ) -> R {
                $crate::LockedMap::<K, V>::modify_or_insert_with(self, key, make, f)
            }

            /// Lends every value to `f`, to be changed in place.
            ///
            /// The exact guarantee: [`LockedMap::for_each_mut`](map_core::LockedMap::for_each_mut).
            #[doc = $crate::__example!([$krate $Name] [] "" "map.for_each_mut(|_key, n| *n *= 10);\nassert_eq!(map.get(\"a\"), Some(10));")]
            pub fn for_each_mut(&self, f: impl FnMut(&K, &mut V)) {
                $crate::LockedMap::<K, V>::for_each_mut(self, f)
            }

            /// Lends the values that several keys have at one instant; `None` for an absent key.
            ///
            /// The exact guarantee: [`LockedMap::read_many`](map_core::LockedMap::read_many).
            #[doc = $crate::__example!([$krate $Name] [] "" "map.insert(\"b\", 2);\nlet sum = map.read_many([\"a\", \"b\"], |[a, b]| a.unwrap() + b.unwrap());\nassert_eq!(sum, 3);")]
            #[inline]
            pub fn read_many<Q, R, const N: usize>(
                &self,
                keys: [&Q; N],
                f: impl FnOnce([Option<&V>; N]) -> R,
            ) -> R
            where
                K: ::core::borrow::Borrow<Q>,
                Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
            {
                $crate::LockedMap::<K, V>::read_many(self, keys, f)
            }

            /// Changes several keys at one instant.
            ///
            /// The exact guarantee: [`LockedMap::transact`](map_core::LockedMap::transact).
            ///
            /// # Panics
            ///
            /// If two of the keys are equal; nothing is changed then.
            #[doc = $crate::__example!([$krate $Name] [] "" "// Gives the value of one key to another.\nmap.transact([\"a\", \"b\"], |[a, b]| *b = a.take());\nassert_eq!((map.get(\"a\"), map.get(\"b\")), (None, Some(1)));")]
            #[inline]
            pub fn transact<R, const N: usize>(
                &self,
                keys: [K; N],
                f: impl FnOnce(&mut [Option<V>; N]) -> R,
            ) -> R {
                $crate::LockedMap::<K, V>::transact(self, keys, f)
            }

            /// Lends all entries of one instant to `f`.
            ///
            /// The exact guarantee: [`LockedMap::snapshot`](map_core::LockedMap::snapshot).
            #[doc = $crate::__example!([$krate $Name] [] "" "let copy: Vec<_> = map.snapshot(|entries| entries.map(|(k, v)| (*k, *v)).collect());\nassert_eq!(copy, [(\"a\", 1)]);")]
            pub fn snapshot<R>(
                &self,
                f: impl FnOnce(&mut dyn ExactSizeIterator<Item = (&K, &V)>) -> R,
            ) -> R {
                $crate::LockedMap::<K, V>::snapshot(self, f)
            }
        }
    };
}

impl<K, V, M: LockedMap<K, V>> LockedMap<K, V> for &M {
    #[inline]
    fn modify<Q, R>(&self, key: &Q, f: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        (**self).modify(key, f)
    }

    #[inline]
    fn modify_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&mut V) -> R,
    ) -> R {
        (**self).modify_or_insert_with(key, make, f)
    }

    fn for_each_mut(&self, f: impl FnMut(&K, &mut V)) {
        (**self).for_each_mut(f);
    }

    #[inline]
    fn read_many<Q, R, const N: usize>(
        &self,
        keys: [&Q; N],
        f: impl FnOnce([Option<&V>; N]) -> R,
    ) -> R
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        (**self).read_many(keys, f)
    }

    #[inline]
    fn transact<R, const N: usize>(
        &self,
        keys: [K; N],
        f: impl FnOnce(&mut [Option<V>; N]) -> R,
    ) -> R {
        (**self).transact(keys, f)
    }

    fn snapshot<R>(&self, f: impl FnOnce(&mut dyn ExactSizeIterator<Item = (&K, &V)>) -> R) -> R {
        (**self).snapshot(f)
    }
}

//! The contract as inherent methods, so that a user of one map needs no import.

/// Gives a type that implements [`ConcurrentMap`](crate::ConcurrentMap) the same operations as
/// inherent methods.
///
/// `inherent_methods!(impl[generics] Type, where [bounds])`, and `, example "crate" "Type"` behind it
/// for runnable examples, which build a map with `Type::from`. The calling crate must depend on
/// `map-core` under its own name, for the links in the documentation.
#[macro_export]
macro_rules! inherent_methods {
    (
        impl[$($generics:tt)*] $Type:ty, where [$($bounds:tt)*]
        $(, example $krate:literal $Name:literal)?
    ) => {
        impl<$($generics)*> $Type
        where
            $($bounds)*
        {
            /// Lends the value of `key` to `f`; `None` if the key is absent.
            ///
            /// The exact guarantee: [`ConcurrentMap::read`](map_core::ConcurrentMap::read).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "assert_eq!(map.read(\"a\", |n| n + 1), Some(2));\nassert_eq!(map.read(\"b\", |n| n + 1), None);")]
            #[inline]
            pub fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
            where
                K: ::core::borrow::Borrow<Q>,
                Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
            {
                $crate::ConcurrentMap::<K, V>::read(self, key, f)
            }

            /// Returns a clone of the value of `key`.
            ///
            /// The exact guarantee: [`ConcurrentMap::get`](map_core::ConcurrentMap::get).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "assert_eq!(map.get(\"a\"), Some(1));\nassert_eq!(map.get(\"b\"), None);")]
            #[inline]
            pub fn get<Q>(&self, key: &Q) -> Option<V>
            where
                K: ::core::borrow::Borrow<Q>,
                Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
                V: Clone,
            {
                $crate::ConcurrentMap::<K, V>::get(self, key)
            }

            /// Returns whether `key` is present.
            ///
            /// The exact guarantee: [`ConcurrentMap::contains_key`](map_core::ConcurrentMap::contains_key).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "assert!(map.contains_key(\"a\") && !map.contains_key(\"b\"));")]
            #[inline]
            pub fn contains_key<Q>(&self, key: &Q) -> bool
            where
                K: ::core::borrow::Borrow<Q>,
                Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
            {
                $crate::ConcurrentMap::<K, V>::contains_key(self, key)
            }

            /// Looks up every key and calls `f(index, value)` once for each, in any order.
            ///
            /// The exact guarantee: [`ConcurrentMap::get_many`](map_core::ConcurrentMap::get_many).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "let mut values = [None; 2];\nmap.get_many([\"a\", \"b\"], |index, value| values[index] = value.copied());\nassert_eq!(values, [Some(1), None]);")]
            #[inline]
            pub fn get_many<'key, Q>(
                &self,
                keys: impl IntoIterator<Item = &'key Q>,
                f: impl FnMut(usize, Option<&V>),
            ) where
                K: ::core::borrow::Borrow<Q>,
                Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized + 'key,
            {
                $crate::ConcurrentMap::<K, V>::get_many(self, keys, f)
            }

            /// Sets the value of `key`; returns `true` if the key was absent.
            ///
            /// The exact guarantee: [`ConcurrentMap::insert`](map_core::ConcurrentMap::insert).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "assert!(map.insert(\"b\", 2));\nassert!(!map.insert(\"b\", 3));\nassert_eq!(map.get(\"b\"), Some(3));")]
            #[inline]
            pub fn insert(&self, key: K, value: V) -> bool {
                $crate::ConcurrentMap::<K, V>::insert(self, key, value)
            }

            /// Sets the value of `key` and lends the value it replaced to `f`.
            ///
            /// The exact guarantee: [`ConcurrentMap::insert_then`](map_core::ConcurrentMap::insert_then).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "let old = map.insert_then(\"a\", 2, |old| old.copied());\nassert_eq!(old, Some(1));")]
            #[inline]
            pub fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
                $crate::ConcurrentMap::<K, V>::insert_then(self, key, value, f)
            }

            /// Inserts `key` only if it is absent.
            ///
            /// # Errors
            ///
            /// If the key is present, nothing changes and the error gives back the key and the value.
            ///
            /// The exact guarantee: [`ConcurrentMap::try_insert`](map_core::ConcurrentMap::try_insert).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "assert!(map.try_insert(\"b\", 2).is_ok());\nlet error = map.try_insert(\"b\", 3).unwrap_err();\nassert_eq!((error.key, error.value), (\"b\", 3));")]
            #[inline]
            pub fn try_insert(&self, key: K, value: V) -> Result<(), $crate::TryInsertError<K, V>> {
                $crate::ConcurrentMap::<K, V>::try_insert(self, key, value)
            }

            /// Lends the value of `key` to `f`, inserting `make()` first if the key is absent.
            ///
            /// The exact guarantee: [`ConcurrentMap::get_or_insert_with`](map_core::ConcurrentMap::get_or_insert_with).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "assert_eq!(map.get_or_insert_with(\"b\", || 2, |n| *n), 2);\nassert_eq!(map.get_or_insert_with(\"b\", || unreachable!(), |n| *n), 2);")]
            #[inline]
            pub fn get_or_insert_with<R>(
                &self,
                key: K,
                make: impl FnOnce() -> V,
                f: impl FnOnce(&V) -> R,
            ) -> R {
                $crate::ConcurrentMap::<K, V>::get_or_insert_with(self, key, make, f)
            }

            /// Removes `key`; returns whether it was present.
            ///
            /// The exact guarantee: [`ConcurrentMap::remove`](map_core::ConcurrentMap::remove).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "assert!(map.remove(\"a\"));\nassert!(!map.remove(\"a\"));")]
            #[inline]
            pub fn remove<Q>(&self, key: &Q) -> bool
            where
                K: ::core::borrow::Borrow<Q>,
                Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
            {
                $crate::ConcurrentMap::<K, V>::remove(self, key)
            }

            /// Removes `key` and lends the removed value to `f`.
            ///
            /// The exact guarantee: [`ConcurrentMap::remove_then`](map_core::ConcurrentMap::remove_then).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "assert_eq!(map.remove_then(\"a\", |n| *n), Some(1));\nassert_eq!(map.remove_then(\"a\", |n| *n), None);")]
            #[inline]
            pub fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
            where
                K: ::core::borrow::Borrow<Q>,
                Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
            {
                $crate::ConcurrentMap::<K, V>::remove_then(self, key, f)
            }

            /// Removes `key` if `condition` holds for its value, in one atomic step.
            ///
            /// The exact guarantee: [`ConcurrentMap::remove_if`](map_core::ConcurrentMap::remove_if).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "assert!(!map.remove_if(\"a\", |n| *n > 1));\nassert!(map.remove_if(\"a\", |n| *n == 1));")]
            #[inline]
            pub fn remove_if<Q>(&self, key: &Q, condition: impl FnMut(&V) -> bool) -> bool
            where
                K: ::core::borrow::Borrow<Q>,
                Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
            {
                $crate::ConcurrentMap::<K, V>::remove_if(self, key, condition)
            }

            /// Replaces the value of `key` by `f` of it, atomically; `false` if the key is absent.
            ///
            /// The exact guarantee: [`ConcurrentMap::update`](map_core::ConcurrentMap::update).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "assert!(map.update(\"a\", |n| n + 1));\nassert!(!map.update(\"b\", |n| n + 1));\nassert_eq!(map.get(\"a\"), Some(2));")]
            #[inline]
            pub fn update<Q>(&self, key: &Q, f: impl FnMut(&V) -> V) -> bool
            where
                K: ::core::borrow::Borrow<Q>,
                Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
            {
                $crate::ConcurrentMap::<K, V>::update(self, key, f)
            }

            /// Decides over `key` atomically: `f` sees its value and says what becomes of it.
            ///
            /// The exact guarantee: [`ConcurrentMap::compute`](map_core::ConcurrentMap::compute).
            #[doc = $crate::__example!([$($krate $Name)?] ["Action, Outcome"] "" "let count = |n: Option<&i32>| Action::Put(n.map_or(1, |n| n + 1));\nassert_eq!(map.compute(\"a\", count), Outcome::Replaced);\nassert_eq!(map.compute(\"b\", count), Outcome::Inserted);")]
            #[inline]
            pub fn compute(
                &self,
                key: K,
                f: impl FnMut(Option<&V>) -> $crate::Action<V>,
            ) -> $crate::Outcome {
                $crate::ConcurrentMap::<K, V>::compute(self, key, f)
            }

            /// As `compute`, for a key that must be present; never inserts.
            ///
            /// The exact guarantee: [`ConcurrentMap::compute_if_present`](map_core::ConcurrentMap::compute_if_present).
            #[doc = $crate::__example!([$($krate $Name)?] ["Action, Outcome"] "" "let take = |n: &i32| if *n == 1 { Action::Remove } else { Action::Keep };\nassert_eq!(map.compute_if_present(\"a\", take), Outcome::Removed);\nassert_eq!(map.compute_if_present(\"a\", take), Outcome::Absent);")]
            #[inline]
            pub fn compute_if_present<Q>(
                &self,
                key: &Q,
                f: impl FnMut(&V) -> $crate::Action<V>,
            ) -> $crate::Outcome
            where
                K: ::core::borrow::Borrow<Q>,
                Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
            {
                $crate::ConcurrentMap::<K, V>::compute_if_present(self, key, f)
            }

            /// Replaces the value of `key` by `new` if it equals `current`.
            ///
            /// # Errors
            ///
            /// If the key is absent or its value differs, nothing changes and the error gives back `new`.
            ///
            /// The exact guarantee: [`ConcurrentMap::compare_exchange`](map_core::ConcurrentMap::compare_exchange).
            #[doc = $crate::__example!([$($krate $Name)?] ["CompareExchangeError"] "" "assert!(map.compare_exchange(\"a\", &1, 2).is_ok());\nlet refused = map.compare_exchange(\"a\", &1, 3).unwrap_err();\nassert_eq!(refused, CompareExchangeError::Mismatch(3));")]
            #[inline]
            pub fn compare_exchange<Q>(
                &self,
                key: &Q,
                current: &V,
                new: V,
            ) -> Result<(), $crate::CompareExchangeError<V>>
            where
                K: ::core::borrow::Borrow<Q>,
                Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
                V: PartialEq,
            {
                $crate::ConcurrentMap::<K, V>::compare_exchange(self, key, current, new)
            }

            /// Inserts every pair; returns how many keys were new.
            ///
            /// The exact guarantee: [`ConcurrentMap::insert_many`](map_core::ConcurrentMap::insert_many).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "assert_eq!(map.insert_many([(\"a\", 5), (\"b\", 6)]), 1);\nassert_eq!(map.get(\"a\"), Some(5));")]
            #[inline]
            pub fn insert_many(&self, entries: impl IntoIterator<Item = (K, V)>) -> usize {
                $crate::ConcurrentMap::<K, V>::insert_many(self, entries)
            }

            /// Lends every entry to `f` until it breaks; not a snapshot.
            ///
            /// The exact guarantee: [`ConcurrentMap::try_for_each`](map_core::ConcurrentMap::try_for_each).
            #[doc = $crate::__example!([$($krate $Name)?] [] "use std::ops::ControlFlow;\n" "let found = map.try_for_each(|key, value| {\n    if *value == 1 { ControlFlow::Break(*key) } else { ControlFlow::Continue(()) }\n});\nassert_eq!(found, ControlFlow::Break(\"a\"));")]
            #[inline]
            pub fn try_for_each<B>(
                &self,
                f: impl FnMut(&K, &V) -> ::core::ops::ControlFlow<B>,
            ) -> ::core::ops::ControlFlow<B> {
                $crate::ConcurrentMap::<K, V>::try_for_each(self, f)
            }

            /// Lends every entry to `f`; not a snapshot.
            ///
            /// The exact guarantee: [`ConcurrentMap::for_each`](map_core::ConcurrentMap::for_each).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "let mut sum = 0;\nmap.for_each(|_key, value| sum += value);\nassert_eq!(sum, 1);")]
            #[inline]
            pub fn for_each(&self, f: impl FnMut(&K, &V)) {
                $crate::ConcurrentMap::<K, V>::for_each(self, f)
            }

            /// Removes every entry for which `keep` returns `false`.
            ///
            /// The exact guarantee: [`ConcurrentMap::retain`](map_core::ConcurrentMap::retain).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "map.retain(|_key, value| *value > 1);\nassert!(map.is_empty());")]
            #[inline]
            pub fn retain(&self, keep: impl FnMut(&K, &V) -> bool) {
                $crate::ConcurrentMap::<K, V>::retain(self, keep)
            }

            /// Removes every entry that is present when the call begins.
            ///
            /// The exact guarantee: [`ConcurrentMap::clear`](map_core::ConcurrentMap::clear).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "map.clear();\nassert!(map.is_empty());")]
            #[inline]
            pub fn clear(&self) {
                $crate::ConcurrentMap::<K, V>::clear(self)
            }

            /// Returns the number of entries; exact when no write runs at the same time.
            ///
            /// The exact guarantee: [`ConcurrentMap::len`](map_core::ConcurrentMap::len).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "assert_eq!(map.len(), 1);")]
            #[inline]
            pub fn len(&self) -> usize {
                $crate::ConcurrentMap::<K, V>::len(self)
            }

            /// Returns whether the map holds no entry, as precisely as `len` does.
            ///
            /// The exact guarantee: [`ConcurrentMap::is_empty`](map_core::ConcurrentMap::is_empty).
            #[doc = $crate::__example!([$($krate $Name)?] [] "" "assert!(!map.is_empty());")]
            #[inline]
            pub fn is_empty(&self) -> bool {
                $crate::ConcurrentMap::<K, V>::is_empty(self)
            }
        }
    };
}

/// The text of a runnable example, or nothing for a type that has none.
#[doc(hidden)]
#[macro_export]
macro_rules! __example {
    ([] [$($items:literal)?] $uses:literal $body:literal) => {
        ""
    };
    ([$krate:literal $Name:literal] [$($items:literal)?] $uses:literal $body:literal) => {
        concat!(
            "\n```\n",
            $uses,
            "use ", $krate, "::{", $Name, $(", ", $items,)? "};\n\n",
            "let map = ", $Name, "::from([(\"a\", 1)]);\n",
            $body,
            "\n```",
        )
    };
}

//! Constructors and the traits of the standard library, serde and rayon, once for all maps.

/// Gives a map type `Map<K, V, S>` its constructors and the traits a user expects of a collection.
///
/// The type must implement [`ConcurrentMap`](crate::ConcurrentMap), [`BuildMap`](crate::BuildMap),
/// [`CapacityMap`](crate::CapacityMap) and the owned `IntoIterator`. The last argument lists what the
/// design asks of `K` and `V`. The calling crate must have the features `serde` and `rayon`, which
/// bring in the crates of these names.
#[macro_export]
macro_rules! std_traits {
    ($Map:ident, where [$($bounds:tt)*]) => {
        impl<K, V> $Map<K, V, $crate::DefaultHashBuilder>
        where
            $($bounds)*
        {
            /// Makes an empty map with the default hasher.
            pub fn new() -> Self {
                Self::with_capacity_and_hasher(0, Default::default())
            }

            /// Makes an empty map with room for `capacity` entries.
            ///
            /// # Panics
            ///
            /// If the room cannot be had.
            pub fn with_capacity(capacity: usize) -> Self {
                Self::with_capacity_and_hasher(capacity, Default::default())
            }
        }

        impl<K, V, S> $Map<K, V, S>
        where
            S: ::core::hash::BuildHasher,
            $($bounds)*
        {
            /// Makes an empty map that hashes keys with `hasher`.
            pub fn with_hasher(hasher: S) -> Self {
                Self::with_capacity_and_hasher(0, hasher)
            }

            /// Makes an empty map with room for `capacity` entries that hashes keys with `hasher`.
            ///
            /// # Panics
            ///
            /// If the room cannot be had.
            pub fn with_capacity_and_hasher(capacity: usize, hasher: S) -> Self {
                $crate::BuildMap::with_capacity_and_hasher(capacity, hasher)
            }

            /// As `with_capacity_and_hasher`, with an error in place of a panic.
            ///
            /// # Errors
            ///
            /// If the room cannot be had.
            pub fn try_with_capacity_and_hasher(
                capacity: usize,
                hasher: S,
            ) -> Result<Self, $crate::ReserveError> {
                $crate::BuildMap::try_with_capacity_and_hasher(capacity, hasher)
            }

            /// Returns how many entries fit before the map grows, at the least.
            pub fn capacity(&self) -> usize {
                $crate::CapacityMap::capacity(self)
            }

            /// Makes room for `additional` more entries.
            ///
            /// # Panics
            ///
            /// If the room cannot be had, before anything is changed.
            pub fn reserve(&self, additional: usize) {
                $crate::CapacityMap::reserve(self, additional);
            }

            /// Makes room for `additional` more entries.
            ///
            /// # Errors
            ///
            /// If the room cannot be had; the map is unchanged then.
            pub fn try_reserve(&self, additional: usize) -> Result<(), $crate::ReserveError> {
                $crate::CapacityMap::try_reserve(self, additional)
            }
        }

        impl<K, V, S> Default for $Map<K, V, S>
        where
            S: ::core::hash::BuildHasher + Default,
            $($bounds)*
        {
            fn default() -> Self {
                Self::with_hasher(S::default())
            }
        }

        impl<K, V, S> ::core::fmt::Debug for $Map<K, V, S>
        where
            K: ::core::fmt::Debug,
            V: ::core::fmt::Debug,
            S: ::core::hash::BuildHasher,
            $($bounds)*
        {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                let mut entries = f.debug_map();
                $crate::ConcurrentMap::for_each(self, |key: &K, value: &V| {
                    entries.entry(key, value);
                });
                entries.finish()
            }
        }

        /// Copies the entries, under the guarantee of `for_each`: no snapshot of a map that is
        /// being written.
        impl<K, V, S> Clone for $Map<K, V, S>
        where
            K: Clone,
            V: Clone,
            S: ::core::hash::BuildHasher + Clone,
            $($bounds)*
        {
            fn clone(&self) -> Self {
                let copy = Self::with_capacity_and_hasher(
                    $crate::ConcurrentMap::<K, V>::len(self),
                    self.hasher().clone(),
                );
                $crate::ConcurrentMap::for_each(self, |key: &K, value: &V| {
                    $crate::ConcurrentMap::insert(&copy, key.clone(), value.clone());
                });
                copy
            }
        }

        impl<K, V, S> FromIterator<(K, V)> for $Map<K, V, S>
        where
            S: ::core::hash::BuildHasher + Default,
            $($bounds)*
        {
            fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
                let entries = entries.into_iter();
                let map = Self::with_capacity_and_hasher(entries.size_hint().0, S::default());
                $crate::ConcurrentMap::insert_many(&map, entries);
                map
            }
        }

        // For the default hasher alone, as std's map does it: `Map::from([…])` then needs no annotation.
        impl<K, V, const N: usize> From<[(K, V); N]> for $Map<K, V, $crate::DefaultHashBuilder>
        where
            $($bounds)*
        {
            fn from(entries: [(K, V); N]) -> Self {
                entries.into_iter().collect()
            }
        }

        impl<K, V, S> Extend<(K, V)> for $Map<K, V, S>
        where
            S: ::core::hash::BuildHasher,
            $($bounds)*
        {
            fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
                $crate::ConcurrentMap::insert_many(self, entries);
            }
        }

        impl<K, V, S> Extend<(K, V)> for &$Map<K, V, S>
        where
            S: ::core::hash::BuildHasher,
            $($bounds)*
        {
            fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
                $crate::ConcurrentMap::insert_many(*self, entries);
            }
        }

        #[cfg(feature = "serde")]
        impl<K, V, S> serde::Serialize for $Map<K, V, S>
        where
            K: serde::Serialize,
            V: serde::Serialize,
            S: ::core::hash::BuildHasher,
            $($bounds)*
        {
            fn serialize<Z: serde::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
                // No length is announced: other threads may change it before the end.
                let mut entries = serializer.serialize_map(None)?;
                let result = $crate::ConcurrentMap::try_for_each(self, |key: &K, value: &V| {
                    match serde::ser::SerializeMap::serialize_entry(&mut entries, key, value) {
                        Ok(()) => ::core::ops::ControlFlow::Continue(()),
                        Err(error) => ::core::ops::ControlFlow::Break(error),
                    }
                });
                match result {
                    ::core::ops::ControlFlow::Continue(()) => {
                        serde::ser::SerializeMap::end(entries)
                    }
                    ::core::ops::ControlFlow::Break(error) => Err(error),
                }
            }
        }

        #[cfg(feature = "serde")]
        impl<'de, K, V, S> serde::Deserialize<'de> for $Map<K, V, S>
        where
            K: serde::Deserialize<'de>,
            V: serde::Deserialize<'de>,
            S: ::core::hash::BuildHasher + Default,
            $($bounds)*
        {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Entries<K, V, S>(::core::marker::PhantomData<(K, V, S)>);

                impl<'de, K, V, S> serde::de::Visitor<'de> for Entries<K, V, S>
                where
                    K: serde::Deserialize<'de>,
                    V: serde::Deserialize<'de>,
                    S: ::core::hash::BuildHasher + Default,
                    $($bounds)*
                {
                    type Value = $Map<K, V, S>;

                    fn expecting(
                        &self,
                        f: &mut ::core::fmt::Formatter<'_>,
                    ) -> ::core::fmt::Result {
                        f.write_str("a map")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut entries: A,
                    ) -> Result<Self::Value, A::Error> {
                        let map = $Map::with_hasher(S::default());
                        while let Some((key, value)) = entries.next_entry::<K, V>()? {
                            $crate::ConcurrentMap::insert(&map, key, value);
                        }
                        Ok(map)
                    }
                }

                deserializer.deserialize_map(Entries(::core::marker::PhantomData))
            }
        }

        #[cfg(feature = "rayon")]
        impl<K, V, S> rayon::iter::FromParallelIterator<(K, V)> for $Map<K, V, S>
        where
            K: Send + Sync,
            V: Send + Sync,
            S: ::core::hash::BuildHasher + Default + Send + Sync,
            $($bounds)*
        {
            fn from_par_iter<I>(entries: I) -> Self
            where
                I: rayon::iter::IntoParallelIterator<Item = (K, V)>,
            {
                let mut map = Self::default();
                rayon::iter::ParallelExtend::par_extend(&mut map, entries);
                map
            }
        }

        #[cfg(feature = "rayon")]
        impl<K, V, S> rayon::iter::ParallelExtend<(K, V)> for $Map<K, V, S>
        where
            K: Send + Sync,
            V: Send + Sync,
            S: ::core::hash::BuildHasher + Send + Sync,
            $($bounds)*
        {
            fn par_extend<I>(&mut self, entries: I)
            where
                I: rayon::iter::IntoParallelIterator<Item = (K, V)>,
            {
                let map = &*self;
                rayon::iter::ParallelIterator::for_each(
                    entries.into_par_iter(),
                    |(key, value)| {
                        $crate::ConcurrentMap::insert(map, key, value);
                    },
                );
            }
        }

        #[cfg(feature = "rayon")]
        impl<K, V, S> rayon::iter::IntoParallelIterator for $Map<K, V, S>
        where
            K: Send,
            V: Send,
            $($bounds)*
        {
            type Item = (K, V);
            type Iter = rayon::vec::IntoIter<(K, V)>;

            /// Gathers the entries into a vector and splits that.
            fn into_par_iter(self) -> Self::Iter {
                let entries: Vec<(K, V)> = self.into_iter().collect();
                rayon::iter::IntoParallelIterator::into_par_iter(entries)
            }
        }
    };
}

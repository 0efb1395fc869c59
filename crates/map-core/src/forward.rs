//! Forwarding of the whole contract to another value.

use crate::{ConcurrentMap, Guarantees};

/// Implements every method of [`ConcurrentMap`] inside an `impl` by calling it on another value.
///
/// `forward_concurrent_map!(K, V, map => target)` binds `map` to `&self` and forwards to the
/// expression `target`: `**map` for a reference, `map.pin()` for a map whose pin does the work, a
/// field for a wrapper. A wrapper that changes one operation implements that one by hand and all
/// others by hand too; it is meant for those that change none.
#[macro_export]
macro_rules! forward_concurrent_map {
    ($K:ident, $V:ident, $this:ident => $target:expr) => {
        #[inline]
        fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&$V) -> R) -> Option<R>
        where
            $K: ::core::borrow::Borrow<Q>,
            Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
        {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::read(&$target, key, f)
        }

        #[inline]
        fn get<Q>(&self, key: &Q) -> Option<$V>
        where
            $K: ::core::borrow::Borrow<Q>,
            Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
            $V: Clone,
        {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::get(&$target, key)
        }

        #[inline]
        fn contains_key<Q>(&self, key: &Q) -> bool
        where
            $K: ::core::borrow::Borrow<Q>,
            Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
        {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::contains_key(&$target, key)
        }

        #[inline]
        fn get_many<'key, Q>(
            &self,
            keys: impl IntoIterator<Item = &'key Q>,
            f: impl FnMut(usize, Option<&$V>),
        ) where
            $K: ::core::borrow::Borrow<Q>,
            Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized + 'key,
        {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::get_many(&$target, keys, f)
        }

        #[inline]
        fn insert(&self, key: $K, value: $V) -> bool {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::insert(&$target, key, value)
        }

        #[inline]
        fn insert_then<R>(&self, key: $K, value: $V, f: impl FnOnce(Option<&$V>) -> R) -> R {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::insert_then(&$target, key, value, f)
        }

        #[inline]
        fn try_insert(&self, key: $K, value: $V) -> Result<(), $crate::TryInsertError<$K, $V>> {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::try_insert(&$target, key, value)
        }

        #[inline]
        fn get_or_insert_with<R>(
            &self,
            key: $K,
            make: impl FnOnce() -> $V,
            f: impl FnOnce(&$V) -> R,
        ) -> R {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::get_or_insert_with(&$target, key, make, f)
        }

        #[inline]
        fn remove<Q>(&self, key: &Q) -> bool
        where
            $K: ::core::borrow::Borrow<Q>,
            Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
        {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::remove(&$target, key)
        }

        #[inline]
        fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&$V) -> R) -> Option<R>
        where
            $K: ::core::borrow::Borrow<Q>,
            Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
        {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::remove_then(&$target, key, f)
        }

        #[inline]
        fn remove_if<Q>(&self, key: &Q, condition: impl FnMut(&$V) -> bool) -> bool
        where
            $K: ::core::borrow::Borrow<Q>,
            Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
        {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::remove_if(&$target, key, condition)
        }

        #[inline]
        fn update<Q>(&self, key: &Q, f: impl FnMut(&$V) -> $V) -> bool
        where
            $K: ::core::borrow::Borrow<Q>,
            Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
        {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::update(&$target, key, f)
        }

        #[inline]
        fn compute(
            &self,
            key: $K,
            f: impl FnMut(Option<&$V>) -> $crate::Action<$V>,
        ) -> $crate::Outcome {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::compute(&$target, key, f)
        }

        #[inline]
        fn compute_if_present<Q>(
            &self,
            key: &Q,
            f: impl FnMut(&$V) -> $crate::Action<$V>,
        ) -> $crate::Outcome
        where
            $K: ::core::borrow::Borrow<Q>,
            Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
        {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::compute_if_present(&$target, key, f)
        }

        #[inline]
        fn compare_exchange<Q>(
            &self,
            key: &Q,
            current: &$V,
            new: $V,
        ) -> Result<(), $crate::CompareExchangeError<$V>>
        where
            $K: ::core::borrow::Borrow<Q>,
            Q: ::core::hash::Hash + ::core::cmp::Eq + ?Sized,
            $V: PartialEq,
        {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::compare_exchange(&$target, key, current, new)
        }

        #[inline]
        fn insert_many(&self, entries: impl IntoIterator<Item = ($K, $V)>) -> usize {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::insert_many(&$target, entries)
        }

        #[inline]
        fn try_for_each<B>(
            &self,
            f: impl FnMut(&$K, &$V) -> ::core::ops::ControlFlow<B>,
        ) -> ::core::ops::ControlFlow<B> {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::try_for_each(&$target, f)
        }

        #[inline]
        fn for_each(&self, f: impl FnMut(&$K, &$V)) {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::for_each(&$target, f)
        }

        #[inline]
        fn retain(&self, keep: impl FnMut(&$K, &$V) -> bool) {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::retain(&$target, keep)
        }

        #[inline]
        fn clear(&self) {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::clear(&$target)
        }

        #[inline]
        fn len(&self) -> usize {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::len(&$target)
        }

        #[inline]
        fn is_empty(&self) -> bool {
            let $this = self;
            $crate::ConcurrentMap::<$K, $V>::is_empty(&$target)
        }
    };
}

impl<K, V, M: ConcurrentMap<K, V> + ?Sized> ConcurrentMap<K, V> for &M {
    const GUARANTEES: Guarantees = M::GUARANTEES;

    forward_concurrent_map!(K, V, map => **map);
}

impl<K, V, M: ConcurrentMap<K, V> + ?Sized> ConcurrentMap<K, V> for std::sync::Arc<M> {
    const GUARANTEES: Guarantees = M::GUARANTEES;

    forward_concurrent_map!(K, V, map => **map);
}

//! The operations.
//!
//! Every writing operation is a loop: search, decide, try one step (see [`raw`](crate::raw)), and
//! search again if another thread was faster. What the caller gave is owned by a local in every round,
//! so a panic in `Hash`, `Eq` or a closure drops it and leaves the list as it was.
//!
//! The map's own operations pin the thread and call those of the pin.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::ops::ControlFlow;

use map_core::{
    Action, CompareExchangeError, ConcurrentMap, Guarantees, Outcome, Reentrancy, TryInsertError,
};

use crate::raw::{Gap, OwnedNode, OwnedValue, Search};
use crate::{CasListMap, CasListPin};

const GUARANTEES: Guarantees = Guarantees {
    name: "CasListMap",
    single_flight: false,
    closures_run_once: false,
    reentrancy: Reentrancy::Works,
};

/// A key and a value on their way into the list.
enum Offer<K, V> {
    Parts(K, V),
    Node(OwnedNode<K, V>),
}

impl<K, V> Offer<K, V> {
    #[inline]
    fn key(&self) -> &K {
        match self {
            Self::Parts(key, _) => key,
            Self::Node(node) => node.key(),
        }
    }

    #[inline]
    fn into_parts(self) -> (K, V) {
        match self {
            Self::Parts(key, value) => (key, value),
            Self::Node(node) => node.into_parts(),
        }
    }

    /// Tries to put it into a gap.
    #[inline]
    fn fill<'g>(self, order: u64, gap: Gap<'g, K, V>) -> Result<&'g V, Self> {
        let node = match self {
            Self::Parts(key, value) => OwnedNode::new(order, key, value),
            Self::Node(node) => node,
        };
        gap.fill(node).map_err(Self::Node)
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> ConcurrentMap<K, V> for CasListPin<'_, K, V, S> {
    const GUARANTEES: Guarantees = GUARANTEES;

    #[inline]
    fn read<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.session.get(self.map.order(key), |other| other.borrow() == key).map(f)
    }

    #[inline]
    fn insert_then<R>(&self, key: K, value: V, f: impl FnOnce(Option<&V>) -> R) -> R {
        let order = self.map.order(&key);
        let mut offer = Offer::Parts(key, value);
        loop {
            match self.session.search(order, |other| other == offer.key()) {
                Search::Live(live) => {
                    let (key, value) = offer.into_parts();
                    match live.replace(OwnedValue::new(value)) {
                        Ok(old) => return f(Some(old)),
                        Err(value) => offer = Offer::Parts(key, value.into_inner()),
                    }
                }
                Search::Gap(gap) => match offer.fill(order, gap) {
                    Ok(_) => return f(None),
                    Err(refused) => offer = refused,
                },
            }
        }
    }

    #[inline]
    fn try_insert(&self, key: K, value: V) -> Result<(), TryInsertError<K, V>> {
        let order = self.map.order(&key);
        let mut offer = Offer::Parts(key, value);
        loop {
            match self.session.search(order, |other| other == offer.key()) {
                Search::Live(_) => {
                    let (key, value) = offer.into_parts();
                    return Err(TryInsertError { key, value });
                }
                Search::Gap(gap) => match offer.fill(order, gap) {
                    Ok(_) => return Ok(()),
                    Err(refused) => offer = refused,
                },
            }
        }
    }

    #[inline]
    fn get_or_insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce() -> V,
        f: impl FnOnce(&V) -> R,
    ) -> R {
        let order = self.map.order(&key);
        let mut gap = match self.session.search(order, |other| *other == key) {
            Search::Live(live) => return f(live.value()),
            Search::Gap(gap) => gap,
        };
        let mut offer = Offer::Parts(key, make());
        loop {
            match offer.fill(order, gap) {
                Ok(value) => return f(value),
                Err(refused) => offer = refused,
            }
            gap = match self.session.search(order, |other| other == offer.key()) {
                Search::Live(live) => return f(live.value()),
                Search::Gap(gap) => gap,
            };
        }
    }

    #[inline]
    fn remove_then<Q, R>(&self, key: &Q, f: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let order = self.map.order(key);
        loop {
            match self.session.search(order, |other| other.borrow() == key) {
                Search::Gap(_) => return None,
                Search::Live(live) => {
                    if let Some(removed) = live.remove() {
                        return Some(f(removed));
                    }
                }
            }
        }
    }

    #[inline]
    fn compute(&self, key: K, mut f: impl FnMut(Option<&V>) -> Action<V>) -> Outcome {
        let order = self.map.order(&key);
        let mut key = key;
        loop {
            match self.session.search(order, |other| *other == key) {
                Search::Live(live) => match f(Some(live.value())) {
                    Action::Keep => return Outcome::Kept,
                    Action::Put(value) => {
                        if live.replace(OwnedValue::new(value)).is_ok() {
                            return Outcome::Replaced;
                        }
                    }
                    Action::Remove => {
                        if live.remove().is_some() {
                            return Outcome::Removed;
                        }
                    }
                },
                Search::Gap(gap) => match f(None) {
                    Action::Keep | Action::Remove => return Outcome::Absent,
                    Action::Put(value) => match gap.fill(OwnedNode::new(order, key, value)) {
                        Ok(_) => return Outcome::Inserted,
                        Err(refused) => key = refused.into_parts().0,
                    },
                },
            }
        }
    }

    #[inline]
    fn compute_if_present<Q>(&self, key: &Q, mut f: impl FnMut(&V) -> Action<V>) -> Outcome
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let order = self.map.order(key);
        loop {
            match self.session.search(order, |other| other.borrow() == key) {
                Search::Gap(_) => return Outcome::Absent,
                Search::Live(live) => match f(live.value()) {
                    Action::Keep => return Outcome::Kept,
                    Action::Put(value) => {
                        if live.replace(OwnedValue::new(value)).is_ok() {
                            return Outcome::Replaced;
                        }
                    }
                    Action::Remove => {
                        if live.remove().is_some() {
                            return Outcome::Removed;
                        }
                    }
                },
            }
        }
    }

    fn compare_exchange<Q>(
        &self,
        key: &Q,
        current: &V,
        mut new: V,
    ) -> Result<(), CompareExchangeError<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: PartialEq,
    {
        let order = self.map.order(key);
        loop {
            match self.session.search(order, |other| other.borrow() == key) {
                Search::Gap(_) => return Err(CompareExchangeError::Absent(new)),
                Search::Live(live) if live.value() != current => {
                    return Err(CompareExchangeError::Mismatch(new));
                }
                Search::Live(live) => match live.replace(OwnedValue::new(new)) {
                    Ok(_) => return Ok(()),
                    Err(refused) => new = refused.into_inner(),
                },
            }
        }
    }

    fn try_for_each<B>(&self, mut f: impl FnMut(&K, &V) -> ControlFlow<B>) -> ControlFlow<B> {
        self.session.walk(|key, live| f(key, live.value()))
    }

    fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        let _: ControlFlow<()> = self.session.walk(|key, live| {
            let mut live = Some(live);
            while let Some(entry) = live.take().filter(|entry| !keep(key, entry.value())) {
                live = entry.remove_or_reload();
            }
            ControlFlow::Continue(())
        });
    }

    fn clear(&self) {
        self.retain(|_, _| false);
    }

    fn len(&self) -> usize {
        self.session.len()
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> ConcurrentMap<K, V> for CasListMap<K, V, S> {
    const GUARANTEES: Guarantees = GUARANTEES;

    map_core::forward_concurrent_map!(K, V, map => map.pin());
}

//! The traits that a user expects of a collection.

use core::fmt::Debug;

use map_core::{BuildMap, ConcurrentMap};

use crate::calls::{fill, filled_value};
use crate::family::{Family, FullFamily, FullOf, empty};
use crate::harness::Random;
use crate::hashers::Mixed;
use crate::model::{Model, agree};
use crate::token::{Ended, Event, Ledger, Token, fused};
use crate::types::{TestKey, Unique};

type Numbers<F> = FullOf<F, u64, u64, Mixed>;

/// `Default` is empty.
pub fn default_is_empty<F: FullFamily>() {
    let map = Numbers::<F>::default();
    assert!(map.is_empty() && map.get(&1).is_none());
    assert!(map.into_iter().next().is_none());
}

/// `FromIterator` and `Extend` let a later pair win over an earlier one.
pub fn later_pairs_win<F: FullFamily>() {
    let mut map: Numbers<F> = (0..500).map(|n| (n % 100, n)).collect();
    agree(&map, &(400..500).map(|n| (n % 100, n)).collect());
    map.extend((0..150).map(|n| (n, 7)));
    agree(&map, &(0..150).map(|n| (n, 7)).collect());
}

/// Owned iteration gives each entry once, at every size and after every history.
pub fn owned_iteration_is_exact<F: FullFamily>() {
    for entries in [0, 1, 7, 8, 100, 3000_u64] {
        let map = Numbers::<F>::default();
        let mut model = Model::new();
        let mut random = Random::new(entries);
        for _ in 0..2 * entries {
            let (key, value) = (random.below(entries), random.draw());
            if random.below(4) == 0 {
                assert_eq!(map.remove(&key), model.remove(&key).is_some());
            } else {
                assert_eq!(map.insert(key, value), model.insert(key, value).is_none());
            }
        }
        let mut owned: Vec<_> = map.into_iter().collect();
        let mut expected: Vec<_> = model.into_iter().collect();
        owned.sort_unstable();
        expected.sort_unstable();
        assert_eq!(owned, expected, "{entries} entries");
    }
}

/// Owned iteration gives out keys and values that cannot be cloned.
pub fn owned_iteration_moves<F: FullFamily>() {
    let map: FullOf<F, Unique, Unique, Mixed> =
        (0..50).map(|n| (<Unique as TestKey>::make(n), <Unique as TestKey>::make(n))).collect();
    let mut numbers: Vec<_> = map
        .into_iter()
        .map(|(key, value)| (TestKey::number(&key), TestKey::number(&value)))
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..50).map(|n| (n, n)).collect::<Vec<_>>());
}

/// An owned iterator that is dropped half-way, at every point, drops the rest once.
pub fn owned_iteration_may_stop<F: FullFamily>() {
    for consumed in 0..20 {
        let ledger = Ledger::open();
        let map = FullOf::<F, Token, Token, Mixed>::with_capacity_and_hasher(0, Mixed);
        for number in 0..20 {
            map.insert(Token::new(ledger, number % 18), Token::new(ledger, number));
        }
        map.remove(&Token::new(ledger, 3));
        let mut entries = map.into_iter();
        for entry in entries.by_ref().take(consumed) {
            assert!(entry.0.number() == entry.1.number() % 18);
        }
        drop(entries);
        ledger.assert_settled(&format!("after {consumed} steps of the owned iterator"));
    }
}

/// A clone holds the same and goes its own way; `Debug` shows each entry once.
pub fn clone_and_debug<F: FullFamily>()
where
    Numbers<F>: Clone + Debug,
{
    let map: Numbers<F> = (0..300).map(|n| (n, n)).collect();
    let copy = map.clone();
    map.insert(1, 100);
    map.remove(&2);
    copy.insert(400, 400);
    agree(&copy, &(0..300).chain([400]).map(|n| (n, n)).collect());
    assert_eq!((map.get(&1), map.get(&2), map.get(&400)), (Some(100), None, None));

    let small: Numbers<F> = [(1, 10), (2, 20)].into_iter().collect();
    let shown = format!("{small:?}");
    assert!(shown == "{1: 10, 2: 20}" || shown == "{2: 20, 1: 10}", "{shown}");
}

/// At the n-th drop of a key or a value while the map itself is dropped: each other one is dropped all the same, and once.
pub fn a_panic_in_drop_drops_the_rest<F: Family>() {
    for entries in [1, 3, 14, 56] {
        for occurrence in 1.. {
            let ledger = Ledger::open();
            let map = empty::<F, Token, Token, Mixed>();
            fill(&map, ledger, entries);
            // So that there is something retired, too.
            map.insert(Token::new(ledger, 0), Token::new(ledger, 7));
            map.remove(&Token::new(ledger, 1));
            let ended = fused(Event::Drop, occurrence, || drop(map));
            let what =
                format!("after a panic in drop no. {occurrence} of a map of {entries} entries");
            ledger.assert_settled(&what);
            if ended == Ended::Whole {
                break;
            }
        }
    }
}

/// A panic at the n-th `Clone`, `Hash` or `Eq` while a map is cloned reaches the caller, and leaves the map as it is and
/// nothing of the copy.
pub fn a_panic_in_clone_leaves_nothing<F: FullFamily>()
where
    FullOf<F, Token, Token, Mixed>: Clone,
{
    for (event, entries) in [Event::Clone, Event::Hash, Event::Eq]
        .into_iter()
        .flat_map(|event| [1, 14, 56].map(|entries| (event, entries)))
    {
        for occurrence in 1.. {
            let ledger = Ledger::open();
            let map = FullOf::<F, Token, Token, Mixed>::with_capacity_and_hasher(0, Mixed);
            fill(&map, ledger, entries);
            let mut copied = entries as usize;
            let ended = fused(event, occurrence, || copied = map.clone().len());
            let what =
                format!("after a panic in {event:?} no. {occurrence} of a clone of {entries}");
            assert_ne!(ended, Ended::Swallowed, "{what}: the panic does not reach the caller");
            assert_eq!(copied as u64, entries, "{what}: the copy");
            for key in 0..entries {
                let value = map.read(&Token::new(ledger, key), Token::number);
                assert_eq!(value, Some(filled_value(key)), "{what}: key {key}");
            }
            drop(map);
            ledger.assert_settled(&what);
            if ended == Ended::Whole {
                break;
            }
        }
    }
}

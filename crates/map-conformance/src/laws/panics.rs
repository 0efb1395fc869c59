//! User code may panic anywhere: the panic reaches the caller, the map stays usable, nothing is lost,
//! leaked or dropped twice.
//!
//! For each operation, on maps of sizes around those at which tables grow, the n-th occurrence of an
//! event panics, for n from 1 until the operation ends without that many. Then each key must be as it
//! was before the call or as it is after an undisturbed one, the map must agree with itself, take and
//! give up entries, and all tokens must be dropped once.

use std::collections::BTreeMap;

use map_core::ConcurrentMap;

use crate::calls::{Call, Effect, calls, fill, filled_value};
use crate::family::{Family, HashState, MapOf, empty};
use crate::hashers::{Collide, Mixed};
use crate::token::{Ended, Event, Ledger, Token, fused};

/// Sizes before and after which a table is likely to grow.
const SIZES: [u64; 8] = [2, 3, 7, 8, 14, 28, 56, 112];

/// At the n-th call of a key's `Hash`.
pub fn in_hash<F: Family>() {
    inject::<F, Mixed>(Event::Hash, &SIZES, true);
}

/// At the n-th call of a key's or a value's `Eq`.
pub fn in_eq<F: Family>() {
    inject::<F, Mixed>(Event::Eq, &SIZES, true);
    inject::<F, Collide>(Event::Eq, &[2, 12], true);
}

/// At the n-th call of a value's `Clone`.
pub fn in_clone<F: Family>() {
    inject::<F, Mixed>(Event::Clone, &SIZES, true);
}

/// At the n-th run of a closure, or step of an iterator that the map was given.
pub fn in_closures<F: Family>() {
    inject::<F, Mixed>(Event::Closure, &SIZES, true);
    inject::<F, Collide>(Event::Closure, &[2, 12], true);
}

/// At the n-th drop of a key or a value. Whether the rest leaks is the next law's matter.
pub fn in_drop<F: Family>() {
    inject::<F, Mixed>(Event::Drop, &SIZES, false);
}

/// A panic in the drop of one key or value keeps no other from being dropped.
pub fn in_drop_leaks_nothing<F: Family>() {
    inject::<F, Mixed>(Event::Drop, &SIZES, true);
}

type Contents = BTreeMap<u64, u64>;

fn contents(map: &impl ConcurrentMap<Token, Token>, what: &str) -> Contents {
    let mut contents = Contents::new();
    map.for_each(|key, value| {
        let twice = contents.insert(key.number(), value.number());
        assert_eq!(twice, None, "{what}: key {} is visited twice", key.number());
    });
    contents
}

fn inject<F: Family, S: HashState>(event: Event, sizes: &[u64], settle: bool) {
    for &entries in sizes {
        for call in calls::<MapOf<F, Token, Token, S>>() {
            let after = {
                let ledger = Ledger::open();
                let map = empty::<F, Token, Token, S>();
                fill(&map, ledger, entries);
                (call.make)(&map, ledger);
                contents(&map, call.name)
            };
            for occurrence in 1.. {
                if inject_once::<F, S>(&call, event, occurrence, entries, &after, settle) {
                    break;
                }
            }
        }
    }
}

/// Returns whether the event did not occur that often.
fn inject_once<F: Family, S: HashState>(
    call: &Call<MapOf<F, Token, Token, S>>,
    event: Event,
    occurrence: u64,
    entries: u64,
    after: &Contents,
    settle: bool,
) -> bool {
    let name = call.name;
    let what =
        format!("after a panic in {event:?} no. {occurrence} of `{name}`, {entries} entries");
    let ledger = Ledger::open();
    let map = empty::<F, Token, Token, S>();
    fill(&map, ledger, entries);
    let ended = fused(event, occurrence, || (call.make)(&map, ledger));
    if event != Event::Drop {
        assert_ne!(ended, Ended::Swallowed, "{what}: the panic does not reach the caller");
    }
    ledger.assert_none_twice(&what);

    let before: Contents = (0..entries).map(|key| (key, filled_value(key))).collect();
    let found = contents(&map, &what);
    assert_eq!(map.len(), found.len(), "{what}: len");
    match (ended, event, call.effect) {
        (Ended::Whole, ..) => assert_eq!(found, *after, "{what}"),
        (_, Event::Closure, Effect::None) => assert_eq!(found, before, "{what}: no effect yet"),
        (_, Event::Closure, Effect::Full) => assert_eq!(found, *after, "{what}: full effect"),
        _ => each_key_is_old_or_new(&found, &before, after, &what),
    }
    for (key, value) in &found {
        let looked_up = map.read(&Token::new(ledger, *key), Token::number);
        assert_eq!(looked_up, Some(*value), "{what}: looking up key {key}");
    }

    // Another thread must get in too: no lock is held. The watchdog sees if it cannot.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for key in (0..entries + 40).chain(found.keys().copied()) {
                map.insert(Token::new(ledger, key), Token::new(ledger, 5));
                let value = map.read(&Token::new(ledger, key), Token::number);
                assert_eq!(value, Some(5), "{what}: inserting key {key}");
            }
            map.retain(|_, _| false);
            assert_eq!((map.len(), contents(&map, &what).len()), (0, 0), "{what}: emptied");
        });
    });
    drop(map);
    ledger.assert_none_twice(&what);
    if settle {
        ledger.assert_settled(&what);
    }
    ended == Ended::Whole
}

fn each_key_is_old_or_new(found: &Contents, before: &Contents, after: &Contents, what: &str) {
    for key in found.keys().chain(before.keys()).chain(after.keys()) {
        let value = found.get(key);
        let (old, new) = (before.get(key), after.get(key));
        assert!(
            value == old || value == new,
            "{what}: key {key} has {value:?}, had {old:?} before and should have {new:?} after"
        );
    }
}

//! Every key and value is dropped exactly once, at the latest with the map.

use map_core::{Action, ConcurrentMap, PinMap};

use crate::calls::{calls, fill};
use crate::family::{Family, MapOf, empty};
use crate::harness::{Random, TEAMS, rounds, team};
use crate::hashers::{Collide, Mixed};
use crate::token::{Ended, Event, Ledger, Token, fused};

/// After each operation, on maps of several sizes.
pub fn after_every_operation<F: Family>() {
    for entries in [2, 13, 120] {
        for call in calls::<MapOf<F, Token, Token, Mixed>>() {
            let ledger = Ledger::open();
            let map = empty::<F, Token, Token, Mixed>();
            fill(&map, ledger, entries);
            (call.make)(&map, ledger);
            ledger.assert_none_twice(call.name);
            drop(map);
            ledger.assert_settled(call.name);
        }
    }
}

/// After each operation through a pin, where all keys collide.
pub fn after_every_operation_pinned<F: Family>() {
    let ledger = Ledger::open();
    for call in calls::<MapOf<F, Token, Token, Collide>>() {
        let map = empty::<F, Token, Token, Collide>();
        {
            let mut pin = map.pin();
            fill(&pin, ledger, 12);
            (call.make)(&map, ledger);
            map.refresh(&mut pin);
            pin.for_each(|key, value| _ = (key.number(), value.number()));
        }
        drop(map);
        ledger.assert_settled(call.name);
    }
}

/// After threads have raced for few keys with every writing operation.
pub fn after_a_race<F: Family>() {
    for threads in TEAMS {
        rounds(50, |round| {
            let ledger = Ledger::open();
            let map = empty::<F, Token, Token, Mixed>();
            team(threads, |member| churn(&map, ledger, round * 16 + member as u64));
            ledger.assert_none_twice("after a race");
            drop(map);
            ledger.assert_settled("after a race and the map's own drop");
        });
    }
}

fn churn(map: &impl ConcurrentMap<Token, Token>, ledger: &'static Ledger, stream: u64) {
    let mut random = Random::new(stream);
    for _ in 0..300 {
        let token = |number| Token::new(ledger, number);
        let key = token(random.below(6));
        let value = token(random.below(3));
        match random.below(12) {
            0 => _ = map.insert(key, value),
            1 => _ = map.insert_then(key, value, |old| old.map(Token::number)),
            2 => _ = map.try_insert(key, value),
            3 => _ = map.get_or_insert_with(key, || value, Token::number),
            4 => _ = map.remove(&key),
            5 => _ = map.remove_then(&key, Token::number),
            6 => _ = map.update(&key, |old| token(old.number() + 1)),
            7 => {
                _ = map.compute(key, |old| match old {
                    Some(old) if old.number() > 2 => Action::Remove,
                    _ => Action::Put(token(3)),
                });
            }
            8 => _ = map.compare_exchange(&key, &token(1), value),
            9 => map.retain(|key, value| (key.number() + value.number()) % 5 != 0),
            10 => _ = map.insert_many([(key, value), (token(4), token(5))]),
            _ if random.below(8) == 0 => map.clear(),
            _ => _ = map.get(&key),
        }
    }
}

/// What was removed is dropped while the map lives: a map that is used keeps no more than a bounded
/// part of what has passed through it.
pub fn garbage_is_bounded<F: Family>() {
    const PASSED: u64 = 30_000;
    let ledger = Ledger::open();
    let map = empty::<F, Token, Token, Mixed>();
    for number in 0..PASSED {
        map.insert(Token::new(ledger, number), Token::new(ledger, number));
        map.remove(&Token::new(ledger, number));
    }
    assert!(map.is_empty());
    let kept = ledger.alive() as u64;
    assert!(kept < PASSED / 4, "{kept} of {} keys and values are kept by an empty map", 2 * PASSED);
    drop(map);
    ledger.assert_settled("after the map's own drop");
}

/// No operation clones a key or value that its caller did not ask for.
pub fn nothing_is_cloned<F: Family>() {
    for call in calls::<MapOf<F, Token, Token, Mixed>>() {
        if call.name.starts_with("get,") || call.name == "get" {
            continue;
        }
        for entries in [2, 13, 120] {
            let ledger = Ledger::open();
            let map = empty::<F, Token, Token, Mixed>();
            fill(&map, ledger, entries);
            let ended = fused(Event::Clone, 1, || (call.make)(&map, ledger));
            assert_eq!(ended, Ended::Whole, "`{}` clones a key or a value", call.name);
        }
    }
}

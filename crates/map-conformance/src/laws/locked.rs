//! What a map under locks offers beyond the contract, on one thread: values in place, several keys, snapshots.

use core::cell::RefCell;
use core::hash::{Hash, Hasher};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use map_core::{BuildMap, ConcurrentMap, LockedMap};

use crate::family::{HashState, LockedFamily, LockedOf, PlainKey, PlainValue};
use crate::harness::{Random, message, scaled};
use crate::hashers::{Collide, Identity, Mixed};
use crate::model::{Model, agree};
use crate::token::{Ended, Event, Ledger, Token, fused, tick};
use crate::types::{Large, TestKey, TestValue, Unique};

/// Makes an empty map.
pub(super) fn new<F: LockedFamily, K, V, S>() -> LockedOf<F, K, V, S>
where
    K: PlainKey,
    V: PlainValue,
    S: HashState,
{
    LockedOf::<F, K, V, S>::with_capacity_and_hasher(F::ROOM, S::default())
}

/// Every operation answers as a map of one thread does.
pub fn agrees_with_a_model<F: LockedFamily>() {
    in_turn::<F, u64, u64, Mixed>(12, 3000);
    in_turn::<F, u64, u64, Mixed>(400, 6000);
    in_turn::<F, u64, u64, Identity>(100, 3000);
    in_turn::<F, u64, u64, Collide>(40, 2000);
    in_turn::<F, u64, (), Mixed>(100, 2000);
    in_turn::<F, String, Large, Mixed>(60, 3000);
    in_turn::<F, Unique, Unique, Mixed>(400, 4000);
    in_turn::<F, Unique, Unique, Collide>(40, 2000);
}

fn in_turn<F: LockedFamily, K: TestKey, V: TestValue, S: HashState>(keys: u64, steps: u64) {
    let map = new::<F, K, V, S>();
    let (mut model, mut random) = (Model::new(), Random::new(keys));
    for step in 0..scaled(steps) {
        // The number that the type makes of it: there is only one `()`.
        let value = V::make(step).number();
        let key = K::make(random.below(keys));
        let number = key.number();
        match random.below(10) {
            0 => {
                let old = map
                    .modify(key.borrow(), |held| core::mem::replace(held, V::make(step)).number());
                let known = model.get_mut(&number);
                assert_eq!(old, known.map(|known| core::mem::replace(known, value)), "modify");
            }
            1 => {
                let seen = map.modify_or_insert_with(
                    key,
                    || V::make(step),
                    |held| core::mem::replace(held, V::make(step + 1)).number(),
                );
                let known = model.insert(number, V::make(step + 1).number());
                assert_eq!(seen, known.unwrap_or(value), "modify_or_insert_with");
            }
            2 => assert_eq!(map.remove(key.borrow()), model.remove(&number).is_some()),
            3 => assert_eq!(map.insert(key, V::make(step)), model.insert(number, value).is_none()),
            4 => transact::<K, V, _, 1>(&map, &mut model, &mut random, keys, step),
            5 => transact::<K, V, _, 2>(&map, &mut model, &mut random, keys, step),
            6 => transact::<K, V, _, 5>(&map, &mut model, &mut random, keys, step),
            7 if step % 8 == 0 => {
                transact::<K, V, _, 33>(&map, &mut model, &mut random, keys, step)
            }
            8 => {
                let others = [number, random.below(keys), random.below(keys)].map(K::make);
                let seen = map.read_many(others.each_ref().map(K::borrow), |values| {
                    values.map(|value| value.map(V::number))
                });
                assert_eq!(seen, others.map(|key| model.get(&key.number()).copied()), "read_many");
            }
            _ if step % 16 == 0 => {
                map.for_each_mut(|key, held| {
                    assert_eq!(model.get(&key.number()), Some(&held.number()));
                    *held = V::make(held.number() + 1);
                });
                model.values_mut().for_each(|known| *known = V::make(*known + 1).number());
            }
            _ => {}
        }
        if step % 64 == 0 {
            let entries: Vec<_> = map.snapshot(|entries| {
                assert_eq!(entries.len(), model.len(), "the length of a snapshot");
                entries.map(|(key, value)| (key.number(), value.number())).collect()
            });
            assert_eq!(entries.len(), model.len(), "a snapshot shows a key twice, or not at all");
            assert_eq!(entries.into_iter().collect::<Model>(), model, "a snapshot");
            agree(&map, &model);
        }
    }
    map.transact([], |_: &mut [Option<V>; 0]| ());
    agree(&map, &model);
}

/// Changes `N` different keys in one go, as chance has it, and the model alike.
fn transact<K: TestKey, V: TestValue, M: LockedMap<K, V>, const N: usize>(
    map: &M,
    model: &mut Model,
    random: &mut Random,
    keys: u64,
    step: u64,
) {
    if keys < N as u64 {
        return;
    }
    let start = random.below(keys);
    let chosen: [u64; N] = core::array::from_fn(|n| (start + n as u64) % keys);
    let what: [u64; N] = core::array::from_fn(|_| random.below(5));
    map.transact(chosen.map(K::make), |values| {
        let seen = values.each_ref().map(|value| value.as_ref().map(V::number));
        assert_eq!(seen, chosen.map(|key| model.get(&key).copied()), "what a transaction sees");
        for n in 0..N {
            match what[n] {
                0 => values[n] = None,
                1 => values[n] = Some(V::make(step)),
                2 => values.swap(n, 0),
                3 => values[n].iter_mut().for_each(|value| *value = V::make(value.number() + 1)),
                _ => {}
            }
        }
        for (key, value) in chosen.iter().zip(&*values) {
            match value {
                None => _ = model.remove(key),
                Some(value) => _ = model.insert(*key, value.number()),
            }
        }
    });
}

/// A transaction on one key twice is refused, and nothing is changed.
pub fn equal_keys_are_refused<F: LockedFamily>() {
    fn refused<M: LockedMap<u64, V>, V: TestValue>(map: &M) {
        (0..5).for_each(|key| _ = map.insert(key, V::make(key)));
        for keys in [[1, 2, 1], [9, 9, 1], [3, 4, 4]] {
            let panic = catch_unwind(AssertUnwindSafe(|| {
                map.transact(keys, |values| values.fill_with(|| None));
            }));
            let text = message(&*panic.expect_err("equal keys are not refused"));
            assert!(text.contains(M::GUARANTEES.name) && text.contains("`transact`"), "{text}");
            agree(map, &(0..5).map(|key| (key, key)).collect());
        }
    }
    refused(&new::<F, u64, u64, Mixed>());
    refused(&new::<F, u64, Unique, Mixed>());
    refused(&new::<F, u64, Unique, Collide>());
}

/// A key that is equal to others and can be told from them.
struct Spelled(u64, &'static str);

impl Hash for Spelled {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

impl PartialEq for Spelled {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Spelled {}

/// A transaction that leaves a present key its value, or gives it another, leaves it the stored key, too.
pub fn stored_keys_stay<F: LockedFamily>() {
    let map = new::<F, Spelled, u64, Mixed>();
    let spelling =
        || map.snapshot(|entries| entries.map(|(key, value)| (key.1, *value)).collect::<Vec<_>>());
    map.insert(Spelled(1, "stored"), 1);
    map.transact([Spelled(1, "given")], |[value]| assert_eq!(*value, Some(1)));
    assert_eq!(spelling(), [("stored", 1)]);
    map.transact([Spelled(1, "given")], |[value]| *value = Some(2));
    map.modify_or_insert_with(Spelled(1, "given"), || unreachable!("present"), |value| *value += 1);
    assert_eq!(spelling(), [("stored", 3)]);
    map.transact([Spelled(1, "given")], |[value]| *value = None);
    map.transact([Spelled(1, "new")], |[value]| *value = Some(4));
    assert_eq!(spelling(), [("new", 4)]);
}

/// What a closure has done before it panics stays, of plain values and of others.
pub fn what_was_done_before_a_panic_stays<F: LockedFamily>() {
    fn stays<M: LockedMap<u64, V>, V: TestValue>(map: &M) {
        (0..40).for_each(|key| _ = map.insert(key, V::make(key)));
        let panics = |f: &dyn Fn()| catch_unwind(AssertUnwindSafe(f)).expect_err("no panic");
        panics(&|| {
            map.modify(&1, |value| {
                *value = V::make(101);
                panic!("on purpose")
            })
            .unwrap()
        });
        panics(&|| {
            map.modify_or_insert_with(
                77,
                || V::make(7),
                |value| {
                    *value = V::make(177);
                    panic!("on purpose")
                },
            )
        });
        panics(&|| {
            map.transact([2, 3, 50, 51], |[taken, changed, new, _]| {
                *taken = None;
                *changed = Some(V::make(103));
                *new = Some(V::make(150));
                panic!("on purpose")
            })
        });
        panics(&|| {
            map.for_each_mut(|key, value| {
                if *key == 4 {
                    *value = V::make(104);
                    panic!("on purpose")
                }
            });
        });
        panics(&|| map.read_many([&1, &2], |_| panic!("on purpose")));
        panics(&|| map.snapshot(|_| panic!("on purpose")));
        let changed = [(1, 101), (3, 103), (4, 104), (50, 150), (77, 177)];
        let mut model: Model = (0..40).map(|key| (key, key)).chain(changed).collect();
        model.remove(&2);
        agree(map, &model);
        assert!(map.insert(2, V::make(2)) && map.remove(&50), "the map is usable after the panics");
    }
    stays(&new::<F, u64, u64, Mixed>());
    stays(&new::<F, u64, Unique, Mixed>());
    stays(&new::<F, u64, Unique, Collide>());
}

type Tokens<F, S> = LockedOf<F, Token, Token, S>;

/// The n-th `Hash`, `Eq`, `Drop` or closure panics, for every n: no entry is lost, each token is dropped once.
pub fn panics_lose_nothing<F: LockedFamily>() {
    for event in [Event::Hash, Event::Eq, Event::Drop, Event::Closure] {
        for entries in [0, 3, 7, 14, 28, 56] {
            (1..).find(|&nth| !panic_once::<F, Mixed>(event, entries, nth));
        }
        (1..).find(|&nth| !panic_once::<F, Collide>(event, 9, nth));
    }
}

/// Returns whether there was an n-th event.
fn panic_once<F: LockedFamily, S: HashState>(event: Event, entries: u64, nth: u64) -> bool {
    let ledger = Ledger::open();
    let token = |number| Token::new(ledger, number);
    let map: Tokens<F, S> = new::<F, Token, Token, S>();
    (0..entries).for_each(|key| _ = map.insert(token(key), token(key)));
    let ended = fused(event, nth, || {
        map.transact([0, 1, 600, 601].map(token), |values| {
            tick(Event::Closure);
            values.swap(0, 1);
            values[2] = Some(token(1000));
            values[3] = values[1].take();
        });
        map.modify(&token(2), |value| {
            tick(Event::Closure);
            *value = token(1002);
        });
        map.modify_or_insert_with(
            token(500),
            || token(5),
            |value| {
                tick(Event::Closure);
                *value = token(1005);
            },
        );
        map.read_many([&token(0), &token(7)], |_| tick(Event::Closure));
    });
    let what = format!("{entries} entries, {event:?} no. {nth}");
    ledger.assert_none_twice(&what);
    let mut found = BTreeMap::new();
    map.for_each(|key, value| _ = found.insert(key.number(), value.number()));
    assert_eq!(found.len(), map.len(), "{what}: the length");
    for key in 2..entries {
        assert!(found.contains_key(&key), "{what}: key {key}, which nobody removes, is lost");
        assert!(map.contains_key(&token(key)), "{what}: key {key} is not found");
    }
    assert!(map.insert(token(900), token(9)), "{what}: the map is not usable");
    let alive = 2 * map.len();
    assert_eq!(ledger.alive(), alive, "{what}: a token leaked, or one was dropped too early");
    drop(map);
    ledger.assert_settled(&what);
    ended != Ended::Whole
}

/// Reads may be nested in the closures of reads, all else is refused by a panic that names the map and both operations.
pub fn closures_may_read_in_reads<F: LockedFamily>() {
    nested(&new::<F, u64, u64, Mixed>());
    nested(&new::<F, u64, Unique, Mixed>());
}

type Nested<'a, M> = (&'a str, bool, &'a dyn Fn(&M, &dyn Fn()));

fn nested<M: LockedMap<u64, V>, V: TestValue>(map: &M) {
    (0..4).for_each(|key| _ = map.insert(key, V::make(key)));
    let operations: [Nested<'_, M>; 8] = [
        ("read", true, &|map, f| _ = map.read(&1, |_| f())),
        ("read_many", true, &|map, f| map.read_many([&1, &2, &9], |_| f())),
        ("snapshot", true, &|map, f| map.snapshot(|_| f())),
        ("modify", false, &|map, f| _ = map.modify(&1, |_| f())),
        ("modify_or_insert_with", false, &|map, f| {
            map.modify_or_insert_with(1, || unreachable!("present"), |_| f());
        }),
        ("transact", false, &|map, f| map.transact([1, 2, 9], |_| f())),
        ("for_each_mut", false, &|map, f| {
            let mut first = true;
            map.for_each_mut(|_, _| {
                if core::mem::take(&mut first) {
                    f();
                }
            });
        }),
        ("remove_if", false, &|map, f| {
            map.remove_if(&1, |_| {
                f();
                false
            });
        }),
    ];
    for (outer, outer_reads, call_outer) in &operations {
        for (inner, inner_reads, call_inner) in &operations {
            let pair = format!("`{inner}` inside `{outer}`");
            let refusal = RefCell::new(None);
            call_outer(map, &|| {
                let ended = catch_unwind(AssertUnwindSafe(|| call_inner(map, &|| ())));
                refusal.replace(ended.err().map(|panic| message(&*panic)));
            });
            match (refusal.into_inner(), *outer_reads && *inner_reads) {
                (None, works) => assert!(works, "{pair} is not refused"),
                (Some(text), works) => {
                    assert!(!works, "{pair} is refused: {text}");
                    let named = text.contains(M::GUARANTEES.name) && text.contains(inner);
                    assert!(named, "{pair}: {text}");
                }
            }
            agree(map, &(0..4).map(|key| (key, key)).collect());
        }
    }
}

//! Sequences of operations, applied to a map and to a `HashMap` that serves as the model.

use core::borrow::Borrow;
use core::ops::ControlFlow;
use std::collections::HashMap;

use map_core::{Action, CompareExchangeError, ConcurrentMap, Outcome};
use proptest::prelude::*;

use crate::types::{TestKey, TestValue};

/// What the map should hold: numbers of keys and values.
pub type Model = HashMap<u64, u64>;

/// One call.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each variant is the operation of its name")]
pub enum Op {
    Read(u64),
    Get(u64),
    ContainsKey(u64),
    GetMany(Vec<u64>),
    Insert(u64, u64),
    InsertThen(u64, u64),
    TryInsert(u64, u64),
    GetOrInsertWith(u64, u64),
    Remove(u64),
    RemoveThen(u64),
    RemoveIf(u64, u64),
    Update(u64, u64),
    Compute(u64, Action<u64>),
    ComputeIfPresent(u64, Action<u64>),
    CompareExchange(u64, u64, u64),
    InsertMany(Vec<(u64, u64)>),
    TryForEach(usize),
    ForEach,
    Retain(u64),
    Clear,
    Len,
    /// Refreshes the pin, where the call goes through one.
    Refresh,
    /// Reserves, on maps that can.
    Reserve(u16),
    /// Shrinks, on maps that can.
    Shrink,
}

/// Sequences of up to `length` calls on `keys` keys.
pub fn sequences(keys: u64, length: usize) -> impl Strategy<Value = Vec<Op>> {
    let key = 0..keys;
    // Few values, so that comparisons succeed as often as they fail.
    let value = 0..4_u64;
    let action =
        prop_oneof![Just(Action::Keep), value.clone().prop_map(Action::Put), Just(Action::Remove),];
    let pair = (key.clone(), value.clone());
    let op = prop_oneof![
        2 => key.clone().prop_map(Op::Read),
        2 => key.clone().prop_map(Op::Get),
        1 => key.clone().prop_map(Op::ContainsKey),
        1 => prop::collection::vec(key.clone(), 0..40).prop_map(Op::GetMany),
        6 => pair.clone().prop_map(|(k, v)| Op::Insert(k, v)),
        4 => pair.clone().prop_map(|(k, v)| Op::InsertThen(k, v)),
        4 => pair.clone().prop_map(|(k, v)| Op::TryInsert(k, v)),
        4 => pair.clone().prop_map(|(k, v)| Op::GetOrInsertWith(k, v)),
        3 => key.clone().prop_map(Op::Remove),
        3 => key.clone().prop_map(Op::RemoveThen),
        3 => pair.clone().prop_map(|(k, v)| Op::RemoveIf(k, v)),
        3 => pair.clone().prop_map(|(k, v)| Op::Update(k, v)),
        4 => (key.clone(), action.clone()).prop_map(|(k, a)| Op::Compute(k, a)),
        4 => (key.clone(), action).prop_map(|(k, a)| Op::ComputeIfPresent(k, a)),
        5 => (pair.clone(), value).prop_map(|((k, v), new)| Op::CompareExchange(k, v, new)),
        2 => prop::collection::vec(pair, 0..40).prop_map(Op::InsertMany),
        1 => (0..6_usize).prop_map(Op::TryForEach),
        1 => Just(Op::ForEach),
        1 => (2..4_u64).prop_map(Op::Retain),
        1 => prop::bool::weighted(0.3).prop_map(|all| if all { Op::Clear } else { Op::Len }),
        1 => Just(Op::Refresh),
        1 => any::<u8>().prop_map(|n| Op::Reserve(u16::from(n) * 8)),
        1 => Just(Op::Shrink),
    ];
    prop::collection::vec(op, 0..length)
}

/// Counts the runs of a closure.
struct Runs(usize);

impl Runs {
    fn run<T>(&mut self, result: T) -> T {
        self.0 += 1;
        result
    }
}

/// Applies one call to both and compares all that can be seen of it.
///
/// # Panics
///
/// If map and model differ.
pub fn apply<K: TestKey, V: TestValue>(map: &impl ConcurrentMap<K, V>, model: &mut Model, op: &Op) {
    compare(map, model, op, true);
}

/// As [`apply`], where other threads use the map too, on other keys: deciding closures may run again.
///
/// # Panics
///
/// If map and model differ.
pub fn apply_beside_others<K, V>(map: &impl ConcurrentMap<K, V>, model: &mut Model, op: &Op)
where
    K: TestKey,
    V: TestValue,
{
    compare(map, model, op, false);
}

#[expect(clippy::too_many_lines, reason = "one arm for each operation")]
fn compare<K, V>(map: &impl ConcurrentMap<K, V>, model: &mut Model, op: &Op, alone: bool)
where
    K: TestKey,
    V: TestValue,
{
    let decided = |runs: &Runs, expected: usize, operation: &str| {
        let again = !alone && expected > 0 && runs.0 > expected;
        assert!(runs.0 == expected || again, "{} runs of {operation}'s closure", runs.0);
    };
    let owned = |number: &u64| K::make(*number);
    let mut runs = Runs(0);
    match op {
        Op::Read(k) => {
            let key = owned(k);
            let expected = model.get(&key.number()).copied();
            assert_eq!(map.read(key.borrow(), |v| runs.run(v.number())), expected, "read");
            assert_eq!(runs.0, usize::from(expected.is_some()), "runs of read's closure");
        }
        Op::Get(k) => {
            let key = owned(k);
            let found = V::look_up::<K>(map, key.borrow());
            assert_eq!(found, model.get(&key.number()).copied(), "get");
        }
        Op::ContainsKey(k) => {
            let key = owned(k);
            let found = map.contains_key(key.borrow());
            assert_eq!(found, model.contains_key(&key.number()), "contains_key");
        }
        Op::GetMany(ks) => {
            let keys: Vec<K> = ks.iter().map(owned).collect();
            let mut found = vec![None; keys.len()];
            map.get_many(keys.iter().map(Borrow::borrow), |index, value| {
                let once = found[index].replace(value.map(V::number));
                assert_eq!(once, None, "get_many answered index {index} twice");
            });
            let expected: Vec<_> =
                keys.iter().map(|key| Some(model.get(&key.number()).copied())).collect();
            assert_eq!(found, expected, "get_many");
        }
        Op::Insert(k, v) => {
            let (key, value) = (owned(k), V::make(*v));
            let old = model.insert(key.number(), value.number());
            assert_eq!(map.insert(key, value), old.is_none(), "insert");
        }
        Op::InsertThen(k, v) => {
            let (key, value) = (owned(k), V::make(*v));
            let expected = model.insert(key.number(), value.number());
            let old = map.insert_then(key, value, |old| runs.run(old.map(V::number)));
            assert_eq!(old, expected, "insert_then");
            assert_eq!(runs.0, 1, "runs of insert_then's closure");
        }
        Op::TryInsert(k, v) => {
            let (key, value) = (owned(k), V::make(*v));
            let (number, new) = (key.number(), value.number());
            let result = map.try_insert(key, value);
            if let Err(error) = &result {
                assert_eq!((error.key.number(), error.value.number()), (number, new), "refused");
            }
            assert_eq!(result.is_ok(), !model.contains_key(&number), "try_insert");
            model.entry(number).or_insert(new);
        }
        Op::GetOrInsertWith(k, v) => {
            let (key, value) = (owned(k), V::make(*v));
            let (number, new) = (key.number(), value.number());
            let present = model.contains_key(&number);
            let mut made = Runs(0);
            let seen =
                map.get_or_insert_with(key, || made.run(value), |value| runs.run(value.number()));
            assert_eq!(seen, *model.entry(number).or_insert(new), "get_or_insert_with");
            assert_eq!(made.0, usize::from(!present), "runs of get_or_insert_with's `make`");
            assert_eq!(runs.0, 1, "runs of get_or_insert_with's closure");
        }
        Op::Remove(k) => {
            let key = owned(k);
            let expected = model.remove(&key.number()).is_some();
            assert_eq!(map.remove(key.borrow()), expected, "remove");
        }
        Op::RemoveThen(k) => {
            let key = owned(k);
            let expected = model.remove(&key.number());
            assert_eq!(map.remove_then(key.borrow(), |v| runs.run(v.number())), expected);
            assert_eq!(runs.0, usize::from(expected.is_some()), "runs of remove_then's closure");
        }
        Op::RemoveIf(k, v) => {
            let (key, wanted) = (owned(k), V::make(*v).number());
            let old = model.get(&key.number()).copied();
            let removed = map.remove_if(key.borrow(), |v| runs.run(v.number() == wanted));
            assert_eq!(removed, old == Some(wanted), "remove_if");
            decided(&runs, usize::from(old.is_some()), "remove_if");
            if removed {
                model.remove(&key.number());
            }
        }
        Op::Update(k, v) => {
            let key = owned(k);
            let step = |old: u64| V::make((old + v) % 4);
            let old = model.get(&key.number()).copied();
            let updated = map.update(key.borrow(), |value| runs.run(step(value.number())));
            assert_eq!(updated, old.is_some(), "update");
            decided(&runs, usize::from(old.is_some()), "update");
            if let Some(old) = old {
                model.insert(key.number(), step(old).number());
            }
        }
        Op::Compute(k, action) => {
            let key = owned(k);
            let number = key.number();
            let mut seen = None;
            let outcome = map.compute(key, |value| {
                seen = value.map(V::number);
                runs.run(act(action))
            });
            let (old, expected) = decide::<V>(model, number, action);
            assert_eq!((seen, outcome), (old, expected), "compute");
            decided(&runs, 1, "compute");
        }
        Op::ComputeIfPresent(k, action) => {
            let key = owned(k);
            let present = model.contains_key(&key.number());
            let mut seen = None;
            let outcome = map.compute_if_present(key.borrow(), |value| {
                seen = Some(value.number());
                runs.run(act(action))
            });
            let (old, expected) = if present {
                decide::<V>(model, key.number(), action)
            } else {
                (None, Outcome::Absent)
            };
            assert_eq!((seen, outcome), (old, expected), "compute_if_present");
            decided(&runs, usize::from(present), "compute_if_present");
        }
        Op::CompareExchange(k, current, new) => {
            let (key, current, new) = (owned(k), V::make(*current), V::make(*new));
            let new_number = new.number();
            let result = map.compare_exchange(key.borrow(), &current, new);
            let result = result.map_err(|error| {
                let absent = matches!(error, CompareExchangeError::Absent(_));
                (absent, error.into_value().number())
            });
            let expected = match model.get_mut(&key.number()) {
                None => Err((true, new_number)),
                Some(value) if *value != current.number() => Err((false, new_number)),
                Some(value) => {
                    *value = new_number;
                    Ok(())
                }
            };
            assert_eq!(result, expected, "compare_exchange");
        }
        Op::InsertMany(pairs) => {
            let entries = pairs.iter().map(|(k, v)| (owned(k), V::make(*v)));
            let expected = pairs.iter().fold(0, |new, (k, v)| {
                let old = model.insert(owned(k).number(), V::make(*v).number());
                new + usize::from(old.is_none())
            });
            assert_eq!(map.insert_many(entries), expected, "insert_many");
        }
        Op::TryForEach(limit) => {
            let flow = map.try_for_each(|key, value| {
                assert_eq!(model.get(&key.number()), Some(&value.number()), "try_for_each");
                runs.0 += 1;
                if runs.0 > *limit { ControlFlow::Break(runs.0) } else { ControlFlow::Continue(()) }
            });
            let expected = if model.len() > *limit {
                ControlFlow::Break(limit + 1)
            } else {
                ControlFlow::Continue(())
            };
            assert_eq!(flow, expected, "try_for_each");
            assert_eq!(runs.0, model.len().min(limit + 1), "visits of try_for_each");
        }
        Op::ForEach => agree(map, model),
        Op::Retain(modulus) => {
            let mut seen = Model::new();
            map.retain(|key, value| {
                let twice = seen.insert(key.number(), value.number());
                assert_eq!(twice, None, "retain saw key {} twice", key.number());
                key.number() % modulus != 0
            });
            assert_eq!(seen, *model, "what retain saw");
            model.retain(|key, _| key % modulus != 0);
        }
        Op::Clear => {
            map.clear();
            model.clear();
        }
        Op::Len => {
            assert_eq!(map.len(), model.len(), "len");
            assert_eq!(map.is_empty(), model.is_empty(), "is_empty");
        }
        Op::Refresh | Op::Reserve(_) | Op::Shrink => {}
    }
}

/// Asserts that map and model hold the same.
///
/// # Panics
///
/// If they do not.
pub fn agree<K: TestKey, V: TestValue>(map: &impl ConcurrentMap<K, V>, model: &Model) {
    let mut contents = Model::new();
    map.for_each(|key, value| {
        let twice = contents.insert(key.number(), value.number());
        assert_eq!(twice, None, "for_each saw key {} twice", key.number());
    });
    assert_eq!(contents, *model, "the contents");
    assert_eq!(map.len(), model.len(), "len");
    for number in model.keys() {
        let key = K::make(*number);
        let found = V::look_up::<K>(map, key.borrow());
        assert_eq!(found.as_ref(), model.get(number), "looking key {number} up at the end");
    }
}

fn act<V: TestValue>(action: &Action<u64>) -> Action<V> {
    match action {
        Action::Keep => Action::Keep,
        Action::Put(value) => Action::Put(V::make(*value)),
        Action::Remove => Action::Remove,
    }
}

/// Carries `action` out on the model; returns the old value and the outcome.
fn decide<V: TestValue>(
    model: &mut Model,
    key: u64,
    action: &Action<u64>,
) -> (Option<u64>, Outcome) {
    let old = model.get(&key).copied();
    let outcome = match (action, old) {
        (Action::Keep, Some(_)) => Outcome::Kept,
        (Action::Keep | Action::Remove, None) => Outcome::Absent,
        (Action::Put(_), Some(_)) => Outcome::Replaced,
        (Action::Put(_), None) => Outcome::Inserted,
        (Action::Remove, Some(_)) => Outcome::Removed,
    };
    match action {
        Action::Keep => {}
        Action::Put(value) => {
            model.insert(key, V::make(*value).number());
        }
        Action::Remove => {
            model.remove(&key);
        }
    }
    (old, outcome)
}

//! Workers: a map taken apart and put together keeps every entry, and refuses what belongs elsewhere.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use map_conformance::hashers::{Collide, Identity, Mixed};
use map_conformance::token::{Ended, Event, Ledger, Token, fused};
use map_sharded::{
    FromWorkersReason, IntoWorkersReason, Misrouted, PartlyInserted, ReserveError, Router,
    ShardedMap, Worker,
};
use proptest::prelude::*;

const WORKERS: [usize; 5] = [1, 2, 3, 7, 256];
const ENTRIES: u64 = 5000;

/// A key, made from a number.
trait Key: Hash + Eq + Clone + std::fmt::Debug + Ord + Send + 'static {
    fn key(number: u64) -> Self;
}

impl Key for u64 {
    fn key(number: u64) -> Self {
        number
    }
}

impl Key for String {
    fn key(number: u64) -> Self {
        format!("key {number}")
    }
}

fn filled<K: Key>(entries: u64) -> ShardedMap<K, u64> {
    (0..entries).map(|n| (K::key(n), n)).collect()
}

/// As `into_workers`, which may not fail.
fn split<K: Key, S>(map: ShardedMap<K, u64, S>, workers: usize) -> Vec<Worker<K, u64, S>>
where
    S: BuildHasher + Clone,
{
    let split = map.into_workers(workers).expect("a possible number");
    assert_eq!(split.len(), workers);
    for (number, worker) in split.iter().enumerate() {
        assert_eq!((worker.number(), worker.router().workers()), (number, workers));
        assert!(worker.shards() > 0);
    }
    split
}

fn assert_holds<K: Key, S: BuildHasher>(map: &ShardedMap<K, u64, S>, entries: u64) {
    assert_eq!(map.len() as u64, entries);
    for n in 0..entries {
        assert_eq!(map.get(&K::key(n)), Some(n));
    }
    let mut seen = 0;
    map.for_each(|_, _| seen += 1);
    assert_eq!(seen, entries);
}

fn round_trip<K: Key>() {
    for workers in WORKERS {
        for entries in [0, 1, ENTRIES] {
            let mut split = split(filled::<K>(entries), workers);
            let len: usize = split.iter().map(Worker::len).sum();
            assert_eq!(len as u64, entries);
            for n in 0..entries {
                let owner = split[0].router().worker_of(&K::key(n));
                assert!(split[owner].owns(&K::key(n)));
                assert_eq!(split[owner].get(&K::key(n)), Ok(Some(&n)));
            }
            // In any order.
            split.reverse();
            split.rotate_left(workers / 2);
            let map = ShardedMap::from_workers(split).expect("all are there");
            assert_holds(&map, entries);
            // What comes of it is a map as before.
            map.insert(K::key(entries), entries);
            assert_holds(&map, entries + 1);
        }
    }
}

#[test]
fn nothing_is_lost_on_the_way_and_back() {
    round_trip::<u64>();
    round_trip::<String>();
}

#[test]
fn hashers_that_spread_badly_lose_nothing() {
    fn with<S: BuildHasher + Clone>(hasher: S) {
        for workers in WORKERS {
            let map = ShardedMap::with_hasher(hasher.clone());
            (0..200).for_each(|n| assert!(map.insert(n, n)));
            let map = ShardedMap::from_workers(split(map, workers)).expect("all are there");
            assert_holds(&map, 200);
        }
    }
    with(Identity);
    with(Collide);
}

#[test]
fn impossible_numbers_of_workers_give_the_map_back() {
    fn of<K: Key>() {
        for workers in [0, 257, usize::MAX] {
            let error = filled::<K>(100).into_workers(workers).expect_err("impossible");
            assert_eq!(error.reason, IntoWorkersReason::Number(workers));
            let words = format!("a map has from 1 to 256 workers, not {workers}");
            assert_eq!(error.to_string(), words);
            assert_holds(&error.map, 100);
        }
    }
    of::<u64>();
    of::<String>();
}

#[test]
fn keys_of_others_come_back_and_change_nothing() {
    fn of<K: Key>() {
        let mut workers = split(filled::<K>(ENTRIES), 3);
        let router = workers[0].router().clone();
        let lens = |workers: &[Worker<K, u64>]| workers.iter().map(Worker::len).collect::<Vec<_>>();
        let before = lens(&workers);
        for n in 0..ENTRIES {
            let (key, owner) = (K::key(n), router.worker_of(&K::key(n)));
            let elsewhere = Misrouted { worker: owner, refused: () };
            let stranger = &mut workers[(owner + 1) % 3];
            assert!(!stranger.owns(&key));
            assert_eq!(stranger.get(&key), Err(elsewhere));
            assert_eq!(stranger.get_mut(&key), Err(elsewhere));
            assert_eq!(stranger.contains_key(&key), Err(elsewhere));
            assert_eq!(stranger.remove(&key), Err(elsewhere));
            let refused = stranger.insert(key.clone(), 7).expect_err("not its key");
            assert_eq!((refused.worker, refused.refused), (owner, (key.clone(), 7)));
            let make = || panic!("nobody asks for it");
            let refused = stranger.get_or_insert_with(key.clone(), make).expect_err("not its key");
            assert_eq!((refused.worker, &refused.refused), (owner, &key));
            assert_eq!(refused.to_string(), format!("the key belongs to worker {owner}"));
        }
        assert_eq!(lens(&workers), before);
        assert_holds(&ShardedMap::from_workers(workers).expect("all are there"), ENTRIES);
    }
    of::<u64>();
    of::<String>();
}

#[test]
fn only_all_workers_of_one_call_are_put_together() {
    fn of<K: Key>() {
        let (mut ours, mut theirs) = (split(filled::<K>(100), 3), split(filled::<K>(100), 3));
        let none = ShardedMap::<K, u64>::from_workers([]).expect_err("nobody is there");
        assert_eq!(none.reason, FromWorkersReason::Missing);

        let absent = ours.pop().expect("three");
        let error = ShardedMap::from_workers(ours).expect_err("one is missing");
        assert_eq!(error.reason, FromWorkersReason::Missing);
        ours = error.workers;

        // A stranger with the number of the one that is missing.
        ours.push(theirs.pop().expect("three"));
        let error = ShardedMap::from_workers(ours).expect_err("one is a stranger");
        assert_eq!(error.reason, FromWorkersReason::Strangers);
        ours = error.workers;
        theirs.push(ours.pop().expect("three"));
        ours.push(absent);

        for workers in [ours, theirs] {
            assert_holds(&ShardedMap::from_workers(workers).expect("all are there"), 100);
        }
    }
    of::<u64>();
    of::<String>();
}

#[test]
fn a_batch_is_stored_as_far_as_it_is_the_workers_own() {
    let mut workers = split(filled::<u64>(100), 3);
    let router = workers[0].router().clone();
    // Twice each key: the later value stays.
    let batch = || (0..1000).flat_map(|n| [(n, 1), (n, n + 10)]);
    let PartlyInserted { inserted, refused } =
        workers[1].insert_many(batch()).expect_err("not all are its own");
    let own = |range: std::ops::Range<u64>| range.filter(|n| router.worker_of(n) == 1).count();
    assert_eq!((inserted, workers[1].len()), (own(100..1000), own(0..1000)));
    assert_eq!(refused.iter().map(|list| list.worker).collect::<Vec<_>>(), [0, 2]);
    let grouped = router.route(batch(), |(key, _)| key);
    assert_eq!(refused[0].refused, grouped[0]);
    assert_eq!(refused[1].refused, grouped[2]);
    for Misrouted { worker, refused } in refused {
        let new = refused.iter().filter(|(key, _)| *key >= 100).count() / 2;
        assert_eq!(workers[worker].insert_many(refused), Ok(new));
    }
    assert_eq!(workers[0].insert_many([]), Ok(0));
    let map = ShardedMap::from_workers(workers).expect("all are there");
    assert_eq!(map.len(), 1000);
    (0..1000).for_each(|n| assert_eq!(map.get(&n), Some(n + 10)));
}

#[test]
fn a_worker_grows_shrinks_and_lends() {
    fn of<K: Key>() {
        for workers in [1, 7] {
            let mut split = split(filled::<K>(0), workers);
            let router = split[0].router().clone();
            split.iter_mut().for_each(|worker| worker.reserve(100));
            for n in 0..20 * ENTRIES {
                let worker = &mut split[router.worker_of(&K::key(n))];
                assert_eq!(worker.insert(K::key(n), 0), Ok(None));
                *worker.get_mut(&K::key(n)).expect("its own").expect("present") = n;
            }
            for worker in &mut split {
                let mut entries: Vec<_> = worker.iter().map(|(_, n)| *n).collect();
                entries.sort_unstable();
                let own = (0..20 * ENTRIES).filter(|n| worker.owns(&K::key(*n)));
                assert!(entries.into_iter().eq(own));
                worker.retain(|_, n| *n < ENTRIES);
                worker.iter().for_each(|(key, n)| assert_eq!(*key, K::key(*n)));
            }
            assert_holds(&ShardedMap::from_workers(split).expect("all are there"), ENTRIES);
        }
    }
    of::<u64>();
    of::<String>();
}

#[test]
fn room_that_cannot_be_had_is_refused() {
    let mut worker = split(filled::<String>(10), 1).pop().expect("one");
    assert_eq!(worker.try_reserve(usize::MAX), Err(ReserveError::CapacityOverflow));
    assert!(catch_unwind(AssertUnwindSafe(|| worker.reserve(usize::MAX / 64))).is_err());
    assert_holds(&ShardedMap::from_workers([worker]).expect("it is all"), 10);
}

#[test]
fn threads_own_their_workers() {
    fn is_shareable<T: Send + Sync>(_: &T) {}
    let workers = split(filled::<String>(0), 3);
    let router: Router<_> = workers[0].router().clone();
    is_shareable(&router);
    let numbers = router.route(0..ENTRIES, |n| n);
    assert_eq!(numbers.iter().map(Vec::len).sum::<usize>() as u64, ENTRIES);
    let batches = router.route((0..ENTRIES).map(|n| (String::key(n), n)), |(key, _)| key);
    let threads = workers.into_iter().zip(batches).map(|(mut worker, batch)| {
        thread::spawn(move || {
            let count = batch.len();
            assert_eq!(worker.insert_many(batch), Ok(count));
            worker
        })
    });
    let threads: Vec<_> = threads.collect();
    let workers = threads.into_iter().map(|thread| thread.join().expect("no panic"));
    assert_holds(&ShardedMap::from_workers(workers).expect("all are there"), ENTRIES);
}

/// A map of tokens.
fn tokens(ledger: &'static Ledger, entries: u64) -> ShardedMap<Token, Token, Mixed> {
    let map = ShardedMap::with_hasher(Mixed);
    (0..entries).for_each(|n| assert!(map.insert(Token::new(ledger, n), Token::new(ledger, n))));
    map
}

#[test]
fn every_entry_is_dropped_once() {
    for workers in WORKERS {
        let ledger = Ledger::open();
        let mut split = tokens(ledger, 300).into_workers(workers).expect("possible");
        assert_eq!(ledger.alive(), 600);
        let entry = |n| (Token::new(ledger, n), Token::new(ledger, n));
        let at = split[0].router().worker_of(&entry(0).0);
        let worker = &mut split[at];
        assert!(
            matches!(worker.insert(entry(0).0, entry(1).1), Ok(Some(old)) if old.number() == 0)
        );
        assert!(matches!(worker.remove(&entry(0).0), Ok(Some(old)) if old.number() == 1));
        assert_eq!(ledger.alive(), 598);
        drop(worker.insert_many((300..400).map(entry)));
        worker.retain(|key, _| key.number() < 300);
        assert_eq!(ledger.alive(), 598);
        // One is lost with its entries, the others come back in an error.
        let lost = split.pop().expect("at least one");
        let (alive, own) = (ledger.alive(), 2 * lost.len());
        drop(lost);
        assert_eq!(ledger.alive(), alive - own);
        drop(ShardedMap::from_workers(split).expect_err("one is missing"));
        ledger.assert_settled("at the end");
    }
}

/// Lets each `event` in `f` panic in turn, on a fixture of its own; returns how many there were.
fn blow_each<T>(event: Event, make: impl Fn() -> T, f: impl Fn(&mut T), check: impl Fn(T)) -> u64 {
    for occurrence in 1.. {
        let mut fixture = make();
        let ended = fused(event, occurrence, || f(&mut fixture));
        check(fixture);
        match ended {
            Ended::Blown => {}
            Ended::Whole => return occurrence - 1,
            Ended::Swallowed => panic!("the panic did not reach the caller"),
        }
    }
    unreachable!("an operation hashes finitely often")
}

#[test]
fn a_worker_outlives_panics_of_keys() {
    let ledger = Ledger::open();
    let entry = |n| (Token::new(ledger, n), Token::new(ledger, n));
    let fixture = || tokens(ledger, 100).into_workers(1).expect("possible").remove(0);
    type Call = fn(&mut Worker<Token, Token, Mixed>, &'static Ledger);
    let calls: [Call; 5] = [
        |worker, ledger| {
            // New ones too, so that tables grow in the middle of it.
            let entries = (50..400).map(|n| (Token::new(ledger, n), Token::new(ledger, n)));
            drop(worker.insert_many(entries));
        },
        |worker, ledger| {
            for n in 50..300 {
                drop(worker.insert(Token::new(ledger, n), Token::new(ledger, n)));
            }
        },
        |worker, ledger| {
            for n in [50, 1000] {
                let value = || Token::new(ledger, n);
                assert!(worker.get_or_insert_with(Token::new(ledger, n), value).is_ok());
            }
        },
        |worker, _| {
            worker.reserve(300);
            // Finishes what the first one began.
            worker.reserve(3000);
        },
        |worker, ledger| {
            let key = Token::new(ledger, 50);
            assert!(worker.get_mut(&key).is_ok());
            drop(worker.remove(&key));
        },
    ];
    for (number, call) in calls.into_iter().enumerate() {
        for event in [Event::Hash, Event::Eq] {
            let check = |mut worker: Worker<Token, Token, Mixed>| {
                for n in 0..100 {
                    let (key, value) = entry(n);
                    let found = worker.get(&key).expect("its own").map(Token::number);
                    assert!(found == Some(n) || (n == 50 && number == 4), "{n}: {found:?}");
                    drop(worker.insert(key, value).expect("its own"));
                }
                let map = ShardedMap::from_workers([worker]).expect("it is all");
                assert!(map.len() >= 100);
                assert_eq!(2 * map.len(), ledger.alive());
                drop(map);
                ledger.assert_settled("after a panic");
            };
            let panics = blow_each(event, fixture, |worker| call(worker, ledger), check);
            assert!(panics > 0 || (number, event) == (3, Event::Eq), "{event:?} in {number}");
        }
    }
}

#[test]
fn a_panic_while_entries_move_leaks_none() {
    let ledger = Ledger::open();
    // So many workers that the shards are too few, but on the largest machines, and the entries move.
    let moved = if tokens(ledger, 0).shards() < 256 { 60 } else { 0 };
    let make = || Some(tokens(ledger, 60));
    let split = |map: &mut Option<ShardedMap<_, _, _>>| {
        drop(map.take().expect("there").into_workers(256).expect("possible"));
    };
    let settled = |map: Option<_>| {
        assert!(map.is_none());
        ledger.assert_settled("after the call");
    };
    assert_eq!(blow_each(Event::Hash, make, split, settled), moved);
}

/// What is done to a key.
#[derive(Clone, Copy, Debug)]
enum Op {
    Insert(u64),
    GetOrInsert(u64),
    Bump,
    Remove,
    Get,
    /// The map is put together and taken apart for so many workers.
    Split(usize),
    Retain,
}

fn ops() -> impl Strategy<Value = Vec<(u64, Op)>> {
    let op = prop_oneof![
        8 => any::<u64>().prop_map(Op::Insert),
        3 => any::<u64>().prop_map(Op::GetOrInsert),
        3 => Just(Op::Bump),
        4 => Just(Op::Remove),
        4 => Just(Op::Get),
        1 => prop_oneof![1..=9_usize, Just(256)].prop_map(Op::Split),
        1 => Just(Op::Retain),
    ];
    prop::collection::vec((0..60_u64, op), 0..300)
}

/// Applies `ops` to workers, each key's at its owner, and to the model.
fn agree<K: Key>(ops: &[(u64, Op)]) -> Result<(), TestCaseError> {
    let mut model = HashMap::new();
    let mut workers = split(filled::<K>(0), 3);
    for &(n, op) in ops {
        let key = K::key(n);
        let at = workers[0].router().worker_of(&key);
        let worker = &mut workers[at];
        match op {
            Op::Insert(v) => {
                prop_assert_eq!(worker.insert(key.clone(), v), Ok(model.insert(key, v)))
            }
            Op::GetOrInsert(v) => {
                let found = worker.get_or_insert_with(key.clone(), || v);
                prop_assert_eq!(found.ok(), Some(model.entry(key).or_insert(v)));
            }
            Op::Bump => {
                let values = [worker.get_mut(&key).expect("its own"), model.get_mut(&key)];
                values.into_iter().flatten().for_each(|value| *value = value.wrapping_add(1));
            }
            Op::Remove => prop_assert_eq!(worker.remove(&key), Ok(model.remove(&key))),
            Op::Get => prop_assert_eq!(worker.get(&key), Ok(model.get(&key))),
            Op::Split(count) => {
                workers = split(ShardedMap::from_workers(workers).expect("all"), count);
            }
            Op::Retain => {
                workers.iter_mut().for_each(|worker| worker.retain(|_, value| *value >> 62 != 0));
                model.retain(|_, value| *value >> 62 != 0);
            }
        }
        prop_assert_eq!(workers.iter().map(Worker::len).sum::<usize>(), model.len());
    }
    let map = ShardedMap::from_workers(workers).expect("all are there");
    let mut entries: Vec<_> = map.into_iter().collect();
    let mut expected: Vec<_> = model.into_iter().collect();
    entries.sort_unstable();
    expected.sort_unstable();
    prop_assert_eq!(entries, expected);
    Ok(())
}

proptest! {
    #[test]
    fn workers_agree_with_a_model_of_numbers(ops in ops()) {
        agree::<u64>(&ops)?;
    }

    #[test]
    fn workers_agree_with_a_model_of_strings(ops in ops()) {
        agree::<String>(&ops)?;
    }
}

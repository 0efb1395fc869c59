//! What the threads of a model do, and what must come out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use map_core::{Action, BuildMap, CapacityMap, ConcurrentMap, Outcome, PinMap};
use map_sync::shim::atomic::{AtomicUsize, Ordering};
use shuttle::rand::{Rng, thread_rng};

use crate::check::{ByItself, Key, Thread, Watched, spawn};

/// What a model is made with: keys and values by number.
pub(super) trait Entries: 'static {
    type K: Hash + Eq + Debug + Send + Sync;
    type V: Clone + PartialEq + Debug + Send + Sync;

    fn key(number: u64) -> Self::K;
    fn value(number: u64) -> Self::V;
    fn name(key: &Self::K) -> u64;
    fn number(value: &Self::V) -> u64;
}

/// Where keys go: few places, so that several share a bucket.
const PLACES: [u8; 5] = [0x11, 0x12, 0x19, 0x91, 0xD0];

/// Entries of plain numbers, of which `map-sharded` makes something else than of all others.
pub(super) struct Plain;

impl Entries for Plain {
    type K = u64;
    type V = u64;

    fn key(number: u64) -> u64 {
        u64::from(PLACES[number as usize % 5]) << 56 | number
    }

    fn value(number: u64) -> u64 {
        number
    }

    fn name(key: &u64) -> u64 {
        key & 0xFFFF
    }

    fn number(value: &u64) -> u64 {
        *value
    }
}

/// Entries that are watched; keys that share a place share all of their hash.
pub(super) struct Objects;

impl Entries for Objects {
    type K = Key;
    type V = Watched;

    fn key(number: u64) -> Key {
        Key::new(PLACES[number as usize % 5], number)
    }

    fn value(number: u64) -> Watched {
        Watched::new(number)
    }

    fn name(key: &Key) -> u64 {
        key.name()
    }

    /// Looks twice, and lets others run in between.
    fn number(value: &Watched) -> u64 {
        let number = value.get();
        pause();
        assert_eq!(value.get(), number);
        number
    }
}

/// Lets another thread run, perhaps.
fn pause() {
    static POINT: AtomicUsize = AtomicUsize::new(0);
    POINT.load(Ordering::Relaxed);
}

/// A map of a model.
pub(super) trait Map<T: Entries>:
    PinMap<T::K, T::V> + BuildMap<ByItself> + CapacityMap + Send + Sync + 'static
{
}

impl<T: Entries, M> Map<T> for M where
    M: PinMap<T::K, T::V> + BuildMap<ByItself> + CapacityMap + Send + Sync + 'static
{
}

/// An empty map.
pub(super) fn new<T: Entries, M: Map<T>>() -> Arc<M> {
    Arc::new(M::with_capacity_and_hasher(0, ByItself::default()))
}

/// How often something random is done.
fn chance(of: u32) -> bool {
    thread_rng().gen_range(0..of) == 0
}

pub(super) fn put<T: Entries>(
    map: &impl ConcurrentMap<T::K, T::V>,
    key: u64,
    value: u64,
) -> Option<u64> {
    map.insert_then(T::key(key), T::value(value), |old| old.map(T::number))
}

pub(super) fn get<T: Entries>(map: &impl ConcurrentMap<T::K, T::V>, key: u64) -> Option<u64> {
    map.read(&T::key(key), T::number)
}

pub(super) fn take<T: Entries>(map: &impl ConcurrentMap<T::K, T::V>, key: u64) -> Option<u64> {
    map.remove_then(&T::key(key), T::number)
}

/// All entries; no key may come twice.
pub(super) fn all<T: Entries>(map: &impl ConcurrentMap<T::K, T::V>) -> BTreeMap<u64, u64> {
    let mut all = BTreeMap::new();
    map.for_each(|key, value| {
        assert_eq!(all.insert(T::name(key), T::number(value)), None, "a key is met twice");
    });
    all
}

/// Does one thing to a key of the thread's own, and compares.
fn step<T: Entries>(
    map: &impl ConcurrentMap<T::K, T::V>,
    known: &mut BTreeMap<u64, u64>,
    key: u64,
    value: u64,
) {
    match thread_rng().gen_range(0..7) {
        0 | 1 => assert_eq!(put::<T>(map, key, value), known.insert(key, value)),
        2 => assert_eq!(get::<T>(map, key), known.get(&key).copied()),
        3 => assert_eq!(take::<T>(map, key), known.remove(&key)),
        4 => {
            let updated = map.update(&T::key(key), |old| T::value(T::number(old) + 1));
            let own = known.get_mut(&key).map(|own| *own += 1);
            assert_eq!(updated, own.is_some());
        }
        5 => {
            let inserted = map.try_insert(T::key(key), T::value(value)).is_ok();
            assert_eq!(inserted, !known.contains_key(&key));
            known.entry(key).or_insert(value);
        }
        _ => {
            let (current, new) = (T::value(value), T::value(value + 1));
            let exchanged = map.compare_exchange(&T::key(key), &current, new).is_ok();
            assert_eq!(exchanged, known.get(&key) == Some(&value));
            if exchanged {
                known.insert(key, value + 1);
            }
        }
    }
}

/// Each of three threads has keys of its own, knows exactly what the map must say of them, and makes it grow now and then.
pub(super) fn own_keys<T: Entries, M: Map<T>>() {
    let map = new::<T, M>();
    let work = |own: u64| {
        move |map: &M| {
            let mut known = BTreeMap::new();
            for turn in 0..8_u64 {
                let key = own + 3 * thread_rng().gen_range(0..4);
                if chance(2) {
                    step::<T>(map, &mut known, key, 100 * turn);
                } else {
                    step::<T>(&map.pin(), &mut known, key, 100 * turn);
                }
                if chance(16) {
                    map.reserve(20);
                }
            }
            known
        }
    };
    let threads = [0, 1, 2].map(|own| spawn(&map, work(own)));
    let mut known = BTreeMap::new();
    threads.into_iter().map(Thread::join).for_each(|mut own| known.append(&mut own));
    assert_eq!(all::<T>(&*map), known);
    assert_eq!(map.len(), known.len());
}

/// Three threads insert and remove under two keys. Each value that was put in comes out once, or is there in the end.
pub(super) fn handed_on<T: Entries, M: Map<T>>() {
    let map = new::<T, M>();
    let work = |own: u64| {
        move |map: &M| {
            let (mut into, mut out) = (Vec::new(), Vec::new());
            for turn in 0..6 {
                let (key, value) = (thread_rng().gen_range(0..2) * 5, 10 * own + turn);
                match thread_rng().gen_range(0..4) {
                    0 | 1 => {
                        into.push(value);
                        out.extend(put::<T>(map, key, value));
                    }
                    2 => out.extend(take::<T>(map, key)),
                    _ => {
                        let seen = get::<T>(map, key);
                        assert!(seen.is_none_or(|seen| seen < 40), "a value that nobody put in");
                    }
                }
            }
            (into, out)
        }
    };
    let threads = [1, 2, 3].map(|own| spawn(&map, work(own)));
    let (mut into, mut out) = (Vec::new(), Vec::new());
    for (own_into, own_out) in threads.map(Thread::join) {
        into.extend(own_into);
        out.extend(own_out);
    }
    let left = all::<T>(&*map);
    assert_eq!(map.len(), left.len());
    out.extend(left.into_values());
    into.sort_unstable();
    out.sort_unstable();
    assert_eq!(into, out, "what was put in and what came out");
}

/// Three threads count under two keys while a fourth puts in others, goes through all, and takes them out.
pub(super) fn counters<T: Entries, M: Map<T>>() {
    let map = new::<T, M>();
    let work = |map: &M| {
        for turn in 0..4 {
            let outcome = map.compute(T::key(turn % 2 * 5), |count| {
                Action::Put(T::value(count.map_or(0, T::number) + 1))
            });
            assert!(matches!(outcome, Outcome::Inserted | Outcome::Replaced));
        }
    };
    let threads = [(); 3].map(|()| spawn(&map, work));
    for key in 20..30 {
        assert_eq!(put::<T>(&*map, key, 0), None);
    }
    assert!(all::<T>(&*map).range(20..30).count() == 10, "missed");
    map.retain(|key, _| T::name(key) < 20);
    threads.into_iter().for_each(Thread::join);
    assert_eq!(all::<T>(&*map), BTreeMap::from([(0, 6), (5, 6)]), "lost");
    assert_eq!(map.len(), 2);
}

/// Keys that stay are found by every read and every iteration, once, whatever the others do.
pub(super) fn keys_that_stay<T: Entries, M: Map<T>>() {
    let map = new::<T, M>();
    if chance(2) {
        // Of one place: where buckets have chains, what comes to it later lies in one.
        (50..90).step_by(5).for_each(|key| assert_eq!(put::<T>(&*map, key, key), None));
    }
    for key in 0..6 {
        assert_eq!(put::<T>(&*map, key, key), None);
    }
    let coming = |map: &M| {
        for key in 10..22 {
            assert_eq!(put::<T>(map, key, key), None);
            // Looks, and changes nothing.
            assert_eq!(take::<T>(map, key + 100), None);
            if chance(2) {
                assert_eq!(take::<T>(map, key), Some(key));
            }
        }
    };
    let sweeping = |map: &M| {
        if chance(2) {
            map.reserve(24);
        }
        for key in 30..34 {
            assert_eq!(put::<T>(map, key, key), None);
        }
        map.retain(|key, _| !(30..50).contains(&T::name(key)));
        assert_eq!(put::<T>(map, 3, 3), Some(3));
        assert!(map.update(&T::key(4), |_| T::value(4)));
    };
    let threads = [spawn(&map, coming), spawn(&map, sweeping)];
    for key in (0..6).rev() {
        assert_eq!(get::<T>(&*map, key), Some(key), "missed");
    }
    let met: BTreeSet<u64> = all::<T>(&*map).into_keys().filter(|key| *key < 10).collect();
    assert_eq!(met, (0..6).collect(), "missed");
    threads.into_iter().for_each(Thread::join);
    let all = all::<T>(&*map);
    assert!(all.range(30..50).next().is_none(), "not swept");
    assert_eq!(all.len(), map.len());
}

/// All who ask for a key, with a value of their own should it be absent, get the same one; who removes it gets it once.
pub(super) fn agreement<T: Entries, M: Map<T>>() {
    let map = new::<T, M>();
    let work = |own: u64| {
        move |map: &M| {
            let seen = [0, 5, 1].map(|key| {
                map.get_or_insert_with(T::key(key), || T::value(10 * own + key), T::number)
            });
            (seen, take::<T>(map, 1))
        }
    };
    let threads = [1, 2, 3].map(|own| spawn(&map, work(own)));
    let results = threads.map(Thread::join);
    let all = all::<T>(&*map);
    for (seen, _) in &results {
        assert_eq!([Some(&seen[0]), Some(&seen[1])], [all.get(&0), all.get(&5)], "not the same");
    }
    let mut removed: Vec<u64> = results.iter().filter_map(|(_, removed)| *removed).collect();
    let taken = removed.len();
    removed.sort_unstable();
    removed.dedup();
    assert_eq!(taken, removed.len(), "removed twice");
    assert_eq!((all.get(&1), map.len()), (None, 2));
}

/// What a map does not promise: a read and a write are no update. A model that is wrong on purpose.
pub(super) fn no_update<T: Entries, M: Map<T>>() {
    let map = new::<T, M>();
    put::<T>(&*map, 0, 0);
    let work = |map: &M| {
        let count = get::<T>(map, 0).expect("it stays");
        put::<T>(map, 0, count + 1);
    };
    let threads = [(); 2].map(|()| spawn(&map, work));
    threads.into_iter().for_each(Thread::join);
    assert_eq!(get::<T>(&*map, 0), Some(2), "an update is lost");
}

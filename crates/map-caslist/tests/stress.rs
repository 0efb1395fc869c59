//! Races that the conformance suite cannot aim at: growth from the smallest index, runs of equal
//! order, and the accounting of every key and value.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicIsize, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;

use map_caslist::{Action, CasListMap, Outcome};

const THREADS: u64 = 8;
const ROUNDS: u64 = if cfg!(debug_assertions) { 4_000 } else { 40_000 };

/// Keeps `BITS` bits of the key: 0 puts all keys into one run.
#[derive(Clone, Default)]
struct Few<const BITS: u32>;

struct FewHasher(u64, u32);

impl<const BITS: u32> BuildHasher for Few<BITS> {
    type Hasher = FewHasher;

    fn build_hasher(&self) -> FewHasher {
        FewHasher(0, BITS)
    }
}

impl Hasher for FewHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.wrapping_mul(31).wrapping_add(u64::from(byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn finish(&self) -> u64 {
        self.0 & ((1 << self.1) - 1)
    }
}

/// Counts itself in and out.
struct Canary(u64, Arc<AtomicIsize>);

impl Canary {
    fn new(value: u64, alive: &Arc<AtomicIsize>) -> Self {
        alive.fetch_add(1, SeqCst);
        Self(value, Arc::clone(alive))
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.1.fetch_sub(1, SeqCst);
    }
}

impl PartialEq for Canary {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Canary {}

impl std::hash::Hash for Canary {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

impl std::borrow::Borrow<u64> for Canary {
    fn borrow(&self) -> &u64 {
        &self.0
    }
}

/// A generator good enough to spread operations.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn on_threads(work: impl Fn(u64) + Sync) {
    let barrier = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (barrier, work) = (&barrier, &work);
            scope.spawn(move || {
                barrier.wait();
                work(thread);
            });
        }
    });
}

fn mixed<S: BuildHasher + Default + Sync>(keys: u64) {
    let alive = Arc::new(AtomicIsize::new(0));
    let map: CasListMap<Canary, Canary, S> = CasListMap::default();
    let inserted = AtomicIsize::new(0);
    on_threads(|thread| {
        let mut state = thread + 1;
        let mut balance = 0;
        for round in 0..ROUNDS {
            let key = next(&mut state) % keys;
            let canary = |value| Canary::new(value, &alive);
            match next(&mut state) % 8 {
                0 | 1 => balance += isize::from(map.insert(canary(key), canary(round))),
                2 => balance -= isize::from(map.remove(&key)),
                3 => {
                    let removed = map.remove_if(&key, |value| value.0 % 2 == 0);
                    balance -= isize::from(removed);
                }
                4 => {
                    let outcome = map.compute(canary(key), |value| match value {
                        None => Action::Put(canary(0)),
                        Some(value) if value.0 % 3 == 0 => Action::Remove,
                        Some(value) => Action::Put(canary(value.0 + 1)),
                    });
                    match outcome {
                        Outcome::Inserted => balance += 1,
                        Outcome::Removed => balance -= 1,
                        _ => {}
                    }
                }
                5 => balance += isize::from(map.try_insert(canary(key), canary(round)).is_ok()),
                6 => {
                    let found = map.read(&key, |value| value.0);
                    assert!(found.is_none_or(|value| value <= 2 * ROUNDS));
                }
                _ if round % 64 == 0 => {
                    let mut seen = std::collections::HashSet::new();
                    map.for_each(|key, _| assert!(seen.insert(key.0), "a key was visited twice"));
                }
                _ => {
                    map.update(&key, |value| canary(value.0));
                }
            }
        }
        inserted.fetch_add(balance, SeqCst);
    });
    assert_eq!(map.len() as isize, inserted.load(SeqCst));
    let mut present = 0;
    map.for_each(|_, _| present += 1);
    assert_eq!(map.len(), present);
    drop(map);
    assert_eq!(alive.load(SeqCst), 0, "every key and value is dropped once");
}

#[test]
fn few_keys() {
    mixed::<map_caslist::DefaultHashBuilder>(8);
}

#[test]
fn many_keys() {
    mixed::<map_caslist::DefaultHashBuilder>(2_000);
}

#[test]
fn one_run() {
    mixed::<Few<0>>(12);
}

#[test]
fn four_runs() {
    mixed::<Few<2>>(32);
}

/// Each thread inserts its own keys while the index grows from its smallest size.
#[test]
fn growth_loses_nothing() {
    for _ in 0..8 {
        let map = CasListMap::new();
        on_threads(|thread| {
            for n in 0..ROUNDS {
                let key = n * THREADS + thread;
                assert!(map.insert(key, key));
                assert!(map.contains_key(&(key / 2 / THREADS * THREADS + thread)));
            }
        });
        assert_eq!(map.len() as u64, ROUNDS * THREADS);
        assert!((0..ROUNDS * THREADS).all(|key| map.get(&key) == Some(key)));
    }
}

/// Racing updates of one key: none is lost, and none revives a removed entry unseen.
#[test]
fn no_update_is_lost() {
    let map = CasListMap::new();
    let removed = AtomicU64::new(0);
    on_threads(|thread| {
        for round in 0..ROUNDS {
            if thread == 0 && round % 16 == 0 {
                removed.fetch_add(map.remove_then(&0_u64, |n: &u64| *n).unwrap_or(0), SeqCst);
            } else {
                map.compute(0, |n| Action::Put(n.map_or(1, |n| n + 1)));
            }
        }
    });
    let written = ROUNDS * THREADS - ROUNDS.div_ceil(16);
    assert_eq!(removed.load(SeqCst) + map.get(&0).unwrap_or(0), written);
}

/// Two counters under one roof: a transfer moves one unit by two atomic steps; the sum is kept.
#[test]
fn compare_exchange_is_atomic() {
    let map: CasListMap<u64, u64> = (0..4).map(|key| (key, 0)).collect();
    on_threads(|thread| {
        for round in 0..ROUNDS / 4 {
            let key = (thread + round) % 4;
            let mut seen = map.get(&key).expect("never removed");
            while map.compare_exchange(&key, &seen, seen + 1).is_err() {
                seen = map.get(&key).expect("never removed");
            }
        }
    });
    let sum: u64 = (0..4).filter_map(|key| map.get(&key)).sum();
    assert_eq!(sum, ROUNDS / 4 * THREADS);
}

/// A million nodes in one chain are freed without recursion.
#[test]
fn a_long_list_drops_on_a_small_stack() {
    let fill = || {
        let map: CasListMap<u64, u64> = CasListMap::new();
        map.insert_many((0..1_000_000).map(|key| (key, key)));
        drop(map);
    };
    thread::Builder::new()
        .stack_size(64 * 1024)
        .spawn(fill)
        .expect("a thread")
        .join()
        .expect("no overflow");
}

/// A destructor that panics while the collector frees a batch costs no other entry its own.
#[test]
fn panicking_destructors_leak_nothing() {
    struct Bomb(u64, Arc<AtomicIsize>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.1.fetch_sub(1, SeqCst);
            assert!(self.0 % 50 != 0 || thread::panicking(), "boom");
        }
    }
    let alive = Arc::new(AtomicIsize::new(0));
    let map = CasListMap::new();
    let mut panics = 0;
    for n in 0..5_000 {
        alive.fetch_add(1, SeqCst);
        let bomb = Bomb(n, Arc::clone(&alive));
        let insert = std::panic::AssertUnwindSafe(|| map.insert(n % 7, bomb));
        panics += u32::from(std::panic::catch_unwind(insert).is_err());
    }
    assert!(panics > 0, "the collector has run");
    assert_eq!(map.len(), 7);
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(map)));
    assert!(end.is_err(), "the map's drop reports the panic of what it freed");
    assert_eq!(alive.load(SeqCst), 0);
}

/// A walk meets a key once, also if the key is removed and put in again behind the walk's back.
#[test]
fn a_walk_meets_a_reinserted_key_once() {
    let map: CasListMap<u64, u64, Few<0>> = (0..8).map(|key| (key, 0)).collect();
    let mut met = [0; 8];
    map.for_each(|&key, _| {
        met[key as usize] += 1;
        assert!(map.remove(&key) && map.insert(key, 1));
    });
    assert_eq!(met, [1; 8]);
}

/// Capacity is refused before anything changes, and given without moving an entry.
#[test]
fn capacity() {
    let map = CasListMap::new();
    map.insert(1, 1);
    let before = map.capacity();
    assert!(map.try_reserve(usize::MAX).is_err() && map.try_reserve(usize::MAX / 2).is_err());
    assert_eq!(map.capacity(), before);
    map.reserve(5000);
    assert!(map.capacity() >= 5001);
    assert_eq!(map.get(&1), Some(1));
}

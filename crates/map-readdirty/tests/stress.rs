//! Many threads on few keys, hashers that collide, growth and sweeping under way; nothing is lost,
//! nothing leaks, nothing is dropped twice.

use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, Ordering::Relaxed};
use std::thread;

use map_readdirty::{Action, Outcome, ReadDirtyMap};

const THREADS: u64 = 8;

static ALIVE: AtomicIsize = AtomicIsize::new(0);

/// Counts its living copies and knows whether it has been dropped.
struct Canary {
    value: u64,
    check: u64,
}

impl Canary {
    fn new(value: u64) -> Self {
        ALIVE.fetch_add(1, Relaxed);
        Self { value, check: !value }
    }

    fn get(&self) -> u64 {
        assert_eq!(self.check, !self.value, "a dropped value was lent");
        self.value
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        assert_eq!(self.check, !self.value, "a value was dropped twice");
        self.check = self.value;
        ALIVE.fetch_sub(1, Relaxed);
    }
}

/// Keeps `MASK` of a key: 0 makes all keys collide, 15 leaves 16 hashes.
#[derive(Default)]
struct Masked<const MASK: u64>(u64);

impl<const MASK: u64> Hasher for Masked<MASK> {
    fn finish(&self) -> u64 {
        (self.0 & MASK).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are u64")
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

type Colliding<const MASK: u64, V> = ReadDirtyMap<u64, V, BuildHasherDefault<Masked<MASK>>>;

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state >> 11
}

/// Each thread counts up on shared keys while others insert and remove keys of their own; the sums
/// must come out.
fn counts_come_out<const MASK: u64>(shared: u64, own: u64, rounds: u64) {
    let map = Colliding::<MASK, Canary>::default();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let map = &map;
            scope.spawn(move || {
                let mut state = 0x1234_5678 + thread;
                for round in 0..rounds {
                    let key = random(&mut state) % shared;
                    let mine = 1_000_000 * (thread + 1) + round % own;
                    map.compute(key, |n| Action::Put(Canary::new(n.map_or(1, |n| n.get() + 1))));
                    match random(&mut state) % 4 {
                        0 => assert_eq!(map.read(&mine, Canary::get), None),
                        1 => {
                            assert!(map.insert(mine, Canary::new(round)));
                            assert_eq!(map.read(&mine, Canary::get), Some(round));
                            assert_eq!(map.remove_then(&mine, Canary::get), Some(round));
                        }
                        2 => {
                            assert!(map.try_insert(mine, Canary::new(round)).is_ok());
                            assert!(map.remove_if(&mine, |n| n.get() == round));
                        }
                        _ => {
                            let make = || Canary::new(round);
                            assert_eq!(map.get_or_insert_with(mine, make, Canary::get), round);
                            let took = map.compute_if_present(&mine, |_| Action::Remove);
                            assert_eq!(took, Outcome::Removed);
                        }
                    }
                }
            });
        }
    });
    let mut sum = 0;
    map.for_each(|_, n| sum += n.get());
    assert_eq!(sum, THREADS * rounds);
    assert_eq!(map.len() as u64, shared);
    let entries: Vec<_> = map.into_iter().collect();
    assert_eq!(entries.iter().map(|(_, n)| n.get()).sum::<u64>(), THREADS * rounds);
}

/// One test, since the canaries are counted for the whole process.
#[test]
fn no_update_is_lost_and_nothing_leaks() {
    counts_come_out::<0>(4, 20, 2_000);
    counts_come_out::<15>(16, 200, 4_000);
    counts_come_out::<{ u64::MAX }>(64, 3_000, 20_000);
    assert_eq!(ALIVE.load(Relaxed), 0);
}

/// Ends the other threads' loops, also when an assertion fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Keys that are present throughout are found by every read and by every iteration, once, while
/// others come and go and the table grows, is rebuilt and shrinks.
#[test]
fn residents_are_always_there() {
    const RESIDENTS: u64 = 3_000;
    let map: ReadDirtyMap<u64, u64> = (0..RESIDENTS).map(|key| (key, key)).collect();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..2_u64 {
            let (map, stop) = (&map, &stop);
            scope.spawn(move || {
                let _stop = Stop(stop);
                let mut state = 77 + thread;
                while !stop.load(Relaxed) {
                    let key = random(&mut state) % RESIDENTS;
                    assert_eq!(map.get(&key).map(|n| n % RESIDENTS), Some(key));
                    assert_eq!(map.get(&(RESIDENTS * 1_000 + key)), None);
                    map.update(&key, |n| n + RESIDENTS);
                }
            });
            scope.spawn(move || {
                let _stop = Stop(stop);
                let base = RESIDENTS * (10 + 10 * thread);
                let mut size = 10;
                while !stop.load(Relaxed) {
                    size = size * 2 % 20_011;
                    for key in base..base + size {
                        map.insert(key, 1);
                    }
                    map.retain(|key, _| *key < base || *key >= base + size / 2);
                    for key in base..base + size {
                        map.remove(&key);
                    }
                }
            });
        }
        scope.spawn(|| {
            let _stop = Stop(&stop);
            while !stop.load(Relaxed) {
                map.shrink_to_fit();
                thread::yield_now();
            }
        });
        let _stop = Stop(&stop);
        for _ in 0..60 {
            let mut seen = std::collections::HashSet::new();
            let mut residents = 0;
            map.for_each(|key, value| {
                assert!(seen.insert(*key), "key {key} was visited twice");
                if *key < RESIDENTS {
                    residents += 1;
                    assert_eq!(value % RESIDENTS, *key);
                }
            });
            assert_eq!(residents, RESIDENTS);
        }
    });
    assert_eq!(map.len() as u64, RESIDENTS);
}

/// Keys that are visited, removed, swept if the map were to allow it, and inserted again behind others
/// are not visited a second time.
#[test]
fn no_key_twice_beside_reinsertion() {
    let map: Colliding<0, u64> = (0..500).map(|key| (key, key)).collect();
    map.reserve(1_000);
    let mut seen = std::collections::HashSet::new();
    let mut removed = Vec::new();
    map.for_each(|key, _| {
        assert!(seen.insert(*key), "key {key} was visited twice");
        if *key < 500 {
            map.remove(key);
            removed.push(*key);
        }
        if removed.len() == 50 {
            map.retain(|_, _| true);
            for key in removed.iter().map(|key| key + 1_000).chain(removed.iter().copied()) {
                map.insert(key, 0);
                map.read(&key, |_| ());
            }
            removed.clear();
        }
    });
    assert!((0..500).all(|key| seen.contains(&key)));
}

/// A key that has been inserted is found while it is being promoted.
#[test]
fn promotion_hides_no_key() {
    const ROUNDS: u64 = 100_000;
    let map = ReadDirtyMap::<u64, u64>::new();
    let inserted = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=ROUNDS {
                map.insert(round, round);
                inserted.store(round, std::sync::atomic::Ordering::Release);
                // Looking a dirty key up is what promotes it.
                assert!(map.contains_key(&round));
            }
        });
        let mut newest = 0;
        while newest < ROUNDS {
            newest = inserted.load(std::sync::atomic::Ordering::Acquire);
            assert!(newest == 0 || map.contains_key(&newest), "key {newest} is hidden");
        }
    });
}

/// A cleared or emptied map keeps few of its keys.
#[test]
fn removed_keys_are_freed() {
    static KEYS: AtomicIsize = AtomicIsize::new(0);
    #[derive(PartialEq, Eq, Hash)]
    struct Key(u64);
    impl Drop for Key {
        fn drop(&mut self) {
            KEYS.fetch_sub(1, Relaxed);
        }
    }
    let key = |n| {
        KEYS.fetch_add(1, Relaxed);
        Key(n)
    };
    const MANY: u64 = 50_000;
    let map = ReadDirtyMap::new();
    for n in 0..MANY {
        map.insert(key(n), n);
    }
    for n in 0..MANY {
        assert!(map.remove(&key(n)));
    }
    let kept = KEYS.load(Relaxed);
    assert!(kept < map.capacity() as isize * 8 / 5 / 4 + 2_000, "{kept} removed keys are kept");
    for n in 0..MANY {
        map.insert(key(n), n);
    }
    map.clear();
    // What is left waits in batches of the reclamation scheme.
    let kept = KEYS.load(Relaxed);
    assert!(kept < 500, "{kept} keys are kept after clear");
    drop(map);
    assert_eq!(KEYS.load(Relaxed), 0);
}

/// Two threads that each write one key and then read the other cannot both miss.
#[test]
fn store_buffering_is_not_observable() {
    for round in 0..300_u64 {
        let map = ReadDirtyMap::<u64, u64>::new();
        let barrier = std::sync::Barrier::new(2);
        let run = |mine: u64, other: u64| {
            barrier.wait();
            map.insert(mine, round);
            map.contains_key(&other)
        };
        let (a, b) = thread::scope(|scope| {
            let a = scope.spawn(|| run(1, 2));
            let b = scope.spawn(|| run(2, 1));
            (a.join().expect("no panic"), b.join().expect("no panic"))
        });
        assert!(a || b, "both threads missed the other's write in round {round}");
    }
}

/// A map that is dropped or taken apart in the middle of a growth gives up what is still in the old array, too.
#[test]
fn a_half_grown_map_is_dropped_whole() {
    for entries in (600..3000).step_by(37) {
        let alive = Arc::new(());
        let full = || {
            let map = ReadDirtyMap::new();
            for key in 0..entries {
                map.insert(Box::new(key), alive.clone());
            }
            map
        };
        drop(full());
        assert_eq!(Arc::strong_count(&alive), 1, "{entries} entries, dropped");
        let mut keys: Vec<_> = full().into_iter().map(|(key, _)| *key).collect();
        keys.sort_unstable();
        assert!(keys.into_iter().eq(0..entries), "{entries} entries, taken");
        assert!(full().into_iter().nth(entries / 3).is_some());
        assert_eq!(Arc::strong_count(&alive), 1, "{entries} entries, partly taken");
    }
}

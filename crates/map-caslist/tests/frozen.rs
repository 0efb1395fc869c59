//! A thread that is stopped within an operation, at any point, stops nobody.
//!
//! For each operation, a thread is frozen at the n-th point of it, for n from 1 until the operation has fewer. Points are all calls
//! of the user's code (`Hash`, `Eq`, `Clone`, `Drop`, closures), and, in a build with `--cfg atlas_freeze`, each access to a link,
//! a value or a segment of the index. While it is frozen, others call every operation on the same keys and on keys of their
//! own, through growth and reclamation, and must end; what they see of their own keys must be exact. Then
//! the thread goes on, and the map must agree with itself.
//!
//! `cargo xtask verify frozen` runs it in that build.

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use map_caslist::{Action, CasListMap};
use map_conformance::harness::within;
use map_conformance::hashers::Mixed;

/// After how long the others are taken to be stopped. Long, for machines that have other things to do.
const LIMIT: Duration = Duration::from_secs(30);

/// The keys that are in the map at first; the frozen thread works on these and on some more.
const KEYS: u64 = 24;

thread_local! {
    /// How many points are left until this thread freezes; 0 if it will not.
    static LEFT: Cell<u64> = const { Cell::new(0) };
    static GATE: RefCell<Option<Gate>> = const { RefCell::new(None) };
}

/// Where a thread stops: it says so, and waits until it is let go.
struct Gate {
    frozen: Sender<bool>,
    thaw: Receiver<()>,
}

/// A point at which the thread may freeze.
fn point() {
    match LEFT.get() {
        0 => {}
        1 => {
            LEFT.set(0);
            GATE.with_borrow(|gate| {
                let gate = gate.as_ref().expect("a thread that freezes has a gate");
                // The other side is gone only if its test has failed.
                let _ = gate.frozen.send(true);
                let _ = gate.thaw.recv();
            });
        }
        left => LEFT.set(left - 1),
    }
}

/// A key or a value whose code is full of points. It is not plain, so that a value is a block of its own.
#[derive(Debug)]
struct Slow(u64);

impl Hash for Slow {
    fn hash<H: Hasher>(&self, state: &mut H) {
        point();
        self.0.hash(state);
    }
}

impl PartialEq for Slow {
    fn eq(&self, other: &Self) -> bool {
        point();
        self.0 == other.0
    }
}

impl Eq for Slow {}

impl Clone for Slow {
    fn clone(&self) -> Self {
        point();
        Self(self.0)
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        point();
    }
}

/// Puts four keys into each run.
#[derive(Clone, Default)]
struct Runs;

struct RunsHasher(u64);

impl BuildHasher for Runs {
    type Hasher = RunsHasher;

    fn build_hasher(&self) -> RunsHasher {
        RunsHasher(0)
    }
}

impl Hasher for RunsHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys hash as one word");
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = Mixed.hash_one(key / 4);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Map = CasListMap<Slow, Slow, Runs>;

/// Calls every operation on a key, one that may be shared.
fn all_operations(map: &Map, key: u64) {
    let shared = || Slow(key);
    map.insert(shared(), Slow(1));
    map.get(&shared());
    map.update(&shared(), |value| Slow(value.0 + 1));
    map.compute(shared(), |old| if old.is_some() { Action::Remove } else { Action::Put(Slow(2)) });
    let _ = map.try_insert(shared(), Slow(3));
    map.compute_if_present(&shared(), |_| Action::Put(Slow(4)));
    let _ = map.compare_exchange(&shared(), &Slow(4), Slow(5));
    map.get_or_insert_with(shared(), || Slow(6), |value| value.0);
    map.remove_if(&shared(), |value| value.0 % 2 == 0);
    map.insert_then(shared(), Slow(7), |old| old.is_some());
    map.remove_then(&shared(), |value| value.0);
    map.insert_many([(shared(), Slow(8))]);
    map.get_many([&shared()], |_, _| ());
}

/// What another thread does meanwhile: all, on the shared keys and on its own, so much that the index grows and
/// memory is reclaimed.
fn work(map: &Map, number: u64) {
    for key in 0..KEYS + 8 {
        all_operations(map, key);
    }
    let own = 1000 * (number + 1)..1000 * (number + 1) + 150;
    for key in own.clone() {
        assert!(map.insert(Slow(key), Slow(key)), "key {key} is new");
        assert!(map.update(&Slow(key), |value| Slow(value.0 + 1)), "key {key} is present");
        assert_eq!(map.get(&Slow(key)).map(|value| value.0), Some(key + 1));
    }
    let mut seen = 0;
    map.for_each(|key, _| seen += u64::from(own.contains(&key.0)));
    assert_eq!(seen, 150, "an iteration visits what is there throughout");
    map.retain(|key, _| !own.contains(&key.0) || key.0 % 2 == 0);
    for key in own.filter(|key| key % 2 == 0) {
        assert!(map.remove(&Slow(key)), "key {key} is present");
    }
    map.try_reserve(10 * KEYS as usize).expect("a little room");
}

/// Freezes a thread at a point of `operation`; returns whether it has that many.
fn freeze_at(occurrence: u64, name: &'static str, operation: fn(&Map)) -> bool {
    let map = Arc::new(Map::default());
    for key in 0..KEYS {
        map.insert(Slow(key), Slow(key));
    }
    let (frozen, is_frozen) = channel();
    let (thaw, thawed) = channel();
    let stopped = {
        let map = Arc::clone(&map);
        thread::spawn(move || {
            GATE.set(Some(Gate { frozen: frozen.clone(), thaw: thawed }));
            LEFT.set(occurrence);
            #[cfg(atlas_freeze)]
            map_sync::shim::at_each_access(Some(point));
            operation(&map);
            LEFT.set(0);
            // Nobody listens any more if it has been frozen.
            let _ = frozen.send(false);
        })
    };
    let has_point = is_frozen.recv().expect("the thread tells");
    let ended = within(LIMIT, {
        let map = Arc::clone(&map);
        move || {
            let start = Barrier::new(2);
            thread::scope(|scope| {
                for number in 0..2 {
                    let (map, start) = (&map, &start);
                    scope.spawn(move || {
                        start.wait();
                        work(map, number);
                    });
                }
            });
        }
    });
    let what = format!("a thread frozen at point {occurrence} of {name}");
    match ended {
        Some(Ok(())) => {}
        Some(Err(_)) => panic!("{what}: another one saw what is not true"),
        None => panic!("{what} stops the others"),
    }
    // The thread is past its operation if it never froze.
    let _ = thaw.send(());
    stopped.join().unwrap_or_else(|_| panic!("{what} panics when it goes on"));
    let mut entries = 0;
    map.for_each(|_, _| entries += 1);
    assert_eq!(map.len(), entries, "{what}: the count is wrong in the end");
    for key in 0..KEYS {
        all_operations(&map, key);
    }
    has_point
}

/// Freezes a thread at every point of an operation.
fn freeze_everywhere(name: &'static str, operation: fn(&Map)) {
    let points = (1..).find(|&occurrence| !freeze_at(occurrence, name, operation));
    println!("{name}: frozen at {} points", points.unwrap_or(1) - 1);
}

macro_rules! frozen_in {
    ($($test:ident: |$map:ident| $operation:expr;)*) => {$(
        #[test]
        fn $test() {
            freeze_everywhere(stringify!($test), |$map| _ = $operation);
        }
    )*};
}

/// A closure of the user's.
fn ran<T>(result: T) -> T {
    point();
    result
}

frozen_in! {
    get: |map| map.get(&Slow(5));
    read: |map| map.read(&Slow(5), |value| ran(value.0));
    insert_new: |map| map.insert(Slow(KEYS + 1), Slow(1));
    insert_known: |map| map.insert(Slow(5), Slow(1));
    insert_that_grows: |map| (100..160).for_each(|key| _ = map.insert(Slow(key), Slow(key)));
    try_insert: |map| map.try_insert(Slow(KEYS + 1), Slow(1));
    get_or_insert_with: |map| map.get_or_insert_with(Slow(KEYS + 1), || ran(Slow(1)), |value| ran(value.0));
    remove: |map| map.remove(&Slow(5));
    remove_and_reinsert: |map| (map.remove(&Slow(5)), map.insert(Slow(5), Slow(1)));
    remove_if: |map| map.remove_if(&Slow(5), |_| ran(true));
    update: |map| map.update(&Slow(5), |value| ran(Slow(value.0 + 1)));
    compute: |map| map.compute(Slow(5), |_| ran(Action::Put(Slow(1))));
    compute_that_removes: |map| map.compute(Slow(5), |_| ran(Action::Remove));
    compute_if_present: |map| map.compute_if_present(&Slow(5), |_| ran(Action::Put(Slow(1))));
    compare_exchange: |map| map.compare_exchange(&Slow(5), &Slow(5), Slow(1));
    for_each: |map| map.for_each(|_, _| ran(()));
    retain: |map| map.retain(|key, _| ran(key.0 % 2 == 0));
    clear: |map| map.clear();
    reserve: |map| map.reserve(500);
    len: |map| map.len();
    through_a_pin: |map| {
        let pin = map.pin();
        pin.insert(Slow(5), Slow(1));
        pin.remove(&Slow(6));
        pin.read(&Slow(7), |value| ran(value.0))
    };
    reclamation: |map| (0..300).for_each(|_| _ = map.insert(Slow(5), Slow(1)));
}

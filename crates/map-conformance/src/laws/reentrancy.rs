//! A closure that calls the map that called it either works or is refused by a panic; it never hangs.
//!
//! Which of the two is stated in the map's `Guarantees`. Every pair of a closure and an operation runs
//! on a thread of its own with a time limit.

use core::ops::ControlFlow;
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};

use map_core::{Action, ConcurrentMap, PinMap, Reentrancy};

use crate::family::{Family, MapOf, empty};
use crate::harness::{message, within};
use crate::hashers::Mixed;

/// After how long a pair is taken to hang. Long, for machines that have other things to do.
const LIMIT: Duration = Duration::from_secs(10);

/// How a closure is run by the operation that it was given to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lent {
    /// While the value is being read.
    Reading,
    /// While a write is being decided on.
    Deciding,
    /// After the write, outside any lock.
    Afterwards,
    /// It is no closure but an iterator that the map draws from; the contract leaves open how.
    Drawn,
}

struct Outer<M> {
    name: &'static str,
    lent: Lent,
    /// Calls the operation on a key, with a closure that runs `inner` once.
    call: fn(&M, u64, &mut dyn FnMut()),
}

struct Inner<M> {
    name: &'static str,
    reads: bool,
    call: fn(&M, u64),
}

macro_rules! list {
    ($Kind:ident: $($name:literal $attribute:expr => |$($arg:ident),*| $body:expr;)*) => {
        vec![$($Kind::new($name, $attribute, |$($arg),*| { let _ = $body; })),*]
    };
}

impl<M> Outer<M> {
    fn new(name: &'static str, lent: Lent, call: fn(&M, u64, &mut dyn FnMut())) -> Self {
        Self { name, lent, call }
    }
}

impl<M> Inner<M> {
    fn new(name: &'static str, reads: bool, call: fn(&M, u64)) -> Self {
        Self { name, reads, call }
    }
}

fn outers<M: ConcurrentMap<u64, u64>>() -> Vec<Outer<M>> {
    use Lent::{Afterwards, Deciding, Drawn, Reading};
    list![Outer:
        "read" Reading => |map, key, inner| map.read(&key, |_| inner());
        "get_many" Reading => |map, key, inner| map.get_many([&key], |_, _| inner());
        "try_for_each" Reading => |map, _key, inner| {
            map.try_for_each(|_, _| { inner(); ControlFlow::Break(()) })
        };
        "for_each" Reading => |map, _key, inner| map.for_each(|_, _| inner());
        "insert_then, known" Afterwards => |map, key, inner| map.insert_then(key, 7, |_| inner());
        "insert_then, new" Afterwards => |map, key, inner| {
            map.insert_then(key + 100, 7, |_| inner())
        };
        "remove_then" Afterwards => |map, key, inner| map.remove_then(&key, |_| inner());
        "get_or_insert_with's `make`" Deciding => |map, key, inner| {
            map.get_or_insert_with(key + 100, || { inner(); 7 }, |_| ())
        };
        "get_or_insert_with, absent" Deciding => |map, key, inner| {
            map.get_or_insert_with(key + 100, || 7, |_| inner())
        };
        "get_or_insert_with, present" Deciding => |map, key, inner| {
            map.get_or_insert_with(key, || 7, |_| inner())
        };
        "remove_if" Deciding => |map, key, inner| map.remove_if(&key, |_| { inner(); false });
        "update" Deciding => |map, key, inner| map.update(&key, |value| { inner(); value + 1 });
        "compute, present" Deciding => |map, key, inner| {
            map.compute(key, |_| { inner(); Action::Put(7) })
        };
        "compute, absent" Deciding => |map, key, inner| {
            map.compute(key + 100, |_| { inner(); Action::Put(7) })
        };
        "compute_if_present" Deciding => |map, key, inner| {
            map.compute_if_present(&key, |_| { inner(); Action::Remove })
        };
        "retain" Deciding => |map, _key, inner| map.retain(|_, _| { inner(); true });
        "insert_many's iterator" Drawn => |map, key, inner| {
            map.insert_many((0..3).map(|n| { inner(); (key + n, 7) }))
        };
        "get_many's iterator" Drawn => |map, key, inner| {
            map.get_many([&key, &3].into_iter().inspect(|_| inner()), |_, _| ())
        };
    ]
}

fn inners<M: ConcurrentMap<u64, u64>>() -> Vec<Inner<M>> {
    list![Inner:
        "read" true => |map, key| map.read(&key, |value| *value);
        "get" true => |map, key| map.get(&key);
        "contains_key" true => |map, key| map.contains_key(&key);
        "get_many" true => |map, key| map.get_many([&key, &2], |_, _| ());
        "try_for_each" true => |map, _key| map.try_for_each(|_, _| ControlFlow::<()>::Continue(()));
        "for_each" true => |map, _key| map.for_each(|_, _| ());
        "len" true => |map, _key| map.len();
        "is_empty" true => |map, _key| map.is_empty();
        "insert" false => |map, key| map.insert(key, 8);
        "insert_then" false => |map, key| map.insert_then(key, 8, |_| ());
        "try_insert" false => |map, key| map.try_insert(key, 8);
        "get_or_insert_with" false => |map, key| map.get_or_insert_with(key, || 8, |_| ());
        "remove" false => |map, key| map.remove(&key);
        "remove_then" false => |map, key| map.remove_then(&key, |_| ());
        "remove_if" false => |map, key| map.remove_if(&key, |_| true);
        "update" false => |map, key| map.update(&key, |value| value + 1);
        "compute" false => |map, key| map.compute(key, |_| Action::Put(8));
        "compute_if_present" false => |map, key| map.compute_if_present(&key, |_| Action::Remove);
        "compare_exchange" false => |map, key| map.compare_exchange(&key, &key, 8);
        "insert_many" false => |map, key| map.insert_many([(key, 8), (key + 1, 8)]);
        "retain" false => |map, _key| map.retain(|key, _| key % 2 == 0);
        "clear" false => |map, _key| map.clear();
    ]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Works,
    Refused,
    Either,
}

fn expected(rule: Reentrancy, lent: Lent, inner: &str, reads: bool) -> Expected {
    match (rule, lent) {
        (Reentrancy::Works, _) | (_, Lent::Afterwards) => Expected::Works,
        (_, Lent::Reading) if reads => Expected::Works,
        (_, Lent::Drawn) => Expected::Either,
        // A count kept beside the map needs no lock, so there is nothing to refuse.
        _ if matches!(inner, "len" | "is_empty") => Expected::Either,
        _ => Expected::Refused,
    }
}

/// A map with a few entries.
fn prepared<F: Family>() -> Arc<MapOf<F, u64, u64, Mixed>> {
    let map = empty::<F, u64, u64, Mixed>();
    map.insert_many((0..4).map(|key| (key, key)));
    Arc::new(map)
}

/// Each closure with each operation, on its own key and on another, works or is refused as stated.
/// Nothing is checked of a map that promises nothing.
pub fn each_closure_with_each_operation<F: Family>() {
    type M<F> = MapOf<F, u64, u64, Mixed>;
    let guarantees = <M<F> as ConcurrentMap<u64, u64>>::GUARANTEES;
    if guarantees.reentrancy == Reentrancy::Unspecified {
        return;
    }
    for outer in outers::<M<F>>() {
        for inner in inners::<M<F>>() {
            for (key, inner_key) in [(1, 1), (1, 2), (1, 101)] {
                let pair = format!("`{}` of key {inner_key} inside `{}`", inner.name, outer.name);
                let map = prepared::<F>();
                let (call_outer, call_inner) = (outer.call, inner.call);
                let refusal = within(LIMIT, {
                    let map = Arc::clone(&map);
                    move || nested(&*map, key, inner_key, call_outer, call_inner)
                });
                let refusal = match refusal {
                    None => panic!("{pair} hangs"),
                    Some(Err(panic)) => panic!("{pair}: {}", message(&*panic)),
                    Some(Ok(refusal)) => refusal,
                };
                let expected = expected(guarantees.reentrancy, outer.lent, inner.name, inner.reads);
                match refusal {
                    None => assert!(expected != Expected::Refused, "{pair} is not refused"),
                    Some(text) => {
                        assert!(expected != Expected::Works, "{pair} is refused: {text}");
                        let named =
                            text.contains(guarantees.name) && text.matches('`').count() >= 4;
                        assert!(named, "{pair}: the refusal names not map and operations: {text}");
                    }
                }
                assert_usable(&map, &pair);
            }
        }
    }
}

/// Runs the pair; returns the text of the refusal, if there was one.
fn nested<M: ConcurrentMap<u64, u64>>(
    map: &M,
    key: u64,
    inner_key: u64,
    outer: fn(&M, u64, &mut dyn FnMut()),
    inner: fn(&M, u64),
) -> Option<String> {
    let (mut ran, mut refusal) = (false, None);
    outer(map, key, &mut || {
        // Once: a decision whose ground is changed each time would be taken for ever.
        if !core::mem::replace(&mut ran, true) {
            refusal = catch_unwind(AssertUnwindSafe(|| inner(map, inner_key)))
                .err()
                .map(|panic| message(&*panic));
        }
    });
    assert!(ran, "the closure does not run");
    refusal
}

/// Another thread gets in, and the map agrees with itself.
fn assert_usable<M>(map: &Arc<M>, what: &str)
where
    M: ConcurrentMap<u64, u64> + Send + Sync + 'static,
{
    let copy = Arc::clone(map);
    let usable = within(LIMIT, move || {
        copy.insert(1, 1);
        copy.update(&1, |value| value + 1);
        let mut visited = 0;
        copy.for_each(|_, _| visited += 1);
        copy.get(&1) == Some(2) && visited == copy.len() && copy.remove(&1)
    });
    match usable {
        Some(Ok(usable)) => assert!(usable, "after {what} the map contradicts itself"),
        Some(Err(panic)) => panic!("after {what}: {}", message(&*panic)),
        None => panic!("after {what} another thread hangs"),
    }
}

/// Two threads whose closures call for each other's key, again and again, all end.
pub fn two_threads_cross<F: Family>() {
    type M<F> = MapOf<F, u64, u64, Mixed>;
    if <M<F> as ConcurrentMap<u64, u64>>::GUARANTEES.reentrancy == Reentrancy::Unspecified {
        return;
    }
    let inner_names = ["read", "for_each", "insert", "update", "remove", "retain"];
    for outer in outers::<M<F>>() {
        for inner in inners::<M<F>>().iter().filter(|inner| inner_names.contains(&inner.name)) {
            let pair = format!("`{}` inside `{}`, crossed by its like", inner.name, outer.name);
            let map = prepared::<F>();
            let (call_outer, call_inner) = (outer.call, inner.call);
            let start = Arc::new(Barrier::new(2));
            let cross = |own: u64, other: u64| {
                let (map, start) = (Arc::clone(&map), Arc::clone(&start));
                move || {
                    for _ in 0..5 {
                        start.wait();
                        map.insert(own, own);
                        let mut ran = false;
                        call_outer(&*map, own, &mut || {
                            if !core::mem::replace(&mut ran, true) {
                                std::thread::yield_now();
                                // Works or is refused; here only that it ends counts.
                                let _ = catch_unwind(AssertUnwindSafe(|| call_inner(&*map, other)));
                            }
                        });
                    }
                }
            };
            let (one, two) = (cross(1, 2), cross(2, 1));
            let ended = within(LIMIT, move || {
                let other = std::thread::spawn(two);
                one();
                other.join().is_ok()
            });
            match ended {
                Some(Ok(ended)) => assert!(ended, "{pair}: the second thread panicked"),
                Some(Err(panic)) => panic!("{pair}: {}", message(&*panic)),
                None => panic!("{pair} hangs"),
            }
            assert_usable(&map, &pair);
        }
    }
}

/// A read inside a read ends although a writer came to wait between the two: fair locks queue the
/// second read behind the writer, who waits for the first.
pub fn nested_reads_pass_a_waiting_writer<F: Family>() {
    type M<F> = MapOf<F, u64, u64, Mixed>;
    if <M<F> as ConcurrentMap<u64, u64>>::GUARANTEES.reentrancy == Reentrancy::Unspecified {
        return;
    }
    for (outer, inner) in [("read", "read"), ("for_each", "get_many"), ("get_many", "for_each")] {
        let call_outer = outers::<M<F>>().into_iter().find(|o| o.name == outer).map(|o| o.call);
        let call_inner = inners::<M<F>>().into_iter().find(|i| i.name == inner).map(|i| i.call);
        let (Some(call_outer), Some(call_inner)) = (call_outer, call_inner) else {
            panic!("`{outer}` and `{inner}` are in the lists")
        };
        let map = prepared::<F>();
        let ended = within(LIMIT, move || {
            let stage = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while stage.load(SeqCst) == 0 {
                        std::thread::yield_now();
                    }
                    stage.store(2, SeqCst);
                    map.insert(1, 9);
                    map.clear();
                });
                let mut ran = false;
                call_outer(&*map, 1, &mut || {
                    if !core::mem::replace(&mut ran, true) {
                        stage.store(1, SeqCst);
                        while stage.load(SeqCst) != 2 {
                            std::thread::yield_now();
                        }
                        // Time for the writer to begin to wait; too little of it hides a fault but
                        // makes none.
                        std::thread::sleep(Duration::from_millis(20));
                        call_inner(&*map, 1);
                    }
                });
            });
        });
        match ended {
            Some(Ok(())) => {}
            Some(Err(panic)) => panic!("`{inner}` inside `{outer}`: {}", message(&*panic)),
            None => panic!("`{inner}` inside `{outer}` hangs when a writer waits in between"),
        }
    }
}

/// A pin's closures may call the map, and the map's closures a pin, as the map's own may.
pub fn pins_nest_as_maps_do<F: Family>() {
    type M<F> = MapOf<F, u64, u64, Mixed>;
    if <M<F> as ConcurrentMap<u64, u64>>::GUARANTEES.reentrancy == Reentrancy::Unspecified {
        return;
    }
    let map = prepared::<F>();
    let ended = within(LIMIT, move || {
        let pin = map.pin();
        assert_eq!(pin.read(&1, |_| map.get(&2)), Some(Some(2)), "map inside pin");
        assert_eq!(map.read(&1, |_| pin.get(&2)), Some(Some(2)), "pin inside map");
        assert_eq!(map.read(&1, |_| map.pin().get(&2)), Some(Some(2)), "new pin inside map");
        pin.insert_then(1, 5, |_| map.insert(1, 6));
        assert_eq!(map.remove_then(&1, |value| (*value, pin.contains_key(&1))), Some((6, false)));
    });
    match ended {
        Some(Ok(())) => {}
        Some(Err(panic)) => panic!("{}", message(&*panic)),
        None => panic!("a pin and its map hang in each other's closures"),
    }
}

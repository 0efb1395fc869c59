//! What is seen, and done, while entries are being moved.

use std::borrow::Borrow;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use map_sync::shim::OnceLock;

use super::super::super::levels::{self, Array};
use super::super::support::*;
use super::*;

/// What was seen before a move is out of date after it, in each of its states.
#[test]
fn who_has_seen_an_entry_before_it_was_moved_has_to_look_again() {
    let map = empty();
    let pin = map.pin();
    (0..20).for_each(|key| insert(&pin, key, key));
    let in_dirty = look(&pin, 3).expect("present");
    settle(&pin);
    assert!(pin.put(&in_dirty, 100).is_err() && !pin.take(&in_dirty), "it has been promoted");
    let in_table = look(&pin, 3).expect("present");
    let removed = look(&pin, 4).expect("present");
    assert!(pin.take(&removed));
    let absent = look(&pin, 4).expect("it has a place");
    grow(&pin, 64);
    let Ok(stored) = pin.put(&in_table, 101) else { panic!("not moved yet") };
    move_up_to(&pin, 3);
    move_up_to(&pin, 4);
    assert!(pin.put(&stored, 102).is_err() && !pin.take(&stored), "it has been moved");
    assert!(pin.put(&absent, 103).is_err(), "it has died");
    assert_eq!((value(&pin, 3), value(&pin, 4), pin.len()), (Some(101), None, 19));
    let moved = pin.again(&stored, &TEST).expect("present");
    assert!(pin.put(&moved, 104).is_ok());
    assert!(pin.again(&absent, &TEST).is_none(), "a key that was absent has no place any more");
    insert(&pin, 4, 105);
    assert!(pin.put(&absent, 106).is_err());
    settle(&pin);
    assert_eq!((value(&pin, 3), value(&pin, 4), pin.len()), (Some(104), Some(105), 20));
}

/// Beside an iteration the table is replaced: what was moved is visited where it was.
#[test]
fn an_iteration_finds_what_was_moved_meanwhile_once() {
    let map = empty();
    let pin = map.pin();
    (0..20).for_each(|key| insert(&pin, key, key));
    let mut walk = pin.walk(&TEST);
    let first = walk.next().map(|seen| *seen.key()).expect("twenty entries");
    let gone = (first + 1) % 20;
    let changed = (first + 2) % 20;
    let back = (first + 3) % 20;
    for key in [gone, back] {
        assert!(pin.take(&look(&pin, key).expect("present")));
    }
    grow(&pin, 64);
    settle(&pin);
    grow(&pin, 128);
    assert!(pin.put(&look(&pin, changed).expect("present"), 100).is_ok());
    insert(&pin, back, 200);
    insert(&pin, 50, 300);
    let mut rest: Vec<_> = walk.map(|seen| (*seen.key(), seen.value().copied())).collect();
    rest.sort_unstable();
    let value_of = |key| {
        if key == changed {
            100
        } else if key == back {
            200
        } else {
            key
        }
    };
    let expected = (0..20).filter(|key| ![first, gone].contains(key));
    assert!(rest.into_iter().eq(expected.map(|key| (key, Some(value_of(key))))));
    settle(&pin);
    assert_eq!((pin.len(), value(&pin, 50)), (20, Some(300)));
}

#[test]
fn a_panic_of_a_hash_while_entries_are_moved_loses_nothing() {
    let map = empty();
    let mut model = Model::default();
    (0..200).for_each(|key| model.insert(&map.pin(), key, key));
    for (slots, after) in [(512, 0), (1024, 1), (2048, 5), (4096, 100)] {
        grow(&map.pin(), slots);
        PANIC.set(after);
        let moved = catch_unwind(AssertUnwindSafe(|| settle(&map.pin())));
        PANIC.set(usize::MAX);
        assert!(moved.is_err() && map.pin().old(map.pin().table()).is_some());
        model.check(&map.pin());
    }
}

/// A hasher that calls the map that calls it, while entries are moved.
#[test]
fn a_hasher_under_the_mutex_is_answered_or_refused() {
    type Call = fn(&Nested) -> bool;
    thread_local!(static CALL: Cell<Option<Call>> = const { Cell::new(None) });
    static MAP: OnceLock<Nested> = OnceLock::new();
    #[derive(Clone, Default)]
    struct Calling;
    type Nested = levels::Core<Inline<u64, u64>, Calling>;
    impl BuildHasher for Calling {
        type Hasher = Spread;

        fn build_hasher(&self) -> Spread {
            if let (Some(call), Some(map)) = (CALL.take(), MAP.get()) {
                assert!(call(map));
            }
            Spread::default()
        }
    }
    let spread = |key: u64| Spread::default().hash_one(key);
    let new = Nested::with_capacity(0, Calling).expect("a little room");
    let map = MAP.get_or_init(|| new);
    let insert = |key: u64| {
        let pin = map.pin();
        assert!(pin.insert_new(spread(key), key, key, &TEST).is_ok());
    };
    (0..20).for_each(insert);
    map.pin().settled(&TEST, |_| ());
    let moves = |call: Call| {
        let pin = map.pin();
        pin.locked(&TEST, |state| {
            assert!(pin.begin_growth(state, pin.table().slots() * 2).is_ok())
        });
        CALL.set(Some(call));
        let moved = catch_unwind(AssertUnwindSafe(|| pin.settled(&TEST, |_| ())));
        assert!(CALL.take().is_none(), "it was not asked");
        pin.settled(&TEST, |_| ());
        moved.map_err(|payload| payload.downcast_ref::<String>().expect("a message").clone())
    };
    let reads = |map: &Nested| {
        let pin = map.pin();
        let hash = |key| Spread::default().hash_one(key);
        (0..20).all(|key: u64| pin.look(hash(key), &key, &TEST).is_some())
            && pin.look(hash(1_000_u64), &1_000, &TEST).is_none()
    };
    assert_eq!(moves(reads), Ok(()));
    let inserts = |map: &Nested| {
        let pin = map.pin();
        pin.insert_new(Spread::default().hash_one(50_u64), 50, 50, &TEST).is_ok()
    };
    let refusal = moves(inserts).expect_err("it would wait for itself");
    assert!(refusal.contains("would deadlock"), "{refusal}");
    insert(50);
    assert_eq!(map.len(), 21);
}

/// A number whose comparison may be called for something else.
#[repr(transparent)]
struct Probe(u64);

thread_local!(static COMPARED: Cell<Option<fn()>> = const { Cell::new(None) });

impl PartialEq for Probe {
    fn eq(&self, other: &Self) -> bool {
        let is_equal = self.0 == other.0;
        // Keys are compared with those that are marks, too.
        if let Some(call) = is_equal.then(|| COMPARED.take()).flatten() {
            call();
        }
        is_equal
    }
}

impl Eq for Probe {}

impl Borrow<Probe> for u64 {
    fn borrow(&self) -> &Probe {
        // SAFETY: a probe is a number.
        unsafe { &*std::ptr::from_ref(self).cast() }
    }
}

/// A search in the old table is overtaken by two growths: what it finds moved, and moved once more, is still found.
#[test]
fn a_search_that_is_overtaken_begins_anew() {
    static MAP: OnceLock<Map> = OnceLock::new();
    let map = MAP.get_or_init(empty);
    let pin = map.pin();
    (0..20).for_each(|key| insert(&pin, key, key));
    grow(&pin, 64);
    move_up_to(&pin, 3);
    COMPARED.set(Some(|| {
        let pin = MAP.get().expect("made above").pin();
        grow(&pin, 128);
        settle(&pin);
    }));
    let found = pin.look(pin.hash(&3_u64), &Probe(3), &TEST);
    assert!(COMPARED.take().is_none(), "it was not asked");
    assert_eq!(found.expect("present throughout").value(), Some(&3));
    assert_eq!(pin.table().slots(), 128);
}

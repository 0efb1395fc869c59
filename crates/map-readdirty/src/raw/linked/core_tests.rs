//! Steps of several threads, one after the other on one thread; what a pin keeps; how a map ends.

use std::sync::Arc;

use super::super::super::filter::mix;
use super::super::super::levels;
use super::*;

type Core<K, V> = levels::Core<Linked<K, V>, ()>;
type Pinned<'a, K, V> = levels::Pinned<'a, Linked<K, V>, ()>;

static TEST: Section = Section::exclusive("test", "test");

fn core<K, V>() -> Core<K, V> {
    Core::with_capacity(0, ()).expect("a little room")
}

/// A key with a hash of its own.
fn hash(key: u64) -> u64 {
    mix(mix(key)) >> 7
}

fn insert<V>(pin: &Pinned<'_, u64, V>, key: u64, value: V) {
    assert!(pin.insert_new(hash(key), key, value, &TEST).is_ok());
}

fn look<'p, V>(pin: &'p Pinned<'_, u64, V>, key: u64) -> Option<Seen<'p, u64, V>> {
    pin.look(hash(key), &key, &TEST)
}

fn changes_are_refused<V: Clone + PartialEq + std::fmt::Debug>([first, second]: [V; 2]) {
    let core = core();
    let pin = core.pin();
    insert(&pin, 1, first.clone());
    let (old, older) = (look(&pin, 1).expect("present"), look(&pin, 1).expect("present"));
    let stored = pin.put(&old, second.clone()).expect("nobody else is here");
    assert_eq!(stored.value(), Some(&second));
    assert_eq!(older.value(), Some(&first), "what was seen stays");
    assert_eq!(pin.put(&older, first.clone()).err(), Some(first));
    assert!(!pin.take(&older), "it has changed");
    assert_eq!((pin.again(&older, &TEST).expect("present").value(), pin.len()), (Some(&second), 1));
    assert!(pin.take(&stored) && !pin.take(&stored));
    assert!(
        pin.again(&stored, &TEST).is_some_and(|seen| seen.value().is_none()),
        "the entry is absent"
    );
    assert_eq!((pin.len(), core.len()), (0, 0));
    let absent = look(&pin, 1).expect("the entry is still there");
    assert!(pin.put(&absent, second.clone()).is_ok());
    assert_eq!((pin.len(), core.len()), (1, 1));
}

#[test]
fn a_change_of_what_another_thread_has_changed_is_refused() {
    changes_are_refused([1_u64, 2]);
    changes_are_refused([[1_u64, 2], [3, 4]]);
    changes_are_refused(["first".to_owned(), "second".to_owned()]);
}

#[test]
fn of_two_insertions_of_a_key_the_later_one_gets_both_back() {
    let core = core();
    let pin = core.pin();
    insert(&pin, 1, "first");
    let refused = pin.insert_new(hash(1), 1, "second", &TEST).err();
    assert_eq!(refused, Some((1, "second")), "it is in the dirty level");
    pin.settled(&TEST, |_| ());
    let refused = pin.insert_new(hash(1), 1, "second", &TEST).err();
    assert_eq!(refused, Some((1, "second")), "it is in the table");
    assert_eq!((look(&pin, 1).expect("present").value(), pin.len()), (Some(&"first"), 1));
}

/// Whoever found an entry before it died has to look again.
#[test]
fn a_dead_entry_says_nothing() {
    let core = core();
    let pin = core.pin();
    insert(&pin, 1, 1_u64);
    pin.settled(&TEST, |_| ());
    let seen = look(&pin, 1).expect("present");
    assert!(pin.take(&seen));
    assert!(look(&pin, 1).is_some_and(|seen| seen.value().is_none()));
    assert!(seen.entry.kill());
    assert!(pin.again(&seen, &TEST).is_none() && look(&pin, 1).is_none());
}

/// What a pin keeps is freed when it is refreshed, not at its end.
#[test]
fn a_refresh_lets_go() {
    const ROUNDS: usize = 5_000;
    let alive = Arc::new(());
    let core = core();
    let mut pin = core.pin();
    insert(&pin, 1, alive.clone());
    let overwrite = |pin: &Pinned<'_, u64, Arc<()>>| {
        let seen = look(pin, 1).expect("present");
        assert!(pin.put(&seen, alive.clone()).is_ok());
    };
    (0..ROUNDS).for_each(|_| overwrite(&pin));
    assert_eq!(Arc::strong_count(&alive), ROUNDS + 2, "the pin keeps all");
    for _ in 0..ROUNDS {
        pin.refresh();
        overwrite(&pin);
    }
    let kept = Arc::strong_count(&alive);
    assert!(kept < ROUNDS, "{kept} are kept");
    drop(pin);
    drop(core);
    assert_eq!(Arc::strong_count(&alive), 1);
}

/// A value whose destructor panics, if it is to.
struct Bomb {
    panics: bool,
    _alive: Arc<()>,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.panics, "boom");
    }
}

fn bombs(alive: &Arc<()>) -> Core<u64, Bomb> {
    let core = core();
    let bomb = |key| Bomb { panics: key % 50 == 7, _alive: alive.clone() };
    (0..200).for_each(|key| insert(&core.pin(), key, bomb(key)));
    core
}

#[test]
fn a_destructor_that_panics_at_the_end_costs_no_other_its_own() {
    let alive = Arc::new(());
    let map = bombs(&alive);
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(map)));
    assert!(end.is_err(), "the end of the map reports the panic");
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn a_map_that_ends_in_a_panic_adds_none() {
    let alive = Arc::new(());
    let map = bombs(&alive);
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _map = map;
        std::panic::resume_unwind(Box::new("the first"));
    }));
    let payload = end.expect_err("it panics");
    assert_eq!(payload.downcast_ref(), Some(&"the first"));
    assert_eq!(Arc::strong_count(&alive), 1);
}

//! The states of an entry, for the three ways in which it holds a value.

use std::fmt::Debug;

use super::*;

fn entry<V>(value: V) -> Owned<u64, V> {
    Owned::new(7, 3, value)
}

fn shared<V>(owned: &Owned<u64, V>) -> &Entry<u64, V> {
    // SAFETY: the owner has it, and lends it.
    unsafe { &*owned.0 }
}

fn value_of<V: Clone>(content: &Content<V>) -> Option<V> {
    // SAFETY: in these tests values are freed last.
    unsafe { content.value() }.cloned()
}

/// What an overwrite leaves behind.
fn free_replaced<V>(owned: &Owned<u64, V>, seen: &Content<V>) {
    if let Some(value) = seen.address() {
        // SAFETY: the entry is there.
        if !unsafe { Entry::is_first(owned.0, value) } {
            // SAFETY: it was swapped out, and nobody else has it.
            unsafe { free_value::<V>(value.cast()) };
        }
    }
}

fn a_life<V: Clone + PartialEq + Debug>(values: [V; 3]) {
    let [first, second, third] = values;
    let owned = entry(first.clone());
    let entry = shared(&owned);
    assert_eq!((entry.hash, entry.key, *owned.key()), (7, 3, 3));
    let one = entry.load();
    assert!(one.is_live() && !one.is_dead());
    assert_eq!(value_of(&one), Some(first.clone()));
    assert!(!entry.kill(), "a present key is not killed");

    let two = entry.put(one, second.clone()).expect("nobody else is here");
    assert_eq!((value_of(&two), value_of(&entry.load())), (Some(second.clone()), Some(second)));
    assert_eq!(entry.put(one, third.clone()).err(), Some(third.clone()), "it has changed");
    assert!(!entry.take(one), "it has changed");
    free_replaced(&owned, &one);

    assert!(entry.take(two) && !entry.take(two));
    free_replaced(&owned, &two);
    let absent = entry.load();
    assert!(!absent.is_live() && !absent.is_dead() && absent.address().is_none());
    assert_eq!(value_of(&absent), None);

    let three = entry.put(absent, third.clone()).expect("an absent entry is used again");
    assert_eq!(value_of(&entry.load()), Some(third.clone()));
    assert!(entry.take(three));
    free_replaced(&owned, &three);

    let seen = entry.load();
    assert!(entry.kill() && !entry.kill(), "dead is final");
    let dead = entry.load();
    assert!(dead.is_dead() && !dead.is_live() && dead.address().is_none());
    assert_eq!(value_of(&dead), None);
    assert_eq!(entry.put(seen, third.clone()).err(), Some(third), "nothing is put into it");
    assert_eq!(owned.into_parts(), (3, None));
}

#[test]
fn a_value_is_put_taken_and_put_again_until_the_entry_is_dead() {
    a_life([1_u64, 2, 3]);
    a_life([1_u8, 2, 3]);
    a_life([(); 3]);
    a_life([[1_u64, 2], [3, 4], [5, 6]]);
    a_life([[1_u64, 2, 3], [4, 5, 6], [7, 8, 9]]);
    a_life(["one", "two", "three"].map(str::to_owned));
}

#[test]
fn a_present_value_comes_out_with_the_key() {
    assert_eq!(entry(5_u64).into_parts(), (3, Some(5)));
    assert_eq!(entry([5_u64, 6]).into_parts(), (3, Some([5, 6])));
    assert_eq!(entry("five".to_owned()).into_parts(), (3, Some("five".to_owned())));
}

/// Where a word counts changes, the same value put in again is another content.
#[test]
fn an_inline_word_never_comes_again() {
    if !is_inline::<u64>() {
        return;
    }
    let owned = entry(1_u64);
    let entry = shared(&owned);
    let mut words = std::collections::HashSet::new();
    for _ in 0..100 {
        let seen = entry.load();
        assert!(words.insert(seen.0.word));
        let same = entry.put(seen, 1).expect("nobody else is here");
        assert!(words.insert(same.0.word) && entry.load().0.word == same.0.word);
        assert!(entry.put(seen, 1).is_err() && !entry.take(seen));
        assert!(entry.take(same));
    }
    assert!(words.iter().all(|word| word.addr() != pair::CHANGING));
}

#[test]
fn small_values_without_a_destructor_are_in_the_entry() {
    fn has_no_box<V>(value: V) -> bool {
        let owned = entry(value);
        let content = shared(&owned).load();
        match content.address() {
            // SAFETY: the entry is there.
            Some(value) => unsafe { Entry::is_first(owned.0, value) },
            None => is_inline::<V>(),
        }
    }
    assert!(has_no_box(1_u64) && has_no_box([1_u64; 2]) && has_no_box("a word"));
    assert!(!has_no_box([1_u64; 3]) && !has_no_box(Box::new(1)));
    assert_eq!(is_inline::<u64>(), HAVE_PAIRS);
    assert!(!is_inline::<[u64; 2]>() && !is_inline::<&str>() && !is_inline::<Box<u64>>());
}

#[test]
fn a_destructor_runs_once_for_each_value_and_key() {
    let alive = std::sync::Arc::new(());
    let count = || std::sync::Arc::strong_count(&alive) - 1;
    let owned = Owned::new(7, alive.clone(), alive.clone());
    assert_eq!(count(), 2);
    drop(owned);
    assert_eq!(count(), 0);
    let raw = Owned::new(7, alive.clone(), alive.clone()).into_raw();
    // SAFETY: it has just been given up.
    unsafe { free::<std::sync::Arc<()>, std::sync::Arc<()>>(raw.cast()) };
    assert_eq!(count(), 0);
    let value = Box::into_raw(Box::new(alive.clone()));
    // SAFETY: as above.
    unsafe { free_value::<std::sync::Arc<()>>(value.cast()) };
    assert_eq!(count(), 0);
}

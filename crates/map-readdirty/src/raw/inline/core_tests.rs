//! One thread's calls, after each of which everything that the mutex guards is counted anew; and steps of several threads, one
//! after the other on one thread.

use super::super::super::filter::mix;
use super::super::slot::{ABSENT, DEAD, MOVED};
use super::super::support::*;

#[test]
fn the_books_are_right_after_each_call() {
    let map = empty();
    let mut model = Model::default();
    let mut state = 1_u64;
    let mut moving = 0;
    for round in 0..9_000_u64 {
        state = mix(state + round);
        let pin = map.pin();
        // First it grows, then it is emptied and filled again.
        let keys = if round % 4_500 < 3_500 { 2_500 } else { 60 };
        let key = (state >> 32) % keys;
        match state >> 20 & 15 {
            0..=6 => model.insert(&pin, key, round),
            7..=9 => model.remove(&pin, key),
            10..=12 => assert_eq!(value(&pin, key), model.0.get(&key).copied()),
            13 => model.insert(&pin, ABSENT + key % 3, round),
            14 => model.remove(&pin, ABSENT + key % 3),
            _ if round % 40 == 0 => pin.shrink(&TEST),
            _ if round % 30 == 0 => {
                let room = (state >> 50) as usize % 200;
                pin.reserve(room, &TEST).expect("a little room");
                assert!(pin.capacity() >= model.0.len().saturating_sub(3) + room);
            }
            _ if round % 20 == 0 => pin.sweep_all(&TEST),
            _ => model.insert(&pin, key + 5_000, round),
        }
        moving += u32::from(model.count(&pin));
        if round % 100 == 0 {
            model.check(&pin);
        }
    }
    assert!(moving > 30, "entries were being moved after {moving} of the calls");
}

#[test]
fn a_change_of_what_another_thread_has_changed_is_refused() {
    let map = empty();
    let pin = map.pin();
    insert(&pin, 1, 10);
    settle(&pin);
    let (old, older) = (look(&pin, 1).expect("present"), look(&pin, 1).expect("present"));
    let Ok(stored) = pin.put(&old, 20) else { panic!("nobody else is here") };
    assert_eq!((stored.value(), older.value()), (Some(&20), Some(&10)));
    assert_eq!(pin.put(&older, 30).err(), Some(30));
    assert!(!pin.take(&older), "it has changed");
    assert_eq!((pin.again(&older, &TEST).expect("present").value(), pin.len()), (Some(&20), 1));
    assert!(pin.take(&stored) && !pin.take(&stored));
    let absent = pin.again(&stored, &TEST).expect("it has a place");
    assert_eq!((absent.value(), pin.len(), value(&pin, 1)), (None, 0, None));
    assert!(pin.put(&absent, 40).is_ok() && pin.put(&absent, 50).is_err());
    assert_eq!((value(&pin, 1), pin.len()), (Some(40), 1));
}

#[test]
fn of_two_insertions_of_a_key_the_later_one_gets_both_back() {
    let map = empty();
    let pin = map.pin();
    insert(&pin, 1, 10);
    let again = || pin.insert_new(pin.hash(&1_u64), 1, 20, &TEST).err();
    assert_eq!(again(), Some((1, 20)), "it is in the dirty level");
    settle(&pin);
    assert_eq!(again(), Some((1, 20)), "it is in the table");
    (2..20).for_each(|key| insert(&pin, key, 10));
    grow(&pin, 64);
    assert_eq!(again(), Some((1, 20)), "it is in the old table");
    move_up_to(&pin, 1);
    assert_eq!(again(), Some((1, 20)), "it has been moved");
    assert_eq!((value(&pin, 1), pin.len()), (Some(10), 19));
}

#[test]
fn keys_that_look_like_marks_are_keys_like_others() {
    let map = empty();
    let pin = map.pin();
    let mut model = Model::default();
    for round in 0..3 {
        for key in [ABSENT, MOVED, DEAD] {
            assert_eq!(value(&pin, key), None);
            model.insert(&pin, key, key);
            model.insert(&pin, key, round);
            let seen = look(&pin, key).expect("present");
            assert_eq!((seen.key(), seen.value()), (&key, Some(&round)));
            assert!(pin.put(&seen, round + 1).is_ok() && pin.put(&seen, 0).is_err());
            model.0.insert(key, round + 1);
        }
        model.insert(&pin, round, ABSENT + round);
        model.check(&pin);
        for key in [ABSENT, MOVED, DEAD] {
            model.remove(&pin, key);
            assert!(look(&pin, key).is_some_and(|seen| seen.value().is_none()));
        }
        model.check(&pin);
    }
}

#[test]
fn a_map_gives_its_entries_out_wherever_they_are() {
    let mut map = empty();
    let all = [ABSENT, DEAD].into_iter().chain(0..40);
    for key in all.clone().take(22).chain([ABSENT + 1]) {
        match look(&map.pin(), key) {
            Some(seen) => assert!(map.pin().put(&seen, key ^ 1).is_ok()),
            None => insert(&map.pin(), key, key ^ 1),
        }
    }
    grow(&map.pin(), 64);
    move_up_to(&map.pin(), 7);
    (20..40).for_each(|key| insert(&map.pin(), key, key ^ 1));
    for key in [ABSENT + 1, 3, 7, 12, 30] {
        let pin = map.pin();
        assert!(pin.take(&look(&pin, key).expect("present")));
    }
    let mut position = 0;
    let mut taken = Vec::new();
    while let Some((key, value)) = map.take_next(&mut position) {
        assert_eq!(value, key ^ 1);
        taken.push(key);
    }
    taken.sort_unstable();
    let mut expected: Vec<_> = all.filter(|key| ![3, 7, 12, 30].contains(key)).collect();
    expected.sort_unstable();
    assert_eq!(taken, expected);
    assert_eq!(map.take_next(&mut position), None);
}

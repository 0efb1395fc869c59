//! Who owns a slot, and what its words tell.

use super::*;
use crate::shim::thread;

#[test]
fn short_lived_threads_share_slots() {
    let before = all().count();
    for _ in 0..200 {
        thread::spawn(|| {
            assert!(!ptr::eq(current_or_new(), &NONE));
            assert!(current().is_idle());
        })
        .join()
        .expect("the thread asserts only");
    }
    // Tests of this crate that run beside this one may take some of their own.
    assert!(all().count() <= before + 64, "{} slots", all().count());
}

#[test]
fn a_slot_in_use_is_not_handed_on() {
    let leaked = thread::spawn(|| {
        let slot = current_or_new();
        slot.words[1].store(8, Ordering::Relaxed);
        ptr::from_ref(slot).addr()
    })
    .join()
    .expect("the thread cannot panic");
    let slot = all().find(|slot| ptr::from_ref(*slot).addr() == leaked).expect("I1");
    assert!(slot.is_owned());
    slot.words[1].store(0, Ordering::Relaxed);
    slot.owned.store(false, Ordering::SeqCst);
}

#[test]
fn a_slot_with_any_word_in_use_is_not_idle() {
    assert!(Slot::new(0, 0).is_idle() && !NONE.is_idle());
    for other in 1..WORDS {
        let slot = Slot::new(0, 0);
        // The same in both, so that one does not hide the other.
        slot.words[0].store(16, Ordering::Relaxed);
        slot.words[other].store(16, Ordering::Relaxed);
        assert!(!slot.is_idle());
        slot.words[0].store(0, Ordering::Relaxed);
        assert!(!slot.is_idle());
        slot.words[other].store(0, Ordering::Relaxed);
        assert!(slot.is_idle());
    }
    let slot = Slot::new(0, 0);
    slot.inside.store(ptr::without_provenance_mut(16), Ordering::Relaxed);
    assert!(!slot.is_idle());
}

#[test]
fn one_call_in_so_many_is_a_tick() {
    let slot = Slot::new(0, 0);
    for every in [1, 8] {
        assert_eq!((0..240).filter(|_| slot.tick(every)).count(), 240 / usize::from(every));
    }
}

#[test]
fn the_words_tell_of_the_locks_of_one_map_only() {
    static INSERT: Section = Section::exclusive("Map", "insert");
    let (one, other) = (64..128, 128..256);
    let tells = |slot: &Slot| {
        [&one, &other].map(|range| match slot.announces(range) {
            Announced::Nothing => "nothing",
            Announced::Read => "read",
            Announced::Write(section) => section.operation,
        })
    };
    let slot = Slot::new(0, 0);
    assert_eq!(tells(&slot), ["nothing"; 2]);
    slot.words[0].store(64 | WRITING, Ordering::Relaxed);
    slot.section.store(ptr::from_ref(&INSERT).cast_mut(), Ordering::Relaxed);
    assert_eq!(tells(&slot), ["insert", "nothing"]);
    slot.words[3].store(128, Ordering::Relaxed);
    assert_eq!(tells(&slot), ["insert", "read"]);
    // The section of before is still noted.
    slot.words[0].store(64, Ordering::Relaxed);
    assert_eq!(tells(&slot), ["read", "read"]);
    slot.words[0].store(0, Ordering::Relaxed);
    assert_eq!(tells(&slot), ["nothing", "read"]);
    assert!([&NONE, &DEAD].iter().all(|slot| tells(slot) == ["nothing"; 2]));
}

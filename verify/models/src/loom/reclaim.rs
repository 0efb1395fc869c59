//! Reclamation: nothing is freed while a reader may have it, and all is freed in the end.
//!
//! Objects are [`Watched`]: loom sees a free that does not come after each read, an object that is read after it was freed
//! panics, and one that is never freed ends the run with an error.
//!
//! **Left out**: full batches, of 128: the models ask for each collection. The bag itself, which a thread has for itself.

use std::sync::Arc;

use map_sync::reclaim::{Domain, Guard};
use map_sync::shim::atomic::{AtomicPtr, Ordering};
use map_sync::shim::model::Fault;

use super::{every_schedule, on_both_systems};
use crate::check::{Watched, must_fail, name_of, spawn};

/// A structure of one object, which is replaced and retired.
struct Place {
    domain: Domain,
    object: AtomicPtr<Watched>,
}

/// # Safety
///
/// From the box of a [`Watched`], and nobody may use it any more.
unsafe fn free(object: *mut ()) {
    // SAFETY: from a box, and retired once.
    drop(unsafe { Box::from_raw(object.cast::<Watched>()) });
}

impl Place {
    fn new() -> Arc<Self> {
        let object = AtomicPtr::new(Box::into_raw(Box::new(Watched::new(0))));
        Arc::new(Self { domain: Domain::new(), object })
    }

    /// The object, for as long as the guard is there.
    fn see<'guard>(&self, _guard: &'guard Guard<'_>) -> &'guard Watched {
        // Acquire pairs with the release in `replace`.
        // SAFETY: reached inside the domain.
        unsafe { &*self.object.load(Ordering::Acquire) }
    }

    fn read(&self) -> u64 {
        self.see(&self.domain.enter()).get()
    }

    /// Puts another object there, retires the one before, and has what is retired looked at.
    fn replace(&self, number: u64) {
        let guard = self.domain.enter();
        let new = Box::into_raw(Box::new(Watched::new(number)));
        // AcqRel: what the other thread has put there is seen.
        let old = self.object.swap(new, Ordering::AcqRel);
        // SAFETY: nobody can reach it any more, and who swaps it out is alone in that.
        unsafe { guard.retire(old.cast(), free) };
        guard.flush();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // SAFETY: nobody is inside.
        unsafe { free(self.object.get_mut().cast()) };
    }
}

#[test]
fn nothing_is_freed_under_a_reader() {
    on_both_systems("reclaim: two passages beside two retirements", 2, || {
        let place = Place::new();
        let reader = spawn(&place, |place| {
            place.read();
            place.read();
        });
        place.replace(1);
        place.replace(2);
        reader.join();
        assert_eq!(place.read(), 2);
    });
}

#[test]
fn a_guard_that_is_refreshed_holds_nothing_back_and_frees_nothing_too_early() {
    every_schedule("reclaim: a refreshed guard beside two retirements", 2, || {
        let place = Place::new();
        let reader = spawn(&place, |place| {
            let mut guard = place.domain.enter();
            place.see(&guard).get();
            guard.refresh();
            place.see(&guard).get();
        });
        place.replace(1);
        place.replace(2);
        reader.join();
    });
}

#[test]
fn two_threads_that_retire_wait_for_each_other() {
    every_schedule("reclaim: two threads read and retire", 2, || {
        let place = Place::new();
        let other = spawn(&place, |place| {
            place.replace(1);
            place.read();
        });
        place.replace(2);
        place.read();
        other.join();
    });
}

#[test]
fn a_reader_inside_two_domains_holds_back_both() {
    every_schedule("reclaim: a reader in two domains", 2, || {
        let places = Arc::new([Place::new(), Place::new()]);
        let reader = spawn(&places, |[first, second]| {
            let outer = first.domain.enter();
            let inner = second.domain.enter();
            second.see(&inner).get();
            first.see(&outer).get();
        });
        places[1].replace(1);
        places[0].replace(1);
        reader.join();
    });
}

#[test]
fn a_slot_that_is_handed_on_takes_its_bag_along() {
    every_schedule("reclaim: a thread that ends beside one that begins", 1, || {
        let place = Place::new();
        let first = spawn(&place, |place| place.replace(1));
        let second = spawn(&place, |place| place.replace(2));
        place.read();
        first.join();
        second.join();
    });
}

#[test]
fn a_broken_fence_or_order_is_found() {
    let test = name_of!(nothing_is_freed_under_a_reader);
    let races = ["Causality violation", "read after it was dropped", "Concurrent", "freed"];
    for fault in [Fault::LightFence, Fault::HeavyFence, Fault::Stores, Fault::Loads] {
        must_fail(test, fault, &races);
    }
}

//! A bucket without a chain made into two: the usual split, in which entries go from slots to slots.
//!
//! Nineteen of twenty splits are of this kind. As which entries go is one word, and where they go is known, each is
//! a few loads and stores; what the general way, [`Held::move_to`], asks for every entry is asked once.

use map_sync::contention;
use map_sync::shim::atomic::{Ordering, fence};
use map_sync::tags::Slots;

use super::bucket::{Bucket, Shape, write};
use super::hold::{Exclude, Held};

impl<K, V, X: Exclude> Held<'_, K, V, X> {
    /// The slots of the entries that `goes` picks, if there is no chain.
    pub(crate) fn pick(&self, mut goes: impl FnMut(&K) -> bool) -> Option<Slots> {
        if self.bucket().has_chain() {
            return None;
        }
        let mut picked = 0;
        for slot in self.bucket().used_slots() {
            // SAFETY: the bucket is held, and a slot in use holds an entry; the reference ends with the call.
            let key = unsafe { &(*self.bucket().entry(slot)).0 };
            picked |= u32::from(goes(key)) << slot;
        }
        Some(Slots(picked))
    }

    /// Moves what is in these slots to `to`, which is empty, has as many slots as there are, and is in no way reachable yet, or held.
    pub(crate) fn move_slots(&mut self, to: Bucket<K, V>, picked: Slots) {
        debug_assert!(to.used_slots().0 == 0 && to.slots() == Shape::<K, V>::SLOTS);
        self.begin_write();
        // Pairs with the fence in `Bucket::count`.
        fence(Ordering::Release);
        let from = self.bucket();
        from.set_used_slots(Slots(from.used_slots().0 & !picked.0));
        let mut taken = 0;
        for slot in picked {
            to.header().set_tag(taken, from.header().tag(slot));
            // SAFETY: an entry lay there, it is plain, and nobody else may write to it.
            let entry = unsafe { from.entry(slot).read() };
            // SAFETY: plain, and a free slot of a bucket that is the caller's.
            unsafe { write(to.entry(taken), entry) };
            contention::moved();
            taken += 1;
        }
        to.set_used_slots(Slots(((1_u64 << taken) - 1) as u32));
    }
}

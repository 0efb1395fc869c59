//! One cache line for each thread, in which it announces what it reads.
//!
//! **Layout**: a list of slots that only grows; a slot is owned by one thread at a time and handed on when the
//! thread ends. A slot has four words; a word holds 0, or the address of a lock that the owner reads under,
//! with four bits beside it. A fifth, `inside`, tells of a [domain](crate::reclaim) in the same way; see [`super::reclaim`].
//!
//! ```text
//! HEAD ──> Slot{words, owned} ──> Slot ──> Slot ──> ·        thread-local CURRENT ──> one of them,
//!                                                             or NONE / DEAD: all words occupied
//! ```
//!
//! **Invariants**: (I1) a slot, once in the list, is never freed and its `next` never changes; (I2)
//! only the owner turns a word from 0 to an address and back, but for a child after `fork`, which has one
//! thread; (I3) a slot is handed on only with all words 0; (I4) `CURRENT` is the thread's own slot,
//! or a sentinel whose words are never 0, so that one test finds "no slot" and "word in use".
//!
//! **Ordering**: a word is set relaxed and fenced by the lock; it is cleared with release and awaited
//! with acquire, so that what was read under it comes before what the waiter does.

use core::cell::Cell;
use core::ops::Range;
use core::ptr;

use crate::reentrancy::Section;
use crate::shim::Static;
use crate::shim::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering};

/// How many locks of the biased kind a thread can read under at once without a shared write.
pub(crate) const WORDS: usize = 4;

/// A thread's line.
#[repr(align(128))]
pub(crate) struct Slot {
    pub(crate) words: [AtomicUsize; WORDS],
    /// Extra holds of the lock in the word of the same index; only the owner uses them.
    pub(crate) depths: [AtomicUsize; WORDS],
    /// The section that a first word with [`WRITING`] speaks of; only the owner uses it.
    pub(crate) section: AtomicPtr<Section>,
    /// The domain that the owner is inside of, or null; [`super::reclaim`] has the rules.
    pub(crate) inside: AtomicPtr<()>,
    /// A second domain that the owner is inside of, or null.
    pub(crate) inside_too: AtomicPtr<()>,
    /// How often the owner has left all domains.
    pub(crate) passes: AtomicUsize,
    /// Further holds, and what is to be done when leaving; only the owner uses it.
    pub(crate) due: AtomicUsize,
    /// How many slots there were before it; a sentinel has none.
    pub(crate) number: usize,
    owned: AtomicBool,
    /// See [`tick`](Slot::tick); only the owner uses it.
    ticks: AtomicU8,
    next: AtomicPtr<Slot>,
}

const _: () = assert!(size_of::<Slot>() == 128, "two slots would share a pair of lines");

/// The number of a sentinel.
const NO_NUMBER: usize = usize::MAX;

impl Slot {
    const fn new(word: usize, number: usize) -> Self {
        Self {
            words: [const { AtomicUsize::new(0) }; WORDS],
            depths: [const { AtomicUsize::new(0) }; WORDS],
            section: AtomicPtr::new(ptr::null_mut()),
            inside: AtomicPtr::new(ptr::without_provenance_mut(word)),
            inside_too: AtomicPtr::new(ptr::null_mut()),
            passes: AtomicUsize::new(0),
            due: AtomicUsize::new(0),
            number,
            owned: AtomicBool::new(true),
            ticks: AtomicU8::new(0),
            next: AtomicPtr::new(ptr::null_mut()),
        }
        .filled(word)
    }

    const fn filled(mut self, word: usize) -> Self {
        let mut index = 0;
        while index < WORDS {
            self.words[index] = AtomicUsize::new(word);
            index += 1;
        }
        self
    }

    /// Whether no word is in use; false for a sentinel. Only for the owner.
    #[inline(always)]
    pub(crate) fn is_idle(&self) -> bool {
        // Relaxed: the owner asks, of its own stores.
        self.words.iter().fold(0, |used, word| used | word.load(Ordering::Relaxed)) == 0
            && self.inside.load(Ordering::Relaxed).is_null()
    }

    /// Whether the first word is not in use; false for a sentinel. Only for the owner.
    #[inline(always)]
    pub(crate) fn first_is_idle(&self) -> bool {
        // Relaxed: the owner asks, of its own stores.
        self.words[0].load(Ordering::Relaxed) == 0
    }

    /// Whether this is the `every`th call, of all that the owner makes: for what need not be done each time.
    #[inline(always)]
    pub(crate) fn tick(&self, every: u8) -> bool {
        let ticks = self.ticks.load(Ordering::Relaxed).wrapping_add(1);
        self.ticks.store(ticks, Ordering::Relaxed);
        ticks % every == 0
    }

    /// Whether it is nobody's slot.
    pub(crate) fn is_sentinel(&self) -> bool {
        self.number == NO_NUMBER
    }

    /// Hands the slot on. Only for the owner, with no word in use.
    pub(crate) fn hand_on(&self) {
        // Release pairs with the acquire of `own`: the next owner sees the words idle (I3).
        self.owned.store(false, Ordering::Release);
    }

    #[cfg(test)]
    pub(crate) fn is_owned(&self) -> bool {
        self.owned.load(Ordering::SeqCst)
    }

    /// What the words tell of locks within `range`. Only for the owner.
    pub(crate) fn announces(&self, range: &Range<usize>) -> Announced {
        // A sentinel's word is no address: no memory ends beyond it.
        let within = |word: &AtomicUsize| range.contains(&word.load(Ordering::Relaxed));
        if within(&self.words[0]) && self.words[0].load(Ordering::Relaxed) & WRITING != 0 {
            // SAFETY: only `&'static Section`s are stored there, one before each word with the flag.
            if let Some(section) = unsafe { self.section.load(Ordering::Relaxed).as_ref() } {
                return Announced::Write(section);
            }
        }
        if self.words.iter().any(within) { Announced::Read } else { Announced::Nothing }
    }
}

/// What a thread's words tell of a map.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Announced {
    Nothing,
    Read,
    Write(&'static Section),
}

/// Set in a first word that stands for a writing section.
pub(crate) const WRITING: usize = 8;

/// A word value that is no lock's address.
pub(crate) const OCCUPIED: usize = usize::MAX;

/// The slot of a thread that has none yet.
static NONE: Slot = Slot::new(OCCUPIED, NO_NUMBER);
/// The slot of a thread that can have none any more.
static DEAD: Slot = Slot::new(OCCUPIED, NO_NUMBER);

static HEAD: Static<AtomicPtr<Slot>> = Static::new(AtomicPtr::new(ptr::null_mut()));

crate::shim::thread_local! {
    // No destructor: it can be used while the thread's other locals are torn down.
    static CURRENT: Cell<&'static Slot> = const { Cell::new(&NONE) };
    static OWNER: Owner = const { Owner };
}

/// Hands the thread's slot on when the thread ends.
struct Owner;

impl Drop for Owner {
    fn drop(&mut self) {
        let slot = CURRENT.get();
        // A slot with a word in use stays with the thread: a later destructor may unlock it. If none
        // does, a guard was leaked and the slot with it.
        if slot.is_idle() {
            CURRENT.set(&DEAD);
            slot.hand_on();
        }
    }
}

/// Returns the calling thread's slot or a sentinel with all words occupied.
#[inline(always)]
pub(crate) fn current() -> &'static Slot {
    CURRENT.get()
}

/// As [`current`], after giving the thread a slot if it can have one.
#[cold]
pub(crate) fn current_or_new() -> &'static Slot {
    let slot = CURRENT.get();
    if !ptr::eq(slot, &NONE) {
        return slot;
    }
    let slot = match OWNER.try_with(|_| ()) {
        Ok(()) => own(),
        Err(_) => &DEAD,
    };
    CURRENT.set(slot);
    slot
}

/// Takes over an idle slot or makes one. The caller owns it until it [hands it on](Slot::hand_on).
pub(crate) fn own() -> &'static Slot {
    for slot in all() {
        // Acquire pairs with the release in `Owner::drop`. The load spares the line of an owned slot a write.
        if !slot.owned.load(Ordering::Relaxed)
            && slot
                .owned
                .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
        {
            return slot;
        }
    }
    fork::watch();
    static SLOTS: Static<AtomicUsize> = Static::new(AtomicUsize::new(0));
    // Relaxed: only that each number is given once counts.
    let number = SLOTS.fetch_add(1, Ordering::Relaxed);
    let slot: &'static Slot = Box::leak(Box::new(Slot::new(0, number)));
    let mut head = HEAD.load(Ordering::Relaxed);
    loop {
        slot.next.store(head, Ordering::Relaxed);
        let new = ptr::from_ref(slot).cast_mut();
        // Release pairs with the acquire in `all`. SeqCst besides: a writer that revokes a lock's bias after this
        // thread has announced itself must find the slot; the lock's fences order the two.
        match HEAD.compare_exchange(head, new, Ordering::SeqCst, Ordering::Relaxed) {
            Ok(_) => return slot,
            Err(newer) => head = newer,
        }
    }
}

/// Walks the slots of all threads.
pub(crate) fn all() -> impl Iterator<Item = &'static Slot> {
    // Acquire pairs with the release of `own`: the slot and its `next` are seen whole.
    let mut next: *const Slot = HEAD.load(Ordering::Acquire);
    core::iter::from_fn(move || {
        // SAFETY: by I1 a pointer found in the list is null or points to a slot that lives for ever.
        let slot = unsafe { next.as_ref() }?;
        next = slot.next.load(Ordering::Relaxed);
        Some(slot)
    })
}

/// In a child, the threads that held slots in the parent do not exist.
mod fork {
    #[cfg(unix)]
    pub(super) fn watch() {
        use crate::shim::Once;
        static WATCH: Once = Once::new();
        WATCH.call_once(|| {
            // SAFETY: the handler is a plain function that allocates nothing and takes no lock. If
            // registering fails for want of memory, forks behave as with any other lock.
            unsafe { libc::pthread_atfork(None, None, Some(clear_others)) };
        });
    }

    #[cfg(not(unix))]
    pub(super) fn watch() {}

    #[cfg(unix)]
    extern "C" fn clear_others() {
        use super::{Ordering, all, current};
        let own = current();
        for slot in all().filter(|slot| !core::ptr::eq(*slot, own)) {
            for word in slot.words.iter().chain(&slot.depths).chain([&slot.due]) {
                word.store(0, Ordering::Relaxed);
            }
            slot.inside_too.store(core::ptr::null_mut(), Ordering::Relaxed);
            slot.inside.store(core::ptr::null_mut(), Ordering::Relaxed);
            slot.hand_on();
        }
    }
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;

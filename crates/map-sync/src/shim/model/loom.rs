//! Loom: every order of the accesses to atomics, up to a bound of preemptions, and every value that a load may see.
//!
//! **Atomics**: one is known to loom from its first use on, by one of the spare ones that the main thread has made before anything
//! else; so what an atomic holds at first is seen by all threads, as zeroed memory and constants are. That what a thread *makes*
//! is published with release is therefore not seen by the atomics in it, but by keys and values that loom watches. A spare one
//! holds the difference to what the atomic held at first, in a word as wide as any. The bytes of the atomic are kept up to date, so that
//! who owns it alone may read them, and so that an atomic at the place of another is told from it.
//!
//! **Loads of several threads**: of the accesses to an atomic loom remembers the last. If a thread loads and then exchanges, its own
//! load hides that of another thread before it, and loom would not try the exchange before that one. So each thread that loads an
//! atomic has a *mark* there, a spare one of its own, which it touches before it loads, and which others touch before they store.
//! `the_checker_tries_an_exchange_before_the_load_of_another_thread` is the test of it.
//!
//! **Left out**: loom gives accesses that are `SeqCst` no order beyond acquire and release, but fences it does.

use core::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

pub(super) use loom::sync;
use loom::sync::atomic::{AtomicU64 as Spare, Ordering::Relaxed};
pub use loom::thread::yield_now;

use super::of_run;

/// What loom knows of a run.
#[derive(Default)]
pub(super) struct Run {
    atomics: HashMap<usize, Rc<Known>>,
    spares: Vec<Spare>,
    threads: HashMap<loom::thread::ThreadId, usize>,
    has_threads: bool,
}

impl Run {
    pub(super) fn new(atomics: usize) -> Self {
        Self { spares: (0..atomics).map(|_| Spare::new(0)).collect(), ..Self::default() }
    }

    fn spare(&mut self) -> Spare {
        self.spares.pop().expect("the model needs more atomics")
    }

    /// How many atomics are left.
    pub(super) fn left(&self) -> usize {
        self.spares.len()
    }
}

/// An atomic in use.
struct Known {
    difference: Spare,
    first: u64,
    last: Cell<u64>,
    /// The threads that load it, each with its mark.
    marks: RefCell<Vec<(usize, Rc<Spare>)>>,
}

/// Is seen by loom as an access that stores, and changes nothing.
fn touch(mark: &Spare) {
    let _ = mark.compare_exchange(1, 1, Relaxed, Relaxed);
}

impl Known {
    /// Before a load.
    fn will_load(&self) {
        if !of_run(|run| run.checker.has_threads) {
            return;
        }
        let own = thread_number();
        let known = self.marks.borrow().iter().find(|(thread, _)| *thread == own).cloned();
        let mark = known.map(|(_, mark)| mark).unwrap_or_else(|| {
            let mark = Rc::new(of_run(|run| run.checker.spare()));
            self.marks.borrow_mut().push((own, Rc::clone(&mark)));
            mark
        });
        touch(&mark);
    }

    /// Before an access that may store.
    fn will_store(&self) {
        if !of_run(|run| run.checker.has_threads) {
            return;
        }
        let own = thread_number();
        let mut next = 0;
        loop {
            // Others may come while it touches.
            let mark = self.marks.borrow().get(next).cloned();
            match mark {
                Some((thread, mark)) if thread != own => touch(&mark),
                Some(_) => {}
                None => return,
            }
            next += 1;
        }
    }
}

/// A small number for the running thread.
pub fn thread_number() -> usize {
    let id = loom::thread::current().id();
    of_run(|run| {
        let next = run.checker.threads.len();
        *run.checker.threads.entry(id).or_insert(next)
    })
}

/// A thread that can be joined.
pub type JoinHandle<T> = loom::thread::JoinHandle<T>;

pub(super) fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    of_run(|run| run.checker.has_threads = true);
    let builder = loom::thread::Builder::new().stack_size(1 << 14);
    builder.spawn(f).expect("loom starts any thread")
}

/// The atomics.
pub mod atomic {
    use core::cell::UnsafeCell;
    use core::fmt;

    pub use loom::sync::atomic::{Ordering, fence};

    use super::super::{Fault, is_broken};
    use super::{Known, Rc, RefCell, of_run};

    /// Memory that was freed.
    pub const FREED: u8 = 0xA5;

    /// For the compiler, which changes no order here.
    pub fn compiler_fence(_: Ordering) {}

    /// What an atomic can hold.
    #[allow(missing_docs, reason = "says what it is")]
    pub trait Word: Copy + PartialEq + fmt::Debug {
        const ZERO: Self;
        fn to_word(self) -> u64;
        fn from_word(word: u64) -> Self;
    }

    macro_rules! words {
        ($($Word:ty),*) => {$(
            impl Word for $Word {
                const ZERO: Self = 0;
                fn to_word(self) -> u64 {
                    self as u64
                }
                fn from_word(word: u64) -> Self {
                    word as Self
                }
            }
        )*};
    }
    words!(u8, u16, u32, u64, usize);

    impl Word for bool {
        const ZERO: Self = false;
        fn to_word(self) -> u64 {
            self.into()
        }
        fn from_word(word: u64) -> Self {
            word != 0
        }
    }

    impl<T> Word for *mut T {
        const ZERO: Self = core::ptr::null_mut();
        fn to_word(self) -> u64 {
            self.expose_provenance() as u64
        }
        fn from_word(word: u64) -> Self {
            core::ptr::with_exposed_provenance_mut(word as usize)
        }
    }

    /// An atomic. Its methods are as those of `std`.
    #[repr(transparent)]
    pub struct Atomic<T>(UnsafeCell<T>);

    // SAFETY: all threads of a model are one thread of the system.
    unsafe impl<T> Sync for Atomic<T> {}
    // SAFETY: as above.
    unsafe impl<T> Send for Atomic<T> {}

    /// See [`Atomic`].
    pub type AtomicBool = Atomic<bool>;
    /// See [`Atomic`].
    pub type AtomicU8 = Atomic<u8>;
    /// See [`Atomic`].
    pub type AtomicU16 = Atomic<u16>;
    /// See [`Atomic`].
    pub type AtomicU32 = Atomic<u32>;
    /// See [`Atomic`].
    pub type AtomicU64 = Atomic<u64>;
    /// See [`Atomic`].
    pub type AtomicUsize = Atomic<usize>;
    /// See [`Atomic`].
    pub type AtomicPtr<T> = Atomic<*mut T>;

    impl<T: Word> Default for Atomic<T> {
        fn default() -> Self {
            Self::new(T::ZERO)
        }
    }

    impl<T: Word> fmt::Debug for Atomic<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.bytes().fmt(f)
        }
    }

    impl<T> Atomic<T> {
        /// Makes an atomic.
        pub const fn new(first: T) -> Self {
            Self(UnsafeCell::new(first))
        }
    }

    #[allow(missing_docs, clippy::missing_errors_doc, reason = "as those of `std`")]
    impl<T: Word> Atomic<T> {
        /// # Safety
        ///
        /// As of the original.
        pub unsafe fn from_ptr<'a>(place: *mut T) -> &'a Self {
            // SAFETY: the layout is the same, the rest is the caller's.
            unsafe { &*place.cast() }
        }

        pub fn get_mut(&mut self) -> &mut T {
            self.0.get_mut()
        }

        fn bytes(&self) -> T {
            // SAFETY: one thread of the system, and no reference to the value is ever made but by `get_mut`.
            unsafe { *self.0.get() }
        }

        /// What loom knows of it. Something else at its place is another atomic.
        fn known(&self) -> Rc<Known> {
            let (address, first) = (self.0.get().addr(), self.bytes().to_word());
            let freed = u64::from_ne_bytes([FREED; 8]);
            assert!(size_of::<T>() < 8 || first != freed, "an atomic is used after it was freed");
            of_run(|run| {
                let checker = &mut run.checker;
                if let Some(known) = checker.atomics.get(&address) {
                    if known.last.get() == first {
                        return Rc::clone(known);
                    }
                }
                let (difference, last) = (checker.spare(), first.into());
                let known = Rc::new(Known { difference, first, last, marks: RefCell::default() });
                checker.atomics.insert(address, Rc::clone(&known));
                known
            })
        }

        fn wrote(&self, known: &Known, word: T) {
            known.last.set(word.to_word());
            // SAFETY: as in `bytes`.
            unsafe { *self.0.get() = word };
        }

        pub fn load(&self, order: Ordering) -> T {
            let known = self.known();
            known.will_load();
            T::from_word(known.difference.load(loading(order)) ^ known.first)
        }

        pub fn store(&self, word: T, order: Ordering) {
            let known = self.known();
            known.will_store();
            known.difference.store(word.to_word() ^ known.first, storing(order));
            self.wrote(&known, word);
        }

        pub fn compare_exchange(
            &self,
            current: T,
            new: T,
            success: Ordering,
            failure: Ordering,
        ) -> Result<T, T> {
            if is_broken(Fault::Exchanges) {
                let seen = self.load(failure);
                if seen != current {
                    return Err(seen);
                }
                self.store(new, exchanging(success, Ordering::Release));
                return Ok(seen);
            }
            let known = self.known();
            known.will_store();
            let difference = |word: T| word.to_word() ^ known.first;
            let result = known.difference.compare_exchange(
                difference(current),
                difference(new),
                storing(loading(success)),
                loading(failure),
            );
            let word = |difference| T::from_word(difference ^ known.first);
            if result.is_ok() {
                self.wrote(&known, new);
            }
            result.map(word).map_err(word)
        }

        /// Changes the newest word. If it stays the same nothing is stored: loom lets a thread see its own such store after a
        /// plain one of another thread that comes later, which no machine does.
        fn change(&self, order: Ordering, f: impl Fn(T) -> T) -> T {
            let failure = exchanging(order, Ordering::Acquire);
            let mut seen = self.bytes();
            loop {
                let new = f(seen);
                if new != seen {
                    match self.compare_exchange(seen, new, order, failure) {
                        Ok(_) => return seen,
                        Err(newer) => seen = newer,
                    }
                    continue;
                }
                // An exchange that fails loads the newest.
                let known = self.known();
                let other = !(seen.to_word() ^ known.first);
                known.will_store();
                let failed = known.difference.compare_exchange(
                    other,
                    other,
                    Ordering::Relaxed,
                    loading(failure),
                );
                let newest = failed.unwrap_or_else(|newest| newest);
                seen = T::from_word(newest ^ known.first);
                if f(seen) == seen {
                    return seen;
                }
            }
        }

        pub fn swap(&self, word: T, order: Ordering) -> T {
            self.change(order, |_| word)
        }
    }

    macro_rules! numbers {
        ($($Word:ty),*) => {$(
            #[allow(missing_docs, reason = "as those of `std`")]
            impl Atomic<$Word> {
                pub fn fetch_add(&self, more: $Word, order: Ordering) -> $Word {
                    self.change(order, |word| word.wrapping_add(more))
                }

                pub fn fetch_sub(&self, less: $Word, order: Ordering) -> $Word {
                    self.change(order, |word| word.wrapping_sub(less))
                }

                pub fn fetch_or(&self, bits: $Word, order: Ordering) -> $Word {
                    self.change(order, |word| word | bits)
                }

                pub fn fetch_max(&self, other: $Word, order: Ordering) -> $Word {
                    self.change(order, |word| word.max(other))
                }
            }
        )*};
    }
    numbers!(u8, u16, u32, u64, usize);

    /// The order of a load.
    fn loading(order: Ordering) -> Ordering {
        match order {
            Ordering::Acquire | Ordering::SeqCst if is_broken(Fault::Loads) => Ordering::Relaxed,
            Ordering::AcqRel if is_broken(Fault::Loads) => Ordering::Release,
            order => order,
        }
    }

    /// The order of a store.
    fn storing(order: Ordering) -> Ordering {
        match order {
            Ordering::Release | Ordering::SeqCst if is_broken(Fault::Stores) => Ordering::Relaxed,
            Ordering::AcqRel if is_broken(Fault::Stores) => Ordering::Acquire,
            order => order,
        }
    }

    /// The part of an exchange's order that is for its load, or for its store.
    fn exchanging(order: Ordering, part: Ordering) -> Ordering {
        match order {
            Ordering::SeqCst => Ordering::SeqCst,
            Ordering::AcqRel => part,
            order if order == part => part,
            _ => Ordering::Relaxed,
        }
    }
}

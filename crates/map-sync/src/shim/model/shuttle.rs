//! Shuttle: schedules by chance. A thread may be stopped before each access to an atomic and at each lock; orderings do not
//! matter to it, each run is one order of all accesses.

use std::rc::Rc;

pub(super) use shuttle::sync;
pub use shuttle::thread::{JoinHandle, yield_now};

use super::of_run;

/// What shuttle knows of a run.
#[derive(Default)]
pub(super) struct Run {
    point: Option<Rc<sync::atomic::AtomicBool>>,
}

impl Run {
    pub(super) fn new(_atomics: usize) -> Self {
        Self { point: Some(Rc::new(sync::atomic::AtomicBool::new(false))) }
    }

    pub(super) fn left(&self) -> usize {
        0
    }
}

/// A small number for the running thread.
pub fn thread_number() -> usize {
    shuttle::current::me().into()
}

pub(super) fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    shuttle::thread::spawn(f)
}

/// Lets another thread run, perhaps.
fn point() {
    if let Some(point) = of_run(|run| run.checker.point.clone()) {
        point.load(sync::atomic::Ordering::SeqCst);
    }
}

/// The atomics.
pub mod atomic {
    use core::fmt;
    use core::sync::atomic as std;

    pub use core::sync::atomic::{Ordering, compiler_fence};

    use super::super::{Fault, is_broken};
    use super::point;

    /// Any access is in order.
    pub fn fence(_: Ordering) {}

    macro_rules! atomic {
        ($Atomic:ident $(<$T:ident>)?, $Word:ty) => {
            /// As that of `std`.
            #[repr(transparent)]
            pub struct $Atomic $(<$T>)? (std::$Atomic $(<$T>)?);

            impl $(<$T>)? fmt::Debug for $Atomic $(<$T>)? {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }

            impl $(<$T>)? Default for $Atomic $(<$T>)? {
                fn default() -> Self {
                    Self(std::$Atomic::default())
                }
            }

            #[allow(missing_docs, clippy::missing_errors_doc, reason = "as those of `std`")]
            impl $(<$T>)? $Atomic $(<$T>)? {
                pub const fn new(first: $Word) -> Self {
                    Self(std::$Atomic::new(first))
                }

                /// # Safety
                ///
                /// As of the original.
                pub unsafe fn from_ptr<'a>(place: *mut $Word) -> &'a Self {
                    // SAFETY: the layout is the same, the rest is the caller's.
                    unsafe { &*place.cast() }
                }

                pub fn get_mut(&mut self) -> &mut $Word {
                    self.0.get_mut()
                }

                pub fn load(&self, order: Ordering) -> $Word {
                    point();
                    self.0.load(order)
                }

                pub fn store(&self, word: $Word, order: Ordering) {
                    point();
                    self.0.store(word, order);
                }

                pub fn swap(&self, word: $Word, order: Ordering) -> $Word {
                    point();
                    self.0.swap(word, order)
                }

                pub fn compare_exchange(
                    &self,
                    current: $Word,
                    new: $Word,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$Word, $Word> {
                    point();
                    if is_broken(Fault::Exchanges) {
                        let seen = self.0.load(failure);
                        if seen != current {
                            return Err(seen);
                        }
                        point();
                        self.0.store(new, Ordering::SeqCst);
                        return Ok(seen);
                    }
                    self.0.compare_exchange(current, new, success, failure)
                }
            }
        };
    }

    macro_rules! numbers {
        ($($Atomic:ident: $Word:ty;)*) => {$(
            atomic!($Atomic, $Word);

            #[allow(missing_docs, reason = "as those of `std`")]
            impl $Atomic {
                fn change(&self, f: impl Fn($Word) -> $Word) -> $Word {
                    point();
                    let seen = self.0.load(Ordering::SeqCst);
                    if is_broken(Fault::Exchanges) {
                        point();
                    }
                    // Other threads run at points only.
                    self.0.store(f(seen), Ordering::SeqCst);
                    seen
                }

                pub fn fetch_add(&self, more: $Word, _order: Ordering) -> $Word {
                    self.change(|word| word.wrapping_add(more))
                }

                pub fn fetch_sub(&self, less: $Word, _order: Ordering) -> $Word {
                    self.change(|word| word.wrapping_sub(less))
                }

                pub fn fetch_or(&self, bits: $Word, _order: Ordering) -> $Word {
                    self.change(|word| word | bits)
                }

                pub fn fetch_max(&self, other: $Word, _order: Ordering) -> $Word {
                    self.change(|word| word.max(other))
                }
            }
        )*};
    }
    numbers! {
        AtomicU8: u8;
        AtomicU16: u16;
        AtomicU32: u32;
        AtomicU64: u64;
        AtomicUsize: usize;
    }
    atomic!(AtomicBool, bool);
    atomic!(AtomicPtr<T>, *mut T);
}

//! Thread-locals of the threads of a model.

use core::any::Any;
use core::cell::Cell;
use core::{mem, ptr};
use std::rc::Rc;

use super::{of_run, thread_number};

/// A thread-local.
#[derive(Debug)]
pub struct LocalKey<T: 'static> {
    init: fn() -> T,
    /// So that no two have one address.
    _place: u8,
}

/// The thread-local has been dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// A thread's value of one key; none when it has been dropped.
pub(super) struct Local {
    value: Option<Rc<dyn Any>>,
    /// Its turn to be dropped, if it needs that.
    turn: Option<usize>,
}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    pub const fn new(init: fn() -> T) -> Self {
        Self { init, _place: 0 }
    }

    /// As the original.
    ///
    /// # Errors
    ///
    /// If the value has been dropped.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, Gone> {
        let key = (thread_number(), ptr::from_ref(self).addr());
        let known = of_run(|run| run.locals.get(&key).map(|local| local.value.clone()));
        let value = match known {
            Some(value) => value.ok_or(Gone)?,
            None => {
                let value: Rc<dyn Any> = Rc::new((self.init)());
                of_run(|run| {
                    let turn = mem::needs_drop::<T>().then_some(run.locals.len());
                    run.locals.insert(key, Local { value: Some(Rc::clone(&value)), turn });
                });
                value
            }
        };
        let value = value.downcast_ref();
        Ok(f(value.unwrap_or_else(|| unreachable!("one key has one type"))))
    }

    /// As the original.
    ///
    /// # Panics
    ///
    /// If the value has been dropped.
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.try_with(f).expect("the thread has dropped it")
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// As the original.
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// As the original.
    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }
}

/// Drops those of the calling thread that need it, the youngest first.
pub(super) fn end() {
    let thread = thread_number();
    loop {
        let last = of_run(|run| {
            let own = run.locals.iter_mut().filter(|(key, local)| {
                key.0 == thread && local.turn.is_some() && local.value.is_some()
            });
            own.max_by_key(|(_, local)| local.turn).and_then(|(_, local)| local.value.take())
        });
        match last {
            Some(value) => drop(value),
            None => return,
        }
    }
}

/// Declares thread-locals as the macro of `std` does.
#[macro_export]
#[doc(hidden)]
macro_rules! model_thread_local {
    ($($(#[$attr:meta])* $vis:vis static $NAME:ident: $Type:ty = $init:expr);* $(;)?) => {$(
        $(#[$attr])*
        $vis static $NAME: $crate::shim::LocalKey<$Type> =
            $crate::shim::LocalKey::new(|| $init);
    )*};
}

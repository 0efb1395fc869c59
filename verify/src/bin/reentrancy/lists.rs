//! The rows and the columns of the table: places in which the user's code runs, operations that it may call there.

use std::ops::ControlFlow;

use map_core::{Action, BuildMap, CapacityMap, ConcurrentMap, PinMap};

use crate::entry::{Directed, Entry, Event, armed, tick};

/// A map of the table.
pub trait Subject<E>:
    ConcurrentMap<E, E> + PinMap<E, E> + BuildMap<Directed> + CapacityMap + Send + Sync + 'static
{
}

impl<E, M> Subject<E> for M where
    M: ConcurrentMap<E, E>
        + PinMap<E, E>
        + BuildMap<Directed>
        + CapacityMap
        + Send
        + Sync
        + 'static
{
}

/// A call on a key. Returns a number for its result, or 0 where that may be any.
pub type Call<M> = fn(&M, u64) -> u64;

/// How the map runs the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lent {
    /// A closure that is lent a value to read.
    Reading,
    /// A closure that decides over a write.
    Deciding,
    /// A closure after the write, or with nothing but a pin held.
    Outside,
    /// An iterator that the map draws from; the contract leaves open how.
    Drawn,
    /// A key's or value's own code, of which the contract says only that it does not hang.
    Own,
}

/// A place in which the user's code runs.
pub struct Place<M> {
    /// What runs there, in words.
    pub name: &'static str,
    /// How.
    pub lent: Lent,
    /// What occurs there.
    pub event: Event,
    /// How far the key in question is from the one that the operation is given.
    pub offset: u64,
    /// The operation.
    pub call: Call<M>,
}

/// What an operation does, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads values.
    Read,
    /// Asks for a count.
    Count,
    /// Writes keys.
    Write,
    /// Writes the whole map.
    Whole,
}

impl Kind {
    /// All of them, in the order of the columns.
    pub const ALL: [Self; 4] = [Self::Read, Self::Count, Self::Write, Self::Whole];

    /// The heading of the column.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Read => "reads",
            Self::Count => "counts",
            Self::Write => "writes of keys",
            Self::Whole => "writes of all",
        }
    }
}

/// An operation that is called from there.
pub struct Operation<M> {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// The operation.
    pub call: Call<M>,
}

/// How far from a present key there is an absent one in the same place of the table.
pub const ABSENT: u64 = 3;

/// The number of a value.
pub fn number<E: Entry>(value: &E) -> u64 {
    value.number()
}

/// A result as a number: none is 0.
pub fn code(found: Option<u64>) -> u64 {
    found.map_or(0, |number| number + 1)
}

/// Repeats an operation until the hook has run: what is retired is dropped late. In vain where it never is.
fn until_run(mut f: impl FnMut()) -> u64 {
    for _ in 0..3000 {
        f();
        if !armed() {
            break;
        }
    }
    0
}

/// Rows, told shortly.
macro_rules! places {
    ($($name:literal $lent:ident $event:ident $offset:literal |$map:ident, $key:ident| $body:expr;)*) => {
        vec![$($crate::lists::Place {
            name: $name, lent: Lent::$lent, event: Event::$event, offset: $offset, call: |$map, $key| $body,
        }),*]
    };
}

/// A closure of the user's.
pub fn run<T>(result: T) -> T {
    tick(Event::Closure);
    result
}

fn run_unit() {
    tick(Event::Closure);
}

/// The rows.
pub fn places<E: Entry, M: Subject<E>>() -> Vec<Place<M>> {
    places![
        "`read`" Reading Closure 0 |map, key| code(map.read(&*E::asked(key), |v| run(v.number())));
        "`get_many`" Reading Closure 0 |map, key| {
            map.get_many([&*E::asked(key), &*E::asked(key + 1)], |_, _| run_unit());
            0
        };
        "`try_for_each`" Reading Closure 0 |map, key| {
            let _ = map.try_for_each(|k, _| if k.number() == key {
                run_unit();
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            });
            0
        };
        "`for_each`" Reading Closure 0 |map, key| {
            map.for_each(|k, _| if k.number() == key { run_unit() });
            0
        };
        "`insert_then`, known key" Outside Closure 0 |map, key| {
            map.insert_then(E::new(key), E::value(70), |old| run(code(old.map(number))))
        };
        "`insert_then`, new key" Outside Closure 3 |map, key| {
            map.insert_then(E::new(key + 3), E::value(70), |old| run(code(old.map(number))))
        };
        "`remove_then`" Outside Closure 0 |map, key| {
            code(map.remove_then(&*E::asked(key), |v| run(v.number())))
        };
        "`make` of `get_or_insert_with`" Deciding Closure 3 |map, key| {
            map.get_or_insert_with(E::new(key + 3), || run(E::value(70)), number)
        };
        "`get_or_insert_with`, new key" Deciding Closure 3 |map, key| {
            map.get_or_insert_with(E::new(key + 3), || E::value(70), |v| run(v.number()))
        };
        "`get_or_insert_with`, known key" Deciding Closure 0 |map, key| {
            map.get_or_insert_with(E::new(key), || E::value(70), |v| run(v.number()))
        };
        "`remove_if`" Deciding Closure 0 |map, key| {
            u64::from(map.remove_if(&*E::asked(key), |_| run(true)))
        };
        "`update`" Deciding Closure 0 |map, key| {
            u64::from(map.update(&*E::asked(key), |v| run(E::new(v.number() + 100))))
        };
        "`compute`, known key" Deciding Closure 0 |map, key| {
            map.compute(E::new(key), |_| run(Action::Put(E::value(70)))) as u64
        };
        "`compute`, new key" Deciding Closure 3 |map, key| {
            map.compute(E::new(key + 3), |_| run(Action::Put(E::value(70)))) as u64
        };
        "`compute_if_present`" Deciding Closure 0 |map, key| {
            map.compute_if_present(&*E::asked(key), |_| run(Action::Remove)) as u64
        };
        "`retain`" Deciding Closure 0 |map, key| {
            map.retain(|k, _| k.number() != key || run(false));
            0
        };
        "iterator given to `insert_many`" Drawn Closure 3 |map, key| {
            map.insert_many((3..5).map(|n| run((E::new(key + n), E::value(70))))) as u64
        };
        "iterator given to `get_many`" Drawn Closure 0 |map, key| {
            map.get_many([&*E::asked(key)].into_iter().inspect(|_| run_unit()), |_, _| ());
            0
        };
        "nothing, while a pin is held" Outside Closure 0 |map, key| {
            let pin = map.pin();
            let before = code(pin.read(&*E::asked(key), number));
            run_unit();
            drop(pin);
            before
        };
        "`read` of a pin" Reading Closure 0 |map, key| {
            code(map.pin().read(&*E::asked(key), |v| run(v.number())))
        };
        "`update` of a pin" Deciding Closure 0 |map, key| {
            u64::from(map.pin().update(&*E::asked(key), |v| run(E::new(v.number() + 100))))
        };
        "`for_each` of a pin" Reading Closure 0 |map, key| {
            map.pin().for_each(|k, _| if k.number() == key { run_unit() });
            0
        };
        "`Hash` in `read`" Own Hash 0 |map, key| code(map.read(&*E::asked(key), number));
        "`Hash` in `insert`" Own Hash 3 |map, key| u64::from(map.insert(E::new(key + 3), E::value(70)));
        "`Hash` in `remove`" Own Hash 0 |map, key| u64::from(map.remove(&*E::asked(key)));
        "`Hash` of a known key, in growth" Own Rehash 0 |map, _key| {
            for key in 2000..2800 { map.insert(E::new(key), E::value(70)); }
            0
        };
        "`Eq` of a key in `read`" Own KeyEq 0 |map, key| code(map.read(&*E::asked(key), number));
        "`Eq` of a key in `insert`" Own KeyEq 0 |map, key| u64::from(map.insert(E::new(key), E::value(70)));
        "`Eq` of a key in `remove`" Own KeyEq 0 |map, key| u64::from(map.remove(&*E::asked(key)));
        "`Eq` of a new key in `read`" Own NewKeyEq 3 |map, key| {
            map.insert(E::new(key + 3), E::value(70));
            map.contains_key(&*E::asked(key + 3));
            0
        };
        "`Eq` of a value in `compare_exchange`" Own ValueEq 0 |map, key| {
            let current = E::value(key);
            let done = map.compare_exchange(&*E::asked(key), &*std::mem::ManuallyDrop::new(current), E::value(70));
            u64::from(done.is_ok())
        };
        "`Clone` of a value in `get`" Own Clone 0 |map, key| {
            code(map.get(&*E::asked(key)).as_ref().map(number))
        };
        "`Drop` of a key that `insert` has no need of" Own KeyDrop 0 |map, key| {
            u64::from(map.insert(E::new(key), E::value(70)))
        };
        "`Drop` of a value that `insert` replaced" Own ValueDrop 0 |map, key| {
            until_run(|| _ = map.insert(E::new(key), E::value(70)))
        };
        "`Drop` of a value that `update` replaced" Own ValueDrop 0 |map, key| {
            until_run(|| _ = map.update(&*E::asked(key), |_| E::value(70)))
        };
        "`Drop` of a value that `remove` removed" Own ValueDrop 0 |map, key| {
            until_run(|| {
                map.insert(E::new(key), E::value(key));
                map.remove(&*E::asked(key));
            })
        };
        "`Drop` of a key that `retain` removed" Own KeyDrop 3 |map, key| {
            until_run(|| {
                map.try_insert(E::new(key + 3), E::value(70)).unwrap_or_else(std::mem::forget);
                map.retain(|k, _| k.number() != key + 3);
            })
        };
        "`Drop` of a value that `clear` removed" Own ValueDrop 0 |map, key| {
            until_run(|| {
                map.clear();
                map.insert(E::new(key + 3), E::value(70));
            })
        };
    ]
}

/// Columns, told shortly.
macro_rules! operations {
    ($($name:literal $kind:ident |$map:ident, $key:ident| $body:expr;)*) => {
        vec![$($crate::lists::Operation { name: $name, kind: Kind::$kind, call: |$map, $key| $body }),*]
    };
}

/// The columns; that of `shrink_to_fit` is there if the map has it.
pub fn operations<E: Entry, M: Subject<E>>(shrink: Option<Call<M>>) -> Vec<Operation<M>> {
    let mut operations: Vec<Operation<M>> = operations![
        "read" Read |map, key| code(map.read(&*E::asked(key), number));
        "get" Read |map, key| code(map.get(&*E::asked(key)).as_ref().map(number));
        "contains_key" Read |map, key| u64::from(map.contains_key(&*E::asked(key)));
        "get_many" Read |map, key| {
            let mut found = 0;
            map.get_many([&*E::asked(key)], |_, value| found = code(value.map(number)));
            found
        };
        "try_for_each" Read |map, _key| {
            let _ = map.try_for_each(|_, _| ControlFlow::<()>::Continue(()));
            0
        };
        "for_each" Read |map, _key| { map.for_each(|_, _| ()); 0 };
        "pin().read" Read |map, key| code(map.pin().read(&*E::asked(key), number));
        "len" Count |map, _key| { map.len(); 0 };
        "is_empty" Count |map, _key| { map.is_empty(); 0 };
        "capacity" Count |map, _key| { map.capacity(); 0 };
        "insert" Write |map, key| u64::from(map.insert(E::new(key), E::value(80)));
        "insert_then" Write |map, key| {
            map.insert_then(E::new(key), E::value(80), |old| code(old.map(number)))
        };
        "try_insert" Write |map, key| u64::from(map.try_insert(E::new(key), E::value(80)).is_ok());
        "get_or_insert_with" Write |map, key| {
            map.get_or_insert_with(E::new(key), || E::value(80), number)
        };
        "remove" Write |map, key| u64::from(map.remove(&*E::asked(key)));
        "remove_then" Write |map, key| code(map.remove_then(&*E::asked(key), number));
        "remove_if" Write |map, key| u64::from(map.remove_if(&*E::asked(key), |_| true));
        "update" Write |map, key| u64::from(map.update(&*E::asked(key), |v| E::new(v.number() + 10)));
        "compute" Write |map, key| map.compute(E::new(key), |_| Action::Put(E::value(80))) as u64;
        "compute_if_present" Write |map, key| {
            map.compute_if_present(&*E::asked(key), |_| Action::Remove) as u64
        };
        "compare_exchange" Write |map, key| {
            u64::from(map.compare_exchange(&*E::asked(key), &E::value(key), E::value(80)).is_ok())
        };
        "insert_many" Write |map, key| map.insert_many([(E::new(key), E::value(80))]) as u64;
        "retain" Whole |map, key| { map.retain(|k, _| k.number() != key); 0 };
        "clear" Whole |map, _key| { map.clear(); 0 };
        "reserve" Whole |map, _key| { map.reserve(500); 0 };
    ];
    operations.extend(shrink.map(|call| Operation {
        name: "shrink_to_fit",
        kind: Kind::Whole,
        call,
    }));
    operations
}

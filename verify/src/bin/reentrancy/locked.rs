//! The rows and columns of maps under locks: what only these have.
//!
//! The slow map has none of it. What it is compared by are the operations of the contract that come to the same when one
//! thread calls one after the other.

use map_core::{ConcurrentMap, LockedMap};

use crate::cell::Slow;
use crate::entry::{Entry, Event};
use crate::lists::{Kind, Lent, Operation, Place, Subject, code, number, run};

/// A map of the table that is under locks.
pub trait LockedSubject<E>: Subject<E> + LockedMap<E, E> {}

impl<E, M: Subject<E> + LockedMap<E, E>> LockedSubject<E> for M {}

/// The rows.
pub fn places<E: Entry, M: LockedSubject<E>>() -> Vec<Place<M>> {
    places![
        "`modify`" Deciding Closure 0 |map, key| {
            let found = map.modify(&*E::asked(key), |v| *v = run(E::new(v.number() + 100)));
            u64::from(found.is_some())
        };
        "`make` of `modify_or_insert_with`" Deciding Closure 3 |map, key| {
            map.modify_or_insert_with(E::new(key + 3), || run(E::value(70)), |v| v.number())
        };
        "`modify_or_insert_with`, known key" Deciding Closure 0 |map, key| {
            map.modify_or_insert_with(E::new(key), || E::value(70), |v| run(v.number()))
        };
        "`for_each_mut`" Deciding Closure 0 |map, key| {
            map.for_each_mut(|k, v| if k.number() == key { *v = run(E::value(70)) });
            0
        };
        "`read_many`" Reading Closure 0 |map, key| {
            let (one, other) = (E::asked(key), E::asked(key + 1));
            map.read_many([&*one, &*other], |found| run(code(found[0].map(number))))
        };
        "`transact`" Deciding Closure 0 |map, key| {
            map.transact([E::new(key), E::new(key + 1)], |values| values[0] = Some(run(E::value(70))));
            0
        };
        "`snapshot`" Reading Closure 0 |map, _key| {
            map.snapshot(|entries| run(entries.count()));
            0
        };
    ]
}

/// The same rows for the slow map.
pub fn slow_places<E: Entry>() -> Vec<Place<Slow<E>>> {
    places![
        "`modify`" Deciding Closure 0 |map, key| {
            u64::from(map.update(&*E::asked(key), |v| E::new(v.number() + 100)))
        };
        "`make` of `modify_or_insert_with`" Deciding Closure 3 |map, key| {
            map.get_or_insert_with(E::new(key + 3), || E::value(70), number)
        };
        "`modify_or_insert_with`, known key" Deciding Closure 0 |map, key| {
            map.get_or_insert_with(E::new(key), || E::value(70), number)
        };
        "`for_each_mut`" Deciding Closure 0 |map, key| {
            map.update(&*E::asked(key), |_| E::value(70));
            0
        };
        "`read_many`" Reading Closure 0 |map, key| code(map.read(&*E::asked(key), number));
        "`transact`" Deciding Closure 0 |map, key| { map.insert(E::new(key), E::value(70)); 0 };
        "`snapshot`" Reading Closure 0 |_map, _key| 0;
    ]
}

/// The columns.
pub fn operations<E: Entry, M: LockedSubject<E>>() -> Vec<Operation<M>> {
    operations![
        "read_many" Read |map, key| {
            map.read_many([&*E::asked(key)], |found| code(found[0].map(number)))
        };
        "snapshot" Read |map, _key| { map.snapshot(|entries| entries.count()); 0 };
        "modify" Write |map, key| {
            let found = map.modify(&*E::asked(key), |v| *v = E::new(v.number() + 10));
            u64::from(found.is_some())
        };
        "modify_or_insert_with" Write |map, key| {
            map.modify_or_insert_with(E::new(key), || E::value(80), |v| v.number())
        };
        "transact" Write |map, key| {
            map.transact([E::new(key)], |values| values[0] = Some(E::value(80)));
            0
        };
        "for_each_mut" Whole |map, key| {
            map.for_each_mut(|k, v| if k.number() == key { *v = E::value(80) });
            0
        };
    ]
}

/// The same columns for the slow map.
pub fn slow_operations<E: Entry>() -> Vec<Operation<Slow<E>>> {
    operations![
        "read_many" Read |map, key| code(map.read(&*E::asked(key), number));
        "snapshot" Read |_map, _key| 0;
        "modify" Write |map, key| {
            u64::from(map.update(&*E::asked(key), |v| E::new(v.number() + 10)))
        };
        "modify_or_insert_with" Write |map, key| {
            map.get_or_insert_with(E::new(key), || E::value(80), number)
        };
        "transact" Write |map, key| { map.insert(E::new(key), E::value(80)); 0 };
        "for_each_mut" Whole |map, key| { map.update(&*E::asked(key), |_| E::value(80)); 0 };
    ]
}

//! A panic in the user's code at any point: no entry is lost or dropped twice, the table stays usable.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use map_core::Action;
use map_table::Table;

/// Panics once a budget of calls is used up, and goes on to do so until it is renewed.
#[derive(Clone, Debug)]
struct Fuse(Rc<Cell<usize>>);

impl Fuse {
    fn burn(&self) {
        match self.0.get() {
            0 => panic!("the fuse has blown"),
            left => self.0.set(left - 1),
        }
    }
}

/// A key whose `Eq` burns the fuse, and whose life is counted.
#[derive(Debug)]
struct Key {
    id: u64,
    fuse: Fuse,
    alive: Rc<Cell<isize>>,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.fuse.burn();
        self.id == other.id
    }
}

impl Eq for Key {}

impl Drop for Key {
    fn drop(&mut self) {
        self.alive.set(self.alive.get() - 1);
    }
}

struct Fixture {
    table: Table<Key, u64>,
    fuse: Fuse,
    alive: Rc<Cell<isize>>,
}

fn spread(id: u64) -> u64 {
    // A few collisions, so that `Eq` says no as well.
    (id / 2).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
}

impl Fixture {
    fn new() -> Self {
        let fuse = Fuse(Rc::new(Cell::new(usize::MAX)));
        Self { table: Table::new(), fuse, alive: Rc::default() }
    }

    fn key(&self, id: u64) -> Key {
        self.alive.set(self.alive.get() + 1);
        Key { id, fuse: self.fuse.clone(), alive: Rc::clone(&self.alive) }
    }

    fn insert(&mut self, id: u64) -> bool {
        let mut new = Some((self.key(id), id));
        let table = &mut self.table;
        catch_unwind(AssertUnwindSafe(|| {
            table.insert(spread(id), &mut new, |key| {
                key.fuse.burn();
                spread(key.id)
            });
        }))
        .is_ok()
    }

    fn remove(&mut self, id: u64) -> Option<bool> {
        let key = self.key(id);
        let table = &mut self.table;
        catch_unwind(AssertUnwindSafe(|| {
            let rehash = |key: &Key| {
                key.fuse.burn();
                spread(key.id)
            };
            table.remove(spread(id), &key, rehash).is_some()
        }))
        .ok()
    }

    fn renew(&self, calls: usize) {
        self.fuse.0.set(calls);
    }

    fn check(&self, ids: impl Iterator<Item = u64>) {
        self.renew(usize::MAX);
        let mut count = 0;
        for id in ids {
            let key = self.key(id);
            assert_eq!(self.table.find(spread(id), &key), Some(&id), "{id} was lost");
            count += 1;
        }
        assert_eq!((self.table.len(), self.table.iter().count()), (count, count));
        assert_eq!(self.alive.get(), count as isize, "keys alive");
    }
}

#[test]
fn a_panic_at_every_point_of_growth_loses_nothing() {
    for budget in 0..24 {
        let mut fixture = Fixture::new();
        let mut stored = Vec::new();
        for id in 0..600 {
            fixture.renew(budget);
            if fixture.insert(id) {
                stored.push(id);
            }
        }
        fixture.check(stored.iter().copied());
        // With the fuse renewed everything goes on.
        for id in 600..1200 {
            assert!(fixture.insert(id));
            stored.push(id);
        }
        fixture.check(stored.into_iter());
    }
}

#[test]
fn a_panic_in_a_removal_or_a_computation_changes_nothing() {
    for budget in 0..12 {
        let mut fixture = Fixture::new();
        for id in 0..449 {
            assert!(fixture.insert(id));
        }
        assert!(fixture.table.is_growing(), "removals must meet a growing table");
        let mut left = Vec::new();
        for id in 0..449 {
            fixture.renew(budget);
            match fixture.remove(id) {
                None => left.push(id),
                Some(found) => assert!(found),
            }
        }
        fixture.check(left.into_iter());
    }
    let mut fixture = Fixture::new();
    for id in 0..100 {
        assert!(fixture.insert(id));
    }
    let mut key = Some(fixture.key(1000));
    let table = &mut fixture.table;
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let decide = |_: Option<&u64>| -> Action<u64> { panic!("in the closure") };
        table.compute(spread(1000), &mut key, decide, |key| spread(key.id))
    }));
    assert!(panicked.is_err() && key.is_some());
    drop(key);
    fixture.check(0..100);
}

#[test]
fn a_panic_while_shrinking_or_reserving_loses_nothing() {
    for budget in 0..64 {
        let mut fixture = Fixture::new();
        for id in 0..500 {
            assert!(fixture.insert(id));
        }
        for id in 50..500 {
            assert_eq!(fixture.remove(id), Some(true));
        }
        fixture.renew(budget);
        let table = &mut fixture.table;
        let shrunk = catch_unwind(AssertUnwindSafe(|| {
            let mut begun = false;
            let rehash = |key: &Key| {
                key.fuse.burn();
                spread(key.id)
            };
            while table.shrink_step(&mut begun, rehash) {}
        }));
        assert_eq!(shrunk.is_ok(), budget >= 50, "with a budget of {budget}");
        let table = &mut fixture.table;
        let _ = catch_unwind(AssertUnwindSafe(|| {
            table.try_reserve(1000, |key| {
                key.fuse.burn();
                spread(key.id)
            })
        }));
        fixture.check(0..50);
        for id in 50..500 {
            assert!(fixture.insert(id));
        }
        fixture.check(0..500);
    }
}

#[test]
fn one_bad_key_does_not_stop_the_writes_of_others() {
    let mut table = Table::new();
    let poisoned = Cell::new(false);
    let rehash = |key: &u64| {
        assert!(!(poisoned.get() && *key == 7), "this key cannot be hashed");
        spread(*key * 2)
    };
    for key in 0..449_u64 {
        table.insert(spread(key * 2), &mut Some((key, key)), rehash);
    }
    assert!(table.is_growing());
    poisoned.set(true);
    let mut panics = 0;
    for key in 1000..1300 {
        let insert = || table.insert(spread(key * 2), &mut Some((key, key)), rehash);
        panics += usize::from(catch_unwind(AssertUnwindSafe(insert)).is_err());
    }
    // 512 buckets, 32 per write: the bad key is met once in 16 writes.
    assert!((1..=300 / 16 + 1).contains(&panics), "{panics} of 300 writes met the bad key");
    assert_eq!(table.find(spread(14), &7), Some(&7));
}

#[test]
fn a_panic_in_drop_leaks_nothing() {
    struct Counted(Rc<Cell<usize>>);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            assert!(self.0.get() != 3, "the third drop panics");
        }
    }

    let ways: [fn(Table<u64, Counted>); 2] = [drop, |table| drop(table.into_iter())];
    for way in ways {
        let dropped = Rc::new(Cell::new(0));
        let mut table = Table::new();
        for key in 0..449_u64 {
            let mut new = Some((key, Counted(Rc::clone(&dropped))));
            table.insert(spread(key * 2), &mut new, |key| spread(*key * 2));
        }
        assert!(table.is_growing(), "both tables must be dropped");
        assert!(catch_unwind(AssertUnwindSafe(|| way(table))).is_err());
        assert_eq!(dropped.get(), 449);
    }
}

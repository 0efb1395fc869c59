//! Moves inside a map are counted: few at a time in ours, many in a map that moves all at once.

mod support;

use std::cell::Cell;

use atlas_bench_data::{ContenderKind, Moves};
use atlas_benches::contenders::{CONTENDERS, Visitor};
use atlas_benches::measure::moves::CountMoves;
use support::{Family, Twist};

const ENTRIES: u64 = 200_000;

fn counted(id: &str) -> Moves {
    let contender = CONTENDERS.iter().find(|contender| contender.id == id).unwrap();
    contender.visit(CountMoves { entries: ENTRIES }).unwrap()
}

#[test]
fn a_map_that_moves_all_at_once_is_seen_to_do_so() {
    thread_local!(static LEN: Cell<u64> = const { Cell::new(0) });
    /// Doubles as a table without steps would, as far as the counter is told.
    struct Doubling;
    impl Twist for Doubling {
        fn drops_insert() -> bool {
            if LEN.get().is_power_of_two() {
                (0..LEN.get()).for_each(|_| map_sync::contention::moved());
            }
            LEN.set(LEN.get() + 1);
            false
        }
    }
    let moves = CountMoves { entries: ENTRIES }.shared::<Family<Doubling>>().unwrap();
    assert_eq!((moves.most_moved, moves.moved), (1 << 17, (1 << 18) - 1));
}

#[test]
fn ours_move_no_more_than_they_say() {
    let bounds =
        [("map-rwlock", 32), ("map-sharded", 64), ("map-readdirty", 1024), ("map-caslist", 0)];
    let ours = CONTENDERS.iter().filter(|contender| contender.kind == ContenderKind::Ours);
    assert_eq!(ours.count(), bounds.len());
    for (id, bound) in bounds {
        let moves = counted(id);
        assert!(moves.most_moved <= bound, "{moves:?}");
        // What grew must have moved, so that a counter which nobody tells does not pass.
        assert!(bound == 0 || moves.moved >= ENTRIES / 4, "{moves:?}");
    }
}

#[test]
fn a_list_sets_up_its_index_a_few_pieces_at_a_time() {
    let moves = counted("map-caslist");
    assert!(moves.indexed >= ENTRIES / 4 && moves.most_indexed <= 32, "{moves:?}");
}

#[test]
fn lost_insertions_are_refused() {
    struct Faulty;
    impl Twist for Faulty {
        fn drops_insert() -> bool {
            true
        }
    }
    assert!(CountMoves { entries: 100 }.shared::<Family<Faulty>>().is_err());
}

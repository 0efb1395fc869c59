//! The costs are counted rightly and maps that answer wrongly are refused.
//!
//! The counts are the whole program's, so everything is in one test.

mod support;

use std::hint::black_box;

use atlas_bench_data::Cost;
use atlas_benches::contenders::{CONTENDERS, Contender, Visitor};
use atlas_benches::entries::{Entries, Numbers, Strings};
use atlas_benches::measure::WrongAnswer;
use atlas_benches::measure::cost::{Job, Part, Scope, measure};
use atlas_benches::raw::counting::{self, CountingAllocator};
use support::{Family, Twist};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const SCOPE: Scope = Scope { most: 2000, seed: 1 };

struct Allocates;
impl Twist for Allocates {
    fn before_read() {
        black_box(Box::new([0_u8; 40]));
    }
}

struct MissesReads;
impl Twist for MissesReads {
    fn drops_read() -> bool {
        true
    }
}

struct SkipsInsertions;
impl Twist for SkipsInsertions {
    fn drops_insert() -> bool {
        true
    }
}

struct SkipsRemovals;
impl Twist for SkipsRemovals {
    fn drops_remove() -> bool {
        true
    }
}

fn twisted<T: Twist>(part: Part) -> Result<Cost, WrongAnswer> {
    Job::<Numbers>::new(part, SCOPE, false).shared::<Family<T>>()
}

fn per_op(cost: &Cost, workload: &str) -> (f64, f64) {
    let found = cost.allocations.iter().find(|cell| cell.workload == workload);
    found.map_or((-1.0, -1.0), |cell| (cell.per_op, cell.bytes_per_op))
}

fn allocator_counts_calls_and_bytes() {
    let (calls, bytes, live, peak) = counting::count(|counter| {
        drop(black_box(Vec::<u8>::with_capacity(1000)));
        counter.restart_peak();
        let mut kept = black_box(Vec::<u8>::with_capacity(10));
        kept.reserve_exact(20);
        let counts = (counter.calls(), counter.bytes(), counter.live(), counter.peak());
        drop(kept);
        counts
    });
    assert_eq!((calls, bytes, live), (3, 1030, 20));
    assert!((20..1000).contains(&peak), "{peak}");
}

fn contenders_cost_what_is_known_of_them() {
    let plain = Contender::by_id("plain").unwrap();
    let cost = measure(plain, Numbers::NAME, Part::Allocations, SCOPE).unwrap();
    for workload in ["get", "overwrite", "churn", "zipf50-50u", "exchange"] {
        assert_eq!(per_op(&cost, workload), (0.0, 0.0), "{workload}");
    }
    assert!(per_op(&cost, "insert").1 > 16.0, "the table grows");

    let cost = twisted::<Allocates>(Part::Allocations).unwrap();
    assert_eq!(per_op(&cost, "get"), (1.0, 40.0));

    let heap = measure(plain, Numbers::NAME, Part::Heap, SCOPE).unwrap().heap;
    assert_eq!(heap.iter().map(|heap| heap.entries).collect::<Vec<_>>(), [1000, 2000]);
    assert!(heap.iter().all(|heap| heap.bytes_per_entry() > 17.0), "{heap:?}");
}

/// A reader under a lock stops the writer; in a map that defers its frees it does not.
///
/// What is left afterwards is not nothing: a table that churn made it replace may still
/// wait in a batch, here 18 KB over 20 000 operations. A reader that still holds
/// everything back would leave as much as it held.
fn stalled_readers_are_told_apart() {
    let stalled = |id| {
        let contender = Contender::by_id(id).unwrap();
        measure(contender, Numbers::NAME, Part::Stalled, SCOPE).unwrap().stalled
    };
    for line in stalled("parking_lot") {
        assert!(line.writers_wait && line.done == 0, "{line:?}");
    }
    for line in stalled("papaya") {
        assert!(!line.writers_wait && line.done == line.operations, "{line:?}");
        assert!(line.bytes_per_op > 16.0, "{line:?}");
        assert!(line.left_bytes_per_op < line.bytes_per_op / 4.0, "{line:?}");
    }
}

fn wrong_answers_are_refused() {
    assert!(twisted::<MissesReads>(Part::Allocations).is_err());
    for part in [Part::Heap, Part::Allocations, Part::Resident, Part::Stalled] {
        assert!(twisted::<SkipsInsertions>(part).is_err(), "{}", part.name());
    }
    assert!(twisted::<SkipsRemovals>(Part::Allocations).is_err());
    assert!(twisted::<SkipsRemovals>(Part::Resident).is_err());
}

fn every_contender_passes() {
    for contender in CONTENDERS {
        for entry in [Numbers::NAME, Strings::NAME] {
            for part in [Part::Heap, Part::Allocations, Part::Resident] {
                if let Err(error) = measure(contender, entry, part, SCOPE) {
                    panic!("{}, {entry}, {}: {error}", contender.id, part.name());
                }
            }
        }
    }
}

#[test]
fn costs() {
    allocator_counts_calls_and_bytes();
    contenders_cost_what_is_known_of_them();
    stalled_readers_are_told_apart();
    wrong_answers_are_refused();
    every_contender_passes();
}

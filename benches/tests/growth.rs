//! Growth shows what insertions take and do, and refuses wrong answers.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use atlas_bench_data::{Growth, GrowthWork};
use atlas_benches::contenders::{CONTENDERS, Visitor};
use atlas_benches::measure::WrongAnswer;
use atlas_benches::measure::growth::{CountWork, Grow, reads};
use atlas_benches::raw::counting::CountingAllocator;
use support::{Family, Twist};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const ENTRIES: u64 = 2000;

fn grow() -> Grow {
    Grow { entries: ENTRIES, reads: Arc::new(reads(1)) }
}

fn twisted<T: Twist>() -> Result<Growth, WrongAnswer> {
    grow().shared::<Family<T>>()
}

/// One test, one after the other: the allocator's count is the whole program's.
#[test]
fn growth_is_measured() {
    every_contender_grows_and_its_work_is_counted();
    a_delayed_read_shows();
    lost_insertions_are_refused();
}

fn every_contender_grows_and_its_work_is_counted() {
    for contender in CONTENDERS {
        let grown = contender.visit(grow());
        let grown = grown.unwrap_or_else(|error| panic!("{}: {error}", contender.id));
        assert_eq!(grown.inserts.samples, ENTRIES, "{}", contender.id);
        assert_eq!(grown.inserts_per_ms.iter().map(|&n| u64::from(n)).sum::<u64>(), ENTRIES);
        let reads: u64 = grown.reads_per_ms.iter().map(|&n| u64::from(n)).sum();
        assert_eq!(grown.reads.samples, reads, "{}", contender.id);
        assert!(grown.longest_insert_undisturbed <= grown.inserts.max, "{}", contender.id);

        let work: GrowthWork = contender.visit(CountWork { entries: ENTRIES }).unwrap();
        assert!(work.least_hash_calls >= 1, "{}", contender.id);
        assert!(work.live_bytes >= 16 * ENTRIES, "{}: {work:?}", contender.id);
        assert!(work.peak_bytes >= work.live_bytes, "{}: {work:?}", contender.id);
        assert!(work.most_allocations > 0 && work.most_bytes > 0, "{}: {work:?}", contender.id);
    }
}

fn a_delayed_read_shows() {
    struct Delayed;
    const DELAY: Duration = Duration::from_micros(20);
    impl Twist for Delayed {
        fn before_read() {
            let begin = Instant::now();
            while begin.elapsed() < DELAY {
                std::hint::spin_loop();
            }
        }
    }
    let reads = twisted::<Delayed>().unwrap().reads;
    // Few or no reads may fit into so short a growth; those that do are all delayed.
    assert!(reads.samples == 0 || reads.p50 >= DELAY.as_nanos() as u64, "{reads:?}");
}

fn lost_insertions_are_refused() {
    struct Faulty;
    impl Twist for Faulty {
        fn drops_insert() -> bool {
            true
        }
    }
    assert!(twisted::<Faulty>().is_err());
    assert!(CountWork { entries: ENTRIES }.shared::<Family<Faulty>>().is_err());
}

//! A known delay shows in the times, and a wrong answer is refused.

#[macro_use]
#[path = "support/faults.rs"]
mod faults;
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use atlas_benches::contenders::Visitor;
use atlas_benches::entries::{Entries, Numbers};
use atlas_benches::measure::OfMix;
use atlas_benches::measure::latency::{Loop, Schedule, Timed, TimedMix};
use atlas_benches::workloads::{Mix, Streams};
use support::{Family, Twist};

const STALL: Duration = Duration::from_micros(20);

fn subject<T: Twist>(mix: Mix) -> Box<dyn Timed> {
    let keys = 1000;
    let streams = Arc::new(Streams::new(mix, keys, 1, 1));
    let entries = Arc::new(Numbers::new(mix.universe(keys)));
    TimedMix(OfMix { entries, streams, seed: 1 }).shared::<Family<T>>()
}

fn stall() {
    let begin = Instant::now();
    while begin.elapsed() < STALL {
        std::hint::spin_loop();
    }
}

static READS: AtomicU64 = AtomicU64::new(0);
const EVERY: u64 = 1000;

struct NowAndThen;
impl Twist for NowAndThen {
    fn before_read() {
        if READS.fetch_add(1, Relaxed).is_multiple_of(EVERY) {
            stall();
        }
    }
}

/// All bounds are lower ones, whatever else the machine does: an operation is done no earlier than its
/// stall has ended, and later ones are late by what is left of it.
#[test]
fn a_stall_shows_in_the_operations_that_were_due_meanwhile() {
    let mut subject = subject::<NowAndThen>(Mix::Read100);
    for rate in [1e6, 8e6] {
        let schedule = Schedule::new(rate, 0.05);
        assert_eq!(schedule.interval, 1000.0);
        let (mut found, before) = (Loop::default(), READS.load(Relaxed));
        subject.open(1, schedule, &mut found).unwrap();
        // The first and the last may lie outside the schedule.
        let stalls = (READS.load(Relaxed) - before) / EVERY - 2;
        assert!(stalls > 0);
        // A group begins a microsecond after the one with the stall, or two if one is left out.
        let hit = found.all.longer_than(17_500);
        assert!(hit >= stalls, "{rate}: {hit} of {stalls}");
        // Each of the following is due a microsecond later, so at least these were kept waiting too.
        let kept_waiting = found.all.longer_than(10_000);
        assert!(kept_waiting >= 7 * stalls, "{rate}: {kept_waiting} for {stalls}");
    }
}

struct Always;
impl Twist for Always {
    fn before_read() {
        stall();
    }
}

#[test]
fn the_closed_loop_shows_the_operations_own_time() {
    let mut found = Loop::default();
    subject::<Always>(Mix::Read100).closed(1, Duration::from_millis(20), &mut found).unwrap();
    let samples = found.all.percentiles().samples;
    assert!(samples > 0);
    assert_eq!(found.all.longer_than(STALL.as_nanos() as u64 - 100), samples);
}

#[test]
fn a_map_that_cannot_keep_up_is_given_up_and_counted() {
    let mut found = Loop::default();
    let schedule = Schedule::new(1e6, 0.005);
    subject::<Always>(Mix::Read100).open(1, schedule, &mut found).unwrap();
    assert!(found.abandoned > 0 && found.abandoned < schedule.groups, "{}", found.abandoned);
    // Each arrival that was given up had waited at least as long as the loop was.
    assert!(found.all.longer_than(9_000_000) >= found.abandoned);
}

fn refuses<T: Twist>(mix: Mix) {
    let mut subject = subject::<T>(mix);
    let (schedule, limit) = (Schedule::new(1e6, 0.005), Duration::from_millis(5));
    // On a busy machine a loop may end before the fault has struck.
    let mut refused = |run: fn(&mut dyn Timed, Schedule, Duration) -> bool| {
        (0..100).any(|_| run(&mut *subject, schedule, limit))
    };
    let open =
        refused(|subject, schedule, _| subject.open(1, schedule, &mut Loop::default()).is_err());
    let closed =
        refused(|subject, _, limit| subject.closed(1, limit, &mut Loop::default()).is_err());
    assert!(open && closed, "{}: open {open}, closed {closed}", mix.id());
}

faults! {
    refuses(Mix);
    missed_reads_are_refused: drops_read in [Read100, Zipf95];
    skipped_insertions_are_refused: drops_insert in [Read98, Exchange];
    skipped_updates_are_refused: drops_update in [Zipf50];
}

//! Situations are brought about as described, and wrong answers are refused.

#[macro_use]
#[path = "support/faults.rs"]
mod faults;
mod support;

use std::sync::Arc;
use std::time::Duration;

use atlas_benches::contenders::{CONTENDERS, Contender, Visitor, families};
use atlas_benches::measure::contention::{Outcome, Situation, Strain};
use atlas_benches::measure::{Round, WrongAnswer};
use support::{Family, Twist};

const LIMIT: Duration = Duration::from_millis(10);

fn strain(situation: Situation, threads: usize) -> Strain {
    Strain { situation, streams: Arc::new(situation.streams(threads, 1)) }
}

fn twisted<T: Twist>(situation: Situation) -> Result<Outcome, WrongAnswer> {
    strain(situation, 3).shared::<Family<T>>().strain(3, LIMIT)
}

#[test]
fn all_contenders_stand_all_situations() {
    for situation in Situation::ALL {
        for contender in CONTENDERS.iter().filter(|contender| !contender.is_local()) {
            if situation.sits_out(contender).is_some() {
                continue;
            }
            for threads in [2, 5] {
                let mut subject = contender.visit(strain(situation, threads));
                let outcome = subject.strain(threads, LIMIT / 5).unwrap_or_else(|error| {
                    panic!("{}, {}: {error}", contender.id, situation.id());
                });
                assert_eq!(outcome.visited.is_some(), situation == Situation::Iteration);
                assert_eq!(outcome.makes.is_some(), situation == Situation::Stampede);
            }
        }
    }
}

#[test]
fn more_threads_than_a_machine_has() {
    for situation in [Situation::CrowdExchange, Situation::CrowdRead98, Situation::HotOverwrite] {
        let Some(contender) = Contender::by_id("map-caslist") else { panic!("it is in the list") };
        let mut subject = contender.visit(strain(situation, 200));
        let outcome = subject.strain(200, LIMIT).unwrap();
        assert_eq!(outcome.each.len(), 200);
    }
}

#[test]
fn a_map_that_promises_single_flight_makes_each_value_once() {
    let mut subject = strain(Situation::Stampede, 4).shared::<families::Sharded>();
    let outcome = subject.strain(4, LIMIT).unwrap();
    assert_eq!(outcome.makes, Some((Situation::Stampede.keys(), 1)));
    assert_eq!(outcome.round.ops, 4 * Situation::Stampede.keys());
}

#[test]
fn fairness_is_the_slowest_threads_share_of_the_mean() {
    let fairness = |each: &[u64]| Outcome { each: each.to_vec(), ..Outcome::default() }.fairness();
    assert_eq!(fairness(&[5, 5]), Some(1.0));
    assert_eq!(fairness(&[1, 7]), Some(0.25));
    assert_eq!(fairness(&[0, 9, 9]), Some(0.0));
    assert_eq!(fairness(&[]), None);
    assert_eq!(fairness(&[0, 0]), None);
}

/// Threads that sleep are seen to: the system counts each sleep.
#[cfg(target_os = "linux")]
#[test]
fn waiting_shows_in_the_switches() {
    struct Sleeping;
    impl Twist for Sleeping {
        fn before_read() {
            std::thread::sleep(Duration::from_micros(50));
        }
    }
    let outcome = twisted::<Sleeping>(Situation::CrowdRead98).unwrap();
    let Round { gets, usage, .. } = outcome.round;
    let usage = usage.unwrap();
    assert!(gets > 0 && usage.voluntary >= gets, "{gets} gets, {usage:?}");
}

#[test]
fn the_thread_that_iterates_is_not_among_the_writers() {
    struct Straight;
    impl Twist for Straight {}
    let outcome = twisted::<Straight>(Situation::Iteration).unwrap();
    assert_eq!(outcome.each.len(), 2);
    assert!(outcome.visited.is_some());
}

fn refuses<T: Twist>(situation: Situation) {
    let result = twisted::<T>(situation);
    assert!(result.is_err(), "{}: {result:?}", situation.id());
}

faults! {
    refuses(Situation);
    skipped_updates_are_refused: drops_update in [HotUpdate, FewKeys];
    skipped_removals_are_refused: drops_remove in [SameHash, CrowdExchange];
    skipped_insertions_are_refused: drops_insert in [SameHash, CrowdExchange, CrowdRead98];
    missed_reads_are_refused: drops_read in [FewKeys];
    values_that_are_not_kept_are_refused: forgets_made in [Stampede];
    entries_left_out_of_iteration_are_refused: skips_entry in [Iteration];
}

/// Of one key only the very last overwrite is left, so the fault must strike every time.
#[test]
fn overwrites_that_do_nothing_are_refused() {
    struct Faulty;
    impl Twist for Faulty {
        fn drops_insert() -> bool {
            true
        }
    }
    // No overwrite at all is seen only by looking up the last ones.
    assert!(twisted::<Faulty>(Situation::HotOverwrite).is_err());
}

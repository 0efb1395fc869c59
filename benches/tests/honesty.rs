//! The measuring loop tells slow from fast and refuses maps that answer wrongly.

#[macro_use]
#[path = "support/faults.rs"]
mod faults;
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use atlas_benches::contenders::{CONTENDERS, Visitor};
use atlas_benches::entries::{Entries, Numbers, Strings};
use atlas_benches::measure::probe::{Probe, atlas_counted_stretch};
use atlas_benches::measure::sampled::{OfShape, SAMPLED, Sampled};
use atlas_benches::measure::{OfMix, OfTrace, Round, WrongAnswer};
use atlas_benches::workloads::trace::Trace;
use atlas_benches::workloads::{Mix, Shape, Streams};
use support::{Family, Twist};

const ROUND: Duration = Duration::from_millis(10);

fn of_mix<E: Entries>(mix: Mix) -> OfMix<E> {
    let keys = 1000;
    let streams = Streams::new(mix, keys, 2, 1);
    OfMix { entries: Arc::new(E::new(mix.universe(keys))), streams: Arc::new(streams), seed: 1 }
}

fn round<T: Twist>(mix: Mix, threads: usize) -> Result<Round, WrongAnswer> {
    of_mix::<Numbers>(mix).shared::<Family<T>>().round(threads, ROUND)
}

struct Straight;
impl Twist for Straight {}

struct Delayed;
const DELAY: Duration = Duration::from_micros(10);
impl Twist for Delayed {
    fn before_read() {
        let begin = Instant::now();
        while begin.elapsed() < DELAY {
            std::hint::spin_loop();
        }
    }
}

/// The delay is a lower bound, whatever else the machine does.
#[test]
fn a_known_delay_is_seen() {
    let delayed = round::<Delayed>(Mix::Read100, 1).unwrap();
    let each = delayed.seconds / delayed.ops as f64;
    assert!(each >= DELAY.as_secs_f64(), "{each} s per operation");
    assert!(delayed.ops > 0);
}

#[test]
fn a_round_lasts_as_long_as_it_should() {
    let straight = round::<Straight>(Mix::Read100, 2).unwrap();
    assert!(straight.seconds >= ROUND.as_secs_f64() * 0.9, "{straight:?}");
    assert!((straight.mops() - straight.ops as f64 / straight.seconds / 1e6).abs() < 1e-9);
}

#[test]
fn a_sound_map_passes_every_mix() {
    for mix in Mix::ALL {
        for threads in [1, 2] {
            if let Err(error) = round::<Straight>(mix, threads) {
                panic!("{}, {threads} threads: {error}", mix.id());
            }
        }
    }
}

fn refuses<T: Twist>(mix: Mix) {
    for threads in [1, 2] {
        let result = round::<T>(mix, threads);
        assert!(result.is_err(), "{}, {threads} threads: {result:?}", mix.id());
    }
}

faults! {
    refuses(Mix);
    skipped_insertions_are_refused: drops_insert in [Read98, Zipf95, Exchange, Grow];
    skipped_removals_are_refused: drops_remove in [Read98, Exchange];
    skipped_updates_are_refused: drops_update in [Zipf50];
    missed_reads_are_refused: drops_read in [Read100, Miss50, Zipf95, Zipf50, Grow];
}

/// Maps with one fault each, which strikes now and then.
macro_rules! faulty {
    ($($Faulty:ident: $fault:ident;)*) => {$(
        struct $Faulty;
        impl Twist for $Faulty {
            fn $fault() -> bool {
                faults::now_and_then()
            }
        }
    )*};
}

faulty! {
    NoInsert: drops_insert;
    NoRemove: drops_remove;
    NoRead: drops_read;
}

/// The stretch that a profiler counts.
#[test]
fn a_probe_refuses_faults() {
    fn probe<T: Twist>(mix: Mix) -> (u32, Result<(), WrongAnswer>) {
        let streams = [Streams::new(mix, 1000, 1, 1).shortened(20_000)];
        let mut stretches = 0;
        let around = &mut |_, job: &mut dyn FnMut()| {
            stretches += 1;
            atlas_counted_stretch(job);
        };
        let result = Probe { streams: &streams, around }.shared::<Family<T>>();
        (stretches, result)
    }
    for mix in [Mix::Read100, Mix::Zipf95, Mix::Exchange] {
        assert_eq!(probe::<Straight>(mix), (1, Ok(())), "{}", mix.id());
    }
    assert!(probe::<NoRead>(Mix::Zipf95).1.is_err());
    assert!(probe::<NoRemove>(Mix::Exchange).1.is_err());
}

#[test]
fn a_trace_refuses_skipped_insertions() {
    let keys: Vec<u32> = (0..50_000).map(|n| n % 5000).collect();
    let trace = Arc::new(Trace { id: "trace:test".to_owned(), keys, distinct: 5000 });
    for threads in [1, 2] {
        assert!(OfTrace(trace.clone()).shared::<Family<Straight>>().round(threads, ROUND).is_ok());
        assert!(OfTrace(trace.clone()).shared::<Family<NoInsert>>().round(threads, ROUND).is_err());
    }
}

/// What a sampled workload makes of a map with a fault.
fn sampled<T: Twist>(shape: Shape) -> Result<Sampled, WrongAnswer> {
    let subject = OfShape::<Numbers>::new(shape, 2, 1);
    subject.shared::<Family<T>>().round(2, ROUND)
}

#[test]
fn sampled_workloads_refuse_faults() {
    let steady = Shape { entries: 1000, gets: 50.0, updates: 10.0, ..Shape::default() };
    let churn = Shape { churn: 20.0, ..steady };
    let growing = Shape { updates: 0.0, growing: true, ..steady };
    for shape in [steady, churn, growing] {
        let sound = sampled::<Straight>(shape).unwrap_or_else(|error| panic!("{shape:?}: {error}"));
        assert!(sound.all.len() >= sound.ops / SAMPLED / 2, "{sound:?}");
        assert!(sound.writes.len() < sound.all.len());
    }
    for shape in [churn, growing] {
        assert!(sampled::<NoInsert>(shape).is_err(), "{shape:?}");
    }
    assert!(sampled::<NoRemove>(churn).is_err());
    for shape in [steady, growing] {
        assert!(sampled::<NoRead>(shape).is_err(), "{shape:?}");
    }
}

/// Every contender in the list, on every mix and kind of entry.
#[test]
fn all_contenders_answer_rightly() {
    fn check<E: Entries>(mix: Mix) {
        for contender in CONTENDERS {
            let mut subject = contender.visit(of_mix::<E>(mix));
            for threads in if contender.is_local() { &[1, 1][..] } else { &[1, 2, 2] } {
                if let Err(error) = subject.round(*threads, Duration::from_millis(2)) {
                    panic!("{}, {}, {}: {error}", contender.id, mix.id(), E::NAME);
                }
            }
        }
    }
    for mix in Mix::ALL {
        check::<Numbers>(mix);
        check::<Strings>(mix);
    }
}

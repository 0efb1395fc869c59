//! The measuring loop tells slow from fast and refuses maps that answer wrongly.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use atlas_benches::contenders::{CONTENDERS, Visitor};
use atlas_benches::entries::{Entries, Numbers, Strings};
use atlas_benches::measure::probe::{Probe, atlas_counted_stretch};
use atlas_benches::measure::{OfMix, OfTrace, Round, WrongAnswer};
use atlas_benches::workloads::trace::Trace;
use atlas_benches::workloads::{Mix, Streams};
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

/// One in sixteen operations of a kind goes wrong.
fn now_and_then() -> bool {
    static CALLS: AtomicU32 = AtomicU32::new(1);
    CALLS.fetch_add(1, Relaxed).is_multiple_of(16)
}

macro_rules! faults {
    ($($test:ident: $fault:ident in [$($mix:ident),*];)*) => {$(
        #[test]
        fn $test() {
            struct Faulty;
            impl Twist for Faulty {
                fn $fault() -> bool {
                    now_and_then()
                }
            }
            for mix in [$(Mix::$mix),*] {
                for threads in [1, 2] {
                    let result = round::<Faulty>(mix, threads);
                    assert!(result.is_err(), "{}, {threads} threads: {result:?}", mix.id());
                }
            }
        }
    )*};
}

faults! {
    skipped_insertions_are_refused: drops_insert in [Read98, Zipf95, Exchange, Grow];
    skipped_removals_are_refused: drops_remove in [Read98, Exchange];
    skipped_updates_are_refused: drops_update in [Zipf50];
    missed_reads_are_refused: drops_read in [Read100, Miss50, Zipf95, Zipf50, Grow];
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
    struct Misses;
    impl Twist for Misses {
        fn drops_read() -> bool {
            now_and_then()
        }
    }
    struct Keeps;
    impl Twist for Keeps {
        fn drops_remove() -> bool {
            now_and_then()
        }
    }
    for mix in [Mix::Read100, Mix::Zipf95, Mix::Exchange] {
        assert_eq!(probe::<Straight>(mix), (1, Ok(())), "{}", mix.id());
    }
    assert!(probe::<Misses>(Mix::Zipf95).1.is_err());
    assert!(probe::<Keeps>(Mix::Exchange).1.is_err());
}

#[test]
fn a_trace_refuses_skipped_insertions() {
    struct Faulty;
    impl Twist for Faulty {
        fn drops_insert() -> bool {
            now_and_then()
        }
    }
    let keys: Vec<u32> = (0..50_000).map(|n| n % 5000).collect();
    let trace = Arc::new(Trace { id: "trace:test".to_owned(), keys, distinct: 5000 });
    for threads in [1, 2] {
        assert!(OfTrace(trace.clone()).shared::<Family<Straight>>().round(threads, ROUND).is_ok());
        assert!(OfTrace(trace.clone()).shared::<Family<Faulty>>().round(threads, ROUND).is_err());
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

//! The search for an explanation is tested too: it finds none for maps that are broken, and says after how many histories.

use crate::faults::*;
use crate::map::Faulty;
use map_conformance::family::{Family, Value, empty};
use map_conformance::harness::Random;
use map_conformance::hashers::Mixed;
use map_conformance::histories::{Tally, try_one};
use map_conformance::types::{Canary, TestValue};

/// How many histories a fault may hide in.
const MOST: u64 = 30_000;

/// Makes histories of a map until one has no explanation.
fn caught_after<F: Family, V: Value + TestValue>(stream: u64) -> Option<Tally> {
    let mut random = Random::new(stream);
    let mut tally = Tally::default();
    while tally.histories < MOST {
        match try_one::<u64, V, _>(random.draw(), empty::<F, u64, V, Mixed>, &[]) {
            Ok(more) => tally.add(more),
            Err(_) => {
                tally.histories += 1;
                return Some(tally);
            }
        }
    }
    None
}

macro_rules! unexplained {
    ($($FAULT:ident of $Value:ty),* $(,)?) => {
        #[test]
        fn broken_maps_have_unexplained_histories() {
            let mut caught = 0;
            let mut missed = Vec::new();
            $(match caught_after::<Faulty<$FAULT>, $Value>(u64::from($FAULT)) {
                Some(Tally { histories, .. }) => {
                    println!("{:<18} caught in history {histories}", stringify!($FAULT));
                    caught += 1;
                }
                None => missed.push(stringify!($FAULT)),
            })*
            println!("{caught} of {} seeded bugs caught", caught + missed.len());
            assert!(missed.is_empty(), "not caught in {MOST} histories: {missed:?}");
        }
    };
}

unexplained! {
    LOST_UPDATE of u64,
    STALE_READ of u64,
    LOST_IN_GROWTH of u64,
    REPEATS of u64,
    SKIPS of u64,
    TORN_EXCHANGE of u64,
    LEN_DRIFTS of u64,
    OVERWRITES of u64,
    HIDES of u64,
    TORN_RETAIN of u64,
    CLEARS_LITTLE of u64,
    TAKES_OUT of u64,
    FROZEN_PIN of u64,
    TORN_TRY_INSERT of u64,
    TORN_REMOVE of u64,
    MISSES_MANY of u64,
    TORN_SWAP of u64,
    EXCHANGES_NOTHING of u64,
    WRITES_TO_THE_DEAD of u64,
    SPARES of u64,
    FREES_EARLY of Canary,
    DROPS_TWICE of Canary,
}

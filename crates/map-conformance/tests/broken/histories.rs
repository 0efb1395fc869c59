//! The search for an explanation is tested too: it finds none for maps that are broken, and says after how many histories.

use crate::faults::*;
use crate::map::Faulty;
use map_conformance::family::{Family, empty};
use map_conformance::harness::Random;
use map_conformance::hashers::Mixed;
use map_conformance::histories::{Tally, try_one};

/// How many histories a fault may hide in.
const MOST: u64 = 30_000;

/// Makes histories of a map until one has no explanation.
fn caught_after<F: Family>(stream: u64) -> Option<Tally> {
    let mut random = Random::new(stream);
    let mut tally = Tally::default();
    while tally.histories < MOST {
        match try_one::<u64, u64, _>(random.draw(), empty::<F, u64, u64, Mixed>, &[]) {
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
    ($($FAULT:ident),* $(,)?) => {
        #[test]
        fn broken_maps_have_unexplained_histories() {
            let mut caught = 0;
            let mut missed = Vec::new();
            $(match caught_after::<Faulty<$FAULT>>(u64::from($FAULT)) {
                Some(Tally { histories, .. }) => {
                    println!("{:<16} caught in history {histories}", stringify!($FAULT));
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
    LOST_UPDATE, STALE_READ, LOST_IN_GROWTH, TORN_EXCHANGE, OVERWRITES, HIDES, TORN_RETAIN,
    TAKES_OUT, FROZEN_PIN, TORN_TRY_INSERT, TORN_REMOVE, MISSES_MANY, TORN_SWAP,
}

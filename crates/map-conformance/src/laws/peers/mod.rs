//! What other maps' own suites check, in the words of this contract.
//!
//! Each module is named after where its properties come from. They were written anew from a description of what is
//! checked there; `docs/conformance.md` says which law stands for which property, and why some have none.

pub mod go_hash_trie;
pub mod go_sync_map;
pub mod jsr166;
pub mod libcuckoo;
pub mod papaya;

use crate::harness::{Random, TEAMS, rounds};

/// About how long a law runs in each of its forms, in milliseconds.
const SPELL: u64 = 25;

/// Repeats `round` for a while with each team of threads.
fn teams(mut round: impl FnMut(usize, u64)) {
    for threads in TEAMS {
        rounds(SPELL, |number| round(threads, number));
    }
}

/// The numbers below `n` in a random order.
fn shuffled(n: u64, random: &mut Random) -> Vec<u64> {
    let mut numbers: Vec<u64> = (0..n).collect();
    for last in (1..numbers.len()).rev() {
        numbers.swap(last, random.below(last as u64 + 1) as usize);
    }
    numbers
}

/// Runs the body with `$name` being the map for some members of a team, and a pin of it for the others.
macro_rules! mapped_or_pinned {
    ($map:expr, $member:expr, |$name:ident| $body:expr) => {
        if $member % 2 == 0 {
            let $name = &$map;
            $body
        } else {
            let pin = map_core::PinMap::pin(&$map);
            let $name = &pin;
            $body
        }
    };
}
use mapped_or_pinned;

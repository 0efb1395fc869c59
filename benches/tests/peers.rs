//! The laws of the contract on the peers' adapters, and the table of those that a peer does not fulfil.
//!
//! A law is skipped if it was run, failed, and the cause lies in the peer's own design or code, or in
//! what its interface makes an adapter do; a few are fulfilled but take too long, and say so. The
//! reasons are the table in `docs/peers.md`, which a test here compares.

use std::fmt::Write;

use atlas_benches::contenders;
use map_conformance::conformance;
use map_conformance::family::{Family, HashState, Key, Value};

macro_rules! families {
    ($($Name:ident => $($Map:ident)::+;)*) => {$(
        #[derive(Debug)]
        enum $Name {}

        impl Family for $Name {
            type Map<K: Key, V: Value, S: HashState> = contenders::$($Map)::+<K, V, S>;
        }
    )*};
}

families! {
    ParkingLot => parking_lot::ParkingLotMap;
    StdRwLock => std_rwlock::StdRwLockMap;
    DashMap => dashmap::DashMapAdapter;
    Scc => scc::SccMap;
    Papaya => papaya::PapayaMap;
    Flurry => flurry::FlurryMap;
    ArcSwapCow => arc_swap_cow::ArcSwapMap;
}

conformance!(peer parking_lot => ParkingLot, skip {
    "panics::in_drop_leaks_nothing": LOSES_THE_OLD_VALUE,
});

conformance!(peer std_rwlock => StdRwLock, skip {
    "panics::in_drop_leaks_nothing": LOSES_THE_OLD_VALUE,
});

conformance!(peer dashmap => DashMap, skip {
    "visibility::lent_values_stay_alive":
        "its lock lets readers pass a waiting writer: the law's readers keep its writers out for seconds \
         or minutes (it is fulfilled if it ends)",
    "panics::in_drop_leaks_nothing": LOSES_THE_OLD_VALUE,
});

conformance!(peer scc => Scc, skip {
    "panics::in_drop": KEEPS_THE_LOCK,
    "panics::in_drop_leaks_nothing": KEEPS_THE_LOCK,
});

conformance!(peer papaya => Papaya, skip {
    "sequential::growth": COPIES_FOR_EVER,
    "sequential::low_bits_constant": COPIES_FOR_EVER,
    "histories::have_an_explanation": COPIES_FOR_EVER,
    "iteration::beside_churn": VISITS_AGAIN,
    "go_hash_trie::iterates_over_each_once": COPIES_FOR_EVER,
    "go_hash_trie::clear_in_turn": COPIES_FOR_EVER,
    "go_hash_trie::iterate_and_remove": COPIES_FOR_EVER,
    "go_hash_trie::clear_beside_exchanges": COPIES_FOR_EVER,
    "jsr166::keys_that_share_a_hash": COPIES_FOR_EVER,
    "drops::nothing_is_cloned": KEY_IS_NOT_GIVEN_BACK,
    "panics::in_hash": LEAKS_THE_NEW_ENTRY,
    "panics::in_eq": LEAKS_THE_NEW_ENTRY,
    "panics::in_closures": COPIES_FOR_EVER,
    "panics::in_drop_leaks_nothing": STOPS_RECLAIMING,
});

conformance!(peer flurry => Flurry, skip {
    "iteration::beside_churn": VISITS_AGAIN,
    "histories::have_an_explanation":
        "its `retain` leaves an entry alone that was overwritten after the test, without testing the new \
         value; what `compute` keeps, the adapter overwrites with a clone. A race that is seldom met",
    "drops::nothing_is_cloned": KEY_IS_NOT_GIVEN_BACK,
    "panics::in_eq": LEAKS_THE_NEW_ENTRY,
    "panics::in_clone":
        "growing clones keys; if one panics, the map stays half grown and its drop fails an assertion",
    "panics::in_drop_leaks_nothing": STOPS_RECLAIMING,
});

conformance!(peer arc_swap_cow => ArcSwapCow, skip {
    "drops::nothing_is_cloned": "each write copies the map: that is the pattern",
    "panics::in_clone": TAKES_TOO_LONG,
    "panics::in_drop": TAKES_TOO_LONG,
    "panics::in_drop_leaks_nothing":
        "a panic in one drop ends the drop of hashbrown's old table, and the rest leaks",
});

/// Of `parking_lot`, `std-rwlock` and `dashmap`, which hold hashbrown's tables.
const LOSES_THE_OLD_VALUE: &str = "`insert` of a known key drops the key it was given last; if that \
    panics, the old value, about to be returned, leaks";
const KEEPS_THE_LOCK: &str = "overwriting drops the key it was given while the locked entry is about \
    to be returned; if that panics, the lock is never released and the next call on the bucket hangs";
const COPIES_FOR_EVER: &str = "with many keys of one hash a probe limit asks for another table, which is \
    no larger while the table is less than half full, so that its copy meets the limit again: \
    iteration and `retain`, which wait for the copy, do not end";
const VISITS_AGAIN: &str = "iteration follows the places in the table: a key that is removed and \
    inserted again meanwhile, further on, comes twice";
const KEY_IS_NOT_GIVEN_BACK: &str =
    "a refused `try_insert` drops the key, so the adapter clones it before";
const LEAKS_THE_NEW_ENTRY: &str = "the new entry or value is put on the heap before keys are hashed or \
    compared; if that panics, it leaks";
const STOPS_RECLAIMING: &str =
    "a panic in one drop ends the reclaiming of a whole batch, and the rest leaks";

const TAKES_TOO_LONG: &str = "fulfilled when it was run, but each write copies the map, and the law \
    panics at each entry of each copy: ten seconds of processor time that no test run should spend";

/// What each peer is not held to.
const PEERS: [(&str, &[(&str, &str)]); 7] = [
    ("parking_lot", parking_lot::SKIPPED),
    ("std-rwlock", std_rwlock::SKIPPED),
    ("dashmap", dashmap::SKIPPED),
    ("scc", scc::SKIPPED),
    ("papaya", papaya::SKIPPED),
    ("flurry", flurry::SKIPPED),
    ("arc-swap-cow", arc_swap_cow::SKIPPED),
];

/// The table of the page, from the lists above.
fn table() -> String {
    let mut table = String::from("| peer | law | why it is not fulfilled |\n|---|---|---|\n");
    for (peer, skipped) in PEERS {
        for (law, reason) in skipped {
            let _ = writeln!(table, "| `{peer}` | `{law}` | {reason} |");
        }
    }
    table
}

#[test]
fn the_page_tells_what_was_found() {
    let page = include_str!("../../docs/peers.md");
    let stands = page
        .split_once("<!-- laws:begin -->\n")
        .and_then(|(_, rest)| rest.split_once("<!-- laws:end -->"))
        .map(|(table, _)| table)
        .expect("the markers in docs/peers.md");
    let table = table();
    assert!(stands == table, "the table in docs/peers.md should be:\n\n{table}");
}

#[test]
fn every_peer_is_held_to_the_laws() {
    let peers = contenders::CONTENDERS
        .iter()
        .filter(|contender| contender.kind == atlas_bench_data::ContenderKind::Peer)
        .map(|contender| contender.id);
    assert!(peers.eq(PEERS.map(|(peer, _)| peer)));
}

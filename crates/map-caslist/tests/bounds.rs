//! What the types promise to the compiler, what it must refuse, and the optional features.

use std::cell::Cell;
use std::hash::RandomState;

use map_caslist::{CasListMap, IntoIter};

fn send<T: Send>() {}
fn sync<T: Sync>() {}

#[test]
fn auto_traits() {
    send::<CasListMap<String, Vec<u8>>>();
    sync::<CasListMap<String, Vec<u8>>>();
    sync::<CasListMap<String, Vec<u8>, RandomState>>();
    // One thread after the other may use a map of values that only one may use at a time.
    send::<CasListMap<u64, Cell<u64>>>();
    send::<IntoIter<u64, Cell<u64>>>();
}

/// Neither `'static` nor `Clone` nor `Send` is asked of keys and values.
#[test]
fn borrowed_and_local_values() {
    let text = String::from("text");
    let map = CasListMap::new();
    map.insert(text.as_str(), std::rc::Rc::new(Cell::new(1)));
    map.read("text", |value| value.set(2));
    assert_eq!(map.read("text", |value| value.get()), Some(2));
}

#[test]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

#[cfg(feature = "serde")]
#[test]
fn serde_round_trip() {
    let map: CasListMap<String, u64> = (0..100).map(|n| (n.to_string(), n)).collect();
    let text = serde_json::to_string(&map).expect("a map of strings is JSON");
    let back: CasListMap<String, u64> = serde_json::from_str(&text).expect("it was written above");
    assert_eq!(back.len(), 100);
    assert!((0..100).all(|n| back.get(&n.to_string()) == Some(n)));
}

#[cfg(feature = "rayon")]
#[test]
fn rayon_round_trip() {
    use rayon::iter::{IntoParallelIterator, ParallelIterator};

    let map: CasListMap<u64, u64> = (0..1000_u64).into_par_iter().map(|n| (n, n)).collect();
    assert_eq!(map.len(), 1000);
    let sum: u64 = map.into_par_iter().map(|(_, n)| n).sum();
    assert_eq!(sum, 499_500);
}

//! Auto traits, what must not compile, and the optional features.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::MutexGuard;

use map_readdirty::{ReadDirtyMap, ReadDirtyPin};

/// Whether a type has an auto trait, as a constant: the inherent one is taken if its bound holds.
macro_rules! has {
    ($Type:ty: $Trait:ident) => {{
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code, reason = "unused if the bound holds")]
        trait Otherwise {
            const ANSWER: bool = false;
        }
        impl<T: ?Sized> Otherwise for Probe<T> {}
        #[allow(dead_code, reason = "unused if the bound does not hold")]
        impl<T: ?Sized + $Trait> Probe<T> {
            const ANSWER: bool = true;
        }
        <Probe<$Type>>::ANSWER
    }};
}

type Guard = MutexGuard<'static, ()>;

#[test]
fn auto_traits() {
    assert!(has!(ReadDirtyMap<String, String>: Send) && has!(ReadDirtyMap<String, String>: Sync));
    // Entries may be dropped, and read, by any thread: keys and values must allow both.
    assert!(!has!(ReadDirtyMap<Rc<u8>, u8>: Send) && !has!(ReadDirtyMap<u8, Rc<u8>>: Send));
    assert!(!has!(ReadDirtyMap<Rc<u8>, u8>: Sync) && !has!(ReadDirtyMap<u8, Rc<u8>>: Sync));
    assert!(has!(ReadDirtyMap<Cell<u8>, Cell<u8>>: Send));
    assert!(!has!(ReadDirtyMap<Cell<u8>, u8>: Sync) && !has!(ReadDirtyMap<u8, Cell<u8>>: Sync));
    assert!(!has!(ReadDirtyMap<Guard, u8>: Sync) && !has!(ReadDirtyMap<u8, Guard>: Sync));
    assert!(!has!(ReadDirtyMap<u8, u8, Rc<u8>>: Send) && !has!(ReadDirtyMap<u8, u8, Rc<u8>>: Sync));
    // A pin is the state of its thread.
    assert!(!has!(ReadDirtyPin<'static, u8, u8>: Send));
    assert!(!has!(ReadDirtyPin<'static, u8, u8>: Sync));
}

#[test]
fn what_must_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

#[cfg(feature = "serde")]
#[test]
fn serde_round_trip() {
    let map: ReadDirtyMap<String, u64> = (0..100).map(|n| (n.to_string(), n)).collect();
    let text = serde_json::to_string(&map).expect("serialises");
    let copy: ReadDirtyMap<String, u64> = serde_json::from_str(&text).expect("deserialises");
    assert_eq!(copy.len(), 100);
    map.for_each(|key, value| assert_eq!(copy.get(key), Some(*value)));
}

#[cfg(feature = "rayon")]
#[test]
fn rayon_round_trip() {
    use rayon::iter::{IntoParallelIterator, ParallelIterator};
    let map: ReadDirtyMap<u64, u64> = (0..10_000_u64).into_par_iter().map(|n| (n, n + 1)).collect();
    assert_eq!(map.len(), 10_000);
    let sum: u64 = map.into_par_iter().map(|(key, value)| value - key).sum();
    assert_eq!(sum, 10_000);
}

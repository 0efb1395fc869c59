//! What the types promise: auto traits, what does not compile, the optional traits.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::MutexGuard;

use map_sharded::{ConcurrentMap, ShardedMap};

/// Whether a type has an auto trait: an inherent constant wins over a trait's, where its bound holds.
macro_rules! has {
    ($Trait:ident, $Type:ty) => {{
        #[allow(dead_code, reason = "not used where the bound holds")]
        trait Lacks {
            const HAS: bool = false;
        }
        impl<T: ?Sized> Lacks for T {}
        #[allow(dead_code, reason = "the trait's constant stands in where the bound does not hold")]
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code, reason = "the trait's constant stands in where the bound does not hold")]
        impl<T: ?Sized + $Trait> Probe<T> {
            const HAS: bool = true;
        }
        <Probe<$Type>>::HAS
    }};
}

type SendOnly = Cell<u8>;
type SyncOnly = MutexGuard<'static, u8>;
type Neither = Rc<u8>;

#[test]
fn send_and_sync_are_those_of_a_lock() {
    assert!(has!(Send, ShardedMap<u8, String>) && has!(Sync, ShardedMap<u8, String>));
    // A key or a value that is lent to several threads at once must be `Sync`.
    assert!(has!(Send, ShardedMap<u8, SendOnly>) && !has!(Sync, ShardedMap<u8, SendOnly>));
    assert!(has!(Send, ShardedMap<SendOnly, u8>) && !has!(Sync, ShardedMap<SendOnly, u8>));
    // One that any thread may remove must be `Send`.
    assert!(!has!(Send, ShardedMap<u8, SyncOnly>) && !has!(Sync, ShardedMap<u8, SyncOnly>));
    assert!(!has!(Send, ShardedMap<SyncOnly, u8>) && !has!(Sync, ShardedMap<SyncOnly, u8>));
    assert!(!has!(Send, ShardedMap<u8, Neither>) && !has!(Sync, ShardedMap<u8, Neither>));
    assert!(!has!(Send, ShardedMap<u8, u8, Neither>) && !has!(Sync, ShardedMap<u8, u8, Neither>));
}

#[test]
fn values_need_no_trait() {
    struct Opaque;
    let map = ShardedMap::new();
    assert!(map.insert(1, Opaque));
    assert!(map.remove(&1));
    let generic: &dyn Fn(&ShardedMap<u8, Opaque>) -> usize = &ConcurrentMap::len;
    assert_eq!(generic(&map), 0);
}

#[test]
#[cfg_attr(miri, ignore = "runs the compiler")]
fn misuse_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

#[cfg(feature = "serde")]
#[test]
fn survives_a_round_trip_through_serde() {
    let map: ShardedMap<String, u32> = (0..1000).map(|n| (n.to_string(), n)).collect();
    let text = serde_json::to_string(&map).expect("strings are keys in JSON");
    let copy: ShardedMap<String, u32> = serde_json::from_str(&text).expect("as written");
    assert_eq!(copy.len(), 1000);
    assert!((0..1000).all(|n| copy.get(&n.to_string()) == Some(n)));
}

#[cfg(feature = "rayon")]
#[test]
fn survives_a_round_trip_through_rayon() {
    use rayon::iter::{IntoParallelIterator, ParallelExtend, ParallelIterator};

    let mut map: ShardedMap<u32, u32> = (0..1000).into_par_iter().map(|n| (n, n)).collect();
    map.par_extend((1000..2000).into_par_iter().map(|n| (n, n)));
    let mut entries: Vec<(u32, u32)> = map.into_par_iter().collect();
    entries.sort_unstable();
    assert_eq!(entries, (0..2000).map(|n| (n, n)).collect::<Vec<_>>());
}

//! What the types promise to the compiler, and the optional features, once for all maps.

/// Tests the auto traits of a map type in scope and, where the features are on, serde and rayon.
///
/// `bounds!(NameMap);` in a map crate's `tests/bounds.rs`. The crate needs `serde_json` for its tests and
/// has the features `serde` and `rayon`.
#[macro_export]
macro_rules! bounds {
    ($Map:ident) => {
        /// Fit for one thread at a time.
        type SendOnly = ::std::cell::Cell<u8>;
        /// Fit to be looked at by other threads, not to be given to them.
        type SyncOnly = ::std::sync::MutexGuard<'static, u8>;
        /// Fit for no other thread.
        type Neither = ::std::rc::Rc<u8>;

        #[test]
        fn send_and_sync_follow_the_entries() {
            use $crate::has;
            assert!(has!(Send, $Map<u8, String>) && has!(Sync, $Map<u8, String>));
            // What is lent to several threads at once must be `Sync`.
            assert!(has!(Send, $Map<u8, SendOnly>) && !has!(Sync, $Map<u8, SendOnly>));
            assert!(has!(Send, $Map<SendOnly, u8>) && !has!(Sync, $Map<SendOnly, u8>));
            // What any thread may remove must be `Send`.
            assert!(!has!(Send, $Map<u8, SyncOnly>) && !has!(Sync, $Map<u8, SyncOnly>));
            assert!(!has!(Send, $Map<SyncOnly, u8>) && !has!(Sync, $Map<SyncOnly, u8>));
            assert!(!has!(Send, $Map<u8, Neither>) && !has!(Sync, $Map<u8, Neither>));
            assert!(!has!(Send, $Map<u8, u8, Neither>) && !has!(Sync, $Map<u8, u8, Neither>));
        }

        #[test]
        fn borrowed_and_local_entries_need_no_trait() {
            struct Opaque<'text>(&'text str);
            let text = String::from("text");
            let map = $Map::new();
            assert!(map.insert(text.as_str(), (Opaque(&text), ::std::rc::Rc::new(1))));
            assert_eq!(map.read("text", |(opaque, _)| opaque.0.len()), Some(4));
            assert!(map.remove("text"));
        }

        #[cfg(feature = "serde")]
        #[test]
        fn survives_a_round_trip_through_serde() {
            let map: $Map<String, u32> = (0..1000).map(|n| (n.to_string(), n)).collect();
            let text = ::serde_json::to_string(&map).expect("strings are keys in JSON");
            let copy: $Map<String, u32> = ::serde_json::from_str(&text).expect("as written");
            assert_eq!(copy.len(), 1000);
            assert!((0..1000).all(|n| copy.get(&n.to_string()) == Some(n)));
        }

        #[cfg(feature = "rayon")]
        #[test]
        fn survives_a_round_trip_through_rayon() {
            use ::rayon::iter::{IntoParallelIterator, ParallelExtend, ParallelIterator};
            let mut map: $Map<u32, u32> = (0..1000).into_par_iter().map(|n| (n, n)).collect();
            map.par_extend((1000..2000).into_par_iter().map(|n| (n, n)));
            let mut entries: Vec<(u32, u32)> = map.into_par_iter().collect();
            entries.sort_unstable();
            assert_eq!(entries, (0..2000).map(|n| (n, n)).collect::<Vec<_>>());
        }
    };
}

/// Whether a type has an auto trait, as a constant.
///
/// An inherent constant wins over a trait's where its bound holds.
///
/// ```
/// assert!(map_conformance::has!(Send, u8));
/// assert!(!map_conformance::has!(Send, std::rc::Rc<u8>));
/// ```
#[macro_export]
macro_rules! has {
    ($Trait:ident, $Type:ty) => {{
        #[allow(dead_code, reason = "one of the two constants is not used")]
        trait Lacks {
            const HAS: bool = false;
        }
        impl<T: ?Sized> Lacks for T {}
        #[allow(dead_code, reason = "one of the two constants is not used")]
        struct Probe<T: ?Sized>(::core::marker::PhantomData<T>);
        #[allow(dead_code, reason = "one of the two constants is not used")]
        impl<T: ?Sized + $Trait> Probe<T> {
            const HAS: bool = true;
        }
        <Probe<$Type>>::HAS
    }};
}

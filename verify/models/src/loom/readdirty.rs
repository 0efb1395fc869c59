//! `map-readdirty`: promotion of the dirty level, growth and sweeping, beside reads and changes.
//!
//! Linked keys and values are watched, so that one that is freed too early, or read without having been published, is found; inline ones are numbers.
//! Tables are never moved at once here. **Left out**: that operations on several keys have one order, for which the map uses
//! accesses that are `SeqCst`: loom takes them for acquire and release.

use std::sync::Arc;

use map_readdirty::{Action, Outcome, ReadDirtyMap};
use map_sync::shim::model::{Fault, set_membarrier};

use super::every_schedule;
use crate::check::{ByItself, Key, Watched, must_fail, name_of, spawn};

/// Keys in different places of the table.
const ONE: u8 = 0x20;
const OTHER: u8 = 0xA0;
const THIRD: u8 = 0x60;

macro_rules! models {
    ($kind:ident: $K:ty, $V:ty, $key:expr, $value:expr, $name:expr, $number:expr, faults $faults:expr) => {
        mod $kind {
            use super::*;

            type Map = ReadDirtyMap<$K, $V, ByItself>;

            /// For so many further keys a table of two must grow.
            const ROOM: usize = 6;

            fn explored(name: &str, preemptions: usize, model: fn()) {
                every_schedule(
                    &format!("readdirty, {}: {name}", stringify!($kind)),
                    preemptions,
                    model,
                );
            }

            fn key(place: u8) -> $K {
                $key(place)
            }

            fn value(number: u64) -> $V {
                $value(number)
            }

            fn name_of_key(key: &$K) -> u64 {
                $name(key)
            }

            fn number_of(value: &$V) -> u64 {
                $number(value)
            }

            fn insert(map: &Map, place: u8, number: u64) -> Option<u64> {
                map.insert_then(key(place), value(number), |old| old.map(number_of))
            }

            fn get(map: &Map, place: u8) -> Option<u64> {
                map.read(&key(place), number_of)
            }

            fn remove(map: &Map, place: u8) -> Option<u64> {
                map.remove_then(&key(place), number_of)
            }

            /// A map with keys in its dirty level.
            fn dirty(places: &[u8]) -> Arc<Map> {
                set_membarrier(true);
                let map = Arc::new(Map::with_hasher(ByItself::default()));
                for &place in places {
                    assert_eq!(insert(&map, place, 1), None);
                }
                map
            }

            /// A map with keys in its table.
            fn settled(places: &[u8]) -> Arc<Map> {
                let map = dirty(places);
                map.for_each(|_, _| ());
                map
            }

            fn all(map: &Map) -> Vec<(u64, u64)> {
                let mut all = Vec::new();
                map.for_each(|key, value| all.push((name_of_key(key), number_of(value))));
                all.sort_unstable();
                assert_eq!(all.len(), map.len());
                all
            }

            #[test]
            fn a_read_beside_a_promotion_misses_nothing() {
                explored("reads beside a promotion", 4, || {
                    let map = dirty(&[ONE]);
                    // A look-up in the dirty level promotes it.
                    let promoter = spawn(&map, |map| get(map, ONE));
                    assert_eq!(get(&map, ONE), Some(1), "missed");
                    assert_eq!(get(&map, OTHER), None);
                    assert_eq!(promoter.join(), Some(1), "missed");
                    assert_eq!(all(&map), [(ONE.into(), 1)]);
                });
            }

            #[test]
            fn changes_beside_a_promotion_are_not_lost() {
                explored("a removal and an insertion beside a promotion", 4, || {
                    let map = dirty(&[ONE]);
                    let promoter = spawn(&map, |map| map.for_each(|_, _| ()));
                    assert_eq!(remove(&map, ONE), Some(1), "missed");
                    assert_eq!(insert(&map, ONE, 2), None);
                    promoter.join();
                    assert_eq!(all(&map), [(ONE.into(), 2)]);
                });
            }

            #[test]
            fn an_insertion_beside_a_promotion_is_not_lost() {
                explored("an insertion beside a promotion", 4, || {
                    let map = dirty(&[ONE]);
                    let promoter = spawn(&map, |map| get(map, ONE));
                    assert_eq!(insert(&map, OTHER, 2), None);
                    assert_eq!(get(&map, OTHER), Some(2), "lost");
                    assert_eq!(promoter.join(), Some(1));
                    assert_eq!(all(&map), [(ONE.into(), 1), (OTHER.into(), 2)]);
                });
            }

            #[test]
            fn of_two_insertions_of_a_key_one_is_refused() {
                explored("two insertions of a key", 4, || {
                    let map = dirty(&[]);
                    let other = spawn(&map, |map| map.try_insert(key(ONE), value(1)).is_ok());
                    let own = map.try_insert(key(ONE), value(2)).is_ok();
                    assert!(own != other.join(), "both or none");
                    assert_eq!(all(&map), [(ONE.into(), if own { 2 } else { 1 })]);
                });
            }

            fn beside_growth(places: &[u8], f: impl FnOnce(&Map)) -> Vec<(u64, u64)> {
                let map = settled(places);
                let grower = spawn(&map, |map| {
                    map.reserve(ROOM);
                    map.for_each(|_, _| ());
                });
                f(&map);
                grower.join();
                all(&map)
            }

            #[test]
            fn a_read_beside_growth_misses_nothing() {
                explored("reads and an overwrite beside growth", 2, || {
                    let left = beside_growth(&[ONE, OTHER], |map| {
                        assert_eq!(get(map, ONE), Some(1), "missed");
                        assert_eq!(insert(map, OTHER, 2), Some(1), "missed");
                    });
                    assert_eq!(left, [(ONE.into(), 1), (OTHER.into(), 2)]);
                });
            }

            #[test]
            fn a_change_beside_growth_is_not_undone() {
                explored("an overwrite and a removal beside growth", 2, || {
                    let left = beside_growth(&[ONE], |map| {
                        assert_eq!(insert(map, ONE, 2), Some(1), "missed");
                        assert_eq!(remove(map, ONE), Some(2), "an old copy");
                        assert_eq!(get(map, ONE), None, "an old copy");
                    });
                    assert_eq!(left, []);
                });
            }

            #[test]
            fn a_removal_beside_growth_is_one() {
                explored("a removal and a read beside the moving of their key", 3, || {
                    let map = settled(&[ONE]);
                    map.reserve(ROOM);
                    let other = spawn(&map, |map| {
                        assert_eq!(remove(map, ONE), Some(1), "missed");
                        assert_eq!(get(map, ONE), None, "an old copy");
                    });
                    map.for_each(|_, _| ());
                    other.join();
                    assert_eq!(all(&map), []);
                });
            }

            #[test]
            fn a_change_of_what_comes_again_is_seen() {
                explored("a change beside what comes again as it was", 2, || {
                    // So many that neither look-up has them promoted.
                    let map = dirty(&[ONE, OTHER, THIRD]);
                    let other = spawn(&map, |map| {
                        let removed = remove(map, ONE);
                        map.for_each(|_, _| ());
                        assert_eq!(insert(map, ONE, 1), None);
                        removed
                    });
                    let put = |old: Option<&$V>| match old {
                        Some(_) => Action::Put(value(2)),
                        None => Action::Keep,
                    };
                    let changed = map.compute(key(ONE), put) == Outcome::Replaced;
                    let seen = get(&map, ONE);
                    if other.join() == Some(1) && changed {
                        assert_eq!(seen, Some(2), "its own change");
                        assert_eq!(get(&map, ONE), Some(2), "lost");
                    }
                });
            }

            #[test]
            fn an_insertion_beside_sweeping_is_not_swept_away() {
                explored("an insertion beside the sweeping of its key", 4, || {
                    let map = settled(&[ONE]);
                    assert_eq!(remove(&map, ONE), Some(1));
                    let sweeper = spawn(&map, |map| map.retain(|_, _| true));
                    assert_eq!(insert(&map, ONE, 2), None);
                    assert_eq!(get(&map, ONE), Some(2), "lost");
                    sweeper.join();
                    assert_eq!(all(&map), [(ONE.into(), 2)]);
                });
            }

            #[test]
            fn what_is_published_is_whole() {
                explored("reads beside an overwrite and an insertion that is promoted", 3, || {
                    let map = settled(&[ONE]);
                    let writer = spawn(&map, |map| {
                        assert_eq!(insert(map, ONE, 2), Some(1));
                        assert_eq!(insert(map, OTHER, 3), None);
                        // Promotes it.
                        assert_eq!(get(map, OTHER), Some(3));
                    });
                    let (other, one) = (get(&map, OTHER), get(&map, ONE));
                    assert!(matches!((other, one), (None, Some(1 | 2)) | (Some(3), Some(2))));
                    writer.join();
                    assert_eq!(all(&map), [(ONE.into(), 2), (OTHER.into(), 3)]);
                });
            }

            #[test]
            fn a_broken_exchange_or_order_is_found() {
                let signs = ["assertion", "Causality violation", "dropped", "freed"];
                let orders: &[Fault] = $faults;
                for &fault in orders {
                    must_fail(name_of!(what_is_published_is_whole), fault, &signs);
                }
                let test = name_of!(an_insertion_beside_sweeping_is_not_swept_away);
                must_fail(test, Fault::Exchanges, &signs);
            }
        }
    };
}

models!(linked: Key, Watched, |place| Key::new(place, place.into()), Watched::new, Key::name, Watched::get,
    faults &[Fault::Stores, Fault::Loads]);
// Their loads and stores are exchanges and steps under a mutex, so there is no order to break.
models!(inline: u64, u64, |place| u64::from(place) << 56, |number| number, |key: &u64| key >> 56, |value: &u64| *value,
    faults &[]);

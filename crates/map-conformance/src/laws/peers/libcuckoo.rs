//! The stress tests of libcuckoo (`stress-tests/`).

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use map_core::{Action, ConcurrentMap, Outcome};

use super::{SPELL, teams};
use crate::family::{Family, HashState, Key, MapOf, empty};
use crate::harness::{Random, rounds, scaled, team};
use crate::hashers::{HighConstant, Mixed};
use crate::types::TestKey;

/// What one key should have in the two maps.
type Expected = Mutex<Option<(u64, String)>>;

/// Two maps of one kind of keys, with values that are plain and values that are not, and what they should hold. A
/// thread works on a key only while it has the key's lock, so each answer is known.
struct Checked<'a, N, W> {
    numbers: &'a N,
    words: &'a W,
    expected: Vec<Expected>,
}

impl<N, W> Checked<'_, N, W> {
    fn assert_held<K: TestKey>(&self, key: &K, expected: Option<&(u64, String)>)
    where
        N: ConcurrentMap<K, u64>,
        W: ConcurrentMap<K, String>,
    {
        let asked = key.borrow();
        assert_eq!(self.numbers.get(asked), expected.map(|(number, _)| *number), "{key:?}");
        assert_eq!(self.words.get(asked).as_ref(), expected.map(|(_, word)| word), "{key:?}");
    }

    /// Takes a random key that nobody works on, does one thing with it, and looks at it.
    fn step<K: TestKey>(&self, role: usize, random: &mut Random)
    where
        N: ConcurrentMap<K, u64>,
        W: ConcurrentMap<K, String>,
    {
        let index = random.below(self.expected.len() as u64);
        let Ok(mut expected) = self.expected[index as usize].try_lock() else { return };
        let (key, new) = (K::make(index), random.below(1000));
        let (asked, word) = (key.borrow(), new.to_string());
        let present = expected.is_some();
        match (role, random.below(3)) {
            (0, _) => {
                let inserted = self.numbers.try_insert(K::make(index), new).is_ok();
                assert_eq!(inserted, !present, "inserting {key:?}");
                assert_eq!(self.words.try_insert(K::make(index), word.clone()).is_ok(), inserted);
                expected.get_or_insert((new, word));
            }
            (1, _) => {
                assert_eq!(self.numbers.remove(asked), present, "removing {key:?}");
                assert_eq!(self.words.remove(asked), present);
                *expected = None;
            }
            (2, 0) => {
                assert_eq!(self.numbers.update(asked, |_| new), present, "updating {key:?}");
                assert_eq!(self.words.update(asked, |_| word.clone()), present);
                if let Some(expected) = expected.as_mut() {
                    *expected = (new, word);
                }
            }
            (2, 1) => {
                let outcome = if present { Outcome::Replaced } else { Outcome::Absent };
                let add = |old: &u64| Action::Put(old + 3);
                assert_eq!(self.numbers.compute_if_present(asked, add), outcome, "{key:?}");
                let append = |old: &String| Action::Put(format!("{old}+"));
                assert_eq!(self.words.compute_if_present(asked, append), outcome);
                if let Some((number, word)) = expected.as_mut() {
                    *number += 3;
                    word.push('+');
                }
            }
            (2, _) => {
                let outcome = if present { Outcome::Replaced } else { Outcome::Inserted };
                let add = |old: Option<&u64>| Action::Put(old.map_or(new, |old| old + 3));
                assert_eq!(self.numbers.compute(K::make(index), add), outcome, "{key:?}");
                let append = |old: Option<&String>| {
                    Action::Put(old.map_or(word.clone(), |old| format!("{old}+")))
                };
                assert_eq!(self.words.compute(K::make(index), append), outcome);
                *expected = Some(match expected.take() {
                    Some((number, word)) => (number + 3, word + "+"),
                    None => (new, word),
                });
            }
            _ => {}
        }
        self.assert_held(&key, expected.as_ref());
    }
}

fn checked<F: Family, K: TestKey + Key, S: HashState>() {
    rounds(2 * SPELL, |round| {
        let (numbers, words) = (empty::<F, K, u64, S>(), empty::<F, K, String, S>());
        let expected = (0..scaled(64)).map(|_| Mutex::new(None)).collect();
        let checked = Checked { numbers: &numbers, words: &words, expected };
        team(8, |member| {
            let mut random = Random::new(round * 8 + member as u64);
            for _ in 0..scaled(200) {
                checked.step::<K>(member % 4, &mut random);
            }
        });
        let held = |expected: &&Expected| expected.lock().is_ok_and(|expected| expected.is_some());
        let held = checked.expected.iter().filter(held).count();
        assert_eq!((numbers.len(), words.len()), (held, held), "len when all is quiet");
    });
}

/// `stress_checked`: threads that insert, remove, update and find, never two of them on one key, are each answered
/// rightly.
pub fn stress_checked<F: Family>() {
    checked::<F, u64, Mixed>();
    checked::<F, u64, HighConstant>();
}

/// `stress_checked --use-strings`.
pub fn stress_checked_with_strings<F: Family>() {
    checked::<F, String, Mixed>();
}

/// One call of any kind; what it answers is not looked at.
fn anything<F: Family>(map: &MapOf<F, u64, u64, Mixed>, role: usize, random: &mut Random) {
    let (key, value) = (random.below(scaled(2000)), random.draw());
    match (role, random.below(3)) {
        (0, _) => _ = map.insert(key, value),
        (1, _) => _ = map.remove(&key),
        (2, 0) => _ = map.update(&key, |_| value),
        (2, 1) => _ = map.compute_if_present(&key, |old| Action::Put(old / 2)),
        (2, _) => _ = map.compute(key, |old| Action::Put(old.map_or(value, |old| old / 3))),
        (3, _) => _ = map.get(&key),
        (_, 0) => map.retain(|key, _| key % 7 != 0),
        (_, 1) => map.clear(),
        _ => {
            let mut visits = 0;
            map.for_each(|_, _| visits += 1);
            assert!(visits <= scaled(2000), "more visits than keys");
            // Off by no more than all that eight threads may write meanwhile.
            assert!(map.len() as u64 <= scaled(2000) + 8 * scaled(300));
        }
    }
}

/// `stress_unchecked`: threads that do everything with any key all end, and leave a map whose contents, look-ups and
/// `len` agree.
pub fn stress_unchecked<F: Family>() {
    teams(|threads, round| {
        let map = empty::<F, u64, u64, Mixed>();
        let finished = AtomicBool::new(false);
        team(threads + 1, |member| {
            let mut random = Random::new(round * 16 + member as u64);
            if member == threads {
                while !finished.load(Ordering::Acquire) {
                    anything::<F>(&map, 4, &mut random);
                    std::thread::yield_now();
                }
                return;
            }
            for _ in 0..scaled(300) {
                anything::<F>(&map, (member + round as usize) % 4, &mut random);
            }
            finished.store(true, Ordering::Release);
        });
        let mut entries = Vec::new();
        map.for_each(|key, value| entries.push((*key, *value)));
        assert_eq!(entries.len(), map.len(), "len when all is quiet");
        for (key, value) in entries {
            assert_eq!(map.get(&key), Some(value), "an entry of the iteration");
        }
    });
}

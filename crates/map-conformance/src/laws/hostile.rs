//! Keys whose `Hash` and `Eq` lie: results may be any, but memory stays safe and nothing hangs.
//!
//! Each answer is drawn anew, so that a key is not equal to itself, equal to others, or found in another place each time.
//! All operations run on few such keys, on one thread and on several; then each key and value must have been dropped once. That nothing is
//! read after it was dropped, tokens see, and AddressSanitizer if the suite runs with it.

use core::cell::Cell;
use core::cmp::Ordering;
use core::hash::{BuildHasher, Hash, Hasher};
use core::ops::ControlFlow;

use map_core::{Action, ConcurrentMap, PinMap};

use crate::family::{Family, HashState, empty};
use crate::harness::{Random, TEAMS, rounds, seed, team};
use crate::hashers::{Collide, Mixed, Mixer};
use crate::token::{Ledger, Token};

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(0) };
}

/// Lets the answers of this thread come from the law's seed.
fn begin(stream: u64) {
    STATE.set(seed() ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15));
}

/// Draws an answer.
fn draw() -> u64 {
    let mut random = Random::seeded(STATE.get());
    let drawn = random.draw();
    STATE.set(drawn);
    drawn
}

/// How a key lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// Its hash is another each time.
    Hash,
    /// It is equal to any key, or not, as it likes.
    Eq,
    /// Both.
    Both,
    /// It is equal to none.
    NeverEqual,
    /// It is equal to all.
    AlwaysEqual,
}

/// A key that lies.
#[derive(Clone, Debug)]
struct Liar {
    token: Token,
    lie: Lie,
}

impl Hash for Liar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let number = self.token.number();
        state.write_u64(if matches!(self.lie, Lie::Hash | Lie::Both) {
            draw() % 16
        } else {
            number
        });
    }
}

impl PartialEq for Liar {
    fn eq(&self, other: &Self) -> bool {
        let honest = self.token.number() == other.token.number();
        match self.lie {
            Lie::Hash => honest,
            Lie::Eq | Lie::Both => draw().is_multiple_of(2),
            Lie::NeverEqual => false,
            Lie::AlwaysEqual => true,
        }
    }
}

impl Eq for Liar {}

impl PartialOrd for Liar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Liar {
    fn cmp(&self, other: &Self) -> Ordering {
        if draw().is_multiple_of(2) { self.token.cmp(&other.token) } else { Ordering::Less }
    }
}

/// Calls each operation, on keys and values that `key` and `value` make.
fn churn<K, V>(
    map: &impl ConcurrentMap<K, V>,
    random: &mut Random,
    key: impl Fn(u64) -> K,
    value: impl Fn(u64) -> V,
) where
    K: Hash + Eq,
    V: Clone + PartialEq,
{
    for _ in 0..400 {
        let (own, new) = (key(random.below(24)), value(random.below(3)));
        match random.below(18) {
            0..5 => _ = map.insert(own, new),
            5 => _ = map.insert_then(own, new, |old| old.cloned()),
            6 => _ = map.try_insert(own, new),
            7 => _ = map.get_or_insert_with(own, || new, V::clone),
            8 => _ = map.remove(&own),
            9 => _ = map.remove_then(&own, V::clone),
            10 => _ = map.update(&own, |old| old.clone()),
            11 => {
                _ = map.compute(own, |old| {
                    if old.is_some() { Action::Remove } else { Action::Put(new.clone()) }
                })
            }
            12 => _ = map.compute_if_present(&own, |_| Action::Put(new.clone())),
            13 => _ = map.compare_exchange(&own, &new.clone(), new),
            14 => _ = map.insert_many((0..8).map(|n| (key(n), value(n)))),
            15 => map.get_many([&own, &key(1)], |_, value| _ = value.cloned()),
            16 => {
                let _ = map.try_for_each(|_, value| {
                    let _ = value.clone();
                    if random.below(20) == 0 {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                });
            }
            _ if random.below(4) == 0 => map.retain(|_, _| random.below(2) == 0),
            _ => _ = map.get(&own),
        }
    }
}

fn lie<F: Family, S: HashState>(lie: Lie) {
    for threads in [1, TEAMS[0], TEAMS[1]] {
        rounds(10, |round| {
            let ledger = Ledger::open();
            let map = empty::<F, Liar, Token, S>();
            team(threads, |member| {
                let stream = round * 16 + member as u64;
                begin(stream);
                let key = |number| Liar { token: Token::new(ledger, number), lie };
                let value = |number| Token::new(ledger, number);
                let mut random = Random::new(stream);
                if member % 2 == 0 {
                    churn(&map, &mut random, key, value);
                } else {
                    churn(&map.pin(), &mut random, key, value);
                }
            });
            ledger.assert_none_twice("after keys have lied");
            begin(round);
            map.clear();
            drop(map);
            ledger.assert_settled("after the drop of a map whose keys lie");
        });
    }
}

/// A key's hash is another one each time.
pub fn hash_lies<F: Family>() {
    lie::<F, Mixed>(Lie::Hash);
}

/// Keys are equal, or not, as they like.
pub fn eq_lies<F: Family>() {
    lie::<F, Mixed>(Lie::Eq);
    lie::<F, Collide>(Lie::Eq);
    lie::<F, Collide>(Lie::NeverEqual);
    lie::<F, Collide>(Lie::AlwaysEqual);
}

/// A key's hash is another one each time, and keys are equal, or not, as they like.
pub fn both_lie<F: Family>() {
    lie::<F, Mixed>(Lie::Both);
}

/// A hasher whose results are any.
#[derive(Clone, Debug, Default)]
struct Erratic;

impl BuildHasher for Erratic {
    type Hasher = Mixer;

    fn build_hasher(&self) -> Mixer {
        let mut mixer = Mixer::default();
        mixer.write_u64(draw());
        mixer
    }
}

/// A hasher gives numbers another hash each time: a map that treats plain entries in a way of its own is not hurt either.
pub fn hasher_lies<F: Family>() {
    for threads in [1, TEAMS[0], TEAMS[1]] {
        rounds(10, |round| {
            let map = empty::<F, u64, u64, Erratic>();
            team(threads, |member| {
                let stream = round * 16 + member as u64;
                begin(stream);
                churn(&map, &mut Random::new(stream), |key| key, |value| value);
                map.for_each(|key, value| {
                    assert!(*key < 24 && *value < 8, "an entry that nobody made")
                });
            });
            map.clear();
        });
    }
}

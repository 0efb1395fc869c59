//! Random histories of a few operations on one key have an order that explains them.
//!
//! What is recorded and how it is judged: [`crate::histories`]. `cargo xtask verify linearizability` makes many more.

use crate::family::{Family, HashState, Key, Value, empty};
use crate::harness::{Random, rounds};
use crate::hashers::{Collide, Mixed};
use crate::histories::try_one;
use crate::types::{Canary, TestKey, TestValue};

/// Histories of two to eight threads on up to four keys, while the map grows: of numbers and of strings, with a good
/// hash and with one that collides, and of values that show when they are dropped too early.
pub fn have_an_explanation<F: Family>() {
    fn with<F: Family, K: Key + TestKey, V: Value + TestValue, S: HashState>(stream: u64) {
        let mut random = Random::new(stream);
        rounds(120, |_| {
            let tried = try_one::<K, V, _>(random.draw(), empty::<F, K, V, S>, &[]);
            if let Err(unexplained) = tried {
                panic!("{unexplained}");
            }
        });
    }
    with::<F, u64, u64, Mixed>(1);
    with::<F, u64, u64, Collide>(2);
    with::<F, String, String, Mixed>(3);
    with::<F, u64, Canary, Mixed>(4);
}

//! Two words of 64 bits that are loaded and exchanged as one.
//!
//! **Algorithm**: on x86-64 `cmpxchg16b` compares and exchanges 16 aligned bytes, and `movdqa` loads them. That the load is one
//! access is what Intel and AMD promise of all processors that have AVX (Intel's manual, volume 3, 9.1.1). [`available`]
//! asks for both; where it says no, nothing may be built on this.
//!
//! In a model, which sees neither instruction, a mutex makes the accesses one: the model takes them for one step each, as they are.
//! On other processors there is a mutex, too, but nobody uses it.
//!
//! **Ordering**: an exchange is a full fence. A load is to the processor one like any other, so acquire, and with exchanges
//! as the only stores sequentially consistent; to the compiler it is an access to all memory, which no other one may pass.
//!
//! ```
//! use map_sync::wide::{Wide, available};
//!
//! let wide = Wide::default();
//! if available() {
//!     assert!(wide.exchange([0, 0], [1, 2]) && !wide.exchange([0, 0], [3, 4]));
//!     assert_eq!(wide.load(), [1, 2]);
//! }
//! ```

#[cfg(all(target_arch = "x86_64", not(any(atlas_loom, atlas_shuttle))))]
pub use crate::raw::wide::exchange_at;
pub use crate::raw::wide::{Wide, available};

#[cfg(test)]
mod tests {
    use super::*;

    /// The other word that belongs to one.
    fn other(word: u64) -> u64 {
        word.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    #[test]
    fn both_words_change_together() {
        const EACH: u64 = 20_000;
        if !available() {
            return;
        }
        let wide = Wide::default();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut done = 0;
                    while done < EACH {
                        let seen = wide.load();
                        assert_eq!(seen[1], other(seen[0]), "a torn load");
                        let next = seen[0] + 1;
                        done += u64::from(wide.exchange(seen, [next, other(next)]));
                    }
                });
            }
        });
        assert_eq!(wide.load(), [3 * EACH, other(3 * EACH)]);
        for wrong in [[1, other(3 * EACH)], [3 * EACH, 1]] {
            assert!(!wide.exchange(wrong, [0, 0]), "both words are compared");
        }
        wide.fill([7, 8]);
        assert_eq!(wide.load(), [7, 8]);
    }
}

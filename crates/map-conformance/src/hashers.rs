//! Hashers from good to hostile.
//!
//! All start from [`Mixed`], a deterministic hash of good quality, and spoil it, except for
//! [`Identity`], which passes integers through.

use core::hash::{BuildHasher, Hasher};

/// Spreads the words written to it over all 64 bits; the same in each run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mixer(u64);

impl Mixer {
    fn absorb(&mut self, word: u64) {
        let mut x = (self.0 ^ word).wrapping_add(0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        self.0 = x ^ (x >> 31);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.absorb(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.absorb(word);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Keeps the last integer written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Last(u64);

impl Hasher for Last {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A [`Mixer`] whose result goes through a function.
#[derive(Clone, Copy, Debug)]
pub struct Spoiled {
    mixer: Mixer,
    spoil: fn(u64) -> u64,
}

impl Hasher for Spoiled {
    fn write(&mut self, bytes: &[u8]) {
        self.mixer.write(bytes);
    }

    fn write_u64(&mut self, word: u64) {
        self.mixer.write_u64(word);
    }

    fn finish(&self) -> u64 {
        (self.spoil)(self.mixer.finish())
    }
}

macro_rules! spoiled {
    ($(#[$doc:meta] $Name:ident = $spoil:expr;)*) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $Name;

        impl BuildHasher for $Name {
            type Hasher = Spoiled;

            fn build_hasher(&self) -> Spoiled {
                Spoiled { mixer: Mixer::default(), spoil: $spoil }
            }
        }
    )*};
}

spoiled! {
    #[doc = "A good hash, the same in each run."]
    Mixed = |hash| hash;
    #[doc = "One hash for all keys."]
    Collide = |_| 0;
    #[doc = "All ones for all keys: the largest hash."]
    CollideHigh = |_| u64::MAX;
    #[doc = "Only the sixteen highest bits differ."]
    LowConstant = |hash| hash & 0xFFFF_0000_0000_0000;
    #[doc = "Only the five lowest bits differ."]
    HighConstant = |hash| hash & 0x1F;
}

/// The key's last integer itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity;

impl BuildHasher for Identity {
    type Hasher = Last;

    fn build_hasher(&self) -> Last {
        Last::default()
    }
}

//! Programs that look for errors in the Atlas maps for as long as they are given.
//!
//! | program | what it looks for |
//! |---|---|
//! | `linearizability` | a history that no order explains |
//! | `stress` | a lost, torn, doubled or leaked entry; built with AddressSanitizer, also memory misused |
//! | `reentrancy` | an operation that hangs or answers wrongly when the user's code calls it inside another |
//! | `hostile` | an abort where room cannot be had; what keys cost that all collide |
//! | `memory` | memory that grows though the map does not, also beside a reader that stands still; a drop that needs too much stack |
//! | `races` | a race of data; built with ThreadSanitizer |
//!
//! `cargo xtask verify` builds and runs them. Each prints its seed and its figures, and fails by a panic.
#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "an allocator is")]
pub mod counting;
pub mod operations;

use std::time::{Duration, Instant};

use clap::Args;

/// The flags of every program.
#[derive(Clone, Debug, Args)]
pub struct Flags {
    /// Only this map (repeatable): rwlock, sharded, readdirty or caslist
    #[arg(long, value_name = "NAME", value_parser = ["rwlock", "sharded", "readdirty", "caslist"])]
    pub map: Vec<String>,
    /// How long, in minutes, for all maps together [default: some seconds]
    #[arg(long, value_name = "N", value_parser = minutes)]
    pub minutes: Option<f64>,
    /// The seed of all random choices [default: another each time; it is printed]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes <= 10_000.0 => Ok(minutes),
        _ => Err("expected a number of minutes".into()),
    }
}

impl Flags {
    /// Whether a map is to be looked at.
    pub fn wants(&self, map: &str) -> bool {
        self.map.is_empty() || self.map.iter().any(|wanted| wanted == map)
    }

    /// The seed, told to the reader.
    pub fn told_seed(&self) -> u64 {
        let seed = self.seed.unwrap_or_else(|| {
            use core::hash::BuildHasher;
            std::hash::RandomState::new().hash_one(std::process::id()) >> 32
        });
        println!("seed {seed}");
        seed
    }

    /// The time for each of `parts`, which are as many for each of the maps that are wanted.
    pub fn share(&self, parts: u32, usual: Duration) -> Duration {
        let maps = if self.map.is_empty() { 4 } else { self.map.len() as u32 };
        self.minutes.map_or(usual, |minutes| Duration::from_secs_f64(minutes * 60.0))
            / (maps * parts)
    }
}

/// Repeats `f` for a time, and at least once.
pub fn repeat(time: Duration, mut f: impl FnMut()) {
    let end = Instant::now() + time;
    loop {
        f();
        if Instant::now() >= end {
            return;
        }
    }
}

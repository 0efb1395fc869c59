//! What the measuring programs are made of.
//!
//! Three separate things: [`contenders`] (the maps, ours and others', behind the contract),
//! [`workloads`] (operation streams made before the clock starts, on [`entries`] of some kind) and
//! [`measure`] (the loop that interleaves the contenders and checks every answer).

pub mod circumstances;
pub mod contenders;
pub mod entries;
pub mod measure;
pub mod options;
pub mod progress;
pub mod raw;
pub mod workloads;

/// Keeps the README's examples true.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
#[derive(Debug)]
pub struct Readme;

//! Models for loom: every order of the accesses of two or three threads, with at most so many preemptions, and in each order
//! every value that each load may see.
//!
//! A test that is a model says how far it went. Those whose names begin with `a_broken` run others again with a fault, and
//! expect it to be found.

mod biased;
mod buckets;
mod caslist;
mod readdirty;
mod reclaim;
mod seqlock;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::check;

/// How many models there are, to share the time.
const MODELS: f64 = 20.0;
/// How long a model may take unless more time is given. Most end by themselves.
const SECONDS: f64 = 12.0;
/// How many atomics a model may use.
const ATOMICS: usize = 160;

/// Runs a model in every schedule with at most so many preemptions, one more if there is time, and says how many there were.
fn every_schedule(name: &str, preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let is_broken = check::set_fault();
    let schedules = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&schedules);
    let minutes = check::minutes();
    let limit = minutes.map_or(SECONDS, |minutes| minutes * 60.0 / MODELS);
    let mut builder = loom::model::Builder::new();
    let bound = builder.preemption_bound.unwrap_or(preemptions + usize::from(minutes.is_some()));
    builder.preemption_bound = Some(bound);
    builder.max_branches = 20_000;
    builder.checkpoint_interval = 50;
    builder.max_duration = Some(Duration::from_secs_f64(limit));
    let begin = Instant::now();
    builder.check(move || {
        counted.fetch_add(1, Relaxed);
        check::one_run(ATOMICS, &model);
    });
    let (schedules, seconds) = (schedules.load(Relaxed), begin.elapsed().as_secs_f64());
    let extent = if seconds < limit { "all" } else { "the first" };
    println!("{name}: {extent} {schedules} schedules, at most {bound} preemptions, {seconds:.1} s");
    assert!(!is_broken, "nothing was found");
}

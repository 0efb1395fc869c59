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

/// Whether the checker itself leaves nothing out.
mod checker {
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};

    use map_sync::shim::atomic::{AtomicU64, Ordering::Relaxed};

    use super::every_schedule;
    use crate::check::spawn;

    #[test]
    fn the_checker_tries_an_exchange_before_the_load_of_another_thread() {
        let seen = Arc::new(Mutex::new(BTreeSet::new()));
        let all = Arc::clone(&seen);
        every_schedule("checker: a load beside a load and an exchange", 2, move || {
            let word = Arc::new(AtomicU64::new(0));
            let other = spawn(&word, |word| {
                word.load(Relaxed);
                word.compare_exchange(0, 1, Relaxed, Relaxed).is_ok()
            });
            all.lock().unwrap().insert(word.load(Relaxed));
            assert!(other.join());
        });
        assert_eq!(*seen.lock().unwrap(), BTreeSet::from([0, 1]));
    }
}

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use map_sync::shim::model::set_membarrier;

use crate::check;

/// How many models there are, to share the time.
const MODELS: f64 = 40.0;
/// How long a model may take unless more time is given. Most end by themselves.
const SECONDS: f64 = 10.0;
/// How many atomics a model may use.
const ATOMICS: usize = 1000;

/// Runs a model in every schedule with at most so many preemptions, one more if there is time, and says how many there were.
fn every_schedule(name: &str, preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let is_broken = check::set_fault();
    let schedules = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&schedules);
    // To make them takes a good part of a run.
    let atomics = AtomicUsize::new(ATOMICS);
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
        let schedules_before = counted.fetch_add(1, Relaxed);
        let made = atomics.load(Relaxed);
        let used = made - check::one_run(made, &model);
        let enough = used + used / 4 + 20;
        let is_first = schedules_before == 0;
        atomics.store(if is_first { enough } else { made.max(enough) }, Relaxed);
    });
    let (schedules, seconds) = (schedules.load(Relaxed), begin.elapsed().as_secs_f64());
    let extent = if seconds < limit { "all" } else { "the first" };
    println!("{name}: {extent} {schedules} schedules, at most {bound} preemptions, {seconds:.1} s");
    assert!(!is_broken, "nothing was found");
}

/// Runs a model in both ways that a primitive has: with `membarrier` and without.
fn on_both_systems(
    name: &str,
    preemptions: usize,
    model: impl Fn() + Copy + Send + Sync + 'static,
) {
    for available in [true, false] {
        set_membarrier(available);
        let name = format!("{name}, {}", if available { "asymmetric" } else { "with full fences" });
        every_schedule(&name, preemptions, model);
    }
}

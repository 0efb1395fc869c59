//! Models for shuttle: whole maps, each with three or four threads on a few keys, in schedules by chance.
//!
//! Each model runs with two schedulers: *random*, which at each point goes on with any thread, and *PCT* (Burckhardt and others, ASPLOS
//! 2010), which goes on with the thread of the highest priority and lowers it at two points of the run (depth 3): it finds a bug that needs
//! three accesses in a certain order with a known chance in each run.
//!
//! **Left out**: orderings; each run is one order of all accesses. More threads and keys than are said here.

mod division;
mod maps;
mod scenarios;
mod several;
mod shrinking;

use std::time::{Duration, Instant};

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

use crate::check;

/// How many models there are, to share the time: each kind of map in each scenario with each scheduler.
const MODELS: f64 = 96.0;
/// How long a model takes unless more time is given.
const SECONDS: f64 = 0.25;
/// How many accesses must come in a certain order for a bug that PCT is sure to find in time.
const DEPTH: usize = 3;

/// The seed of all schedules, which is printed; another each time if none is given.
fn seed() -> u64 {
    let given = std::env::var("ATLAS_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |now| now.as_micros() as u64 % 1_000_000_007)
    })
}

/// Runs a model with both schedulers, and says how many schedules there were.
fn explore(name: &str, model: fn()) {
    let is_broken = check::set_fault();
    let seed = seed();
    run(&format!("{name}, random"), seed, RandomScheduler::new_from_seed(seed, usize::MAX), model);
    run(&format!("{name}, PCT"), seed, PctScheduler::new_from_seed(seed, DEPTH, usize::MAX), model);
    assert!(!is_broken, "nothing was found");
}

fn run(name: &str, seed: u64, scheduler: impl Scheduler + 'static, model: fn()) {
    let seconds = check::minutes().map_or(SECONDS, |minutes| minutes * 60.0 / MODELS);
    let mut config = Config::new();
    config.stack_size = 1 << 18;
    config.silence_warnings = true;
    config.max_steps = MaxSteps::FailAfter(1_000_000);
    config.max_time = Some(Duration::from_secs_f64(seconds));
    println!("{name}, seed {seed}:");
    let begin = Instant::now();
    let schedules = Runner::new(scheduler, config).run(move || _ = check::one_run(0, model));
    println!("    {schedules} schedules, {:.1} s", begin.elapsed().as_secs_f64());
}

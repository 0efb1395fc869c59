//! Where a job runs: on threads that share the map, or on this thread alone.
//!
//! The time of a round is that from the first worker's beginning to the last one's end, so a worker that ends
//! late, or gets its first turn late, makes the round longer and no rate better. When a round ends: [`Stop`].

use std::marker::PhantomData;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use map_core::{BuildMap, ConcurrentMap};

use super::Stop;
use crate::contenders::{Hasher, LocalFamily, SharedFamily};
use crate::entries::Entries;
use crate::raw::usage::{self, Usage};

/// Results of a job's threads and the time they took together.
#[derive(Debug)]
pub struct Timed<T> {
    /// One result for each thread.
    pub results: Vec<T>,
    /// Seconds from the first thread's beginning to the last one's end.
    pub seconds: f64,
    /// What all threads used together; `None` if the system does not say.
    pub usage: Option<Usage>,
}

/// A way to run a job on maps of one type.
pub trait Host<E: Entries>: 'static {
    /// The maps.
    type Map: ConcurrentMap<E::Key, E::Value> + BuildMap<Hasher>;

    /// Runs `job(maps, thread, stop)` on each of `threads` threads, which `stop` ends after `limit`.
    fn run<T: Send>(
        maps: &[Self::Map],
        threads: usize,
        limit: Option<Duration>,
        job: impl Fn(&[Self::Map], usize, &Stop) -> T + Sync,
    ) -> Timed<T>;
}

/// On threads that share the map.
#[derive(Debug)]
pub struct Shared<F>(PhantomData<F>);

impl<F: SharedFamily, E: Entries> Host<E> for Shared<F> {
    type Map = F::Map<E::Key, E::Value>;

    fn run<T: Send>(
        maps: &[Self::Map],
        threads: usize,
        limit: Option<Duration>,
        job: impl Fn(&[Self::Map], usize, &Stop) -> T + Sync,
    ) -> Timed<T> {
        on_threads(threads, limit, |_| {}, |thread, stop| job(maps, thread, stop))
    }
}

/// Runs `job(thread, stop)` on each of `threads` threads, which `stop` ends after `limit`; each thread calls `prepare` before the
/// clock starts.
pub(super) fn on_threads<T: Send>(
    threads: usize,
    limit: Option<Duration>,
    prepare: impl Fn(usize) + Sync,
    job: impl Fn(usize, &Stop) -> T + Sync,
) -> Timed<T> {
    let stop = Stop::new(threads, limit);
    let gate = Barrier::new(threads + 1);
    let worker = |thread| {
        prepare(thread);
        gate.wait();
        let before = usage::thread();
        let begin = Instant::now();
        stop.begin(begin);
        let result = job(thread, &stop);
        let end = Instant::now();
        let used = usage::thread().zip(before).map(|(after, before)| after - before);
        (result, begin, end, used)
    };
    let worker = &worker;
    let done: Vec<_> = thread::scope(|scope| {
        let handles: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || worker(thread))).collect();
        gate.wait();
        stop.end_in_time();
        handles
            .into_iter()
            .map(|handle| match handle.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    let begin = done.iter().map(|&(_, begin, ..)| begin).min();
    let end = done.iter().map(|&(_, _, end, _)| end).max();
    let seconds = match (begin, end) {
        (Some(begin), Some(end)) => (end - begin).as_secs_f64(),
        _ => 0.0,
    };
    let usage = done.iter().map(|&(.., used)| used).reduce(|all, used| Some(all? + used?));
    let usage = usage.flatten();
    Timed { usage, results: done.into_iter().map(|(result, ..)| result).collect(), seconds }
}

/// On the calling thread; the number of threads must be 1.
#[derive(Debug)]
pub struct Alone<F>(PhantomData<F>);

impl<F: LocalFamily, E: Entries> Host<E> for Alone<F> {
    type Map = F::Map<E::Key, E::Value>;

    fn run<T: Send>(
        maps: &[Self::Map],
        threads: usize,
        limit: Option<Duration>,
        job: impl Fn(&[Self::Map], usize, &Stop) -> T + Sync,
    ) -> Timed<T> {
        assert_eq!(threads, 1, "this map is for one thread");
        let stop = Stop::new(threads, limit);
        thread::scope(|scope| {
            if limit.is_some() {
                scope.spawn(|| stop.end_in_time());
            }
            let before = usage::thread();
            let begin = Instant::now();
            let results = vec![job(maps, 0, &stop)];
            let seconds = begin.elapsed().as_secs_f64();
            let usage = usage::thread().zip(before).map(|(after, before)| after - before);
            Timed { results, seconds, usage }
        })
    }
}

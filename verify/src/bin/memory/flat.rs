//! Memory that is to stay flat: under threads that come and go, and under keys that do.

use std::fs;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use atlas_verify::counting::allocated;
use map_core::{ConcurrentMap, PinMap};

/// What the process may grow by for reasons of its own.
const SLACK_KIB: u64 = 4096;

/// The resident memory of this process.
fn resident_kib() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux tells the size of a process");
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("the second number is that of resident pages") * 4
}

fn assert_flat(what: &str, before: u64, after: u64) {
    println!("{what:<70} {before:>7} KiB, then {after:>7} KiB");
    assert!(after <= before + before / 20 + SLACK_KIB, "{what}: memory grows");
}

/// Ten thousand threads, eight at a time, leave nothing behind.
pub(crate) fn short_lived_threads<M: ConcurrentMap<u64, String> + PinMap<u64, String> + Sync>(
    name: &str,
    map: &M,
) {
    let run = |threads: u64| {
        for batch in 0..threads / 8 {
            thread::scope(|scope| {
                for member in 0..8 {
                    scope.spawn(move || {
                        let key = (batch * 8 + member) % 512;
                        map.insert(key, key.to_string());
                        black_box(map.pin().read(&key, String::len));
                        if key % 3 == 0 {
                            map.remove(&key);
                        }
                    });
                }
            });
        }
    };
    run(1000);
    let before = resident_kib();
    run(10_000);
    assert_flat(&format!("{name}: 10000 short-lived threads"), before, resident_kib());
}

/// The keys of a thread that come and go are the numbers from here on.
const RANGE: u64 = 1 << 40;
/// How many keys of each thread are in the map.
const LIVE: u64 = 5000;
const THREADS: u64 = 2;
/// How often the memory is read. The first tenth of the readings does not count.
const READINGS: u32 = 200;

/// Distinct keys come and go on two threads at a constant number of entries. Each removes what the other has
/// inserted, so that memory wanders between them.
pub(crate) fn churn<M: ConcurrentMap<u64, String> + Sync>(name: &str, map: &M, time: Duration) {
    let (stop, keys) = (AtomicBool::new(false), [const { AtomicU64::new(0) }; THREADS as usize]);
    let start = (Instant::now(), allocated());
    let mut readings = Vec::new();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (keys, stop) = (&keys, &stop);
            scope.spawn(move || {
                let (own, other) = (thread, (thread + 1) % THREADS);
                let mut removed = 0;
                for key in 0.. {
                    map.insert(own * RANGE + key, format!("{key:032}"));
                    keys[own as usize].store(key + 1, Relaxed);
                    // No further ahead of the other than this, lest the map grow.
                    while key >= removed + LIVE {
                        if removed < keys[other as usize].load(Relaxed) {
                            map.remove(&(other * RANGE + removed));
                            removed += 1;
                        } else if stop.load(Relaxed) {
                            break;
                        } else {
                            thread::yield_now();
                        }
                    }
                    if stop.load(Relaxed) {
                        break;
                    }
                }
            });
        }
        for _ in 0..READINGS {
            thread::sleep(time / READINGS);
            readings.push((resident_kib(), allocated() - start.1));
        }
        stop.store(true, Relaxed);
    });
    let count: u64 = keys.iter().map(|keys| keys.load(Relaxed)).sum();
    assert!(map.len() as u64 <= THREADS * (LIVE + 1024), "{} entries", map.len());
    let (first, second) = readings.split_at(readings.len() / 2);
    let most = |readings: &[(u64, i64)]| readings.iter().copied().max().unwrap_or_default();
    let allocated = |readings: &[(u64, i64)]| {
        readings.iter().map(|reading| reading.1 >> 10).max().unwrap_or_default()
    };
    let first = &first[readings.len() / 10..];
    println!(
        "{name}: the map's own at the most {} KiB, then {} KiB, in {:.0} s",
        allocated(first),
        allocated(second),
        start.0.elapsed().as_secs_f64()
    );
    assert_flat(&format!("{name}: churn of {count} distinct keys"), most(first).0, most(second).0);
}

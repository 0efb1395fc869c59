//! What a reader that stands still keeps from being freed.
//!
//! A thread holds a pin, or stands inside the closure of `read` or of `for_each`, and another overwrites values, or lets
//! keys come and go, in a map of a thousand entries. What is allocated beyond what was when that began is read after so many
//! operations, again when the reader has left and the writer has gone on for a little, and when the map has then been shrunk,
//! if it can be: an array that has grown is no garbage.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use atlas_verify::counting::allocated;
use map_core::{BuildMap, ConcurrentMap, DefaultHashBuilder, PinMap};

/// The head of the table that [`look`] prints.
pub(crate) const HEAD: &str = "\n| KiB kept by a reader that stands still | it stands | operations | after 10 000 | 100 000 | 1 000 000 | when it has left | and the map has shrunk |\n|---|---|---|---|---|---|---|---|";

/// After how many operations the memory is read.
const STEPS: [u64; 3] = [10_000, 100_000, 1_000_000];
/// The operations of the writer when the reader has left.
const MORE: u64 = 2000;
/// The entries of the map.
const ENTRIES: u64 = 1000;
/// A writer that has done nothing for so long is said to wait.
const PATIENCE: Duration = Duration::from_millis(500);
/// What a map may keep whose readers keep nothing, for batches, growth and the like.
const SLACK: i64 = 1 << 20;

/// What a reader keeps, by the documentation of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// Nothing, whatever it does.
    Nothing,
    /// What is retired while it is inside.
    Retired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Outside,
    Pinned,
    InRead,
    InForEach,
}

impl fmt::Display for Stands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outside => "outside",
            Self::Pinned => "with a pin",
            Self::InRead => "in `read`",
            Self::InForEach => "in `for_each`",
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum Work {
    Overwrites,
    Turnover,
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overwrites => "overwrites",
            Self::Turnover => "insertions and removals",
        })
    }
}

/// Looks at one kind of map, wherever a reader can stand.
pub(crate) fn look<V, M>(kind: &str, keeps: Keeps, value: fn(u64) -> V, shrink: fn(&M))
where
    M: ConcurrentMap<u64, V> + PinMap<u64, V> + BuildMap<DefaultHashBuilder> + Sync,
{
    for stands in [Stands::Outside, Stands::Pinned, Stands::InRead, Stands::InForEach] {
        for work in [Work::Overwrites, Work::Turnover] {
            let map = M::with_capacity_and_hasher(0, DefaultHashBuilder::default());
            for key in 0..ENTRIES {
                map.insert(key, value(key));
            }
            let operate = |number: u64| match work {
                Work::Overwrites => _ = map.insert(number % ENTRIES, value(number)),
                Work::Turnover => {
                    map.insert(ENTRIES + number, value(number));
                    map.remove(&number);
                }
            };
            let kept = kept(&map, stands, operate, shrink);
            println!("| {kind} | {stands} | {work} | {kept} |");
            let most = kept.steps.iter().flatten().copied().max().unwrap_or(0);
            if stands == Stands::Outside || keeps == Keeps::Nothing {
                assert!(most < SLACK, "{kind}: {most} bytes are kept of {work}, by nobody");
            }
            assert!(kept.shrunk < SLACK, "{kind}: {} bytes are kept for ever", kept.shrunk);
        }
    }
}

/// What was kept, in bytes.
struct Kept {
    /// After each of the steps; none if the writer waited for the reader.
    steps: [Option<i64>; STEPS.len()],
    left: i64,
    shrunk: i64,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.steps {
            match step {
                Some(bytes) => write!(f, "{} | ", bytes >> 10)?,
                None => f.write_str("waits | ")?,
            }
        }
        write!(f, "{} | {}", self.left >> 10, self.shrunk >> 10)
    }
}

fn kept<V, M>(map: &M, stands: Stands, operate: impl Fn(u64) + Sync, shrink: fn(&M)) -> Kept
where
    M: ConcurrentMap<u64, V> + PinMap<u64, V> + Sync,
{
    let (entered, inside) = mpsc::channel();
    let (leave, left) = mpsc::channel::<()>();
    let (done, given_up) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let stand = || {
                entered.send(()).expect("it is waited for");
                // An error says so too: the other side is gone.
                let _ = left.recv();
            };
            match stands {
                Stands::Outside => stand(),
                Stands::Pinned => {
                    let _pin = map.pin();
                    stand();
                }
                Stands::InRead => _ = map.read(&0, |_| stand()),
                Stands::InForEach => {
                    _ = map.try_for_each(|_, _| {
                        stand();
                        ControlFlow::Break(())
                    });
                }
            }
        });
        inside.recv().expect("the reader gets inside");
        let before = allocated();
        let (tell, told) = mpsc::channel();
        let (go_on, gone_on) = mpsc::channel::<()>();
        let (operate, done, given_up) = (&operate, &done, &given_up);
        scope.spawn(move || {
            let mut number = 0;
            let mut work = |operations: u64| {
                for _ in 0..operations {
                    operate(number);
                    number += 1;
                    done.store(number, Relaxed);
                    if given_up.load(Relaxed) {
                        break;
                    }
                }
            };
            let mut until = 0;
            for step in STEPS {
                work(step - until);
                until = step;
                // Nobody listens any more if it took too long.
                let _ = tell.send(allocated() - before);
            }
            let _ = gone_on.recv();
            given_up.store(false, Relaxed);
            work(MORE);
            tell.send(allocated() - before).expect("it is waited for");
            shrink(map);
            tell.send(allocated() - before).expect("it is waited for");
        });
        let mut steps = [None; STEPS.len()];
        let mut told_so_far = 0;
        let mut seen = 0;
        while told_so_far < STEPS.len() {
            if let Ok(bytes) = told.recv_timeout(PATIENCE) {
                steps[told_so_far] = Some(bytes);
                told_so_far += 1;
            } else if seen == done.load(Relaxed) {
                given_up.store(true, Relaxed);
                break;
            } else {
                seen = done.load(Relaxed);
            }
        }
        drop(leave);
        reader.join().expect("the reader cannot panic");
        for _ in told_so_far..STEPS.len() {
            told.recv().expect("the writer comes to its steps, or past them");
        }
        drop(go_on);
        let next = || told.recv().expect("the writer comes to its end");
        Kept { steps, left: next(), shrunk: next() }
    })
}

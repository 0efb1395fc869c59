//! Two threads, each inside the user's code of one map or shard, call for what the other one holds.
//!
//! Both wait inside their code for each other, if the map lets both in. All pairs run at once, so that those that do
//! not end are waited for together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use map_conformance::harness::message;

use crate::cell::{OWN, Outcome, is_refusal, prepared};
use crate::entry::{Entry, Event, arm, armed, disarm};
use crate::lists::{Call, Operation, Place, Subject};

/// A key far from `OWN`, which has the same neighbours.
const FAR: u64 = 9;

/// How long one thread waits inside its code for the other one, which the one map may keep out.
const MEETING: [Duration; 2] = [Duration::from_millis(30), Duration::from_secs(4)];

/// What remains when no pair has ended for so long hangs. Long, for machines that have other things to do.
const LIMIT: Duration = Duration::from_secs(5);

/// When a pair has ended last.
static PROGRESS: Mutex<Option<Instant>> = Mutex::new(None);

/// The operations that are called across.
pub const ACROSS: [&str; 7] = ["read", "for_each", "insert", "update", "remove", "retain", "len"];

/// Why no lock here is poisoned.
const UNHURT: &str = "no thread panics with it";

/// What both threads of a pair share.
struct Crossing<M> {
    maps: [Arc<M>; 2],
    keys: [u64; 2],
    inside: AtomicUsize,
    ended: AtomicUsize,
    outcomes: Mutex<Vec<Outcome>>,
}

impl<M> Crossing<M> {
    fn add(&self, outcome: Outcome) {
        self.outcomes.lock().expect(UNHURT).push(outcome);
    }

    /// Waits until both threads are inside, or until one is surely kept out.
    fn meet(&self) {
        let two_maps = !Arc::ptr_eq(&self.maps[0], &self.maps[1]);
        let end = Instant::now() + MEETING[usize::from(two_maps)];
        self.inside.fetch_add(1, SeqCst);
        while self.inside.load(SeqCst) < 2 && Instant::now() < end {
            thread::sleep(Duration::from_micros(500));
        }
    }
}

/// Lets threads cross for each pair of a place and an operation, in two maps or in one. The result waits for them, and
/// returns the outcome of each pair in the order of the lists.
pub fn start<E: Entry, M: Subject<E>>(
    places: &[Place<M>],
    operations: &[&Operation<M>],
    two_maps: bool,
) -> impl FnOnce() -> Vec<Vec<Outcome>> + use<E, M> {
    let mut crossings = Vec::new();
    // Which shard grows is not the threads' choice, so it is left out here.
    let chosen = places.iter().filter(|place| place.event != Event::Rehash);
    for (place, operation) in chosen.flat_map(|place| operations.iter().map(move |op| (place, op)))
    {
        let first = Arc::new(prepared::<E, M>());
        let second = if two_maps { Arc::new(prepared::<E, M>()) } else { Arc::clone(&first) };
        let crossing = Arc::new(Crossing {
            maps: [first, second],
            keys: [OWN, FAR],
            inside: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            outcomes: Mutex::default(),
        });
        crossings.push(Arc::clone(&crossing));
        for side in [0, 1] {
            let crossing = Arc::clone(&crossing);
            let (event, place, operation) = (place.event, place.call, operation.call);
            thread::spawn(move || {
                cross::<E, M>(&crossing, side, event, place, operation);
                crossing.ended.fetch_add(1, SeqCst);
                set_progress();
            });
        }
    }
    set_progress();
    move || {
        let ended = |crossing: &Arc<Crossing<M>>| crossing.ended.load(SeqCst) == 2;
        while !crossings.iter().all(ended) && !is_stuck() {
            thread::sleep(Duration::from_millis(20));
        }
        let outcomes = crossings.iter().map(|crossing| {
            let mut outcomes = crossing.outcomes.lock().expect(UNHURT).clone();
            outcomes.sort();
            outcomes.dedup();
            if outcomes.len() > 1 {
                // What one thread retires, the other may drop.
                outcomes.retain(|outcome| *outcome != Outcome::Never);
            }
            if ended(crossing) { outcomes } else { vec![Outcome::Hangs] }
        });
        outcomes.collect()
    }
}

/// What the one thread does, or the other.
fn cross<E: Entry, M: Subject<E>>(
    crossing: &Arc<Crossing<M>>,
    side: usize,
    event: Event,
    place: Call<M>,
    operation: Call<M>,
) {
    let hook = Arc::clone(crossing);
    arm(event, move || {
        hook.meet();
        let (map, key) = (&hook.maps[1 - side], hook.keys[1 - side]);
        let call = catch_unwind(AssertUnwindSafe(|| operation(map, key)));
        hook.add(match call.map_err(|panic| message(&*panic)) {
            Ok(_) => Outcome::Works,
            Err(text) if is_refusal(&text, M::GUARANTEES.name) => Outcome::Refused,
            Err(text) => Outcome::Wrong(text),
        });
    });
    let call = AssertUnwindSafe(|| place(&crossing.maps[side], crossing.keys[side]));
    if let Err(panic) = catch_unwind(call) {
        crossing.add(Outcome::Wrong(message(&*panic)));
    } else if armed() {
        crossing.add(Outcome::Never);
    }
    disarm();
}

fn set_progress() {
    *PROGRESS.lock().expect(UNHURT) = Some(Instant::now());
}

fn is_stuck() -> bool {
    PROGRESS.lock().expect(UNHURT).is_none_or(|last| last.elapsed() > LIMIT)
}

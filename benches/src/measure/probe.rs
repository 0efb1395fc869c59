//! A stretch of operations by one thread, for something that counts what the processor does.

use map_core::{BuildMap, ConcurrentMap};

use super::{WrongAnswer, expect};
use crate::contenders::{Hasher, LocalFamily, SharedFamily, Visitor};
use crate::entries::Stamped;
use crate::workloads::{Mix, Op, Stream, Streams};

/// How a profiler finds [`atlas_counted_stretch`].
pub const COUNTED: &str = "*::atlas_counted_stretch";

/// What the map said.
#[derive(Debug, Default)]
struct Tally {
    missed: u64,
    strange: u64,
    inserted: u64,
    removed: u64,
}

/// Operations `start..end` of a stream.
fn stretch<M: ConcurrentMap<u64, u64>>(
    map: &M,
    stream: &Stream,
    start: usize,
    end: usize,
) -> Tally {
    let mut tally = Tally::default();
    for (op, id) in stream.once().skip(start).take(end - start) {
        match op {
            Op::Get => match map.read(&id, u64::id) {
                Some(found) => tally.strange |= found ^ id,
                None => tally.missed += 1,
            },
            Op::Put => tally.inserted += u64::from(map.insert(id, u64::stamped(id, 1))),
            Op::Remove => tally.removed += u64::from(map.remove(&id)),
            Op::Update => tally.missed += u64::from(!map.update(&id, u64::bumped)),
        }
    }
    tally
}

/// Runs a job under the name that a profiler asks for.
#[inline(never)]
pub fn atlas_counted_stretch(job: &mut dyn FnMut()) {
    job();
    // Something after the job, so that the call does not become a jump out of this function.
    std::hint::black_box(());
}

/// Runs the streams' only thread on one map, one stream after the other: half of each to warm up, the
/// other half within `around`.
pub struct Probe<'a> {
    /// The streams, all for the same number of entries.
    pub streams: &'a [Streams],
    /// Runs a job and counts.
    pub around: &'a mut dyn FnMut(Mix, &mut dyn FnMut()),
}

impl std::fmt::Debug for Probe<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe").field("streams", &self.streams.len()).finish_non_exhaustive()
    }
}

impl Visitor for Probe<'_> {
    type Output = Result<(), WrongAnswer>;

    fn shared<F: SharedFamily>(self) -> Self::Output {
        self.run::<F::Map<u64, u64>>()
    }

    fn local<F: LocalFamily>(self) -> Self::Output {
        self.run::<F::Map<u64, u64>>()
    }
}

impl Probe<'_> {
    fn run<M>(self) -> Result<(), WrongAnswer>
    where
        M: ConcurrentMap<u64, u64> + BuildMap<Hasher>,
    {
        let map = M::with_capacity_and_hasher(0, Hasher::default());
        let mut len = self.streams.first().map_or(0, |streams| streams.entries);
        // In one call, since there are maps that copy everything for each.
        map.insert_many((0..len).map(|id| (id, u64::stamped(id, 0))));
        for streams in self.streams {
            let [stream] = &streams.threads[..] else { panic!("the streams are for one thread") };
            let mut tally = Tally::default();
            let (half, whole) = (stream.len() / 2, stream.len());
            let warm = stretch(&map, stream, 0, half);
            (self.around)(streams.mix, &mut || tally = stretch(&map, stream, half, whole));
            for tally in [warm, tally] {
                expect("bits in which values read differ from their keys", tally.strange, 0)?;
                len = len + tally.inserted - tally.removed;
                if !streams.mix.churns() {
                    let wrong = tally.missed + tally.inserted + tally.removed;
                    expect("operations that did not find their key", wrong, 0)?;
                }
            }
            expect("len()", map.len() as u64, len)?;
        }
        Ok(())
    }
}

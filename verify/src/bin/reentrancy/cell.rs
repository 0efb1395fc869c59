//! One cell of the table: an operation that is called from a place, on a map of its own, with a time limit.
//!
//! What the map answers is compared with a slow map that makes the two calls one after the other: each key must be as it is
//! after one of the two orders, and so must what the calls return.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use map_conformance::harness::{message, within};
use map_conformance::reference::MutexMap;

use crate::entry::{Directed, Entry, FILLERS, arm, armed, disarm};
use crate::lists::{ABSENT, Call, Operation, Place, Subject};

/// After how long a cell is taken to hang. Long, for machines that have other things to do.
const LIMIT: Duration = Duration::from_secs(10);

/// The slow map.
pub type Slow<E> = MutexMap<E, E, Directed>;

/// The key that places are given.
pub const OWN: u64 = 1;

/// How the key of the operation lies to that of the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is the same.
    Same,
    /// It is another with the same hash.
    SameShard,
    /// It is another, whose hash differs in each bit.
    OtherShard,
}

impl Relation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Same, Self::SameShard, Self::OtherShard];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Same => "same key",
            Self::SameShard => "same shard",
            Self::OtherShard => "other shard",
        }
    }

    /// The keys of the operation: present ones and absent ones.
    fn keys(self, own: u64) -> &'static [u64] {
        match self {
            Self::Same if own == OWN => &[OWN],
            Self::Same => &[OWN + ABSENT],
            Self::SameShard => &[2, 5],
            Self::OtherShard => &[9, 13],
        }
    }
}

/// What came of a cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The call did what it does.
    Works,
    /// The call was refused by a panic that says so.
    Refused,
    /// The map does not run the user's code in this place.
    Never,
    /// The two calls have not ended.
    Hangs,
    /// Something else that must not be, in words.
    Wrong(String),
}

impl Outcome {
    /// Whether it may be.
    pub fn is_sound(&self) -> bool {
        matches!(self, Self::Works | Self::Refused | Self::Never)
    }
}

/// Fills a map: three keys in one place, three in another, and others.
pub fn prepared<E: Entry, M: Subject<E>>() -> M {
    let map = M::with_capacity_and_hasher(0, Directed::default());
    for key in (0..3).chain(8..11).chain(FILLERS..FILLERS + 120) {
        map.insert(E::new(key), E::value(key));
    }
    map
}

type Contents = BTreeMap<u64, u64>;

fn contents<E: Entry, M: Subject<E>>(map: &M) -> Result<Contents, String> {
    let (mut contents, mut twice) = (Contents::new(), None);
    map.for_each(|key, value| {
        if contents.insert(key.number(), value.number()).is_some() {
            twice = Some(key.number());
        }
    });
    match twice {
        Some(key) => Err(format!("key {key} is visited twice")),
        None if map.len() != contents.len() => {
            Err(format!("len is {} with {} entries", map.len(), contents.len()))
        }
        None => Ok(contents),
    }
}

/// What two calls one after the other do: the results of place and operation, and the map.
struct Model {
    place: u64,
    operation: Option<u64>,
    contents: Contents,
}

impl Model {
    fn of<E: Entry>(
        place: Call<Slow<E>>,
        operation: Option<Call<Slow<E>>>,
        key: u64,
        operation_first: bool,
    ) -> Result<Self, String> {
        disarm();
        let map = prepared::<E, Slow<E>>();
        let call = |map| operation.map(|operation| operation(map, key));
        let early = operation_first.then(|| call(&map)).flatten();
        let place = place(&map, OWN);
        let late = (!operation_first).then(|| call(&map)).flatten();
        Ok(Self { place, operation: early.or(late), contents: contents(&map)? })
    }
}

/// A row and a column, for the map and for the slow one.
pub struct Pair<'a, E, M> {
    /// The row.
    pub place: &'a Place<M>,
    /// The column.
    pub operation: &'a Operation<M>,
    /// The row of the slow map.
    pub slow_place: &'a Place<Slow<E>>,
    /// The column of the slow map.
    pub slow_operation: &'a Operation<Slow<E>>,
}

impl<E: Entry, M: Subject<E>> Pair<'_, E, M> {
    /// The outcomes for the keys of a relation, each once.
    pub fn measure(&self, relation: Relation) -> Vec<Outcome> {
        let own = OWN + self.place.offset;
        let mut outcomes: Vec<_> =
            relation.keys(own).iter().map(|&key| self.measure_key(key)).collect();
        outcomes.sort();
        outcomes.dedup();
        outcomes
    }

    fn measure_key(&self, key: u64) -> Outcome {
        let map = Arc::new(prepared::<E, M>());
        let (event, place, operation) = (self.place.event, self.place.call, self.operation.call);
        let copy = Arc::clone(&map);
        let ended = within(LIMIT, move || {
            let result = Rc::new(Cell::new(None));
            let hook = (Arc::clone(&copy), Rc::clone(&result));
            arm(event, move || {
                let (map, result) = hook;
                let call = AssertUnwindSafe(|| operation(&map, key));
                result.set(Some(catch_unwind(call).map_err(|panic| message(&*panic))));
            });
            let outer = place(&copy, OWN);
            let ran = !armed();
            disarm();
            (outer, ran.then(|| result.take()).flatten())
        });
        let (outer, inner) = match ended {
            None => return Outcome::Hangs,
            Some(Err(panic)) => return Outcome::Wrong(message(&*panic)),
            Some(Ok((_, None))) => return Outcome::Never,
            Some(Ok((outer, Some(inner)))) => (outer, inner),
        };
        match &inner {
            Err(text) if !is_refusal(text, M::GUARANTEES.name) => {
                return Outcome::Wrong(format!("a panic that is no refusal: {text}"));
            }
            _ => {}
        }
        // Another thread must get in.
        let seen = within(LIMIT, move || {
            let seen = contents::<E, M>(&map);
            map.insert(E::new(OWN), E::value(OWN));
            seen
        });
        let seen = match seen {
            None => return Outcome::Hangs,
            Some(Err(panic)) => return Outcome::Wrong(message(&*panic)),
            Some(Ok(seen)) => seen,
        };
        match seen.and_then(|seen| self.judge(key, outer, inner.as_ref().ok().copied(), &seen)) {
            Err(text) => Outcome::Wrong(text),
            Ok(()) if inner.is_ok() => Outcome::Works,
            Ok(()) => Outcome::Refused,
        }
    }

    /// Compares with the slow map. `inner` is none if the operation was refused.
    fn judge(
        &self,
        key: u64,
        outer: u64,
        inner: Option<u64>,
        seen: &Contents,
    ) -> Result<(), String> {
        let operation = inner.map(|_| self.slow_operation.call);
        let first = Model::of::<E>(self.slow_place.call, operation, key, true)?;
        let last = Model::of::<E>(self.slow_place.call, operation, key, false)?;
        if outer != first.place && outer != last.place {
            return Err(format!("the outer call returns {outer}"));
        }
        if inner != first.operation && inner != last.operation {
            return Err(format!("the inner call returns {inner:?}"));
        }
        for key in seen.keys().chain(first.contents.keys()).chain(last.contents.keys()) {
            let value = seen.get(key);
            if value != first.contents.get(key) && value != last.contents.get(key) {
                return Err(format!("key {key} has {value:?} in the end"));
            }
        }
        Ok(())
    }
}

/// Whether a panic's text names the map and both operations.
pub fn is_refusal(text: &str, map: &str) -> bool {
    text.starts_with(map) && text.matches('`').count() == 4 && text.contains("from inside `")
}

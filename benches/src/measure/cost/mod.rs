//! What a map costs beside time: allocations, heap, memory that a stalled reader holds back, and what
//! the operating system sees.
//!
//! Every part is meant for a process of its own, whose allocator is
//! [`CountingAllocator`](crate::raw::counting::CountingAllocator): maps with deferred reclamation keep
//! garbage of maps that are gone, and a heap remembers what has been in it.

mod allocations;
mod heap;
mod resident;
mod stalled;

use atlas_bench_data::Cost;
use map_core::{BuildMap, ConcurrentMap};

use super::WrongAnswer;
use crate::contenders::{Contender, Hasher, LocalFamily, SharedFamily, Visitor};
use crate::entries::{Entries, Numbers, Strings};

/// Something that a process of its own measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Live heap at several sizes and while the map doubles.
    Heap,
    /// Allocations per operation.
    Allocations,
    /// Memory held back by a stalled reader.
    Stalled,
    /// Resident memory.
    Resident,
}

impl Part {
    /// All parts, in the order in which they are measured.
    pub const ALL: [Self; 4] = [Self::Heap, Self::Allocations, Self::Stalled, Self::Resident];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Heap => "heap",
            Self::Allocations => "allocations",
            Self::Stalled => "stalled",
            Self::Resident => "resident",
        }
    }

    /// Finds a part by its name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The largest map whose heap is weighed, and the one whose resident memory is.
    pub most: u64,
    /// The seed of the operation streams.
    pub seed: u64,
}

/// Measures one part of the costs of a contender; the others are left empty.
///
/// # Errors
///
/// If the map gives a wrong answer.
///
/// # Panics
///
/// If `entry` is not the name of a kind of entries.
pub fn measure(
    contender: &'static Contender,
    entry: &str,
    part: Part,
    scope: Scope,
) -> Result<Cost, WrongAnswer> {
    let copies = contender.copies_on_write;
    let mut cost = match entry {
        Numbers::NAME => contender.visit(Job::<Numbers>::new(part, scope, copies))?,
        Strings::NAME => contender.visit(Job::<Strings>::new(part, scope, copies))?,
        other => panic!("there are no entries named {other}"),
    };
    contender.id.clone_into(&mut cost.contender);
    entry.clone_into(&mut cost.entry);
    Ok(cost)
}

/// A map that one thread measures.
trait Map<E: Entries>: ConcurrentMap<E::Key, E::Value> + BuildMap<Hasher> + 'static {}
impl<E: Entries, M: ConcurrentMap<E::Key, E::Value> + BuildMap<Hasher> + 'static> Map<E> for M {}

/// Measures one part for a map that it visits; names neither the contender nor the entries.
#[derive(Debug)]
pub struct Job<E> {
    part: Part,
    scope: Scope,
    copies: bool,
    entries: std::marker::PhantomData<E>,
}

impl<E: Entries> Job<E> {
    /// Prepares to measure; `copies` if each write copies the map.
    pub fn new(part: Part, scope: Scope, copies: bool) -> Self {
        Self { part, scope, copies, entries: std::marker::PhantomData }
    }

    fn alone<M: Map<E>>(&self) -> Result<Cost, WrongAnswer> {
        let mut cost = Cost::default();
        let copies = self.copies;
        match self.part {
            Part::Heap => heap::measure::<M, E>(copies, self.scope.most, &mut cost)?,
            Part::Allocations => {
                cost.allocations = allocations::measure::<M, E>(copies, self.scope.seed)?;
            }
            Part::Resident => {
                cost.resident = resident::measure::<M, E>(copies, self.scope.most)?;
            }
            Part::Stalled => {}
        }
        Ok(cost)
    }
}

impl<E: Entries> Visitor for Job<E> {
    type Output = Result<Cost, WrongAnswer>;

    fn shared<F: SharedFamily>(self) -> Self::Output {
        if self.part != Part::Stalled {
            return self.alone::<F::Map<E::Key, E::Value>>();
        }
        let stalled = stalled::measure::<F::Map<E::Key, E::Value>, E>(self.copies)?;
        Ok(Cost { stalled, ..Cost::default() })
    }

    fn local<F: LocalFamily>(self) -> Self::Output {
        self.alone::<F::Map<E::Key, E::Value>>()
    }
}

/// An empty map as `new()` makes it.
fn new<M: BuildMap<Hasher>>() -> M {
    M::with_capacity_and_hasher(0, Hasher::default())
}

/// Makes the crates below a map set up what they keep for the process or the thread.
fn warm_up<E: Entries, M: Map<E>>(entries: &E) {
    let map: M = new();
    for id in 0..100 {
        map.insert(entries.key(id), crate::entries::Stamped::stamped(id, 0));
    }
    for id in 0..100 {
        map.remove(entries.look(&id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_by_their_names() {
        for part in Part::ALL {
            assert_eq!(Part::by_name(part.name()), Some(part));
        }
        assert_eq!(Part::by_name("none"), None);
    }
}

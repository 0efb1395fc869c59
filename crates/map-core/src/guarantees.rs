//! What a map promises beyond the contract, as data.

/// The points in which designs differ and a caller may care.
///
/// Each map states its own in [`ConcurrentMap::GUARANTEES`](crate::ConcurrentMap::GUARANTEES); the
/// conformance suite holds the map to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarantees {
    /// The name of the map's type, for messages and reports.
    pub name: &'static str,
    /// Of the callers of [`get_or_insert_with`](crate::ConcurrentMap::get_or_insert_with) that race
    /// for one absent key, exactly one runs its closure.
    pub single_flight: bool,
    /// The closure of [`compute`](crate::ConcurrentMap::compute),
    /// [`compute_if_present`](crate::ConcurrentMap::compute_if_present),
    /// [`update`](crate::ConcurrentMap::update) and
    /// [`remove_if`](crate::ConcurrentMap::remove_if) runs at most once in a call. Otherwise it runs
    /// again when another thread changed the key in between.
    pub closures_run_once: bool,
    /// What a closure may do with the map that called it.
    pub reentrancy: Reentrancy,
}

/// What a closure may do with the map that called it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reentrancy {
    /// Everything.
    Works,
    /// A closure that is lent a value by a reading operation (`read`, `get_many`, `for_each`) may
    /// read. Every other call from inside a closure panics and says so. The closures of
    /// `insert_then` and `remove_then` run outside any lock and may do everything.
    ReadsInReads,
    /// Nothing is promised: such a call may hang. No Atlas map is of this kind; peers are.
    Unspecified,
}

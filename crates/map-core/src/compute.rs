//! What a computation asks for and what came of it.

/// What [`compute`](crate::ConcurrentMap::compute) is to do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an action takes effect only when it is returned to the map"]
pub enum Action<V> {
    /// Leave the key as it is: present with its value, or absent.
    Keep,
    /// Give the key this value, inserting it if it is absent.
    Put(V),
    /// Remove the key; nothing if it is absent.
    Remove,
}

/// What a computation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The key was absent and still is.
    Absent,
    /// The key was present and its value was left alone.
    Kept,
    /// The key was absent and has been inserted.
    Inserted,
    /// The key was present and has a new value.
    Replaced,
    /// The key was present and has been removed.
    Removed,
}

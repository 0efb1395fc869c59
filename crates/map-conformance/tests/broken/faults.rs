//! The ways in which a map can be broken.

macro_rules! faults {
    ($($(#[$doc:meta])* $NAME:ident = $number:literal;)*) => {
        $($(#[$doc])* pub(crate) const $NAME: u8 = $number;)*
    };
}

faults! {
    /// `update` and `compute` read, then write.
    LOST_UPDATE = 0;
    /// A removed key is read once more.
    STALE_READ = 1;
    /// An entry disappears whenever the number of entries reaches a power of two.
    LOST_IN_GROWTH = 2;
    /// Iteration begins with the first entry twice.
    REPEATS = 3;
    /// Iteration leaves out the entry after a write of another thread.
    SKIPS = 4;
    /// `compare_exchange` compares, then exchanges.
    TORN_EXCHANGE = 5;
    /// A replaced value is leaked.
    LEAKS = 6;
    /// A removed value is dropped twice.
    DROPS_TWICE = 7;
    /// The count of entries is read, then written.
    LEN_DRIFTS = 8;
    /// A panic in user code makes every later call panic.
    POISONS = 9;
    /// Closures run under a lock that every call takes.
    HANGS = 10;
    /// Promises a single flight and has none.
    MANY_FLIGHTS = 11;
    /// `make` runs although the key is present.
    MAKES_ALWAYS = 12;
    /// `try_insert` overwrites.
    OVERWRITES = 13;
    /// `insert` removes the old entry first.
    HIDES = 14;
    /// `retain` tests, then removes.
    TORN_RETAIN = 15;
    /// `clear` leaves an entry.
    CLEARS_LITTLE = 16;
    /// What is removed is kept until the map is dropped.
    HOARDS = 17;
    /// `insert` clones its key.
    CLONES = 18;
    /// `update` takes the entry out while its closure runs.
    TAKES_OUT = 19;
    /// Promises that closures run once, and lets them run again.
    RUNS_AGAIN = 20;
    /// Promises to refuse re-entrance, and does not.
    NEVER_REFUSES = 21;
    /// A pin shows the map as it was when the pin was taken.
    FROZEN_PIN = 22;
    /// `try_insert` looks, then inserts.
    TORN_TRY_INSERT = 23;
    /// `remove` looks, then removes, and says what it saw.
    TORN_REMOVE = 24;
    /// A panic in a closure is swallowed by `remove_if`.
    SWALLOWS = 25;
    /// `get_many` finds nothing beyond its first sixteen keys.
    MISSES_MANY = 26;
    /// `insert_then` reads the old value, then writes.
    TORN_SWAP = 27;
    /// `compare_exchange` of an absent key says that it succeeded.
    EXCHANGES_NOTHING = 28;
    /// A lent value is dropped as soon as another thread has written.
    FREES_EARLY = 29;
    /// `insert` of a key that was present writes to where it was, although it is removed meanwhile.
    WRITES_TO_THE_DEAD = 30;
    /// `retain` spares an entry that was refused.
    SPARES = 31;
}

//! Contenders: every map that takes part, ours and others', behind the contract.
//!
//! [`CONTENDERS`] is the one list. An adapter implements the contract on a foreign map with the best
//! that the map's own interface offers; where that is not enough, `docs/peers.md` says so. All
//! contenders hash with the same hasher.

pub mod arc_swap_cow;
pub mod dashmap;
pub mod flurry;
pub mod go;
pub mod papaya;
pub mod parking_lot;
pub mod plain;
pub mod scc;
pub mod std_rwlock;
mod table;

use std::hash::Hash;

use atlas_bench_data::ContenderKind;
use map_core::{BuildMap, ConcurrentMap, PinMap, ReserveError};

/// The hasher of all contenders.
#[cfg(not(feature = "fixed-seeds"))]
pub type Hasher = map_core::DefaultHashBuilder;
/// The hasher of all contenders, with the same seeds in every process.
#[cfg(feature = "fixed-seeds")]
pub type Hasher = foldhash::fast::FixedState;

/// What a key must be for every contender to take it.
pub trait Key: Hash + Eq + Clone + Send + Sync + 'static {}
impl<K: Hash + Eq + Clone + Send + Sync + 'static> Key for K {}

/// What a value must be for every contender to take it.
pub trait Value: Clone + PartialEq + Send + Sync + 'static {}
impl<V: Clone + PartialEq + Send + Sync + 'static> Value for V {}

/// A map type before its keys and values are chosen.
pub trait SharedFamily: 'static {
    /// The map with keys `K` and values `V`.
    type Map<K: Key, V: Value>: PinMap<K, V> + BuildMap<Hasher> + Send + Sync;
}

/// As [`SharedFamily`], for a map that only one thread can use.
pub trait LocalFamily: 'static {
    /// The map with keys `K` and values `V`.
    type Map<K: Key, V: Value>: ConcurrentMap<K, V> + BuildMap<Hasher>;
}

/// What is done to a contender, whatever its type.
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Visits a map that threads share.
    fn shared<F: SharedFamily>(self) -> Self::Output;

    /// Visits a map that only one thread can use.
    fn local<F: LocalFamily>(self) -> Self::Output;
}

/// A map that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    /// A stable, short id.
    pub id: &'static str,
    /// One of ours, a peer, or the limit.
    pub kind: ContenderKind,
    /// One line: what it is.
    pub description: &'static str,
    /// Whether a write takes time in proportion to the size of the map.
    pub copies_on_write: bool,
    tag: Tag,
}

impl Contender {
    /// Whether only one thread can use it.
    pub fn is_local(&self) -> bool {
        self.kind == ContenderKind::Limit
    }

    /// The stored form.
    pub fn data(&self) -> atlas_bench_data::Contender {
        atlas_bench_data::Contender {
            id: self.id.to_owned(),
            kind: self.kind,
            description: self.description.to_owned(),
        }
    }

    /// Finds a contender by its id.
    pub fn by_id(id: &str) -> Option<&'static Self> {
        CONTENDERS.iter().find(|contender| contender.id == id)
    }
}

macro_rules! contenders {
    ($($Tag:ident $method:ident($Family:ident) $id:literal $kind:ident $copies:literal
        $($Map:ident)::+, $description:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Tag {
            $($Tag,)*
            /// Lives in another process.
            Foreign,
        }

        /// The families of the contenders.
        pub mod families {
            use super::{Hasher, Key, LocalFamily, SharedFamily, Value};

            $(
                #[doc = $description]
                #[derive(Debug)]
                pub enum $Tag {}

                impl $Family for $Tag {
                    type Map<K: Key, V: Value> = $($Map)::+<K, V, Hasher>;
                }
            )*
        }

        /// All contenders, in display order.
        pub const CONTENDERS: &[Contender] = &[$(Contender {
            id: $id,
            kind: ContenderKind::$kind,
            description: $description,
            copies_on_write: $copies,
            tag: Tag::$Tag,
        },)*];

        impl Contender {
            /// Runs `visitor` with this contender's family.
            ///
            /// # Panics
            ///
            /// If the contender is none of [`CONTENDERS`] but lives in another process.
            pub fn visit<R>(&self, visitor: impl Visitor<Output = R>) -> R {
                match self.tag {
                    $(Tag::$Tag => visitor.$method::<families::$Tag>(),)*
                    Tag::Foreign => panic!("{} is no map of this process", self.id),
                }
            }
        }
    };
}

contenders! {
    // id, kind, whether a write copies the map
    RwLock shared(SharedFamily) "map-rwlock" Ours false
        map_rwlock::RwLockMap, "one table under one reader-writer lock";
    Sharded shared(SharedFamily) "map-sharded" Ours false
        map_sharded::ShardedMap, "shards, each a table under a lock";
    ReadDirty shared(SharedFamily) "map-readdirty" Ours false
        map_readdirty::ReadDirtyMap, "lock-free reads and overwrites, new keys in a dirty level";
    CasList shared(SharedFamily) "map-caslist" Ours false
        map_caslist::CasListMap, "lock-free bucket lists, changed by compare-and-swap";
    ParkingLot shared(SharedFamily) "parking_lot" Peer false
        super::parking_lot::ParkingLotMap, "hashbrown's map under parking_lot's RwLock";
    StdRwLock shared(SharedFamily) "std-rwlock" Peer false
        super::std_rwlock::StdRwLockMap, "hashbrown's map under std's RwLock";
    DashMap shared(SharedFamily) "dashmap" Peer false
        super::dashmap::DashMapAdapter, "shards, each a table under a lock";
    Scc shared(SharedFamily) "scc" Peer false
        super::scc::SccMap, "buckets of 32 entries, each under a lock";
    Papaya shared(SharedFamily) "papaya" Peer false
        super::papaya::PapayaMap, "a lock-free table of pointers to entries";
    Flurry shared(SharedFamily) "flurry" Peer false
        super::flurry::FlurryMap, "Java's ConcurrentHashMap in Rust";
    ArcSwap shared(SharedFamily) "arc-swap-cow" Peer true
        super::arc_swap_cow::ArcSwapMap, "an immutable map behind ArcSwap, copied by each write";
    Plain local(LocalFamily) "plain" Limit false
        super::plain::PlainMap, "hashbrown's map without synchronisation, one thread: the limit";
}

/// Refuses a capacity that a foreign map would answer with a panic or an abort.
fn check_capacity<K, V>(capacity: usize) -> Result<(), ReserveError> {
    let entry = size_of::<(K, V)>() + 16;
    match capacity.checked_mul(2 * entry) {
        Some(bytes) if bytes <= isize::MAX as usize => Ok(()),
        _ => Err(ReserveError::CapacityOverflow),
    }
}

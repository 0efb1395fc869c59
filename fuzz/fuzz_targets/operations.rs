//! A sequence of operations on each map, beside the same on a `HashMap`: answers, contents and runs of closures agree.
//!
//! The input chooses keys and values, the hasher, the capacity to begin with, and which calls go through a pin.
#![no_main]

use std::hash::{BuildHasher, Hasher};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use map_caslist::CasListMap;
use map_conformance::family::{Key, Value};
use map_conformance::hashers::{Last, Mixer};
use map_conformance::model::{Model, Op, agree, apply};
use map_conformance::types::{TestKey, TestValue};
use map_core::{Action, CapacityMap, PinMap, ShrinkMap};
use map_readdirty::ReadDirtyMap;
use map_rwlock::RwLockMap;
use map_sharded::ShardedMap;

/// How keys are hashed: chosen by the input, so that each map is compiled once.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Hash {
    Mixed,
    Identity,
    Collide,
    CollideHigh,
    /// Only the five lowest bits differ.
    HighConstant,
    /// Only the sixteen highest bits differ.
    LowConstant,
}

impl BuildHasher for Hash {
    type Hasher = Hashing;

    fn build_hasher(&self) -> Hashing {
        Hashing { hash: *self, mixer: Mixer::default(), last: Last::default() }
    }
}

struct Hashing {
    hash: Hash,
    mixer: Mixer,
    last: Last,
}

impl Hasher for Hashing {
    fn write(&mut self, bytes: &[u8]) {
        self.mixer.write(bytes);
        self.last.write(bytes);
    }

    fn write_u64(&mut self, word: u64) {
        self.mixer.write_u64(word);
        self.last.write_u64(word);
    }

    fn finish(&self) -> u64 {
        match self.hash {
            Hash::Mixed => self.mixer.finish(),
            Hash::Identity => self.last.finish(),
            Hash::Collide => 0,
            Hash::CollideHigh => u64::MAX,
            Hash::HighConstant => self.mixer.finish() & 0x1F,
            Hash::LowConstant => self.mixer.finish() & 0xFFFF << 48,
        }
    }
}

#[derive(Arbitrary, Debug)]
enum Entries {
    Numbers,
    NumbersAndWords,
    Words,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Then {
    Keep,
    Put(u8),
    Remove,
}

#[derive(Arbitrary, Debug)]
enum Call {
    Read(u8),
    Get(u8),
    ContainsKey(u8),
    GetMany(Vec<u8>),
    Insert(u8, u8),
    InsertThen(u8, u8),
    TryInsert(u8, u8),
    GetOrInsertWith(u8, u8),
    Remove(u8),
    RemoveThen(u8),
    RemoveIf(u8, u8),
    Update(u8, u8),
    Compute(u8, Then),
    ComputeIfPresent(u8, Then),
    CompareExchange(u8, u8, u8),
    InsertMany(Vec<(u8, u8)>),
    /// Keys that follow each other: growth in a few bytes.
    InsertRange(u8, u8),
    TryForEach(u8),
    ForEach,
    Retain(u8),
    Clear,
    Len,
    Reserve(u16),
    Shrink,
}

#[derive(Arbitrary, Debug)]
struct Input {
    hash: Hash,
    entries: Entries,
    capacity: u8,
    /// Calls, and whether the next one begins a stretch of calls through a pin, or on the map.
    calls: Vec<(bool, Call)>,
}

/// Few values, so that comparisons succeed as often as they fail.
fn few(value: u8) -> u64 {
    u64::from(value % 4)
}

impl From<Then> for Action<u64> {
    fn from(then: Then) -> Self {
        match then {
            Then::Keep => Self::Keep,
            Then::Put(value) => Self::Put(few(value)),
            Then::Remove => Self::Remove,
        }
    }
}

impl Call {
    fn op(&self) -> Op {
        let key = |key: &u8| u64::from(*key);
        match self {
            Self::Read(k) => Op::Read(key(k)),
            Self::Get(k) => Op::Get(key(k)),
            Self::ContainsKey(k) => Op::ContainsKey(key(k)),
            Self::GetMany(ks) => Op::GetMany(ks.iter().map(key).collect()),
            Self::Insert(k, v) => Op::Insert(key(k), few(*v)),
            Self::InsertThen(k, v) => Op::InsertThen(key(k), few(*v)),
            Self::TryInsert(k, v) => Op::TryInsert(key(k), few(*v)),
            Self::GetOrInsertWith(k, v) => Op::GetOrInsertWith(key(k), few(*v)),
            Self::Remove(k) => Op::Remove(key(k)),
            Self::RemoveThen(k) => Op::RemoveThen(key(k)),
            Self::RemoveIf(k, v) => Op::RemoveIf(key(k), few(*v)),
            Self::Update(k, v) => Op::Update(key(k), few(*v)),
            Self::Compute(k, then) => Op::Compute(key(k), (*then).into()),
            Self::ComputeIfPresent(k, then) => Op::ComputeIfPresent(key(k), (*then).into()),
            Self::CompareExchange(k, v, new) => Op::CompareExchange(key(k), few(*v), few(*new)),
            Self::InsertMany(pairs) => {
                Op::InsertMany(pairs.iter().map(|(k, v)| (key(k), few(*v))).collect())
            }
            Self::InsertRange(first, more) => {
                let first = 8 * key(first);
                Op::InsertMany((first..=first + key(more)).map(|key| (key, 1)).collect())
            }
            Self::TryForEach(limit) => Op::TryForEach(usize::from(*limit)),
            Self::ForEach => Op::ForEach,
            Self::Retain(modulus) => Op::Retain(2 + u64::from(modulus % 8)),
            Self::Clear => Op::Clear,
            Self::Len => Op::Len,
            Self::Reserve(more) => Op::Reserve(*more),
            Self::Shrink => Op::Shrink,
        }
    }
}

/// The calls on one map, which may be able to shrink.
fn run<K, V, M>(input: &Input, map: M, shrink: Option<fn(&M)>)
where
    K: TestKey,
    V: TestValue,
    M: PinMap<K, V> + CapacityMap,
{
    let mut model = Model::new();
    let mut pinned = false;
    for stretch in input.calls.chunk_by(|_, (changes, _)| !changes) {
        let ops = stretch.iter().map(|(_, call)| call.op());
        if pinned {
            let mut pin = map.pin();
            ops.for_each(|op| apply(&pin, &mut model, &op));
            map.refresh(&mut pin);
            agree(&pin, &model);
        } else {
            ops.for_each(|op| match (&op, shrink) {
                (Op::Reserve(more), _) => map.reserve(usize::from(*more)),
                (Op::Shrink, Some(shrink)) => shrink(&map),
                _ => apply(&map, &mut model, &op),
            });
        }
        pinned = !pinned;
    }
    agree(&map, &model);
}

fn each_map<K: TestKey + Key, V: TestValue + Value>(input: &Input) {
    let (capacity, hash) = (usize::from(input.capacity), input.hash);
    let map = RwLockMap::<K, V, Hash>::with_capacity_and_hasher(capacity, hash);
    run(input, map, Some(ShrinkMap::shrink_to_fit));
    let map = ShardedMap::<K, V, Hash>::with_capacity_and_hasher(capacity, hash);
    run(input, map, Some(ShrinkMap::shrink_to_fit));
    let map = ReadDirtyMap::<K, V, Hash>::with_capacity_and_hasher(capacity, hash);
    run(input, map, Some(ShrinkMap::shrink_to_fit));
    run(input, CasListMap::<K, V, Hash>::with_capacity_and_hasher(capacity, hash), None);
}

fuzz_target!(|input: Input| {
    match input.entries {
        Entries::Numbers => each_map::<u64, u64>(&input),
        Entries::NumbersAndWords => each_map::<u64, String>(&input),
        Entries::Words => each_map::<String, String>(&input),
    }
});

//! How each contender is used: what a program depends on and how it calls it.
//!
//! Foreign maps get the hasher that ours have by default, as in the rest of the benchmark.

/// A crate that a program depends on.
#[derive(Clone, Copy, Debug)]
pub struct Dependency {
    /// Its name; `map-…` is one of ours.
    pub name: &'static str,
    /// `None` for its default features, or a list in place of them, as a manifest has it.
    pub features: Option<&'static str>,
}

/// A program that uses a contender.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// The contender's id.
    pub contender: &'static str,
    /// What it depends on.
    pub dependencies: &'static [Dependency],
    /// The type `Map<K, V>`.
    map: &'static str,
    /// Expressions: an empty map; to insert `key` and `value`; the value of `key` as an `Option`; to
    /// remove `key`; to call `f(key, value)` for each entry.
    calls: [&'static str; 5],
}

const fn with(name: &'static str) -> Dependency {
    Dependency { name, features: None }
}

const FOLDHASH: Dependency = Dependency { name: "foldhash", features: Some("[\"std\"]") };
const HASHBROWN: Dependency = Dependency { name: "hashbrown", features: Some("[\"inline-more\"]") };
const TABLE: &str = "hashbrown::HashMap<K, V, foldhash::fast::RandomState>";

/// The calls of a map that hands out references under a pin.
const PINNED: [&str; 5] = [
    "Map::default()",
    "map.pin().insert(key, value).is_some()",
    "map.pin().get(key).cloned()",
    "map.pin().remove(key).is_some()",
    "map.pin().iter().for_each(|(key, value)| f(key, value))",
];

/// One of ours.
const fn ours(
    contender: &'static str,
    dependencies: &'static [Dependency],
    map: &'static str,
) -> Recipe {
    Recipe {
        contender,
        dependencies,
        map,
        calls: [
            "Map::new()",
            "map.insert(key, value)",
            "map.get(key)",
            "map.remove(key)",
            "map.for_each(&mut f)",
        ],
    }
}

/// A map that has no contender in it: every call does nothing.
pub const BASELINE: Recipe = Recipe {
    contender: "none",
    dependencies: &[],
    map: "std::marker::PhantomData<(K, V)>",
    calls: [
        "std::marker::PhantomData",
        "drop((key, value))",
        "{ let _ = (map, key); None::<V> }",
        "{ let _ = (map, key); }",
        "{ let _ = (map, &mut f); }",
    ],
};

/// All contenders.
pub const RECIPES: &[Recipe] = &[
    ours("map-rwlock", &[with("map-rwlock")], "map_rwlock::RwLockMap<K, V>"),
    ours("map-sharded", &[with("map-sharded")], "map_sharded::ShardedMap<K, V>"),
    ours("map-readdirty", &[with("map-readdirty")], "map_readdirty::ReadDirtyMap<K, V>"),
    ours("map-caslist", &[with("map-caslist")], "map_caslist::CasListMap<K, V>"),
    Recipe {
        contender: "parking_lot",
        dependencies: &[with("parking_lot"), HASHBROWN, FOLDHASH],
        map: "parking_lot::RwLock<TABLE>",
        calls: [
            "Map::default()",
            "map.write().insert(key, value)",
            "map.read().get(key).cloned()",
            "map.write().remove(key)",
            "map.read().iter().for_each(|(key, value)| f(key, value))",
        ],
    },
    Recipe {
        contender: "std-rwlock",
        dependencies: &[HASHBROWN, FOLDHASH],
        map: "std::sync::RwLock<TABLE>",
        calls: [
            "Map::default()",
            "map.write().unwrap().insert(key, value)",
            "map.read().unwrap().get(key).cloned()",
            "map.write().unwrap().remove(key)",
            "map.read().unwrap().iter().for_each(|(key, value)| f(key, value))",
        ],
    },
    Recipe {
        contender: "dashmap",
        dependencies: &[with("dashmap"), FOLDHASH],
        map: "dashmap::DashMap<K, V, foldhash::fast::RandomState>",
        calls: [
            "Map::default()",
            "map.insert(key, value)",
            "map.get(key).map(|value| value.clone())",
            "map.remove(key)",
            "map.iter().for_each(|entry| f(entry.key(), entry.value()))",
        ],
    },
    Recipe {
        contender: "scc",
        dependencies: &[with("scc"), FOLDHASH],
        map: "scc::HashMap<K, V, foldhash::fast::RandomState>",
        calls: [
            "Map::default()",
            "map.upsert_sync(key, value)",
            "map.read_sync(key, |_, value| value.clone())",
            "map.remove_sync(key)",
            "map.iter_sync(|key, value| { f(key, value); true })",
        ],
    },
    Recipe {
        contender: "papaya",
        dependencies: &[with("papaya"), FOLDHASH],
        map: "papaya::HashMap<K, V, foldhash::fast::RandomState>",
        calls: PINNED,
    },
    Recipe {
        contender: "flurry",
        dependencies: &[with("flurry"), FOLDHASH],
        map: "flurry::HashMap<K, V, foldhash::fast::RandomState>",
        calls: PINNED,
    },
    Recipe {
        contender: "arc-swap-cow",
        dependencies: &[with("arc-swap"), HASHBROWN, FOLDHASH],
        map: "arc_swap::ArcSwap<TABLE>",
        calls: [
            "Map::default()",
            "map.rcu(|table| { let mut table = (**table).clone(); \
             table.insert(key.clone(), value.clone()); table })",
            "map.load().get(key).cloned()",
            "map.rcu(|table| { let mut table = (**table).clone(); table.remove(key); table })",
            "map.load().iter().for_each(|(key, value)| f(key, value))",
        ],
    },
    Recipe {
        contender: "plain",
        dependencies: &[HASHBROWN, FOLDHASH],
        map: "std::cell::RefCell<TABLE>",
        calls: [
            "Map::default()",
            "map.borrow_mut().insert(key, value)",
            "map.borrow().get(key).cloned()",
            "map.borrow_mut().remove(key)",
            "map.borrow().iter().for_each(|(key, value)| f(key, value))",
        ],
    },
];

impl Recipe {
    /// The text of `map.rs`: the calls as functions.
    pub fn source(&self) -> String {
        let [new, insert, get, remove, each] = self.calls;
        let map = self.map.replace("TABLE", TABLE);
        let bounds = "<K: Key, V: Value>";
        format!(
            "use crate::{{Key, Value}};\n\
             pub type Map<K, V> = {map};\n\
             pub fn new{bounds}() -> Map<K, V> {{ {new} }}\n\
             pub fn insert{bounds}(map: &Map<K, V>, key: K, value: V) {{ let _ = map; {insert}; }}\n\
             pub fn get{bounds}(map: &Map<K, V>, key: &K) -> Option<V> {{ {get} }}\n\
             pub fn remove{bounds}(map: &Map<K, V>, key: &K) {{ {remove}; }}\n\
             pub fn each{bounds}(map: &Map<K, V>, mut f: impl FnMut(&K, &V)) {{ {each}; }}\n"
        )
    }
}

/// The text of `main.rs`, the same for all.
pub const MAIN: &str = r#"mod map;

use std::hash::Hash;

pub trait Key: Hash + Ord + Clone + Send + Sync + 'static {}
impl<K: Hash + Ord + Clone + Send + Sync + 'static> Key for K {}
pub trait Value: Clone + Send + Sync + 'static {}
impl<V: Clone + Send + Sync + 'static> Value for V {}

fn work<K: Key>(keys: &[K]) -> u64 {
    let map = map::new::<K, u64>();
    for (id, key) in keys.iter().enumerate() {
        map::insert(&map, key.clone(), id as u64);
    }
    let mut sum = 0;
    for key in keys {
        sum += map::get(&map, key).unwrap_or(1);
    }
    map::each(&map, |_, value| sum += value);
    for key in keys {
        map::remove(&map, key);
    }
    sum
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let numbers: Vec<u64> = words.iter().map(|word| word.len() as u64).collect();
    println!("{}", work(&words) + work(&numbers));
}
"#;

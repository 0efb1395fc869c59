//! Many keys at once, by themselves: fewer than a chunk and more, in one table, in many, and in buckets.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;

use map_sharded::ShardedMap;

fn answers_as_a_hash_map<K: Clone + Debug + Eq + Hash>(key: impl Fn(u64) -> K) {
    for entries in [0, 1, 9, 32, 63, 64, 65, 300] {
        let map = ShardedMap::<K, u64>::default();
        let mut expected = HashMap::new();
        // Of each key that is twice there the later value stays.
        let pairs =
            || (0..entries).chain(entries / 2..entries).zip(0..).map(|(n, value)| (key(n), value));
        assert_eq!(map.insert_many(pairs()) as u64, entries);
        expected.extend(pairs());
        assert_eq!(map.insert_many(pairs()), 0);
        assert_eq!(map.len(), expected.len());
        let asked: Vec<K> = (0..2 * entries).map(&key).collect();
        let mut answers = vec![Vec::new(); asked.len()];
        map.get_many(&asked, |number, value| answers[number].push(value.copied()));
        for (key, answers) in asked.iter().zip(answers) {
            assert_eq!(answers, [expected.get(key).copied()], "{key:?} of {entries}");
        }
    }
}

#[test]
fn each_key_is_answered_once() {
    answers_as_a_hash_map(|n| n);
    answers_as_a_hash_map(|n| n.to_string());
}

//! Look-ups in a row find what single look-ups find.

use map_buckets::BucketTable;

fn hash(key: &u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[test]
fn each_key_is_answered_once_and_in_turn() {
    let table = BucketTable::new();
    let asked = |last: u64, count: u64| {
        // Present and absent, fewer than are fetched ahead and more.
        let keys: Vec<u64> = (0..count).map(|k| (last + count / 2).saturating_sub(k)).collect();
        let mut answers = Vec::new();
        let numbered = keys.iter().enumerate().map(|(number, key)| (number, hash(key), key));
        table.copy_each(numbered, |number, value| answers.push((number, value.copied())));
        let expected = keys.iter().map(|key| (*key <= last).then_some(key + 1)).enumerate();
        assert!(answers.into_iter().eq(expected), "{count} keys from {last}");
    };
    let mut buckets = 0;
    for n in 0..5000 {
        table.writer().insert(hash(&n), n, n + 1, hash);
        // Also while buckets are being split, after each growth began.
        if n % 100 == 0 || table.buckets() > buckets {
            buckets = table.buckets();
            [0, 1, 7, 8, 9, 16, 17, 64].into_iter().for_each(|count| asked(n, count));
        }
    }
    assert!(buckets >= 128, "{buckets} buckets");
}

//! Look-ups in a row find what single look-ups find.

use map_table::Table;

fn hash(key: &u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[test]
fn each_key_is_answered_once_and_in_turn() {
    let mut table = Table::new();
    let mut growing = 0;
    for n in 0..5000 {
        table.insert(hash(&n), &mut Some((n, n + 1)), hash);
        if n % 500 != 0 && !table.is_growing() {
            continue;
        }
        growing += usize::from(table.is_growing());
        // Present and absent, fewer than are fetched ahead and more.
        for asked in [0, 1, 7, 8, 9, 64] {
            let keys: Vec<u64> = (0..asked).map(|k| (n + asked / 2).saturating_sub(k)).collect();
            let mut answers = Vec::new();
            let numbered = keys.iter().enumerate().map(|(number, key)| (number, hash(key), key));
            table.find_each(numbered, |number, value| answers.push((number, value.copied())));
            let expected = keys.iter().map(|key| (*key <= n).then_some(key + 1)).enumerate();
            assert!(answers.into_iter().eq(expected), "{asked} keys from {n}");
        }
    }
    assert!(growing > 10, "{growing} times in two tables");
}

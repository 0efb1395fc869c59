//! A table made into several: each entry is in the part where it belongs, and each part has the room that was asked for.

use map_table::Table;

fn hash(key: &u64) -> u64 {
    key.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[test]
fn every_entry_goes_where_it_belongs() {
    let part_of = |hash: u64| (hash % 7 % 4) as usize;
    for entries in [0, 1, 20, 200, 3000] {
        for room in [0, 100] {
            let mut table = Table::new();
            for key in 0..entries {
                table.insert(hash(&key), &mut Some((key, key + 1)), hash);
            }
            let parts = table.divide(4, room, part_of, hash).expect("there is memory");
            assert_eq!((parts.len(), table.len()), (4, 0));
            assert_eq!(parts.iter().map(Table::len).sum::<usize>() as u64, entries);
            assert!(parts.iter().all(|part| part.capacity() >= room));
            for key in 0..entries {
                let part = &parts[part_of(hash(&key))];
                assert_eq!(part.find(hash(&key), &key), Some(&(key + 1)), "{key} of {entries}");
            }
        }
    }
}

//! Heap bytes per entry, as the matrix takes them.

use atlas_bench_data::{Memory, Results};

use crate::report::chart::{Bar, bars};
use crate::report::format::{bytes_of, entry, figure, keys};
use crate::report::section::{Column, Good, Part, Section, Table, grouped, ranking, table};

pub(super) fn section(results: &Results) -> Option<Section> {
    let mut sorted: Vec<_> = results.memory.iter().collect();
    sorted.sort_by_key(|memory| (memory.entry != "u64", memory.entries));
    let groups = grouped(sorted, |memory| (memory.entry.as_str(), memory.entries));
    let parts = groups.into_iter().map(|((kind, entries), of_it)| {
        part(results, format!("{} entries, {}", keys(entries), entry(kind)), of_it)
    });
    (!results.memory.is_empty()).then(|| Section {
        id: "memory",
        title: "Memory",
        about: "Live heap bytes per entry, as asked of the allocator, those of keys and values included; \
                shorter is better."
            .into(),
        parts: parts.collect(),
    })
}

fn part(results: &Results, title: String, mut of_it: Vec<&Memory>) -> Part {
    let values = of_it.iter().map(|m| (m.contender.clone(), m.bytes_per_entry()));
    let words = ranking(results, "Least", "most", Good::Low, figure, values);
    let columns = [
        Column::new("bytes per entry", Good::Low, figure, |m: &&Memory| Some(m.bytes_per_entry())),
        Column::new("empty map", Good::Low, bytes_of, |m: &&Memory| Some(m.empty_bytes as f64)),
        Column::new("peak while filling", Good::Low, bytes_of, |m: &&Memory| {
            Some(m.peak_bytes as f64)
        }),
    ];
    let head = |m: &&Memory| (m.contender.clone(), String::new());
    let table = Table {
        caption: "With empty maps and the peak while filling".into(),
        ..table(results, &of_it, head, &columns)
    };
    of_it.sort_by(|a, b| a.bytes_per_entry().total_cmp(&b.bytes_per_entry()));
    let drawn: Vec<_> = of_it
        .iter()
        .map(|m| Bar { id: &m.contender, value: m.bytes_per_entry(), spread: None })
        .collect();
    let charts = vec![bars(results, &format!("bytes per entry: {title}"), &drawn)];
    Part { title, words: words.into_iter().collect(), charts, small: false, tables: vec![table] }
}

//! What a map costs beside time: memory by size, allocations, instructions, weight in a program.

use atlas_bench_data::{Cost, Counters, Heap, Instructions, Results, Weight};

use crate::report::chart::{Bar, bars};
use crate::report::format::{bytes_of, count, entry, figure, keys, percent, seconds};
use crate::report::plot::{Axes, Series, lines};
use crate::report::section::{Column, Good, Part, Section, Table, grouped, ranking, table};

pub(super) fn section(results: &Results) -> Option<Section> {
    let mut parts = Vec::new();
    for (kind, of_it) in grouped(&results.cost, |cost| cost.entry.as_str()) {
        parts.extend(heap(results, kind, &of_it));
        parts.extend(allocations(results, kind, &of_it));
        parts.extend(stalled(results, kind, &of_it));
    }
    let by_workload = grouped(&results.instructions, |i| (i.workload.as_str(), i.entries));
    parts.extend(by_workload.into_iter().map(|(at, of_it)| instructions(results, at, &of_it)));
    let by_workload = grouped(&results.counters, |c| (c.workload.as_str(), c.entries));
    parts.extend(by_workload.into_iter().map(|(at, of_it)| counters(results, at, &of_it)));
    parts.extend(weight(results));
    (!parts.is_empty()).then(|| Section {
        id: "cost",
        title: "Cost",
        about: "What a map costs beside time; lower is better in every chart and column.".into(),
        parts,
    })
}

fn head(cost: &&Cost) -> (String, String) {
    (cost.contender.clone(), String::new())
}

/// Bytes per entry by size, empty maps, resident memory and how it swings while the map grows.
fn heap(results: &Results, kind: &str, of_it: &[&Cost]) -> Option<Part> {
    let mut sizes: Vec<u64> = of_it.iter().flat_map(|c| &c.heap).map(|heap| heap.entries).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let largest = *sizes.last()?;
    let at = |cost: &Cost, size: u64| {
        cost.heap.iter().find(|heap| heap.entries == size).map(Heap::bytes_per_entry)
    };
    let title = format!("Memory per entry by size, {}", entry(kind));
    let series: Vec<_> = of_it
        .iter()
        .map(|cost| Series {
            id: &cost.contender,
            values: sizes.iter().map(|size| at(cost, *size)).collect(),
        })
        .collect();
    let axes = Axes {
        title: &title,
        categories: sizes.iter().map(|size| keys(*size)).collect(),
        below: "entries",
        tick: bytes_of,
    };
    let values = of_it.iter().filter_map(|c| Some((c.contender.clone(), at(c, largest)?)));
    let best = format!("Least per entry at {}", keys(largest));
    let words = ranking(results, &best, "most", Good::Low, bytes_of, values);
    let mut columns: Vec<Column<'_, &Cost>> = sizes
        .iter()
        .map(|&size| {
            Column::new(keys(size), Good::Low, bytes_of, move |cost: &&Cost| at(cost, size))
        })
        .collect();
    columns.push(Column::new("empty map", Good::Low, bytes_of, |c: &&Cost| {
        Some(c.empty_bytes as f64)
    }));
    columns.push(Column::new("doubling: least", Good::Low, bytes_of, |c: &&Cost| {
        Some(c.growth.as_ref()?.least_bytes_per_entry)
    }));
    columns.push(Column::new("most", Good::Low, bytes_of, |c: &&Cost| {
        Some(c.growth.as_ref()?.most_bytes_per_entry)
    }));
    columns.push(Column::new("resident", Good::Low, bytes_of, |c: &&Cost| {
        Some(c.resident.as_ref()?.bytes_per_entry())
    }));
    columns.push(Column::new("left after removing all", Good::Low, percent, |c: &&Cost| {
        let resident = c.resident.as_ref()?;
        let added = resident.full_bytes.saturating_sub(resident.before_bytes);
        let left = resident.removed_bytes?.saturating_sub(resident.before_bytes);
        (added > 0).then(|| left as f64 / added as f64)
    }));
    let caption =
        "Bytes per entry: the heap by size, as it swings while the map doubles once, and what is \
                   resident in the process"
            .into();
    let table = Table { caption, folded: true, ..table(results, of_it, head, &columns) };
    let charts = vec![lines(results, &axes, &series)];
    Some(Part {
        title,
        words: words.into_iter().collect(),
        charts,
        small: false,
        tables: vec![table],
    })
}

/// Calls of the allocator and bytes per operation.
fn allocations(results: &Results, kind: &str, of_it: &[&Cost]) -> Option<Part> {
    let all = of_it.iter().flat_map(|cost| &cost.allocations);
    let ways = grouped(all, |a| (a.workload.as_str(), a.entries));
    let mut columns: Vec<Column<'_, &Cost>> = Vec::new();
    for ((workload, entries), _) in &ways {
        let find = move |cost: &&Cost| {
            let mut all = cost.allocations.iter();
            all.find(|a| a.workload == *workload && a.entries == *entries).cloned()
        };
        let name = format!("{workload}, {}", keys(*entries));
        columns.push(Column::new(name, Good::Low, figure, move |c: &&Cost| Some(find(c)?.per_op)));
        columns.push(Column::new("bytes", Good::Low, figure, move |c: &&Cost| {
            Some(find(c)?.bytes_per_op)
        }));
    }
    (!ways.is_empty()).then(|| Part {
        title: format!("Allocations per operation, {}", entry(kind)),
        words: vec![
            "Calls of the allocator per operation, and the bytes that they ask for.".into(),
        ],
        tables: vec![table(results, of_it, head, &columns)],
        ..Part::default()
    })
}

/// What one reader that does not go on costs.
fn stalled(results: &Results, kind: &str, of_it: &[&Cost]) -> Option<Part> {
    let all = of_it.iter().flat_map(|cost| &cost.stalled);
    let ways = grouped(all, |s| s.workload.as_str());
    let mut columns: Vec<Column<'_, &Cost>> = Vec::new();
    for (workload, _) in &ways {
        let find =
            move |cost: &&Cost| cost.stalled.iter().find(|s| s.workload == *workload).cloned();
        let done = format!("{workload}: done");
        columns.push(Column::new(done, Good::High, percent, move |c: &&Cost| {
            let stalled = find(c)?;
            (stalled.operations > 0).then(|| stalled.done as f64 / stalled.operations as f64)
        }));
        for (name, value) in [
            ("bytes per op", (|s| s.bytes_per_op) as fn(&atlas_bench_data::Stalled) -> f64),
            ("left afterwards", |s| s.left_bytes_per_op),
        ] {
            columns.push(Column::new(name, Good::Low, figure, move |c: &&Cost| {
                find(c).filter(|stalled| !stalled.writers_wait).map(|stalled| value(&stalled))
            }));
        }
    }
    (!ways.is_empty()).then(|| Part {
        title: format!("A reader that stays, {}", entry(kind)),
        words: vec![
            "One thread stays inside the closure of a `read` while another writes to other keys: either the \
             writer waits for it (less than 100 % done), or memory grows with each write."
                .into(),
        ],
        tables: vec![table(results, of_it, head, &columns)],
        ..Part::default()
    })
}

fn instructions(results: &Results, (workload, size): (&str, u64), of_it: &[&Instructions]) -> Part {
    type Member<'r> = &'r Instructions;
    let title = format!("Instructions per operation, {workload}, {} entries", keys(size));
    let mut sorted = of_it.to_vec();
    sorted.sort_by(|a, b| a.instructions.total_cmp(&b.instructions));
    let drawn: Vec<_> = sorted
        .iter()
        .map(|i| Bar { id: &i.contender, value: i.instructions, spread: None })
        .collect();
    let columns = [
        Column::new("instructions", Good::Low, figure, |i: &Member<'_>| Some(i.instructions)),
        Column::new("L1 misses", Good::Low, figure, |i: &Member<'_>| Some(i.l1_misses)),
        Column::new("last-level misses", Good::Low, figure, |i: &Member<'_>| {
            Some(i.last_level_misses)
        }),
        Column::new("mispredictions", Good::Low, figure, |i: &Member<'_>| Some(i.mispredictions)),
    ];
    let values = of_it.iter().map(|i| (i.contender.clone(), i.instructions));
    let words = ranking(results, "Fewest", "most", Good::Low, figure, values);
    let name = |i: &Member<'_>| (i.contender.clone(), String::new());
    let caption = "On a simulated processor, the same each time".into();
    let table = Table { caption, folded: true, ..table(results, of_it, name, &columns) };
    let charts = vec![bars(results, &title, &drawn)];
    Part { title, words: words.into_iter().collect(), charts, small: false, tables: vec![table] }
}

fn counters(results: &Results, (workload, size): (&str, u64), of_it: &[&Counters]) -> Part {
    type Member<'r> = &'r Counters;
    let columns = [
        Column::new("cycles", Good::Low, figure, |c: &Member<'_>| Some(c.cycles)),
        Column::new("instructions", Good::Low, figure, |c: &Member<'_>| Some(c.instructions)),
        Column::new("last-level misses", Good::Low, figure, |c: &Member<'_>| c.last_level_misses),
    ];
    let name = |c: &Member<'_>| (c.contender.clone(), String::new());
    Part {
        title: format!("By the processor's own counters, {workload}, {} entries", keys(size)),
        tables: vec![table(results, of_it, name, &columns)],
        ..Part::default()
    }
}

fn weight(results: &Results) -> Option<Part> {
    let items: Vec<&Weight> = results.weight.iter().collect();
    type Member<'r> = &'r Weight;
    let columns = [
        Column::new("bytes added", Good::Low, count, |w: &Member<'_>| Some(w.added_bytes as f64)),
        Column::new("build", Good::Low, seconds, |w: &Member<'_>| Some(w.build_seconds)),
        Column::new("crates", Good::Low, count, |w: &Member<'_>| Some(f64::from(w.dependencies))),
    ];
    let name = |w: &Member<'_>| (w.contender.clone(), String::new());
    (!items.is_empty()).then(|| Part {
        title: "Weight in a program".into(),
        words: vec![
            "What a small release program grows by, how long it takes to build from nothing, and how many \
             crates it needs more."
                .into(),
        ],
        tables: vec![table(results, &items, name, &columns)],
        ..Part::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn memory_has_a_chart_and_waiting_writers_have_no_bytes() {
        let section = section(&sample()).expect("the sample has costs");
        let of = |start: &str| section.parts.iter().find(|part| part.title.starts_with(start));
        assert_eq!(of("Memory per entry").map(|part| part.charts.len()), Some(1));
        let stalled = &of("A reader that stays").expect("stalled readers").tables[0];
        let waits = stalled.rows.iter().find(|row| row.head == "map-rwlock").expect("a row");
        assert_eq!((waits.figures[0].text.as_str(), waits.figures[1].text.as_str()), ("0 %", ""));
        assert!(of("Instructions").is_some() && of("Weight").is_some());
    }
}

//! Production situations with the columns that describe them.

use atlas_bench_data::{GO_AFFINITY_GAIN, Results, ScenarioRow};

use crate::report::format::{figure, nanoseconds, percent, sentence};
use crate::report::section::{Column, Good, Part, Section, Table, grouped, ranking, table};

pub(super) fn section(results: &Results) -> Option<Section> {
    let groups = grouped(&results.scenarios, |row| row.scenario.as_str());
    let parts = groups.into_iter().map(|(scenario, rows)| part(results, scenario, &rows));
    (!results.scenarios.is_empty()).then(|| Section {
        id: "scenarios",
        title: "Scenarios",
        about: "Situations from production, each map under the same load. “Waiting” is the share of the \
                workers' time in which they slept; a write is “blocked” if its thread went to sleep in it or \
                it took longer than 50 µs."
            .into(),
        parts: parts.collect(),
    })
}

fn part(results: &Results, scenario: &str, rows: &[&ScenarioRow]) -> Part {
    let about = results.workloads.iter().find(|known| known.id == scenario);
    let mut words: Vec<_> = about.map(|about| sentence(&about.description)).into_iter().collect();
    // What has its threads pinned or its keys routed has an easier task: it is compared with its own map only.
    let alike = rows.iter().copied().filter(|row| row.affinity.is_empty());
    let by_workers = grouped(alike, |row| row.workers);
    for (workers, of_it) in &by_workers {
        let values = of_it.iter().map(|row| (row.contender.clone(), row.ops_per_second));
        let best = format!("{}, most operations", name_of(*workers));
        words.extend(ranking(results, &best, "fewest", Good::High, per_second, values));
    }
    let tables = by_workers
        .iter()
        .map(|(workers, of_it)| Table { caption: name_of(*workers), ..columns(results, of_it) });
    let mut tables: Vec<_> = tables.collect();
    for (workers, of_it) in grouped(rows.iter().copied(), |row| row.workers) {
        let of_it: Vec<_> = of_it.iter().copied().filter(|row| has_affinity(row, rows)).collect();
        if !of_it.is_empty() {
            words.push(gains(workers, &of_it));
            let caption = format!("{}, threads on cores and keys of their own", name_of(workers));
            tables.push(Table { caption, ..columns(results, &of_it) });
        }
    }
    Part { title: scenario.into(), words, tables, ..Part::default() }
}

/// Whether a row, or another one of its contender with as many workers, has an affinity.
fn has_affinity(row: &ScenarioRow, rows: &[&ScenarioRow]) -> bool {
    rows.iter().any(|other| {
        (&other.contender, other.workers) == (&row.contender, row.workers)
            && !other.affinity.is_empty()
    })
}

/// What affinity is worth: `16 workers, of the operations of the shared map: `pinned` 1.10 ×; …`.
fn gains(workers: u32, rows: &[&ScenarioRow]) -> String {
    let gain = |row: &&ScenarioRow| {
        let over = |than| row.gain(rows.iter().copied(), than);
        let pinned = (row.affinity != "pinned").then(|| over("pinned")).flatten();
        let beside = pinned.map_or_else(String::new, |gain| format!(" ({gain:.2} × of pinned)"));
        Some(format!("{} {:.2} ×{beside}", row.affinity, over("")?))
    };
    let gains: Vec<_> =
        rows.iter().filter(|row| !row.affinity.is_empty()).filter_map(gain).collect();
    format!(
        "{}, of the operations of the shared map: {}. “Routed” threads get the keys of their own shards only, sorted out before \
         the clock starts; “owned” shards are worked on without locks. A sharded map in Go gained \
         {GO_AFFINITY_GAIN} × by affinity.",
        name_of(workers),
        gains.join("; ")
    )
}

/// `1 worker`, `50 workers`.
fn name_of(workers: u32) -> String {
    if workers == 1 { "1 worker".into() } else { format!("{workers} workers") }
}

/// Operations per second: `1.20 M/s`.
fn per_second(ops: f64) -> String {
    match ops {
        ops if ops >= 1e6 => format!("{} M/s", figure(ops / 1e6)),
        ops if ops >= 1e3 => format!("{} K/s", figure(ops / 1e3)),
        ops => format!("{}/s", figure(ops)),
    }
}

fn columns(results: &Results, rows: &[&ScenarioRow]) -> Table {
    type Member<'r> = &'r ScenarioRow;
    let ns = |value: Option<u64>| value.map(|ns| ns as f64);
    let columns = [
        Column::new("operations", Good::High, per_second, |row: &Member<'_>| {
            Some(row.ops_per_second)
        }),
        Column::new("mean", Good::Low, nanoseconds, |row: &Member<'_>| {
            (row.samples > 0).then_some(row.mean_ns)
        }),
        Column::new("write 50 %", Good::Low, nanoseconds, move |row: &Member<'_>| {
            ns(row.write_p50_ns)
        }),
        Column::new("write 99 %", Good::Low, nanoseconds, move |row: &Member<'_>| {
            ns(row.write_p99_ns)
        }),
        Column::new("waiting", Good::Low, percent, |row: &Member<'_>| row.waiting),
        Column::new("blocked writes", Good::Low, percent, |row: &Member<'_>| row.blocked_writes),
        Column::new("allocations per op", Good::Low, figure, |row: &Member<'_>| row.allocations),
        Column::new("cache misses", Good::Low, percent, |row: &Member<'_>| row.cache_miss),
    ];
    table(results, rows, |row| (row.contender.clone(), row.affinity.clone()), &columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_table_for_each_number_of_workers() {
        let section = section(&sample()).expect("the sample has scenarios");
        let part = &section.parts[0];
        assert_eq!(part.tables[0].caption, "2 workers");
        assert!(part.tables[0].rows.iter().any(|row| row.head == "map-rwlock"));
        assert!(part.words.iter().any(|words| words.contains("most operations: `")));
    }

    #[test]
    fn affinity_is_compared_with_its_own_map_only() {
        let mut results = sample();
        let shared = results.scenarios[0].clone();
        for (affinity, ops) in [("pinned", 4e6), ("pinned, owned", 6e6)] {
            let affinity = affinity.to_owned();
            results.scenarios.push(ScenarioRow { affinity, ops_per_second: ops, ..shared.clone() });
        }
        let section = section(&results).expect("the sample has scenarios");
        let part = &section.parts[0];
        let heads =
            |table: &Table| table.rows.iter().map(|row| row.head.clone()).collect::<Vec<_>>();
        assert!(heads(&part.tables[0]).iter().all(|head| !head.contains("pinned")));
        let own = part.tables.last().expect("two tables");
        let names = ["", ", pinned", ", pinned, owned"].map(|beside| format!("map-rwlock{beside}"));
        assert_eq!(heads(own), names);
        let words = part.words.last().expect("words");
        assert!(
            words.contains("pinned 1.33 ×; pinned, owned 2.00 × (1.50 × of pinned)."),
            "{words}"
        );
    }
}

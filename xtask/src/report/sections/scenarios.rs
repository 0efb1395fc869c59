//! Production situations with the columns that describe them.

use atlas_bench_data::{Results, ScenarioRow};

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
    let by_workers = grouped(rows.iter().copied(), |row| row.workers);
    for (workers, of_it) in &by_workers {
        let values = of_it.iter().map(|row| (row.contender.clone(), row.ops_per_second));
        let best = format!("{}, most operations", name_of(*workers));
        words.extend(ranking(results, &best, "fewest", Good::High, per_second, values));
    }
    let tables = by_workers
        .iter()
        .map(|(workers, of_it)| Table { caption: name_of(*workers), ..columns(results, of_it) });
    Part { title: scenario.into(), words, tables: tables.collect(), ..Part::default() }
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
    table(results, rows, |row| (row.contender.clone(), String::new()), &columns)
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
}

//! One described workload on all maps.

use atlas_bench_data::{ChoiceRow, Results, median};

use crate::report::format::{figure, nanoseconds, percent, threads};
use crate::report::section::{Column, Good, Part, Section, ranking, table};

pub(super) fn section(results: &Results) -> Option<Section> {
    let choice = results.choice.as_ref()?;
    type Member<'r> = &'r ChoiceRow;
    let maps: Vec<Member<'_>> = choice.maps.iter().collect();
    let columns = [
        Column::new("M/s", Good::High, figure, |row: &Member<'_>| Some(median(&row.mops))),
        Column::new("50 %", Good::Low, nanoseconds, |row: &Member<'_>| Some(row.p50_ns as f64)),
        Column::new("99 %", Good::Low, nanoseconds, |row: &Member<'_>| Some(row.p99_ns as f64)),
        Column::new("99.9 %", Good::Low, nanoseconds, |row: &Member<'_>| Some(row.p999_ns as f64)),
        Column::new("bytes per entry", Good::Low, figure, |row: &Member<'_>| {
            Some(row.bytes_per_entry)
        }),
    ];
    let rates = maps.iter().map(|row| (row.contender.clone(), median(&row.mops)));
    let show = |rate| format!("{} M/s", figure(rate));
    let mut words = vec![format!(
        "{}; {} of the operations write.",
        threads(choice.threads),
        percent(choice.writes)
    )];
    words.extend(ranking(results, "Fastest", "slowest", Good::High, show, rates));
    let head = |row: &Member<'_>| (row.contender.clone(), String::new());
    let tables = vec![table(results, &maps, head, &columns)];
    Some(Section {
        id: "choice",
        title: "Your workload",
        about: choice.workload.clone(),
        parts: vec![Part { words, tables, ..Part::default() }],
    })
}

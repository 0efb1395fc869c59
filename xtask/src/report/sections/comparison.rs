//! This run against an earlier one.

use atlas_bench_data::Results;

use crate::compare::{Change, Comparison, Measure, Row as Compared};
use crate::report::chart::style;
use crate::report::format::{date, figure, nanoseconds, ratio};
use crate::report::section::{Figure, Part, Row, Section, Table, number, words};

/// The section of a comparison.
pub fn section(results: &Results, comparison: &Comparison) -> Section {
    let mut texts = vec![comparison.headline()];
    texts.extend(comparison.notes.iter().cloned());
    let contenders = comparison.by_contender().into_iter().map(|(id, mean, better, worse)| Row {
        head: id.into(),
        class: style(results, id).0,
        figures: vec![number(ratio(mean)), number(better.to_string()), number(worse.to_string())],
    });
    let by_contender = Table {
        caption:
            "Each map: its speed in the geometric mean over all cells, and its cells with a change"
                .into(),
        folded: false,
        columns: ["Map", "speed", "better", "worse"].map(Into::into).into(),
        rows: contenders.collect(),
    };
    let cells = |caption: &str, folded, rows: Vec<&Compared>| Table {
        caption: caption.into(),
        folded,
        columns: ["Cell", "Map", "before", "now", "ratio", "verdict"].map(Into::into).into(),
        rows: rows.into_iter().map(|row| line(results, row)).collect(),
    };
    let changed = comparison.changed();
    let mut tables = vec![by_contender];
    if !changed.is_empty() {
        tables.push(cells("Cells with a change, the largest first", false, changed));
    }
    tables.push(cells("Every cell", true, comparison.rows.iter().collect()));
    Section {
        id: "comparison",
        title: "Against an earlier run",
        about: format!(
            "Compared with the run of {} stored as `{}`. A ratio above 1 is better now. Its interval comes from \
             a bootstrap over the rounds of both runs, at 99 %; a cell counts as changed only if the whole \
             interval lies more than 3 % away from 1. The rounds are few, and what two runs differ by as \
             a whole (memory layout, clock speed) is in no interval: repeat a run before you act on it.",
            date(comparison.unix_time),
            comparison.with
        ),
        parts: vec![Part { words: texts, tables, ..Part::default() }],
    }
}

fn line(results: &Results, row: &Compared) -> Row {
    let show = |value: f64| match row.measure {
        Measure::Throughput => format!("{} M/s", figure(value)),
        Measure::Time => nanoseconds(value),
        Measure::Memory => format!("{} B", figure(value)),
        Measure::Instructions => figure(value),
    };
    let verdict = Figure { best: row.change == Change::Better, ..words(row.words()) };
    let detail = format!("{} to {}", figure(row.low), figure(row.high));
    Row {
        head: row.cell.clone(),
        class: style(results, &row.contender).0,
        figures: vec![
            words(&row.contender),
            number(show(row.before)),
            number(show(row.after)),
            Figure { detail, ..number(ratio(row.ratio)) },
            verdict,
        ],
    }
}

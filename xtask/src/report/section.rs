//! What a part of the report consists of, whatever was measured: words, charts, tables.
//!
//! Each module below `sections` makes one [`Section`] of the results, or none if nothing of the kind
//! was measured. The page and the documents arrange them without knowing what they are about.

use atlas_bench_data::{ContenderKind, Results};
use serde::Serialize;

use super::analysis::kind;
use super::chart;

/// A section of the report.
#[derive(Default, Serialize)]
pub struct Section {
    /// The anchor.
    pub id: &'static str,
    /// The heading.
    pub title: &'static str,
    /// How to read it: what the figures are, and which direction is good.
    pub about: String,
    /// Its parts.
    pub parts: Vec<Part>,
}

/// Charts and tables that belong together.
#[derive(Default, Serialize)]
pub struct Part {
    /// The heading; empty if the section has only one part.
    pub title: String,
    /// Winners and losers, and what else is to be said. Ids stand in backticks.
    pub words: Vec<String>,
    /// SVG drawings.
    pub charts: Vec<String>,
    /// Whether the charts are small and many.
    pub small: bool,
    /// Tables, each after its caption; a folded one is shown on demand.
    pub tables: Vec<Table>,
}

/// A table.
#[derive(Default, Serialize)]
pub struct Table {
    /// What it holds; may be empty.
    pub caption: String,
    /// Whether it is shown only on demand, and left out of the documents.
    pub folded: bool,
    /// The headings, that of the first column among them.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A row.
#[derive(Serialize)]
pub struct Row {
    /// The first column.
    pub head: String,
    /// The contender's look, or empty.
    pub class: String,
    /// The other columns.
    pub figures: Vec<Figure>,
}

/// A cell of a table.
#[derive(Clone, Default, Serialize)]
pub struct Figure {
    /// What is shown.
    pub text: String,
    /// What is added in small letters.
    pub detail: String,
    /// Whether it is the best of its column.
    pub best: bool,
    /// Whether it is words and not a number.
    pub words: bool,
}

/// Which figures of a column are good.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Good {
    /// The highest.
    High,
    /// The lowest.
    Low,
    /// Nothing is marked.
    Neither,
}

/// Takes the figure of a row.
type Value<'a, T> = Box<dyn Fn(&T) -> Option<f64> + 'a>;

/// A column of a table of contenders: its heading, how its figures are shown and which is best.
pub struct Column<'a, T> {
    /// The heading.
    pub title: String,
    /// Which figures are good.
    pub good: Good,
    /// The figure of a row; `None` leaves the cell empty.
    pub value: Value<'a, T>,
    /// How a figure is shown.
    pub show: fn(f64) -> String,
}

impl<'a, T> Column<'a, T> {
    /// A column.
    pub fn new(
        title: impl Into<String>,
        good: Good,
        show: fn(f64) -> String,
        value: impl Fn(&T) -> Option<f64> + 'a,
    ) -> Self {
        Self { title: title.into(), good, value: Box::new(value), show }
    }
}

/// Text in a cell.
pub fn words(text: impl Into<String>) -> Figure {
    Figure { text: text.into(), words: true, ..Figure::default() }
}

/// A number in a cell.
pub fn number(text: impl Into<String>) -> Figure {
    Figure { text: text.into(), ..Figure::default() }
}

/// A table with a row for each item. `head` gives an item's contender and what is written beside its
/// name. Columns without any figure are left out; the best of each column is marked, but not the
/// limit, which is no map to choose.
pub fn table<T>(
    results: &Results,
    items: &[T],
    head: impl Fn(&T) -> (String, String),
    columns: &[Column<'_, T>],
) -> Table {
    let shown: Vec<_> =
        columns.iter().filter(|c| items.iter().any(|item| (c.value)(item).is_some())).collect();
    let ids: Vec<_> = items.iter().map(&head).collect();
    let competes = |at: usize| kind(results, &ids[at].0) != ContenderKind::Limit;
    let bests: Vec<_> = shown
        .iter()
        .map(|column| {
            let values = items.iter().enumerate().filter(|(at, _)| competes(*at));
            let values: Vec<_> = values.filter_map(|(_, item)| (column.value)(item)).collect();
            // Where all are equal, none is best.
            let differ = values.iter().any(|value| *value != values[0]);
            let values = values.into_iter().filter(|_| differ);
            match column.good {
                Good::High => values.reduce(f64::max),
                Good::Low => values.reduce(f64::min),
                Good::Neither => None,
            }
        })
        .collect();
    let rows = items.iter().enumerate().map(|(at, item)| {
        let (id, beside) = &ids[at];
        let figures = shown.iter().zip(&bests).map(|(column, best)| {
            (column.value)(item).map_or_else(Figure::default, |value| Figure {
                best: competes(at) && *best == Some(value),
                ..number((column.show)(value))
            })
        });
        Row {
            class: chart::style(results, id).0,
            figures: figures.collect(),
            head: if beside.is_empty() { id.clone() } else { format!("{id}, {beside}") },
        }
    });
    let titles = shown.iter().map(|column| column.title.clone());
    Table {
        columns: std::iter::once("Map".to_owned()).chain(titles).collect(),
        rows: rows.collect(),
        ..Table::default()
    }
}

/// Who is best and who is worst, in words: `Shortest 99.9 %: `a` (1 µs), then `b` (2 µs); longest: …`.
pub fn ranking(
    results: &Results,
    best: &str,
    worst: &str,
    good: Good,
    show: impl Fn(f64) -> String,
    values: impl IntoIterator<Item = (String, f64)>,
) -> Option<String> {
    let mut values: Vec<_> = values
        .into_iter()
        .filter(|(id, value)| value.is_finite() && kind(results, id) != ContenderKind::Limit)
        .collect();
    values.sort_by(|a, b| a.1.total_cmp(&b.1));
    if good == Good::High {
        values.reverse();
    }
    let say = |(id, value): &(String, f64)| format!("`{id}` ({})", show(*value));
    let mut text = format!("{best}: {}", say(values.first()?));
    if values.len() > 2 {
        text += &format!(", then {}", say(&values[1]));
    }
    if values.len() > 1 {
        text += &format!("; {worst}: {}", say(&values[values.len() - 1]));
    }
    Some(text + ".")
}

/// Puts items with equal keys together, in the order in which the keys are first met.
pub fn grouped<T, K: PartialEq>(
    items: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> K,
) -> Vec<(K, Vec<T>)> {
    let mut groups: Vec<(K, Vec<T>)> = Vec::new();
    for item in items {
        let key = key(&item);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, members)) => members.push(item),
            None => groups.push((key, vec![item])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::format::figure;
    use crate::report::sample;

    #[test]
    fn the_best_is_marked_and_the_limit_is_not() {
        let results = sample();
        let items = [("map-rwlock", 1.0), ("plain", 0.5), ("dashmap", 2.0)];
        let low = Column::new("time", Good::Low, figure, |item: &(&str, f64)| Some(item.1));
        let none = Column::new("none", Good::Low, figure, |_: &(&str, f64)| None);
        let head = |item: &(&str, f64)| (item.0.to_owned(), String::new());
        let table = table(&results, &items, head, &[low, none]);
        assert_eq!(table.columns, ["Map", "time"]);
        let best: Vec<_> = table.rows.iter().map(|row| row.figures[0].best).collect();
        assert_eq!(best, [true, false, false]);
    }

    #[test]
    fn rankings_name_both_ends() {
        let results = sample();
        let values = [("b".to_owned(), 2.0), ("plain".to_owned(), 0.1), ("a".to_owned(), 1.0)];
        let text = ranking(&results, "Shortest", "longest", Good::Low, figure, values);
        assert_eq!(text.as_deref(), Some("Shortest: `a` (1.00); longest: `b` (2.00)."));
        assert_eq!(ranking(&results, "", "", Good::Low, figure, []), None);
    }

    #[test]
    fn groups_keep_their_order() {
        let groups = grouped([3, 1, 13, 21], |n| n % 10);
        assert_eq!(groups, [(3, vec![3, 13]), (1, vec![1, 21])]);
    }
}

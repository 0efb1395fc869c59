//! The tables as a document. Rows that are the same are one row, maps that are the same one table.

use std::fmt::Write;

use crate::cell::{Outcome, Relation};
use crate::crossing;
use crate::lists::Kind;
use crate::{Across, Measured, Row, Table};

const HEAD: &str = "# Re-entrance

What the user's code may call while a map runs it: the closures of the operations, and the `Hash`, `Eq`, `Clone` and
`Drop` of keys and values. Measured, not written: every place with every operation, on the same key, on another with the
same hash, and on another whose hash differs in each bit, each pair on a map of its own under a time limit.

```console
cargo xtask verify reentrancy            # measures, and compares with this page
cargo xtask verify reentrancy --write    # writes this page
```

* **works**: both calls return, with results and a map that one of the two orders explains.
* **refused**: the inner call panics and names the map and both operations; nothing has been locked or changed; the outer call
  goes on if the panic is caught.
* **–**: the map never runs the user's code there.

A pair that hangs, answers otherwise, or panics in another way fails the layer; so does one that breaks what the map says of
itself in `Guarantees::reentrancy`. A pin counts as its map.

";

const TWO_MAPS: &str = "
## Two threads and two maps

One thread is in the code of one map and calls the other map, a second thread the other way round; each waits inside
its code until the other is inside, too. Where the code runs under a lock, these are two locks taken in two orders: the
program's own matter, as with any two locks, which no map sees. Such threads may wait for each other for ever. Call one map
from inside another in one order only, or from a place that is outside the locks, where all works.

";

const ONE_MAP: &str = "
## Two threads and one map

Each thread is in its code, for one of two keys whose hashes differ in each bit, and calls the map for the other one's key.
If the map lets both in, they wait for each other inside. Nothing here may wait for ever.

";

/// A table with merged rows: names of the rows, and their cells.
type Merged = Vec<(Vec<&'static str>, Vec<String>)>;

fn merge(rows: impl Iterator<Item = (&'static str, Vec<String>)>) -> Merged {
    let mut merged = Merged::new();
    for (name, cells) in rows {
        match merged.iter_mut().find(|(_, known)| *known == cells) {
            Some((names, _)) => names.push(name),
            None => merged.push((vec![name], cells)),
        }
    }
    merged
}

fn word(outcomes: &[Outcome]) -> String {
    let words = outcomes.iter().map(|outcome| match outcome {
        Outcome::Works => "works",
        Outcome::Refused => "refused",
        Outcome::Never => "–",
        Outcome::Hangs => "**waits for ever**",
        Outcome::Wrong(_) => "**wrong**",
    });
    words.collect::<Vec<_>>().join(" or ")
}

/// What became of one operation.
fn describe(measured: &Measured) -> String {
    let words = measured.outcomes.each_ref().map(|outcomes| word(outcomes));
    if words.iter().all(|other| *other == words[0]) {
        return words[0].clone();
    }
    let parts =
        Relation::ALL.iter().zip(&words).map(|(at, word)| format!("{}: {word}", at.words()));
    parts.collect::<Vec<_>>().join(", ")
}

/// What became of the operations of one kind: what most did, then the others.
fn column(row: &Row, kind: Kind) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for measured in row.cells.iter().filter(|measured| measured.kind == kind) {
        let description = describe(measured);
        match groups.iter_mut().find(|(known, _)| *known == description) {
            Some((_, names)) => names.push(measured.operation),
            None => groups.push((description, vec![measured.operation])),
        }
    }
    groups.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    let mut text = String::new();
    for (at, (description, names)) in groups.iter().enumerate() {
        if at > 0 {
            write!(text, "; `{}`: ", names.join("`, `")).expect("a string takes all");
        }
        text.push_str(description);
    }
    text
}

fn rows(table: &Table) -> Merged {
    merge(
        table.rows.iter().map(|row| (row.place, Kind::ALL.map(|kind| column(row, kind)).to_vec())),
    )
}

fn crossing_rows(rows: &[Across]) -> Merged {
    merge(
        rows.iter()
            .map(|row| (row.place, row.cells.iter().map(|(_, outcomes)| word(outcomes)).collect())),
    )
}

/// Adds a table for each group of maps that have the same one.
fn add_tables(
    page: &mut String,
    tables: &[Table],
    headings: &[&str],
    rows: impl Fn(&Table) -> Merged,
) {
    let mut groups: Vec<(Vec<&str>, Merged)> = Vec::new();
    for table in tables {
        let merged = rows(table);
        match groups.iter_mut().find(|(_, known)| *known == merged) {
            Some((titles, _)) => titles.push(table.title),
            None => groups.push((vec![table.title], merged)),
        }
    }
    for (titles, merged) in groups {
        let columns = headings.join(" | ");
        let rule = "|---".repeat(headings.len() + 1);
        write!(page, "**{}**\n\n| inside | {columns} |\n{rule}|\n", titles.join(", "))
            .expect("a string takes all");
        let most = merged.iter().map(|(names, _)| names.len()).max().unwrap_or(0);
        let (rest, named): (Merged, Merged) =
            merged.into_iter().partition(|(names, _)| names.len() == most);
        for (names, cells) in named.iter().chain(&rest) {
            let name = if rest.len() > 1 || names.len() < most {
                names.join("; ")
            } else if named.is_empty() {
                "every place".into()
            } else {
                "all other places".into()
            };
            writeln!(page, "| {name} | {} |", cells.join(" | ")).expect("a string takes all");
        }
        page.push('\n');
    }
}

/// The document.
pub fn document(tables: &[Table]) -> String {
    let mut page = HEAD.to_owned() + "The operations:\n\n";
    for kind in Kind::ALL {
        let all = tables.iter().flat_map(|table| &table.rows).flat_map(|row| &row.cells);
        let mut names = Vec::new();
        for measured in all.filter(|measured| measured.kind == kind) {
            if !names.contains(&measured.operation) {
                names.push(measured.operation);
            }
        }
        writeln!(page, "* {}: `{}`", kind.heading(), names.join("`, `"))
            .expect("a string takes all");
    }
    let places = tables.first().map(|table| table.rows.iter().map(|row| row.place));
    let places: Vec<_> = places.into_iter().flatten().collect();
    write!(page, "\nThe places: {}.\n", places.join("; ")).expect("a string takes all");
    page.push_str("\n## One thread\n\n");
    add_tables(&mut page, tables, &Kind::ALL.map(Kind::heading), rows);
    page.truncate(page.trim_end().len() + 1);
    let across = crossing::ACROSS.map(|name| format!("`{name}`"));
    let across: Vec<_> = across.iter().map(String::as_str).collect();
    page.push_str(ONE_MAP);
    add_tables(&mut page, tables, &across, |table| crossing_rows(&table.one_map));
    page.truncate(page.trim_end().len() + 1);
    page.push_str(TWO_MAPS);
    add_tables(&mut page, tables, &across, |table| crossing_rows(&table.two_maps));
    page.truncate(page.trim_end().len() + 1);
    page
}

/// How many pairs there are of each outcome.
pub fn summary(tables: &[Table]) -> String {
    let mut text = String::new();
    for table in tables {
        let cells = table.rows.iter().flat_map(|row| &row.cells);
        let cells = cells.flat_map(|measured| measured.outcomes.iter().flatten());
        let across = table.one_map.iter().chain(&table.two_maps);
        let across = across.flat_map(|row| row.cells.iter().flat_map(|(_, outcomes)| outcomes));
        let all: Vec<_> = cells.chain(across).collect();
        let of = |outcome: &Outcome| all.iter().filter(|other| **other == outcome).count();
        let bad = all.iter().filter(|outcome| matches!(outcome, Outcome::Wrong(_))).count();
        writeln!(
            text,
            "{:<32} {:>6} pairs: {:>5} work, {:>5} refused, {:>4} never run, {:>3} wait for ever, {bad} wrong",
            table.title,
            all.len(),
            of(&Outcome::Works),
            of(&Outcome::Refused),
            of(&Outcome::Never),
            of(&Outcome::Hangs),
        )
        .expect("a string takes all");
    }
    text
}

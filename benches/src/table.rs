//! The tables that the section programs print: names on the left, figures on the right.

use std::fmt::Display;

use comfy_table::{CellAlignment, Table};

/// A line between the names of the columns and the rows, and no other.
const PRESET: &str = "     ──            ";

/// A table under a line that says what it shows; the first column has names.
pub fn table<C: Display>(
    title: &str,
    columns: &[impl Display],
    rows: impl IntoIterator<Item = (String, Vec<C>)>,
) -> String {
    let mut table = Table::new();
    table.load_preset(PRESET);
    table.set_header([String::new()].into_iter().chain(columns.iter().map(ToString::to_string)));
    for (name, figures) in rows {
        table.add_row([name].into_iter().chain(figures.iter().map(ToString::to_string)));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("\n{title}\n{table}")
}

/// A figure with so many digits behind the point, or nothing.
pub fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or(String::new(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_on_the_right() {
        let text = table(
            "title",
            &["a", "b"],
            [("one".to_owned(), vec![figure(Some(2.0), 1), figure(None, 1)])],
        );
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        assert_eq!(lines[..2], ["", "title"]);
        assert!(lines[2].trim_start().starts_with('a') && lines[4].contains("one"), "{text}");
        assert_eq!(
            lines[2].find('a').map(|at| at + 1),
            lines[4].find("2.0").map(|at| at + 3),
            "{text}"
        );
    }
}

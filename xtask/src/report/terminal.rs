//! The short form that is printed when a run ends.

use atlas_bench_data::{ContenderKind, Results};
use comfy_table::{CellAlignment, Table};

use crate::compare::Comparison;

use super::analysis::{Analysis, Verdict};
use super::format::{figure, nanoseconds, ratio, ratio_or_dash};
use super::{advice, sections, words};

/// How many changes are printed.
const MOST_CHANGES: usize = 20;
/// A line below the header and no other, in the notation of `comfy_table`.
const STYLE: &str = "     ──            ";

/// A table of winners at the summary's number of threads, and the summary in words.
pub fn terminal(results: &Results) -> String {
    let analysis = Analysis::new(results);
    let mut text = String::new();
    if !analysis.contests.is_empty() {
        text += &format!("{}\n\n", matrix(&analysis));
    }
    if !results.criterion.is_empty() {
        text += &format!("{}\n\n", criterion(results));
    }
    let sentences = words::headline(&analysis).into_iter().chain(advice::sentences(&analysis));
    for sentence in sentences.chain(goals(results)) {
        text += &(sentence.replace('`', "") + "\n");
    }
    text
}

/// How many goals are met.
fn goals(results: &Results) -> Option<String> {
    let [met, unmeasured, short] = sections::tally(results);
    let all = results.goals.len();
    (all > 0).then(|| {
        format!("Goals: {met} of {all} met, {short} fall short, {unmeasured} not measured.")
    })
}

/// A comparison: each map, the largest changes, the whole in a sentence.
pub fn comparison(comparison: &Comparison) -> String {
    let mut by_contender = table(&["map", "speed", "better", "worse"]);
    for (id, mean, better, worse) in comparison.by_contender() {
        by_contender.add_row([id, &ratio(mean), &better.to_string(), &worse.to_string()]);
    }
    align_right(&mut by_contender, &[1, 2, 3]);
    let mut text = format!("\n{by_contender}\n\n");
    let changed = comparison.changed();
    if !changed.is_empty() {
        let mut largest = table(&["changed cell", "map", "ratio", "from", "to", ""]);
        for row in changed.iter().take(MOST_CHANGES) {
            let [ratio, low, high] = [ratio(row.ratio), figure(row.low), figure(row.high)];
            largest.add_row([&row.cell, &row.contender, &ratio, &low, &high, row.words()]);
        }
        align_right(&mut largest, &[2, 3, 4]);
        text += &format!("{largest}\n\n");
        if changed.len() > MOST_CHANGES {
            text += &format!("{} more are in the report.\n", changed.len() - MOST_CHANGES);
        }
    }
    for sentence in std::iter::once(&comparison.headline()).chain(&comparison.notes) {
        text += &(sentence.replace('`', "") + "\n");
    }
    text
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(STYLE).set_header(header);
    table
}

fn matrix(analysis: &Analysis<'_>) -> Table {
    let mut table = table(&["workload", "best of ours", "M/s", "best peer", "M/s", "ratio", ""]);
    for contest in analysis.summary() {
        let of = |kind| match contest.best(kind) {
            Some(entrant) => [entrant.id.to_owned(), figure(entrant.median)],
            None => ["–".into(), "–".into()],
        };
        let ([ours, ours_rate], [peer, peer_rate]) =
            (of(ContenderKind::Ours), of(ContenderKind::Peer));
        let verdict = match contest.verdict() {
            Verdict::Ahead => "ahead",
            Verdict::Level => "level",
            Verdict::Behind => "behind",
            Verdict::Alone => "",
        };
        let ratio = ratio_or_dash(contest.ratio());
        let name = words::name(contest);
        table.add_row([name, ours, ours_rate, peer, peer_rate, ratio, verdict.into()]);
    }
    align_right(&mut table, &[2, 4, 5]);
    table
}

fn criterion(results: &Results) -> Table {
    let mut table = table(&["criterion group", "param", "fastest", "time", "slowest", "time"]);
    let mut lines: Vec<_> =
        results.criterion.iter().map(|cell| (&cell.group, &cell.parameter)).collect();
    lines.sort();
    lines.dedup();
    for (group, parameter) in lines {
        let limit = |id: &str| super::analysis::kind(results, id) == ContenderKind::Limit;
        let mut cells: Vec<_> = results
            .criterion
            .iter()
            .filter(|cell| (&cell.group, &cell.parameter) == (group, parameter))
            .filter(|cell| !limit(&cell.contender))
            .collect();
        cells.sort_by(|a, b| a.median_ns.total_cmp(&b.median_ns));
        if let [first, .., last] = cells[..] {
            table.add_row([
                group,
                parameter,
                &first.contender,
                &nanoseconds(first.median_ns),
                &last.contender,
                &nanoseconds(last.median_ns),
            ]);
        }
    }
    align_right(&mut table, &[3, 5]);
    table
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for &column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn fits_a_terminal_and_names_winners() {
        let text = terminal(&sample());
        assert!(text.contains("map-caslist") && text.contains("3.33 ×") && text.contains("behind"));
        let table = text.split("\n\n").next().expect("a table");
        assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
        assert!(terminal(&Results::default()).is_empty());
    }
}

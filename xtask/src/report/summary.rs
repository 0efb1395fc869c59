//! The summary chart: each of our maps against the best peer, workload by workload.

use std::fmt::Write;

use atlas_bench_data::{ContenderKind, Results};

use super::analysis::Analysis;
use super::beside::beside;
use super::chart::{escape, mark, open, style};
use super::format::{date, threads};
use super::words;

const WIDTH: f64 = 760.0;
const LABEL: f64 = 226.0;
const RIGHT: f64 = 112.0;
const TOP: f64 = 76.0;
const ROW: f64 = 24.0;
/// The scale's marks; the chart shows the range that the data needs.
const TICKS: [f64; 17] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0,
    1000.0,
];
/// Above this range only powers of ten have room.
const WIDE: f64 = 300.0;

/// The chart as a file of its own, with its colours.
pub fn summary_svg(results: &Results) -> String {
    let analysis = Analysis::new(results);
    let styles = format!("<style>\n{}</style>", include_str!("charts.css"));
    let chart = draw(&analysis);
    match chart.split_once('>') {
        Some((head, rest)) => format!(
            "{head} font-family=\"system-ui, sans-serif\">{styles}<rect class=\"ground\" width=\"100%\" height=\"100%\" rx=\"8\"/>{rest}\n"
        ),
        None => chart,
    }
}

/// One line of the chart.
struct Line {
    label: String,
    /// The best peer.
    peer: String,
    /// Each of our maps with how many times as good as the best peer it is, best first.
    ours: Vec<(String, f64)>,
}

/// Throughput first, then what decides beside it.
fn rows(analysis: &Analysis<'_>) -> Vec<Line> {
    let results = analysis.results;
    let throughput = analysis.summary().filter_map(|contest| {
        let peer = contest.best(ContenderKind::Peer)?;
        let ours = contest.entrants.iter().filter(|e| e.kind == ContenderKind::Ours);
        Some(Line {
            label: words::name(contest),
            peer: peer.id.into(),
            ours: ours.map(|e| (e.id.to_owned(), e.over(peer))).collect(),
        })
    });
    let measured = beside(results);
    let others = measured.iter().filter_map(|measured| {
        let (peer, best) = measured.best_peer(results)?;
        let ours = analysis.ours().into_iter();
        let mut ours: Vec<_> =
            ours.filter_map(|id| Some((id.to_owned(), best / measured.of(id)?))).collect();
        ours.sort_by(|a, b| b.1.total_cmp(&a.1));
        Some(Line { label: measured.name.into(), peer: peer.into(), ours })
    });
    let rows = throughput.chain(others).map(|mut row| {
        row.ours.retain(|(_, ratio)| ratio.is_finite() && *ratio > 0.0);
        row
    });
    rows.filter(|row| !row.ours.is_empty()).collect()
}

/// The chart for a page that has the colours.
pub fn draw(analysis: &Analysis<'_>) -> String {
    let results = analysis.results;
    let rows = rows(analysis);
    let bottom = TOP + ROW * rows.len() as f64;
    let mut svg = open(WIDTH, bottom + 34.0, "Each of our maps against the best peer");
    title(&mut svg, analysis);

    let ratios = || rows.iter().flat_map(|row| row.ours.iter().map(|(_, ratio)| *ratio));
    let least = ratios().fold(0.5, f64::min) / 1.08;
    let most = ratios().fold(2.0, f64::max) * 1.08;
    let x_of = |ratio: f64| {
        let share = (ratio.clamp(least, most) / least).ln() / (most / least).ln();
        LABEL + share * (WIDTH - LABEL - RIGHT)
    };
    let fits = |tick: &f64| most / least < WIDE || tick.log10().fract().abs() < 1e-9;
    for tick in TICKS.into_iter().filter(|tick| (least..=most).contains(tick) && fits(tick)) {
        let class = if tick == 1.0 { "unity" } else { "grid" };
        let x = x_of(tick);
        let _ = write!(
            svg,
            r#"<path class="{class}" d="M{x:.1} {:.0}V{bottom:.0}"/><text class="tick" x="{x:.1}" y="{:.0}" text-anchor="middle">{tick} ×</text>"#,
            TOP - 4.0,
            bottom + 16.0
        );
    }
    for (at, row) in rows.iter().enumerate() {
        let y = TOP + ROW * at as f64 + ROW / 2.0;
        let _ = write!(
            svg,
            r#"<text class="label" x="{:.0}" y="{:.1}" text-anchor="end">{}</text><path class="grid" d="M{LABEL} {y:.1}H{:.1}"/><text class="tick" x="{:.1}" y="{:.1}">{}</text>"#,
            LABEL - 10.0,
            y + 4.0,
            escape(&shortened(&row.label)),
            WIDTH - RIGHT,
            WIDTH - RIGHT + 10.0,
            y + 4.0,
            escape(&row.peer)
        );
        for (id, ratio) in row.ours.iter().rev() {
            let (class, shape) = style(results, id);
            let _ = write!(
                svg,
                r#"<g class="c {class}" data-c="{}">{}</g>"#,
                escape(id),
                mark(shape, x_of(*ratio), y, 5.5)
            );
        }
    }
    svg + "</svg>"
}

/// The text, cut to the room that labels have.
fn shortened(text: &str) -> String {
    const MOST: usize = 33;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST - 1).chain(['…']).collect()
}

/// What is shown, where it was measured, and the legend.
fn title(svg: &mut String, analysis: &Analysis<'_>) {
    let machine = &analysis.results.machine;
    let _ = write!(
        svg,
        r#"<text class="title" x="16" y="24">Against the best peer = 1: throughput with {}, and what decides beside it</text><text class="tick" x="16" y="41">{}, {}. Logarithmic; right is better. The best peer of each row is named.</text>"#,
        threads(analysis.threads),
        escape(&machine.cpu),
        date(machine.unix_time)
    );
    let mut x = 20.0;
    for id in analysis.ours() {
        let (class, shape) = style(analysis.results, id);
        let _ = write!(
            svg,
            r#"<g class="c {class}" data-c="{0}">{1}<text class="label" x="{2:.0}" y="62">{0}</text></g>"#,
            escape(id),
            mark(shape, x, 58.0, 5.5),
            x + 10.0
        );
        x += 34.0 + 7.2 * id.chars().count() as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_mark_for_each_of_ours_in_each_row() {
        let results = sample();
        let svg = summary_svg(&results);
        // Two maps: once in the legend and once in each row, four of throughput and four others.
        assert_eq!(svg.matches("<g ").count(), 2 * 9);
        assert!(svg.contains("memory per entry"));
        assert!(svg.contains("<style>") && !svg.contains("NaN"));
    }

    #[test]
    fn no_peers_no_rows() {
        let mut results = sample();
        results.contenders.retain(|known| known.kind == ContenderKind::Ours);
        results.matrix.retain(|cell| cell.contender.starts_with("map-"));
        assert!(!summary_svg(&results).contains("NaN"));
    }
}

//! The summary chart: each of our maps against the best peer, workload by workload.

use std::fmt::Write;

use atlas_bench_data::{ContenderKind, Results};

use super::analysis::{Analysis, Contest};
use super::chart::{escape, mark, open, style};
use super::format::{date, threads};
use super::words;

const WIDTH: f64 = 760.0;
const LABEL: f64 = 226.0;
const RIGHT: f64 = 112.0;
const TOP: f64 = 76.0;
const ROW: f64 = 24.0;
/// The scale's marks; the chart shows the range that the data needs.
const TICKS: [f64; 13] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];

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

/// The chart for a page that has the colours.
pub fn draw(analysis: &Analysis<'_>) -> String {
    let results = analysis.results;
    let rows: Vec<(&Contest<'_>, f64)> = analysis
        .summary()
        .filter(|contest| contest.best(ContenderKind::Ours).is_some())
        .filter_map(|contest| Some((contest, contest.best(ContenderKind::Peer)?.median)))
        .collect();
    let height = TOP + ROW * rows.len() as f64 + 34.0;
    let mut svg = open(WIDTH, height, "Each of our maps against the best peer, by workload");
    title(&mut svg, analysis);

    let ratios = || {
        let of_row = |(contest, peer): &(&Contest<'_>, f64)| {
            let ours = contest.entrants.iter().filter(|e| e.kind == ContenderKind::Ours);
            ours.map(|e| e.median / peer).collect::<Vec<_>>()
        };
        rows.iter().flat_map(of_row).filter(|ratio| ratio.is_finite() && *ratio > 0.0)
    };
    let least = ratios().fold(0.5, f64::min) / 1.08;
    let most = ratios().fold(2.0, f64::max) * 1.08;
    let x_of = |ratio: f64| {
        let share = (ratio.clamp(least, most) / least).ln() / (most / least).ln();
        LABEL + share * (WIDTH - LABEL - RIGHT)
    };
    let bottom = TOP + ROW * rows.len() as f64;
    for tick in TICKS.into_iter().filter(|tick| (least..=most).contains(tick)) {
        let class = if tick == 1.0 { "unity" } else { "grid" };
        let x = x_of(tick);
        let _ = write!(
            svg,
            r#"<path class="{class}" d="M{x:.1} {:.0}V{bottom:.0}"/><text class="tick" x="{x:.1}" y="{:.0}" text-anchor="middle">{tick} ×</text>"#,
            TOP - 4.0,
            bottom + 16.0
        );
    }
    for (at, (contest, peer)) in rows.iter().enumerate() {
        let y = TOP + ROW * at as f64 + ROW / 2.0;
        let best = contest.best(ContenderKind::Peer).map_or("", |entrant| entrant.id);
        let _ = write!(
            svg,
            r#"<text class="label" x="{:.0}" y="{:.1}" text-anchor="end">{}</text><path class="grid" d="M{LABEL} {y:.1}H{:.1}"/><text class="tick" x="{:.1}" y="{:.1}">{}</text>"#,
            LABEL - 10.0,
            y + 4.0,
            escape(&shortened(&words::name(contest))),
            WIDTH - RIGHT,
            WIDTH - RIGHT + 10.0,
            y + 4.0,
            escape(best)
        );
        for entrant in contest.entrants.iter().filter(|e| e.kind == ContenderKind::Ours).rev() {
            let (class, shape) = style(results, entrant.id);
            let _ = write!(
                svg,
                r#"<g class="c {class}" data-c="{}">{}</g>"#,
                escape(entrant.id),
                mark(shape, x_of(entrant.median / peer), y, 5.5)
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
        r#"<text class="title" x="16" y="24">Throughput against the best peer = 1, {}</text><text class="tick" x="16" y="41">{}, {}. Logarithmic; right is faster. The best peer of each row is named.</text>"#,
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
        // Two maps: once in the legend and once in each of four rows.
        assert_eq!(svg.matches("<g ").count(), 2 * 5);
        assert!(svg.contains("<style>") && !svg.contains("NaN"));
    }

    #[test]
    fn no_peers_no_rows() {
        let mut results = sample();
        results.matrix.retain(|cell| cell.contender.starts_with("map-"));
        assert!(!summary_svg(&results).contains("NaN"));
    }
}

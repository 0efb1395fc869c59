//! Charts as SVG text. Colours come from classes (`charts.css`), so that one drawing serves light
//! and dark. Our maps differ in colour and in the shape of their marks; peers are grey.

use std::fmt::Write;

use atlas_bench_data::{ContenderKind, Results};

use super::analysis::{Contest, kind};
use super::format::figure;

/// Width of a small chart; it is scaled to its place.
const WIDTH: f64 = 440.0;
/// How far apart labels of lines must stand.
const LABEL_STEP: f64 = 12.5;
/// How many colours and shapes there are for our maps.
const STYLES: usize = 6;

/// A contender's look: its class and, for ours, the number of its shape.
pub fn style(results: &Results, id: &str) -> (String, Option<usize>) {
    match kind(results, id) {
        ContenderKind::Peer => ("peer".into(), None),
        ContenderKind::Limit => ("limit".into(), None),
        ContenderKind::Ours => {
            let ours = results.contenders.iter().filter(|known| known.kind == ContenderKind::Ours);
            let place = ours.take_while(|known| known.id != id).count() % STYLES;
            (format!("ours-{place}"), Some(place))
        }
    }
}

/// Text that stands in markup.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A mark at a point: each of our maps has its shape, all others a small disc.
pub fn mark(shape: Option<usize>, x: f64, y: f64, radius: f64) -> String {
    let r = radius;
    let polygon = |points: &[(f64, f64)]| {
        let points: Vec<_> =
            points.iter().map(|(dx, dy)| format!("{:.1},{:.1}", x + dx * r, y + dy * r)).collect();
        format!(r#"<polygon points="{}"/>"#, points.join(" "))
    };
    match shape {
        Some(1) => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        Some(2) => polygon(&[(0.0, -1.2), (1.2, 0.0), (0.0, 1.2), (-1.2, 0.0)]),
        Some(3) => polygon(&[(0.0, -1.2), (1.1, 0.9), (-1.1, 0.9)]),
        Some(4) => polygon(&[(0.0, 1.2), (1.1, -0.9), (-1.1, -0.9)]),
        Some(5) => polygon(&[(-1.1, -0.5), (1.1, -0.5), (1.1, 0.5), (-1.1, 0.5)]),
        Some(_) => format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="{r:.1}"/>"#),
        None => format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="{:.1}"/>"#, r * 0.6),
    }
}

/// One bar.
pub struct Bar<'a> {
    /// The contender's id.
    pub id: &'a str,
    /// Its length.
    pub value: f64,
    /// The lowest and the highest round, if there were several.
    pub spread: Option<(f64, f64)>,
}

/// Horizontal bars from zero, in the given order.
pub fn bars(results: &Results, title: &str, bars: &[Bar<'_>]) -> String {
    const LABEL: f64 = 104.0;
    const ROW: f64 = 21.0;
    let height = ROW * bars.len() as f64 + 6.0;
    let largest = bars
        .iter()
        .map(|bar| bar.spread.map_or(bar.value, |(_, high)| bar.value.max(high)))
        .fold(f64::MIN_POSITIVE, f64::max);
    let scale = (WIDTH - LABEL - 52.0) / largest;
    let mut svg = open(WIDTH, height, title);
    for (row, bar) in bars.iter().enumerate() {
        let (class, _) = style(results, bar.id);
        let y = 3.0 + ROW * row as f64;
        let (middle, width) = (y + ROW / 2.0, (bar.value * scale).max(0.5));
        let id = escape(bar.id);
        let mut end = LABEL + width;
        let _ = write!(
            svg,
            r#"<g class="c {class}" data-c="{id}"><text class="label" x="{:.0}" y="{:.1}" text-anchor="end">{id}</text><rect x="{LABEL}" y="{:.1}" width="{width:.1}" height="{:.1}" rx="2"/>"#,
            LABEL - 7.0,
            middle + 4.0,
            y + 3.0,
            ROW - 6.0
        );
        if let Some((low, high)) = bar.spread {
            let (low, high) = (LABEL + low * scale, LABEL + high * scale);
            end = end.max(high);
            let _ = write!(
                svg,
                r#"<path class="whisker" d="M{low:.1} {middle:.1}H{high:.1}M{low:.1} {0:.1}v6M{high:.1} {0:.1}v6"/>"#,
                middle - 3.0
            );
        }
        let _ = write!(
            svg,
            r#"<text class="value" x="{:.1}" y="{:.1}">{}</text></g>"#,
            end + 6.0,
            middle + 4.0,
            figure(bar.value)
        );
    }
    svg + "</svg>"
}

/// Throughput by threads on a logarithmic scale; `contests` differ only in threads.
pub fn lines(results: &Results, title: &str, contests: &[&Contest<'_>]) -> String {
    const LEFT: f64 = 36.0;
    const TOP: f64 = 10.0;
    const RIGHT: f64 = 108.0;
    const BOTTOM: f64 = 34.0;
    let ids = contenders(results, contests);
    let height = f64::max(210.0, LABEL_STEP * ids.len() as f64) + TOP + BOTTOM;
    let values = || {
        let all = contests.iter().flat_map(|contest| contest.maps());
        all.map(|entrant| entrant.median).filter(|median| *median > 0.0)
    };
    let least = values().fold(f64::MAX, f64::min).clamp(1e-6, 1e9);
    let decade = 10f64.powf(least.log10().floor());
    let lowest = decade * [5.0, 2.0, 1.0].into_iter().find(|f| decade * f <= least).unwrap_or(1.0);
    let highest = (values().fold(0.0, f64::max) * 1.1).max(lowest * 5.0);
    let y_of = |value: f64| {
        let share = (value.max(lowest) / lowest).ln() / (highest / lowest).ln();
        height - BOTTOM - share * (height - TOP - BOTTOM)
    };
    let step = (WIDTH - LEFT - RIGHT - 24.0) / (contests.len().max(2) - 1) as f64;
    let x_of = |at: usize| LEFT + 12.0 + step * at as f64;

    let mut svg = open(WIDTH, height, title);
    let mut decade = decade;
    while decade <= highest {
        for (factor, class) in [(1.0, "grid"), (2.0, "grid minor"), (5.0, "grid minor")] {
            let value = decade * factor;
            if (lowest..=highest).contains(&value) {
                let y = y_of(value);
                let _ = write!(
                    svg,
                    r#"<path class="{class}" d="M{LEFT} {y:.1}H{:.1}"/><text class="tick" x="{:.0}" y="{:.1}" text-anchor="end">{value}</text>"#,
                    WIDTH - RIGHT,
                    LEFT - 5.0,
                    y + 3.5
                );
            }
        }
        decade *= 10.0;
    }
    for (at, contest) in contests.iter().enumerate() {
        let _ = write!(
            svg,
            r#"<text class="tick" x="{:.1}" y="{:.0}" text-anchor="middle">{}</text>"#,
            x_of(at),
            height - BOTTOM + 15.0,
            contest.threads
        );
    }
    let _ = write!(
        svg,
        r#"<text class="tick" x="{:.0}" y="{:.0}" text-anchor="middle">threads</text>"#,
        (LEFT + WIDTH - RIGHT) / 2.0,
        height - 4.0
    );

    let mut drawn: Vec<(f64, String, String, &str)> = Vec::new();
    for id in ids {
        let points: Vec<(f64, f64)> = contests
            .iter()
            .enumerate()
            .filter_map(|(at, contest)| Some((x_of(at), y_of(contest.entrant(id)?.median))))
            .collect();
        let Some(&(_, last)) = points.last() else { continue };
        let (class, shape) = style(results, id);
        let path: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let marks: String = points.iter().map(|(x, y)| mark(shape, *x, *y, 4.0)).collect();
        let line = format!(r#"<polyline points="{}"/>{marks}"#, path.join(" "));
        drawn.push((last, class, line, id));
    }
    // Peers first, so that ours lie on top.
    let mut labels: Vec<f64> = drawn.iter().map(|(y, ..)| *y).collect();
    spread_labels(&mut labels, TOP, height - BOTTOM + 6.0);
    let mut order: Vec<usize> = (0..drawn.len()).collect();
    order.sort_by_key(|&at| drawn[at].1 != "peer");
    for at in order {
        let (y, class, line, id) = &drawn[at];
        let (label, edge) = (labels[at], x_of(contests.len() - 1));
        let id = escape(id);
        let _ = write!(
            svg,
            r#"<g class="c line {class}" data-c="{id}">{line}<path class="leader" d="M{:.1} {y:.1}L{:.1} {label:.1}"/><text class="label" x="{:.1}" y="{:.1}">{id}</text></g>"#,
            edge + 6.0,
            edge + 20.0,
            edge + 23.0,
            label + 4.0
        );
    }
    svg + "</svg>"
}

/// The contenders of some contests without the limit, in display order.
fn contenders<'r>(results: &'r Results, contests: &[&Contest<'_>]) -> Vec<&'r str> {
    let took_part =
        |id: &str| contests.iter().any(|contest| contest.maps().any(|entrant| entrant.id == id));
    results.contenders.iter().map(|known| known.id.as_str()).filter(|id| took_part(id)).collect()
}

/// Moves labels apart without changing their order, within the limits as far as they fit.
fn spread_labels(labels: &mut [f64], top: f64, bottom: f64) {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|&a, &b| labels[a].total_cmp(&labels[b]));
    let mut least = top;
    for &at in &order {
        labels[at] = labels[at].max(least);
        least = labels[at] + LABEL_STEP;
    }
    let mut most = bottom;
    for &at in order.iter().rev() {
        labels[at] = labels[at].min(most);
        most = labels[at] - LABEL_STEP;
    }
}

/// The opening of a drawing with a name for those who do not see it.
pub fn open(width: f64, height: f64, title: &str) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" role="img" aria-label="{}">"#,
        escape(title)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::analysis::Analysis;
    use crate::report::sample;

    #[test]
    fn labels_keep_their_order_and_distance() {
        let mut labels = [50.0, 51.0, 49.0, 200.0, 199.0];
        spread_labels(&mut labels, 10.0, 205.0);
        assert!(labels[2] < labels[0] && labels[0] < labels[1] && labels[4] < labels[3]);
        let mut sorted = labels;
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= LABEL_STEP - 1e-9));
        assert!(sorted[4] <= 205.0);
    }

    #[test]
    fn charts_are_balanced_markup_without_nonsense() {
        let results = sample();
        let analysis = Analysis::new(&results);
        let first = &analysis.contests[0];
        let same: Vec<_> =
            analysis.contests.iter().filter(|contest| contest.same_but_threads(first)).collect();
        let all: Vec<_> = first
            .entrants
            .iter()
            .map(|e| Bar { id: e.id, value: e.median, spread: Some((e.low, e.high)) })
            .collect();
        for svg in [bars(&results, "a < b", &all), lines(&results, "\"x\"", &same)] {
            assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count());
            assert!(svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"));
            assert!(svg.contains("ours-0") && svg.contains("ours-1") && svg.contains("peer"));
        }
    }
}

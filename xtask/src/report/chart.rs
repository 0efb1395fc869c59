//! Bars as SVG text, and what all drawings share. Colours come from classes (`charts.css`), so that one
//! drawing serves light, dark and paper. Our maps differ in colour and in the shape of their marks; peers
//! are grey. Why no library draws: see [`plot`](super::plot).

use std::fmt::Write;

use atlas_bench_data::{ContenderKind, Results};

use super::analysis::kind;
use super::format::figure;

/// Width of a small chart; it is scaled to its place.
pub const WIDTH: f64 = 440.0;
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
    fn charts_are_balanced_markup_without_nonsense() {
        let results = sample();
        let analysis = Analysis::new(&results);
        let first = &analysis.contests[0];
        let all: Vec<_> = first
            .entrants
            .iter()
            .map(|e| Bar { id: e.id, value: e.median, spread: Some((e.low, e.high)) })
            .collect();
        let svg = bars(&results, "a < \"b\"", &all);
        assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count());
        assert!(svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"));
        assert!(svg.contains("ours-0") && svg.contains("ours-1") && svg.contains("peer"));
    }
}

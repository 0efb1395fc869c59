//! Lines over categories on a logarithmic scale, and time-lines, as SVG text.
//!
//! Own code and no plotting library: a library that draws SVG (`plotters` among them) writes colours
//! and fonts into the drawing. These drawings take them from the page, so that one serves light, dark
//! and paper; every line bears its map's name at its end and as data, which makes a map one can
//! follow through all charts. What is left to draw for that is little.

use std::fmt::Write;

use atlas_bench_data::Results;

use super::chart::{WIDTH, escape, mark, open, style};

/// How far apart labels of lines must stand.
const LABEL_STEP: f64 = 12.5;

/// One contender's line.
pub struct Series<'a> {
    /// The contender's id.
    pub id: &'a str,
    /// Its value in each category, where it has one. What is not above zero is not drawn.
    pub values: Vec<Option<f64>>,
}

/// What the axes say.
pub struct Axes<'a> {
    /// What is shown, for those who do not see it.
    pub title: &'a str,
    /// The categories, from left to right.
    pub categories: Vec<String>,
    /// What they are.
    pub below: &'a str,
    /// How a value on the vertical axis is written.
    pub tick: fn(f64) -> String,
}

/// A line for each contender over categories, on a logarithmic scale.
pub fn lines(results: &Results, axes: &Axes<'_>, series: &[Series<'_>]) -> String {
    const LEFT: f64 = 52.0;
    const TOP: f64 = 10.0;
    const RIGHT: f64 = 108.0;
    const BOTTOM: f64 = 34.0;
    let drawn = |value: &Option<f64>| value.filter(|value| value.is_finite() && *value > 0.0);
    let values = || series.iter().flat_map(|line| line.values.iter().filter_map(drawn));
    let least = values().fold(f64::MAX, f64::min).clamp(1e-6, 1e12);
    let decade = 10f64.powf(least.log10().floor());
    let lowest = decade * [5.0, 2.0, 1.0].into_iter().find(|f| decade * f <= least).unwrap_or(1.0);
    let highest = (values().fold(0.0, f64::max) * 1.1).max(lowest * 5.0);
    let height = f64::max(210.0, LABEL_STEP * series.len() as f64) + TOP + BOTTOM;
    let y_of = |value: f64| {
        let share = (value.max(lowest) / lowest).ln() / (highest / lowest).ln();
        height - BOTTOM - share * (height - TOP - BOTTOM)
    };
    let step = (WIDTH - LEFT - RIGHT - 24.0) / (axes.categories.len().max(2) - 1) as f64;
    let x_of = |at: usize| LEFT + 12.0 + step * at as f64;

    let mut svg = open(WIDTH, height, axes.title);
    // Minor lines only while there is room for their labels.
    let factors: &[f64] = if highest / lowest > 3000.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let mut decade = decade;
    while decade <= highest {
        for factor in factors {
            let value = decade * factor;
            if (lowest..=highest).contains(&value) {
                let class = if *factor == 1.0 { "grid" } else { "grid minor" };
                let y = y_of(value);
                let _ = write!(
                    svg,
                    r#"<path class="{class}" d="M{LEFT} {y:.1}H{:.1}"/><text class="tick" x="{:.0}" y="{:.1}" text-anchor="end">{}</text>"#,
                    WIDTH - RIGHT,
                    LEFT - 5.0,
                    y + 3.5,
                    escape(&(axes.tick)(value))
                );
            }
        }
        decade *= 10.0;
    }
    for (at, category) in axes.categories.iter().enumerate() {
        let _ = write!(
            svg,
            r#"<text class="tick" x="{:.1}" y="{:.0}" text-anchor="middle">{}</text>"#,
            x_of(at),
            height - BOTTOM + 15.0,
            escape(category)
        );
    }
    let _ = write!(
        svg,
        r#"<text class="tick" x="{:.0}" y="{:.0}" text-anchor="middle">{}</text>"#,
        (LEFT + WIDTH - RIGHT) / 2.0,
        height - 4.0,
        escape(axes.below)
    );

    let mut ready: Vec<(f64, String, String, &str)> = Vec::new();
    for line in series {
        let points: Vec<(f64, f64)> = line
            .values
            .iter()
            .enumerate()
            .filter_map(|(at, value)| Some((x_of(at), y_of(drawn(value)?))))
            .collect();
        let Some(&(_, last)) = points.last() else { continue };
        let (class, shape) = style(results, line.id);
        let path: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let marks: String = points.iter().map(|(x, y)| mark(shape, *x, *y, 4.0)).collect();
        let drawing = format!(r#"<polyline points="{}"/>{marks}"#, path.join(" "));
        ready.push((last, class, drawing, line.id));
    }
    let mut labels: Vec<f64> = ready.iter().map(|(y, ..)| *y).collect();
    spread_labels(&mut labels, TOP, height - BOTTOM + 6.0);
    // Peers first, so that ours lie on top.
    let mut order: Vec<usize> = (0..ready.len()).collect();
    order.sort_by_key(|&at| ready[at].1 != "peer");
    let edge = x_of(axes.categories.len().max(1) - 1);
    for at in order {
        let (y, class, drawing, id) = &ready[at];
        let (label, id) = (labels[at], escape(id));
        let _ = write!(
            svg,
            r#"<g class="c line {class}" data-c="{id}">{drawing}<path class="leader" d="M{:.1} {y:.1}L{:.1} {label:.1}"/><text class="label" x="{:.1}" y="{:.1}">{id}</text></g>"#,
            edge + 6.0,
            edge + 20.0,
            edge + 23.0,
            label + 4.0
        );
    }
    svg + "</svg>"
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

/// Width of a time-line.
const STRIP: f64 = 320.0;

/// What a time-line shows in one millisecond after the other.
pub struct Strip<'a> {
    /// The contender's id.
    pub id: &'a str,
    /// What is written above it, behind the id.
    pub words: String,
    /// A figure for each millisecond.
    pub slots: &'a [u32],
}

/// A time-line. All that are to be compared get the same `slots` and `most`, the ends of the axes; what
/// goes on beyond the right end is cut off and marked.
pub fn strip(results: &Results, strip: &Strip<'_>, slots: usize, most: u32) -> String {
    const LEFT: f64 = 4.0;
    const TOP: f64 = 22.0;
    const HEIGHT: f64 = 64.0;
    const COLUMNS: usize = 300;
    let (base, width) = (TOP + HEIGHT, STRIP - 2.0 * LEFT);
    let (class, _) = style(results, strip.id);
    let id = escape(strip.id);
    let mut svg = open(STRIP, base + 18.0, &format!("{}: {}", strip.id, strip.words));
    let _ = write!(
        svg,
        r#"<path class="grid" d="M{LEFT} {base}H{:.0}"/><g class="c area {class}" data-c="{id}"><text class="label" x="{LEFT}" y="14">{id}</text><text class="tick" x="{:.0}" y="14" text-anchor="end">{}</text>"#,
        LEFT + width,
        LEFT + width,
        escape(&strip.words)
    );
    // Several milliseconds share a column: the area spans from the least to the most of them, so that
    // a single millisecond without any work stays visible as a cut.
    let slots = slots.max(1);
    let columns = slots.min(COLUMNS);
    let column = |at: usize| {
        (at * slots / columns)..((at + 1) * slots / columns).max(at * slots / columns + 1)
    };
    let y_of = |n: u32| base - HEIGHT * f64::from(n.min(most)) / f64::from(most.max(1));
    let x_of = |at: usize| LEFT + width * at as f64 / columns as f64;
    let (mut upper, mut lower) = (String::new(), Vec::new());
    for at in 0..columns {
        let Some(part) = strip.slots.get(column(at).start..column(at).end.min(strip.slots.len()))
        else {
            break;
        };
        let (Some(high), Some(low)) = (part.iter().max(), part.iter().min()) else { break };
        let low = if part.len() == 1 { 0 } else { *low };
        let _ = write!(
            upper,
            "{:.1},{:.1} {:.1},{:.1} ",
            x_of(at),
            y_of(*high),
            x_of(at + 1),
            y_of(*high)
        );
        lower.push(format!(
            "{:.1},{:.1} {:.1},{:.1} ",
            x_of(at + 1),
            y_of(low),
            x_of(at),
            y_of(low)
        ));
    }
    let lower: String = lower.into_iter().rev().collect();
    let _ = write!(svg, r#"<polygon points="{}"/></g>"#, (upper + &lower).trim_end());
    if strip.slots.len() > slots {
        let _ = write!(
            svg,
            r#"<text class="tick" x="{:.0}" y="{:.0}" text-anchor="end">goes on to {} ms →</text>"#,
            LEFT + width,
            base + 14.0,
            strip.slots.len()
        );
    } else {
        let _ = write!(
            svg,
            r#"<text class="tick" x="{:.0}" y="{:.0}" text-anchor="end">{slots} ms</text>"#,
            LEFT + width,
            base + 14.0
        );
    }
    let _ = write!(svg, r#"<text class="tick" x="{LEFT}" y="{:.0}">0</text>"#, base + 14.0);
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::format::figure;
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

    fn axes(categories: &[&str]) -> Axes<'static> {
        let categories = categories.iter().map(|text| (*text).to_owned()).collect();
        Axes { title: "a < b", categories, below: "threads", tick: figure }
    }

    #[test]
    fn lines_are_balanced_markup_without_nonsense() {
        let results = sample();
        let of = |id, values: &[Option<f64>]| Series { id, values: values.to_vec() };
        let series = [
            of("map-rwlock", &[Some(1.0), Some(1e6)]),
            of("dashmap", &[None, Some(3.0)]),
            of("papaya", &[Some(0.0), Some(f64::NAN)]),
        ];
        let svg = lines(&results, &axes(&["1", "2"]), &series);
        assert_eq!(svg.matches("<g ").count(), 2, "what has no value has no line");
        assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count());
        assert!(svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"));
        assert!(!lines(&results, &axes(&[]), &[]).contains("NaN"));
    }

    #[test]
    fn a_standstill_of_a_millisecond_is_seen() {
        let results = sample();
        let mut slots = vec![100; 4000];
        let drawing = |slots: &[u32], length| {
            let of = Strip { id: "map-rwlock", words: String::new(), slots };
            strip(&results, &of, length, 100)
        };
        let smooth = drawing(&slots, 4000);
        slots[1234] = 0;
        let stopped = drawing(&slots, 4000);
        let floor = ",86.0 ";
        assert_eq!((smooth.matches(floor).count(), stopped.matches(floor).count()), (0, 2));
        assert!(drawing(&slots, 1000).contains("goes on to 4000 ms"));
        assert!(!drawing(&[], 0).contains("NaN"));
    }
}

//! How long single operations take: percentiles of the closed loop and of open loops.

use atlas_bench_data::{Latency, LatencyLoop, Percentiles, Results};

use super::kind_of_entry;
use crate::report::format::{figure, keys, nanoseconds, percent, threads};
use crate::report::plot::{Axes, Series, lines};
use crate::report::section::{Column, Good, Part, Section, grouped, ranking, table};

/// The percentiles, as they are called.
const NAMES: [&str; 6] = ["50 %", "90 %", "99 %", "99.9 %", "99.99 %", "longest"];

fn values(percentiles: &Percentiles) -> [f64; 6] {
    let p = percentiles;
    [p.p50, p.p90, p.p99, p.p99_9, p.p99_99, p.max].map(|ns| ns as f64)
}

pub(super) fn section(results: &Results) -> Option<Section> {
    let mut about = String::from(
        "How long single operations take, from the median to the longest; lower is better, the scale is \
         logarithmic. In the closed loop each operation begins when the one before has ended. In an open \
         loop operations arrive at a fixed rate, a share of the contender's own peak, and the time counts \
         from the moment at which one was due, so a pause delays all that wait behind it. “Undisturbed” \
         are the times in which the system did not take the processor from the thread.",
    );
    if let Some(clock) = &results.clock {
        about += &format!(
            " Reading the clock takes {}; with nothing to do the open loop shows {} at 99.9 % and {} at the \
             longest: shorter than that is not to be told apart.",
            nanoseconds(clock.reading_ns as f64),
            nanoseconds(clock.idle.p99_9 as f64),
            nanoseconds(clock.idle.max as f64),
        );
    }
    let groups = grouped(&results.latency, |l| (&l.workload, &l.entry, l.keys, l.threads));
    let parts = groups.into_iter().map(|((workload, entry, size, n), of_it)| {
        let title =
            format!("{workload}, {} keys{}, {}", keys(size), kind_of_entry(entry), threads(n));
        part(results, title, &of_it)
    });
    (!results.latency.is_empty()).then(|| Section {
        id: "latency",
        title: "Latency",
        about,
        parts: parts.collect(),
    })
}

/// A loop in words.
fn name(load: Option<f64>) -> String {
    load.map_or_else(
        || "closed loop".into(),
        |load| format!("open loop at {} of the peak", percent(load)),
    )
}

fn part(results: &Results, title: String, of_it: &[&Latency]) -> Part {
    let mut part = Part { title, ..Part::default() };
    let each = of_it.iter().flat_map(|l| l.loops.iter().map(move |one| (*l, one)));
    for (load, members) in grouped(each, |(_, one)| one.load) {
        let name = name(load);
        let best = format!("Shortest 99.9 % in the {name}");
        let of = |(l, one): &(&Latency, &LatencyLoop)| (l.contender.clone(), one.all.p99_9 as f64);
        part.words.extend(ranking(
            results,
            &best,
            "longest",
            Good::Low,
            nanoseconds,
            members.iter().map(of),
        ));
        let series: Vec<_> = members
            .iter()
            .map(|(l, one)| Series {
                id: &l.contender,
                values: values(&one.all).map(Some).to_vec(),
            })
            .collect();
        let axes = Axes {
            title: &format!("{}: latency, {name}", part.title),
            categories: NAMES.map(|name| name.trim_end_matches(" %").to_owned()).to_vec(),
            below: &format!("percentile, {name}"),
            tick: nanoseconds,
        };
        part.charts.push(lines(results, &axes, &series));
        let mut table = percentiles(results, &members);
        table.caption = capitalised(&name);
        table.folded = true;
        part.tables.push(table);
    }
    part
}

type Member<'r> = (&'r Latency, &'r LatencyLoop);

fn percentiles(results: &Results, members: &[Member<'_>]) -> crate::report::section::Table {
    let mut columns: Vec<Column<'_, Member<'_>>> = Vec::new();
    columns.push(Column::new("M/s", Good::High, figure, |(_, one): &Member<'_>| Some(one.mops)));
    columns.push(Column::new("asked", Good::Neither, figure, |(_, one): &Member<'_>| {
        (one.target_mops > 0.0).then_some(one.target_mops)
    }));
    for (at, name) in NAMES.iter().enumerate() {
        columns.push(Column::new(*name, Good::Low, nanoseconds, move |(_, one): &Member<'_>| {
            (one.all.samples > 0).then(|| values(&one.all)[at])
        }));
    }
    for at in [3, 5] {
        let title = format!("{}, undisturbed", NAMES[at]);
        columns.push(Column::new(title, Good::Low, nanoseconds, move |(_, one): &Member<'_>| {
            (one.undisturbed.samples > 0).then(|| values(&one.undisturbed)[at])
        }));
    }
    columns.push(Column::new(
        "left out as disturbed",
        Good::Neither,
        percent,
        |(_, one): &Member<'_>| (one.all.samples > 0).then(|| one.disturbed_share()),
    ));
    columns.push(Column::new("given up", Good::Neither, figure, |(_, one): &Member<'_>| {
        (one.abandoned > 0).then_some(one.abandoned as f64)
    }));
    table(results, members, |(l, _)| (l.contender.clone(), String::new()), &columns)
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn each_loop_has_a_chart_a_table_and_a_winner() {
        let section = section(&sample()).expect("the sample has latencies");
        let part = &section.parts[0];
        assert_eq!((part.charts.len(), part.tables.len(), part.words.len()), (2, 2, 2));
        assert!(
            part.words[1].starts_with("Shortest 99.9 % in the open loop at 50 % of the peak: `")
        );
        let fastest = &part.tables[1].rows.iter().find(|row| row.head == "map-caslist");
        assert!(fastest.is_some_and(|row| row.figures.iter().any(|figure| figure.best)));
    }
}

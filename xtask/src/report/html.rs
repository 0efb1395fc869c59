//! The page: one file, nothing loaded from elsewhere.

use anyhow::{Context, Result};
use atlas_bench_data::Results;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;

use super::analysis::{Analysis, Contest, Verdict};
use super::chart::{self, Bar, escape};
use super::format::{date, entry, figure, keys, threads};
use super::plot::{self, Axes, Series};
use super::{advice, sections, summary, words};
use crate::compare::Comparison;

#[derive(Serialize)]
struct Workload {
    id: String,
    anchor: usize,
    description: String,
    panels: Vec<Panel>,
}

#[derive(Serialize)]
struct Panel {
    title: String,
    words: String,
    bars: String,
    lines: Option<String>,
}

#[derive(Serialize)]
struct Our {
    id: String,
    class: String,
    mark: String,
    description: String,
    words: Vec<String>,
}

#[derive(Serialize)]
struct Cell {
    workload: String,
    entry: String,
    keys: u64,
    threads: u32,
    contender: String,
    class: String,
    median: f64,
    low: f64,
    high: f64,
    to_best: f64,
    hits: Option<f64>,
}

/// Renders the report, with the comparison with an earlier run if there is one.
pub fn html(results: &Results, comparison: Option<&Comparison>) -> Result<String> {
    let analysis = Analysis::new(results);
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("code", |text: &str| Value::from_safe_string(code(text)));
    environment.add_filter("fixed", |value: f64| figure(value));
    environment
        .add_template("report", include_str!("report.html"))
        .context("the report's template")?;
    let count = |verdict| analysis.summary().filter(|c| c.verdict() == verdict).count();
    let losses: Vec<_> = words::losses(&analysis)
        .into_iter()
        .map(|(contest, name)| context! { name, words => words::verdict(contest) })
        .collect();
    // No `</script>` or `<!--` inside the data may end the element; JSON has `<` in strings only.
    let data = serde_json::to_string(results)?.replace('<', "\\u003c");
    let page = environment.get_template("report")?.render(context! {
        style => Value::from_safe_string(
            [include_str!("charts.css"), include_str!("report.css")].concat()
        ),
        script => Value::from_safe_string(include_str!("report.js").to_owned()),
        date => date(results.machine.unix_time),
        cpu => results.machine.cpu,
        threads => threads(analysis.threads),
        headline => words::headline(&analysis),
        ahead => count(Verdict::Ahead),
        level => count(Verdict::Level),
        behind => count(Verdict::Behind),
        summary => (analysis.summary().any(|contest| contest.ratio().is_some()))
            .then(|| Value::from_safe_string(summary::draw(&analysis))),
        ours => ours(&analysis),
        losses,
        workloads => workloads(&analysis),
        choose => advice::section(&analysis),
        comparison => comparison.map(|comparison| sections::comparison(results, comparison)),
        sections => sections::all(results),
        circumstances => words::circumstances(results),
        contenders => results.contenders,
        versions => results.versions,
        notes => results.notes,
        cells => cells(&analysis),
        data => Value::from_safe_string(data),
    })?;
    Ok(page)
}

/// Escaped text in which backticks have become `<code>`.
fn code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.fold(String::new(), |markup, (at, part)| {
        let part = escape(part);
        markup + &if at % 2 == 1 { format!("<code>{part}</code>") } else { part }
    })
}

fn ours(analysis: &Analysis<'_>) -> Vec<Our> {
    let took_part =
        |id: &&str| analysis.contests.iter().any(|contest| contest.entrant(id).is_some());
    let ids = analysis.ours().into_iter().filter(took_part);
    ids.map(|id| {
        let (class, shape) = chart::style(analysis.results, id);
        let known = analysis.results.contenders.iter().find(|known| known.id == id);
        Our {
            id: id.into(),
            class,
            mark: chart::mark(shape, 8.0, 8.0, 6.0),
            description: known.map_or_else(String::new, |known| known.description.clone()),
            words: words::of_map(analysis, id),
        }
    })
    .collect()
}

fn workloads(analysis: &Analysis<'_>) -> Vec<Workload> {
    let ids = analysis.workloads().into_iter().enumerate();
    ids.map(|(anchor, id)| {
        let of_it = || analysis.contests.iter().filter(|contest| contest.workload == id);
        let mut shown: Vec<&Contest<'_>> = Vec::new();
        for contest in of_it() {
            match shown.iter_mut().find(|known| known.same_but_threads(contest)) {
                // The bars show the number of threads that the summary speaks of, if there is one.
                Some(known) if contest.threads == analysis.threads => *known = contest,
                Some(_) => {}
                None => shown.push(contest),
            }
        }
        let panels = shown.into_iter().map(|contest| {
            panel(analysis.results, contest, of_it().filter(|c| c.same_but_threads(contest)))
        });
        Workload {
            id: id.into(),
            anchor,
            description: analysis.description(id).into(),
            panels: panels.collect(),
        }
    })
    .collect()
}

fn panel<'a, 'r: 'a>(
    results: &Results,
    contest: &Contest<'_>,
    by_threads: impl Iterator<Item = &'a Contest<'r>>,
) -> Panel {
    let title = format!("{} keys, {}", keys(contest.keys), entry(contest.entry));
    let bars: Vec<_> = contest
        .entrants
        .iter()
        .map(|e| Bar { id: e.id, value: e.median, spread: Some((e.low, e.high)) })
        .collect();
    let by_threads: Vec<_> = by_threads.collect();
    let name = words::name(contest);
    Panel {
        words: format!("{}: {}", threads(contest.threads), words::verdict(contest)),
        bars: chart::bars(results, &format!("{name}: throughput by map"), &bars),
        lines: (by_threads.len() > 1).then(|| lines(results, &name, &by_threads)),
        title,
    }
}

/// Throughput by threads; the contests differ only in these.
fn lines(results: &Results, name: &str, contests: &[&Contest<'_>]) -> String {
    let of = |contest: &Contest<'_>, id: &str| {
        contest.maps().find(|entrant| entrant.id == id).map(|entrant| entrant.median)
    };
    let ids = results.contenders.iter().map(|known| known.id.as_str());
    let series = ids.map(|id| Series { id, values: contests.iter().map(|c| of(c, id)).collect() });
    let axes = Axes {
        title: &format!("{name}: throughput by threads"),
        categories: contests.iter().map(|contest| contest.threads.to_string()).collect(),
        below: "threads",
        tick: |value| value.to_string(),
    };
    let took_part = |line: &Series<'_>| line.values.iter().any(Option::is_some);
    plot::lines(results, &axes, &series.filter(took_part).collect::<Vec<_>>())
}

fn cells(analysis: &Analysis<'_>) -> Vec<Cell> {
    let mut cells = Vec::new();
    for contest in &analysis.contests {
        let best = contest.maps().next().map_or(f64::NAN, |first| first.median);
        cells.extend(contest.entrants.iter().map(|entrant| Cell {
            workload: contest.workload.into(),
            entry: contest.entry.into(),
            keys: contest.keys,
            threads: contest.threads,
            contender: entrant.id.into(),
            class: chart::style(analysis.results, entrant.id).0,
            median: entrant.median,
            low: entrant.low,
            high: entrant.high,
            to_best: entrant.median / best,
            hits: entrant.cell.hit_ratio,
        }));
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_page_is_whole_and_loads_nothing() {
        let results = sample();
        let page = html(&results, None).expect("rendered");
        assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
        for name in results.contenders.iter().map(|contender| &contender.id) {
            assert!(page.contains(name.as_str()), "{name}");
        }
        let outside = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!outside.contains("http://") && !outside.contains("https://"));
        assert!(!page.contains("NaN") && !page.contains("{{"));
    }

    #[test]
    fn data_cannot_break_out() {
        let mut results = sample();
        results.notes = vec!["</script><b>".into()];
        results.workloads[0].description = "<i>".into();
        let page = html(&results, None).expect("rendered");
        assert!(!page.contains("</script><b>") && !page.contains("<i>"));
        let (_, rest) = page.split_once("id=\"data\">").expect("the data");
        let (json, _) = rest.split_once("</script>").expect("the data's end");
        assert_eq!(serde_json::from_str::<Results>(json).expect("valid"), results);
    }

    #[test]
    fn empty_parts_are_left_out() {
        let mut results = sample();
        results.matrix.clear();
        results.memory.clear();
        assert!(html(&results, None).expect("rendered").contains("get-hit"));
        results = Results::default();
        assert!(!html(&results, None).expect("rendered").contains("NaN"));
    }
}

//! Reads what criterion leaves in its directory.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use atlas_bench_data::{Contender, ContenderKind, CriterionCell, Results};
use serde::Deserialize;

use crate::maps;

/// File times may lag behind the clock by this much.
const CLOCK_SLACK: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    confidence_interval: Interval,
    point_estimate: f64,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

/// Collects every estimate below `home` that is not older than `since`, so that a line of an
/// earlier run does not slip in.
pub fn collect(home: &Path, since: SystemTime) -> Result<Vec<CriterionCell>> {
    let mut cells = Vec::new();
    visit(home, since - CLOCK_SLACK, &mut cells)
        .with_context(|| format!("criterion's results in {}", home.display()))?;
    cells.sort_by(|a, b| {
        (&a.group, &a.contender, &a.parameter).cmp(&(&b.group, &b.contender, &b.parameter))
    });
    Ok(cells)
}

fn visit(directory: &Path, since: SystemTime, cells: &mut Vec<CriterionCell>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        if path.file_name().is_some_and(|name| name == "new") {
            cells.extend(read(&path, since).with_context(|| path.display().to_string())?);
        } else {
            visit(&path, since, cells)?;
        }
    }
    Ok(())
}

fn read(directory: &Path, since: SystemTime) -> Result<Option<CriterionCell>> {
    let estimates = directory.join("estimates.json");
    if !estimates.exists() || fs::metadata(&estimates)?.modified()? < since {
        return Ok(None);
    }
    let median: Estimates = serde_json::from_str(&fs::read_to_string(estimates)?)?;
    let id: Benchmark =
        serde_json::from_str(&fs::read_to_string(directory.join("benchmark.json"))?)?;
    Ok(Some(CriterionCell {
        group: id.group_id,
        contender: id.function_id.unwrap_or_default(),
        parameter: id.value_str.unwrap_or_default(),
        median_ns: median.median.point_estimate,
        low_ns: median.median.confidence_interval.lower_bound,
        high_ns: median.median.confidence_interval.upper_bound,
    }))
}

/// Adds those who took part only in the criterion comparisons to the list of contenders.
pub fn complete_contenders(results: &mut Results) {
    for cell in &results.criterion {
        if !results.contenders.iter().any(|contender| contender.id == cell.contender) {
            let kind = match cell.contender.as_str() {
                "plain" => ContenderKind::Limit,
                id if maps::MAPS.iter().any(|map| map.name == id) => ContenderKind::Ours,
                _ => ContenderKind::Peer,
            };
            results.contenders.push(Contender {
                id: cell.contender.clone(),
                kind,
                description: String::new(),
            });
        }
    }
}

/// The regular expression by which criterion chooses the lines that the matrix would choose: each
/// text must occur, or one of its comma-separated parts.
pub fn filter(texts: &[String]) -> Option<String> {
    let either = |text: &String| {
        let parts: Vec<_> = text.split(',').map(escaped).collect();
        format!("({})", parts.join("|"))
    };
    let all: Vec<String> = texts.iter().map(either).collect();
    (!all.is_empty()).then(|| in_any_order(&all).join("|"))
}

/// All orders in which the patterns can follow each other.
fn in_any_order(patterns: &[String]) -> Vec<String> {
    if let [pattern] = patterns {
        return vec![pattern.clone()];
    }
    let first = patterns.iter().enumerate();
    first
        .flat_map(|(at, pattern)| {
            let others = [&patterns[..at], &patterns[at + 1..]].concat();
            in_any_order(&others).into_iter().map(move |rest| format!("{pattern}.*{rest}"))
        })
        .collect()
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        if !c.is_alphanumeric() && c.is_ascii() {
            escaped.push('\\');
        }
        escaped.push(c);
        escaped
    })
}

/// The group that a line of criterion's output begins to tell of.
pub fn group_of(line: &str) -> Option<&str> {
    if line.starts_with(char::is_whitespace) {
        return None;
    }
    let id = line.strip_prefix("Benchmarking ").unwrap_or(line);
    id.split_once('/').map(|(group, _)| group).filter(|group| !group.contains([' ', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_literal_text() {
        assert_eq!(filter(&[]), None);
        assert_eq!(filter(&["map-a,x.y".into()]).as_deref(), Some(r"(map\-a|x\.y)"));
        assert_eq!(filter(&["a".into(), "b".into()]).as_deref(), Some("(a).*(b)|(b).*(a)"));
    }

    #[test]
    fn groups_are_told_from_other_lines() {
        assert_eq!(group_of("get-hit/map-rwlock/1000"), Some("get-hit"));
        assert_eq!(group_of("Benchmarking get-hit/scc/1000"), Some("get-hit"));
        assert_eq!(group_of("get-hit/scc/1000  time: [1 ns 2 ns 3 ns]"), Some("get-hit"));
        assert_eq!(group_of("                        time:   [1 ns]"), None);
        assert_eq!(group_of("Found 3 outliers among 10/20 measurements"), None);
    }

    #[test]
    fn only_fresh_estimates_are_collected() {
        let home = std::env::temp_dir().join(format!("atlas-criterion-{}", std::process::id()));
        let new = home.join("get-hit/map-rwlock/1000/new");
        fs::create_dir_all(&new).expect("a directory");
        let bounds = r#"{"confidence_level":0.95,"lower_bound":1.0,"upper_bound":3.0}"#;
        let median = format!(r#"{{"confidence_interval":{bounds},"point_estimate":2.0}}"#);
        fs::write(new.join("estimates.json"), format!(r#"{{"median":{median}}}"#))
            .expect("written");
        let id = r#"{"group_id":"get-hit","function_id":"map-rwlock","value_str":"1000"}"#;
        fs::write(new.join("benchmark.json"), id).expect("written");

        let now = SystemTime::now();
        let fresh = collect(&home, now).expect("readable");
        let stale = collect(&home, now + Duration::from_secs(60)).expect("readable");
        fs::remove_dir_all(&home).expect("removed");
        assert_eq!(stale, []);
        let [cell] = &fresh[..] else { panic!("one cell, not {fresh:?}") };
        assert_eq!((cell.group.as_str(), cell.contender.as_str()), ("get-hit", "map-rwlock"));
        assert_eq!((cell.low_ns, cell.median_ns, cell.high_ns), (1.0, 2.0, 3.0));
    }
}

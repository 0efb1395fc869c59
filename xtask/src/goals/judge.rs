//! From results to verdicts. Nothing is measured here.
//!
//! A ratio is taken round by round, because the contenders were measured side by side in each round;
//! the median of these ratios is the figure that is judged, the lowest and the highest are its spread.
//! Who the best of several is, is decided by the medians of the rounds, before any ratio is taken.

use std::collections::BTreeMap;

use atlas_bench_data::{CheckResult, ContenderKind, GoalResult, Results, Sense, Verdict, median};
use serde_json::Value;

use super::data::{Check, Figure, Goal, Of, Over, Ratio, Rows, cell};
use crate::flags::size;
use crate::maps::MAPS;

/// What was measured.
pub struct Evidence<'e> {
    /// The results.
    pub results: &'e Results,
    /// The same as a document, for figures of sections that are not known here.
    pub document: &'e Value,
    /// The contenders that "the best peer" is taken from.
    pub peers: &'e [String],
    /// Why something is missing: by contender, or by program and size.
    pub missing: BTreeMap<String, String>,
}

/// One contender's throughput under some conditions.
#[derive(Clone, Copy)]
struct Measured<'e> {
    id: &'e str,
    rounds: &'e [f64],
}

/// The conditions of a cell.
#[derive(Clone, Copy)]
struct Place<'p> {
    rows: Rows,
    workload: &'p str,
    entry: &'p str,
    keys: &'p str,
    threads: u32,
}

/// Judges every goal.
pub fn judge(goals: &[Goal], evidence: &Evidence<'_>) -> Vec<GoalResult> {
    goals
        .iter()
        .map(|goal| {
            let checks: Vec<_> = goal
                .checks
                .iter()
                .flat_map(|check| match check {
                    Check::Ratio(ratio) => evidence.ratio(ratio),
                    Check::Figure(figure) => evidence.figure(figure),
                })
                .collect();
            let verdict = checks.iter().map(|check| check.verdict).max().unwrap_or_default();
            GoalResult { id: goal.id.clone(), text: goal.text.clone(), verdict, checks }
        })
        .collect()
}

/// The maps that are judged one by one.
fn judged(of: &Of) -> Vec<Option<&str>> {
    match of {
        Of::BestOfOurs => vec![None],
        Of::EachOfOurs => MAPS.iter().map(|map| Some(map.name)).collect(),
        Of::Map(id) => vec![Some(id)],
    }
}

impl<'e> Evidence<'e> {
    /// Everything measured at a place.
    fn at(&self, place: Place<'_>) -> Vec<Measured<'e>> {
        let keys = size(place.keys);
        match place.rows {
            Rows::Matrix => self
                .results
                .matrix
                .iter()
                .filter(|cell| {
                    cell.workload == place.workload
                        && cell.entry == place.entry
                        && Some(cell.keys) == keys
                        && cell.threads == place.threads
                })
                .map(|cell| Measured { id: &cell.contender, rounds: &cell.mops })
                .collect(),
            Rows::Batches => self
                .results
                .batches
                .iter()
                .filter(|cell| {
                    cell.way == place.workload
                        && Some(cell.keys) == keys
                        && cell.threads == place.threads
                })
                .map(|cell| Measured { id: &cell.contender, rounds: &cell.mkeys })
                .collect(),
        }
    }

    fn best(&self, place: Place<'_>, admits: impl Fn(&str) -> bool) -> Option<Measured<'e>> {
        self.at(place)
            .into_iter()
            .filter(|measured| admits(measured.id) && !measured.rounds.is_empty())
            .max_by(|a, b| median(a.rounds).total_cmp(&median(b.rounds)))
    }

    fn best_of_kind(&self, place: Place<'_>, kind: ContenderKind) -> Option<Measured<'e>> {
        let contenders = &self.results.contenders;
        self.best(place, |id| contenders.iter().any(|known| known.id == id && known.kind == kind))
    }

    /// Why there is nothing at a place.
    fn reason(&self, place: Place<'_>, ids: &[String]) -> String {
        let program = match place.rows {
            Rows::Matrix => "matrix",
            Rows::Batches => "batches",
        };
        let size = format!("{program} {}", place.keys);
        let names = ids.iter().map(String::as_str).chain([size.as_str()]);
        names.filter_map(|name| self.missing.get(name)).next().cloned().unwrap_or_else(|| {
            let cell = cell(place.workload, place.entry, place.keys, place.threads);
            format!("no figure of {cell}")
        })
    }

    fn ratio(&self, ratio: &Ratio) -> Vec<CheckResult> {
        let mut checks = Vec::new();
        for keys in &ratio.keys {
            for &threads in &ratio.threads {
                for workload in &ratio.workloads {
                    let (rows, entry) = (ratio.rows, ratio.entry.as_str());
                    let place = Place { rows, workload, entry, keys, threads };
                    for map in judged(&ratio.of) {
                        checks.push(self.compare(ratio, place, map));
                    }
                }
            }
        }
        checks
    }

    /// Compares at one place; `map` is `None` for the best of ours.
    fn compare(&self, ratio: &Ratio, place: Place<'_>, map: Option<&str>) -> CheckResult {
        let of = match map {
            None => self.best_of_kind(place, ContenderKind::Ours),
            Some(id) => self.best(place, |known| known == id),
        };
        let workload = ratio.over_workload.as_deref().unwrap_or(place.workload);
        let there = Place { workload, ..place };
        let (over, words, factor, ids) = match &ratio.over {
            Over::BestPeer => {
                let best = self.best(there, |id| self.peers.iter().any(|known| known == id));
                (best, best.map_or("the best peer".into(), |best| best.id.to_owned()), 1.0, &[][..])
            }
            Over::BestOf(ids) => {
                let best = self.best(there, |id| ids.iter().any(|known| known == id));
                let words = best.map_or(ids.join(" or "), |best| best.id.to_owned());
                (best, words, 1.0, ids.as_slice())
            }
            Over::PlainTimesThreads => {
                let place = Place { threads: 1, ..there };
                let words = format!("plain × {}", place_threads(there));
                let plain = self.best_of_kind(place, ContenderKind::Limit);
                (plain, words, f64::from(there.threads), &[][..])
            }
            Over::ItselfWithThreads(threads) => {
                let place = Place { threads: *threads, ..there };
                let same = of.and_then(|of| self.best(place, |id| id == of.id));
                (same, format!("itself with {threads} threads"), 1.0, &[][..])
            }
        };
        let mut check = CheckResult {
            at: cell(place.workload, place.entry, place.keys, place.threads),
            of: of.map(|of| of.id).or(map).unwrap_or("the best of ours").to_owned(),
            over: words,
            bound: ratio.at_least,
            sense: Sense::AtLeast,
            ..CheckResult::default()
        };
        if let Some(other) = &ratio.over_workload {
            check.over += &format!(" on {other}");
        }
        let short_of_cores = self.results.machine.hardware_threads == 1 && place.threads > 1;
        match (of, over) {
            _ if short_of_cores && !matches!(ratio.over, Over::ItselfWithThreads(_)) => {
                check.reason = "not measurable here: one hardware thread".into();
            }
            (Some(of), Some(over)) => {
                let ratios =
                    of.rounds.iter().zip(over.rounds).map(|(of, over)| of / (over * factor));
                judge_rounds(&mut check, &ratios.collect::<Vec<_>>());
            }
            _ => check.reason = self.reason(place, ids),
        }
        check
    }

    fn figure(&self, figure: &Figure) -> Vec<CheckResult> {
        judged(&figure.of).into_iter().flatten().map(|map| self.figure_of(figure, map)).collect()
    }

    /// Of several rows that fit, the highest figure counts.
    fn figure_of(&self, figure: &Figure, map: &str) -> CheckResult {
        let what = match &figure.per {
            None => figure.field.clone(),
            Some(per) => format!("{}/{per}", figure.field),
        };
        let conditions = figure.condition.values().map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let mut check = CheckResult {
            at: [what].into_iter().chain(conditions).collect::<Vec<_>>().join(" "),
            of: map.to_owned(),
            bound: figure.at_most,
            sense: Sense::AtMost,
            ..CheckResult::default()
        };
        let rows = self.document.get(&figure.rows).and_then(Value::as_array);
        let elements = |row: &'e Value| match &figure.within {
            None => std::slice::from_ref(row),
            Some(list) => row[list].as_array().map_or(&[][..], Vec::as_slice),
        };
        let path = format!("/{}", figure.field.replace('.', "/"));
        // A condition on an element may speak of its row.
        let fits = |row: &Value, element: &Value| {
            figure
                .condition
                .iter()
                .all(|(field, value)| *element.get(field).unwrap_or(&row[field]) == *value)
        };
        let value = |element: &Value| {
            let divisor = figure.per.as_ref().map_or(Some(1.0), |per| element[per].as_f64())?;
            Some(element.pointer(&path)?.as_f64()? / divisor)
        };
        let values: Vec<f64> = rows
            .into_iter()
            .flatten()
            .filter(|row| row["contender"] == map)
            .flat_map(|row| elements(row).iter().map(move |element| (row, element)))
            .filter(|(row, element)| fits(row, element))
            .filter_map(|(_, element)| value(element))
            .collect();
        match values.iter().copied().reduce(f64::max) {
            Some(highest) => judge_rounds(&mut check, &[highest]),
            None => check.reason = format!("{} has no {} of {map}", figure.program, figure.field),
        }
        check
    }
}

fn place_threads(place: Place<'_>) -> String {
    if place.threads == 1 { "1 thread".into() } else { format!("{} threads", place.threads) }
}

/// Enters the figures of the rounds and the verdict on their median.
fn judge_rounds(check: &mut CheckResult, figures: &[f64]) {
    if figures.is_empty() || figures.iter().any(|figure| !figure.is_finite()) {
        check.reason = "a round measured nothing".into();
        return;
    }
    let measured = median(figures);
    check.measured = Some(measured);
    check.low = figures.iter().copied().fold(f64::INFINITY, f64::min);
    check.high = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let met = match check.sense {
        Sense::AtLeast => measured >= check.bound,
        Sense::AtMost => measured <= check.bound,
    };
    check.verdict = if met { Verdict::Met } else { Verdict::FallsShort };
}

#[cfg(test)]
mod tests {
    use atlas_bench_data::{BatchCell, Cell, Contender};
    use serde_json::json;

    use super::*;

    /// Made-up results: cells are workload, contender, threads and rounds, all `u64` at 1 K.
    fn results(cells: &[(&str, &str, u32, &[f64])]) -> Results {
        let mut results = Results::default();
        results.machine.hardware_threads = 2;
        for (id, kind) in [
            ("map-rwlock", ContenderKind::Ours),
            ("map-sharded", ContenderKind::Ours),
            ("scc", ContenderKind::Peer),
            ("dashmap", ContenderKind::Peer),
            ("plain", ContenderKind::Limit),
        ] {
            results.contenders.push(Contender { id: id.into(), kind, ..Contender::default() });
        }
        for &(workload, contender, threads, rounds) in cells {
            results.matrix.push(Cell {
                workload: workload.into(),
                contender: contender.into(),
                entry: "u64".into(),
                keys: 1000,
                threads,
                mops: rounds.to_vec(),
                hit_ratio: None,
            });
        }
        results
    }

    fn peers() -> Vec<String> {
        ["scc".into(), "dashmap".into()].into()
    }

    fn verdicts(check: Value, results: &Results, missing: &[(&str, &str)]) -> GoalResult {
        let goal = json!({"id": "G", "text": "a goal", "checks": [check]});
        let goal: Goal = serde_json::from_value(goal).expect("a goal");
        let missing = missing.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect();
        let document = serde_json::to_value(results).expect("a document");
        judge(&[goal], &Evidence { results, document: &document, peers: &peers(), missing })
            .remove(0)
    }

    fn read100(of: Value, over: Value, at_least: f64) -> Value {
        json!({"ratio": {"workloads": ["read100"], "keys": ["1K"], "threads": [2],
            "of": of, "over": over, "at_least": at_least}})
    }

    #[test]
    fn just_met_and_just_missed() {
        let results = results(&[
            ("read100", "map-rwlock", 2, &[50.0, 60.0, 70.0]),
            ("read100", "map-sharded", 2, &[20.0, 20.0, 20.0]),
            ("read100", "scc", 2, &[20.0, 20.0, 20.0]),
            ("read100", "dashmap", 2, &[10.0, 10.0, 10.0]),
        ]);
        let met = verdicts(read100("best-of-ours".into(), "best-peer".into(), 3.0), &results, &[]);
        assert_eq!(met.verdict, Verdict::Met);
        let check = &met.checks[0];
        assert_eq!((check.of.as_str(), check.over.as_str()), ("map-rwlock", "scc"));
        assert_eq!((check.measured, check.low, check.high), (Some(3.0), 2.5, 3.5));
        assert!(check.is_close());
        let missed =
            verdicts(read100("best-of-ours".into(), "best-peer".into(), 3.01), &results, &[]);
        assert_eq!(missed.verdict, Verdict::FallsShort);
    }

    #[test]
    fn rounds_are_paired() {
        // The machine halves its speed in the second round; the ratio is the same.
        let results = results(&[
            ("read100", "map-rwlock", 2, &[80.0, 40.0]),
            ("read100", "dashmap", 2, &[40.0, 20.0]),
        ]);
        let over = json!({"best-of": ["dashmap"]});
        let goal = verdicts(read100(json!({"map": "map-rwlock"}), over, 2.0), &results, &[]);
        let check = &goal.checks[0];
        assert_eq!((check.measured, check.low, check.high), (Some(2.0), 2.0, 2.0));
        assert!(goal.verdict == Verdict::Met && !check.is_close());
    }

    #[test]
    fn the_limit_counts_once_a_thread() {
        let results =
            results(&[("read100", "map-rwlock", 2, &[70.0]), ("read100", "plain", 1, &[50.0])]);
        let check = read100("best-of-ours".into(), "plain-times-threads".into(), 0.7);
        let goal = verdicts(check, &results, &[]);
        assert_eq!((goal.checks[0].measured, goal.verdict), (Some(0.7), Verdict::Met));
    }

    #[test]
    fn each_map_against_itself() {
        let results = results(&[
            ("read100", "map-rwlock", 2, &[10.0]),
            ("read100", "map-rwlock", 8, &[9.0]),
            ("read100", "map-sharded", 2, &[10.0]),
            ("read100", "map-sharded", 8, &[5.0]),
        ]);
        let check = json!({"ratio": {"workloads": ["read100"], "keys": ["1K"], "threads": [8],
            "of": "each-of-ours", "over": {"itself-with-threads": 2}, "at_least": 0.85}});
        let goal = verdicts(check, &results, &[]);
        let of = |id: &str| goal.checks.iter().find(|check| check.of == id).map(|c| c.verdict);
        assert_eq!(of("map-rwlock"), Some(Verdict::Met));
        assert_eq!(of("map-sharded"), Some(Verdict::FallsShort));
        assert_eq!(of("map-caslist"), Some(Verdict::NotMeasured));
        assert_eq!(goal.verdict, Verdict::FallsShort);
    }

    #[test]
    fn a_missing_cell_is_not_met() {
        let results = results(&[("read100", "map-rwlock", 2, &[10.0])]);
        let goal = verdicts(read100("best-of-ours".into(), "best-peer".into(), 0.1), &results, &[]);
        assert_eq!(goal.verdict, Verdict::NotMeasured);
        assert_eq!(goal.checks[0].reason, "no figure of read100/u64/1K/t2");
        let over = json!({"best-of": ["go-old", "go-new"]});
        let check = read100(json!({"map": "map-rwlock"}), over, 1.0);
        let goal = verdicts(check, &results, &[("go-old", "needs --go")]);
        assert_eq!(goal.checks[0].reason, "needs --go");
        assert_eq!(goal.checks[0].over, "go-old or go-new");
    }

    #[test]
    fn a_round_without_a_figure_is_not_judged() {
        let results =
            results(&[("read100", "map-rwlock", 2, &[10.0]), ("read100", "scc", 2, &[0.0])]);
        let goal = verdicts(read100("best-of-ours".into(), "best-peer".into(), 0.1), &results, &[]);
        assert_eq!(goal.verdict, Verdict::NotMeasured);
    }

    #[test]
    fn batches_against_single_gets() {
        let mut results = results(&[]);
        for (way, contender, mkeys) in
            [("get-many-64", "map-rwlock", 40.0), ("get-independent", "scc", 20.0)]
        {
            results.batches.push(BatchCell {
                way: way.into(),
                contender: contender.into(),
                keys: 1000,
                threads: 2,
                mkeys: vec![mkeys],
            });
        }
        let check = json!({"ratio": {"rows": "batches", "workloads": ["get-many-64"],
            "keys": ["1K"], "threads": [2], "of": "best-of-ours", "over": "best-peer",
            "over_workload": "get-independent", "at_least": 2.0}});
        let goal = verdicts(check, &results, &[]);
        assert_eq!((goal.checks[0].measured, goal.verdict), (Some(2.0), Verdict::Met));
        assert_eq!(goal.checks[0].over, "scc on get-independent");
    }

    #[test]
    fn figures_of_any_section() {
        let results = results(&[]);
        let document = json!({"memory": [
            {"contender": "map-rwlock", "entry": "u64", "live_bytes": 250, "entries": 10},
            {"contender": "map-rwlock", "entry": "string", "live_bytes": 999, "entries": 10},
        ]});
        let judged = |bound: f64, rows: &str| {
            let check = json!({"figure": {"program": "growth", "rows": rows,
                "field": "live_bytes", "per": "entries", "where": {"entry": "u64"},
                "of": {"map": "map-rwlock"}, "at_most": bound}});
            let goal = json!({"id": "G", "text": "a goal", "checks": [check]});
            let goal: Goal = serde_json::from_value(goal).expect("a goal");
            let evidence = Evidence {
                results: &results,
                document: &document,
                peers: &peers(),
                missing: BTreeMap::new(),
            };
            judge(&[goal], &evidence).remove(0)
        };
        assert_eq!(judged(25.0, "memory").verdict, Verdict::Met);
        assert_eq!(judged(24.9, "memory").verdict, Verdict::FallsShort);
        assert_eq!(judged(25.0, "memory").checks[0].measured, Some(25.0));
        let absent = judged(25.0, "growth");
        assert_eq!(absent.verdict, Verdict::NotMeasured);
        assert_eq!(absent.checks[0].reason, "growth has no live_bytes of map-rwlock");
    }

    #[test]
    fn figures_within_a_row() {
        let document = json!({"cost": [{"contender": "map-rwlock", "entry": "u64", "allocations": [
            {"workload": "get", "of": {"op": 9.0}}, {"workload": "exchange", "of": {"op": 0.01}},
        ]}]});
        let check = json!({"figure": {"program": "cost", "rows": "cost", "within": "allocations",
            "field": "of.op", "where": {"entry": "u64", "workload": "exchange"},
            "of": {"map": "map-rwlock"}, "at_most": 0.01}});
        let goal = json!({"id": "G", "text": "a goal", "checks": [check]});
        let goal: Goal = serde_json::from_value(goal).expect("a goal");
        let results = results(&[]);
        let evidence = Evidence {
            results: &results,
            document: &document,
            peers: &peers(),
            missing: BTreeMap::new(),
        };
        let goal = judge(&[goal], &evidence).remove(0);
        assert_eq!((goal.checks[0].measured, goal.verdict), (Some(0.01), Verdict::Met));
    }

    #[test]
    fn one_hardware_thread_measures_nothing_at_two() {
        let mut results =
            results(&[("read100", "map-rwlock", 2, &[10.0]), ("read100", "scc", 2, &[1.0])]);
        results.machine.hardware_threads = 1;
        let goal = verdicts(read100("best-of-ours".into(), "best-peer".into(), 2.0), &results, &[]);
        assert_eq!(goal.verdict, Verdict::NotMeasured);
    }
}

//! Goals and how far they are met.

use atlas_bench_data::{CheckResult, GoalResult, Results, Sense, Verdict};

use crate::report::format::figure;
use crate::report::section::{Part, Row, Section, Table, number, words};

/// How many goals came out how: met, not measured, short.
pub fn tally(results: &Results) -> [usize; 3] {
    [Verdict::Met, Verdict::NotMeasured, Verdict::FallsShort]
        .map(|verdict| results.goals.iter().filter(|goal| goal.verdict == verdict).count())
}

pub(super) fn section(results: &Results) -> Option<Section> {
    let [met, unmeasured, short] = tally(results);
    let part = Part {
        words: vec![format!(
            "{met} of {} goals are met, {short} fall short, {unmeasured} are not measured.",
            results.goals.len()
        )],
        tables: std::iter::once(overview(&results.goals))
            .chain(results.goals.iter().filter(|goal| !goal.checks.is_empty()).map(checks))
            .collect(),
        ..Part::default()
    };
    (!results.goals.is_empty()).then(|| Section {
        id: "goals",
        title: "Goals",
        about: "What the maps are to reach, and whether they do. A goal is met if each of its figures lies on \
                the right side of its bound; “close” means that some rounds lie on the other."
            .into(),
        parts: vec![part],
    })
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::NotMeasured => "not measured",
        Verdict::FallsShort => "falls short",
    }
}

fn overview(goals: &[GoalResult]) -> Table {
    let rows = goals.iter().map(|goal| {
        let measured = goal.checks.iter().filter(|check| check.measured.is_some()).count();
        let met = goal.checks.iter().filter(|check| check.verdict == Verdict::Met).count();
        Row {
            head: goal.id.clone(),
            class: String::new(),
            figures: vec![
                words(verdict(goal.verdict)),
                number(format!("{met} of {measured}")),
                words(&goal.text),
            ],
        }
    });
    Table {
        columns: ["Goal", "Verdict", "Checks met", "What is to be reached"].map(Into::into).into(),
        rows: rows.collect(),
        ..Table::default()
    }
}

fn checks(goal: &GoalResult) -> Table {
    Table {
        caption: format!("{}: every check", goal.id),
        folded: true,
        columns: ["Where", "Map", "Against", "Measured", "Bound", "Verdict"].map(Into::into).into(),
        rows: goal.checks.iter().map(check).collect(),
    }
}

fn check(check: &CheckResult) -> Row {
    let sign = match check.sense {
        Sense::AtLeast => '≥',
        Sense::AtMost => '≤',
    };
    let mut measured = number(check.measured.map_or_else(|| "–".into(), figure));
    if check.low < check.high {
        measured.detail = format!("{} to {}", figure(check.low), figure(check.high));
    }
    let mut outcome = verdict(check.verdict).to_owned();
    if check.is_close() {
        outcome += ", close";
    }
    if !check.reason.is_empty() {
        outcome += &format!(": {}", check.reason);
    }
    Row {
        head: check.at.clone(),
        class: String::new(),
        figures: vec![
            words(&check.of),
            words(&check.over),
            measured,
            number(format!("{sign} {}", figure(check.bound))),
            words(outcome),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn goals_are_counted_and_close_calls_told() {
        let results = sample();
        assert_eq!(tally(&results), [1, 0, 1]);
        let section = section(&results).expect("the sample has goals");
        let tables = &section.parts[0].tables;
        assert_eq!(tables[0].rows.len(), 2);
        let texts =
            tables[1..].iter().flat_map(|table| &table.rows).map(|row| &row.figures[4].text);
        assert!(texts.into_iter().any(|text| text == "falls short, close"));
    }
}

//! The verdicts as text.

use std::fmt::Write;

use atlas_bench_data::{CheckResult, GoalResult, Machine, Sense, Verdict};

use crate::report::figure;

/// A load average above which a machine was not idle.
const BUSY: f64 = 0.5;

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::NotMeasured => "not measured",
        Verdict::FallsShort => "falls short",
    }
}

/// What must hold: `≥ 1.5`.
fn bound(check: &CheckResult) -> String {
    let sign = match check.sense {
        Sense::AtLeast => "≥",
        Sense::AtMost => "≤",
    };
    format!("{sign} {}", check.bound)
}

/// What was found: `1.62 (1.55 to 1.71)`, or why nothing was.
fn finding(check: &CheckResult) -> String {
    match check.measured {
        None => check.reason.clone(),
        Some(measured) if check.low == check.high => figure(measured),
        Some(measured) => {
            format!("{} ({} to {})", figure(measured), figure(check.low), figure(check.high))
        }
    }
}

/// How it came out; `?` says that the rounds lie on both sides of the bound.
fn verdict(check: &CheckResult) -> String {
    let doubt = if check.is_close() { "?" } else { "" };
    format!("{}{doubt}", word(check.verdict))
}

/// The reasons why checks were not measured, each with the number of checks.
fn unmeasured(goal: &GoalResult) -> Vec<(&str, usize)> {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for check in goal.checks.iter().filter(|check| check.measured.is_none()) {
        match reasons.iter_mut().find(|(reason, _)| *reason == check.reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((&check.reason, 1)),
        }
    }
    reasons
}

/// Each goal with its checks, then the verdicts at a glance.
pub fn terminal(goals: &[GoalResult], machine: &Machine) -> String {
    let mut text = String::new();
    for goal in goals {
        let _ = writeln!(text, "\n{}: {} ({})", goal.id, goal.text, word(goal.verdict));
        for check in goal.checks.iter().filter(|check| check.measured.is_some()) {
            let over =
                if check.over.is_empty() { String::new() } else { format!(" / {}", check.over) };
            let _ = writeln!(
                text,
                "  {:12} {:28} {:36} {:>8}  {}",
                verdict(check),
                check.at,
                format!("{}{over}", check.of),
                bound(check),
                finding(check),
            );
        }
        for (reason, checks) in unmeasured(goal) {
            let plural = if checks == 1 { "" } else { "s" };
            let _ = writeln!(text, "  not measured {checks} check{plural}: {reason}");
        }
    }
    text.push('\n');
    for wanted in [Verdict::Met, Verdict::FallsShort, Verdict::NotMeasured] {
        let ids: Vec<_> = goals
            .iter()
            .filter(|goal| goal.verdict == wanted)
            .map(|goal| goal.id.as_str())
            .collect();
        if !ids.is_empty() {
            let _ = writeln!(text, "{}: {}", word(wanted), ids.join(", "));
        }
    }
    if goals.iter().flat_map(|goal| &goal.checks).any(CheckResult::is_close) {
        text += "A question mark: some rounds lie on the other side of the bound.\n";
    }
    if machine.load_average > BUSY {
        let load = machine.load_average;
        let _ = writeln!(text, "The machine was busy (load {load:.1}): these figures are noise.");
    }
    text
}

/// The table of the goals in `docs/benchmarks.md`, or nothing.
pub fn markdown(goals: &[GoalResult]) -> String {
    if goals.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "## Goals\n\nMeasured by `cargo xtask goals`; how is told in \
         [benchmark-goals](designs/benchmark-goals.md). The check nearest to falling short stands for its \
         goal.\n\n| goal | what | verdict | checks met | nearest to falling short |\n|---|---|---|---:|---|\n",
    );
    for goal in goals {
        let met = goal.checks.iter().filter(|check| check.verdict == Verdict::Met).count();
        let worst = goal.checks.iter().filter(|check| check.measured.is_some());
        let worst = worst.min_by(|a, b| margin(a).total_cmp(&margin(b)));
        let worst = match (worst, goal.checks.first()) {
            (Some(check), _) => {
                format!("{}: `{}` {}, wanted {}", check.at, check.of, finding(check), bound(check))
            }
            (None, Some(check)) => check.reason.clone(),
            (None, None) => String::new(),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {met} of {} | {worst} |",
            goal.id,
            goal.text,
            word(goal.verdict),
            goal.checks.len(),
        );
    }
    text.push('\n');
    text
}

/// How far a figure lies on the right side of its bound: below 1 it falls short.
fn margin(check: &CheckResult) -> f64 {
    let measured = check.measured.unwrap_or_default();
    match check.sense {
        Sense::AtLeast => measured / check.bound,
        Sense::AtMost => check.bound / measured,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<GoalResult> {
        let check = |at: &str, measured, low, high, verdict| CheckResult {
            at: at.into(),
            of: "map-sharded".into(),
            over: "scc".into(),
            measured,
            low,
            high,
            bound: 1.5,
            verdict,
            reason: "there is no measuring program growth".into(),
            ..CheckResult::default()
        };
        vec![
            GoalResult {
                id: "P4".into(),
                text: "growth".into(),
                verdict: Verdict::FallsShort,
                checks: vec![
                    check("grow/u64/2M/t2", Some(1.4), 1.3, 1.6, Verdict::FallsShort),
                    check("grow/u64/4M/t2", Some(2.0), 2.0, 2.0, Verdict::Met),
                ],
            },
            GoalResult {
                id: "P12".into(),
                checks: vec![check("most_moved", None, 0.0, 0.0, Verdict::NotMeasured)],
                ..GoalResult::default()
            },
        ]
    }

    #[test]
    fn every_goal_has_figure_spread_and_verdict() {
        let text = terminal(&sample(), &Machine { load_average: 3.0, ..Machine::default() });
        assert!(text.contains("falls short? grow/u64/2M/t2"), "{text}");
        assert!(text.contains("≥ 1.5  1.40 (1.30 to 1.60)"), "{text}");
        assert!(text.contains("not measured 1 check: there is no"), "{text}");
        assert!(text.contains("falls short: P4\nnot measured: P12\n"), "{text}");
        assert!(text.contains("load 3.0"), "{text}");
    }

    #[test]
    fn the_table_shows_the_worst_check() {
        let text = markdown(&sample());
        assert!(text.contains("| P4 | growth | falls short | 1 of 2 | grow/u64/2M/t2"), "{text}");
        assert!(text.contains("| 0 of 1 | there is no measuring program growth |"), "{text}");
        assert!(markdown(&[]).is_empty());
    }
}

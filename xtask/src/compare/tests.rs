//! What must and what must not be called a change.

use super::*;
use crate::report::sample;

/// A run with rounds made from the sample's medians: each multiplied by `factor` and by what
/// `noise` says of a round.
fn run(factor: f64, noise: &[f64]) -> Results {
    let mut results = sample();
    for cell in &mut results.matrix {
        let middle = cell.median();
        cell.mops = noise.iter().map(|noise| middle * factor * noise).collect();
    }
    for cell in &mut results.contention {
        let middle = cell.median();
        cell.mops = noise.iter().map(|noise| middle * factor * noise).collect();
    }
    for cell in &mut results.batches {
        let middle = median(&cell.mkeys);
        cell.mkeys = noise.iter().map(|noise| middle * factor * noise).collect();
    }
    for cell in &mut results.criterion {
        cell.median_ns /= factor;
        cell.low_ns = cell.median_ns * 0.99;
        cell.high_ns = cell.median_ns * 1.01;
    }
    results
}

fn against(before: Results, now: &Results) -> Comparison {
    compare(&Earlier { with: "before".into(), results: before }, now)
}

const STEADY: [f64; 5] = [0.99, 1.0, 1.005, 1.01, 0.995];

#[test]
fn identical_runs_show_no_change() {
    let same = against(run(1.0, &STEADY), &run(1.0, &STEADY));
    assert_eq!(same.count(Change::None), same.rows.len());
    assert!(same.rows.iter().all(|row| (row.ratio - 1.0).abs() < 1e-9));
    assert!(!same.rows.is_empty() && same.unmatched == 0 && same.notes.is_empty());
    let measures = [Measure::Throughput, Measure::Time, Measure::Memory];
    assert!(measures.iter().all(|m| same.rows.iter().any(|row| row.measure == *m)));
}

#[test]
fn a_third_more_or_less_is_seen_in_each_cell() {
    for (factor, change, words) in [(1.3, Change::Better, "faster"), (0.7, Change::Worse, "slower")]
    {
        let shifted = against(run(1.0, &STEADY), &run(factor, &STEADY));
        for row in shifted.rows.iter().filter(|row| row.measure.is_speed()) {
            assert_eq!((row.change, row.words()), (change, words), "{row:?}");
            assert!((row.ratio / factor - 1.0).abs() < 1e-9);
            assert!(row.low <= row.ratio && row.ratio <= row.high);
        }
        assert!(shifted.notes.iter().any(|note| note.starts_with("The peers run at")));
    }
}

#[test]
fn rounds_that_scatter_show_no_change() {
    let noisy =
        against(run(1.0, &[0.7, 1.3, 1.0, 0.8, 1.2]), &run(1.1, &[1.3, 0.75, 1.0, 0.7, 1.25]));
    let rates = || noisy.rows.iter().filter(|row| row.measure == Measure::Throughput);
    assert!(rates().count() > 0 && rates().all(|row| row.change == Change::None));
}

#[test]
fn a_shift_within_the_noise_is_none() {
    let near = against(run(1.0, &[1.0]), &run(1.02, &[1.0]));
    assert_eq!(near.count(Change::None), near.rows.len());
}

#[test]
fn what_is_exact_needs_no_rounds() {
    let mut now = run(1.0, &STEADY);
    now.memory[0].live_bytes *= 2;
    now.instructions[0].instructions *= 0.8;
    let changes = against(run(1.0, &STEADY), &now);
    let changed: Vec<_> = changes.changed().iter().map(|row| (row.words(), row.ratio)).collect();
    assert_eq!(changed, [("larger", 0.5), ("fewer", 1.25)]);
}

#[test]
fn what_differs_is_told() {
    let mut now = run(1.0, &STEADY);
    now.machine.cpu = "another".into();
    now.versions[0].version = "99.0.0".into();
    now.matrix.truncate(2);
    let other = against(run(1.0, &STEADY), &now);
    let notes = other.notes.join("\n");
    assert!(notes.contains("The processor differs") && notes.contains("`99.0.0` now"), "{notes}");
    assert!(other.unmatched > 0 && other.headline().contains("in one of the runs only"));
}

#[test]
fn names() {
    assert!(["main", "v1.2", "a-b"].into_iter().all(|text| name(text).is_ok()));
    assert!(["", ".", "..", "a/b", "a b", ".hidden", "ä"].into_iter().all(|t| name(t).is_err()));
}

//! Which map to choose when: what the figures say to someone who has a workload and wants a map.
//!
//! A workload may have been measured at several sizes and on several kinds of entry. A map's score is
//! the geometric mean, over these, of its throughput as a share of the fastest's; maps within 5 % of
//! each other are level.

use atlas_bench_data::{ContenderKind, Results};

use super::analysis::{Analysis, geometric_mean, kind};
use super::beside::beside;
use super::format::{ratio, threads};
use super::section::{Good, Part, Row, Section, Table, number, ranking, words};

/// Scores that differ by less are level.
const LEVEL: f64 = 0.95;

/// What one workload says.
struct Advice<'r> {
    workload: &'r str,
    /// Every map that took part at each size, best first, with its score.
    scores: Vec<(&'r str, f64)>,
}

impl<'r> Advice<'r> {
    fn of_kind(&self, results: &Results, wanted: ContenderKind) -> Vec<(&'r str, f64)> {
        self.scores.iter().copied().filter(|(id, _)| kind(results, id) == wanted).collect()
    }
}

fn advice<'r>(analysis: &Analysis<'r>) -> Vec<Advice<'r>> {
    let workloads = analysis.workloads().into_iter().map(|workload| {
        let contests: Vec<_> = analysis.summary().filter(|c| c.workload == workload).collect();
        let mut scores: Vec<(&str, f64)> = Vec::new();
        for contender in &analysis.results.contenders {
            let id = contender.id.as_str();
            let shares: Option<Vec<f64>> = contests
                .iter()
                .map(|c| Some(c.maps().find(|e| e.id == id)?.over(c.maps().next()?)))
                .collect();
            let mean = shares.and_then(|shares| geometric_mean(shares.into_iter()));
            scores.extend(mean.map(|mean| (id, mean)));
        }
        scores.sort_by(|a, b| b.1.total_cmp(&a.1));
        Advice { workload, scores }
    });
    workloads.filter(|advice| !advice.scores.is_empty()).collect()
}

/// For each of our maps when to choose it, and what decides beside throughput.
pub fn sentences(analysis: &Analysis<'_>) -> Vec<String> {
    let results = analysis.results;
    let all = advice(analysis);
    let mut sentences = Vec::new();
    for id in analysis.ours() {
        let good: Vec<_> = all
            .iter()
            .filter(|advice| {
                let ours = advice.of_kind(results, ContenderKind::Ours);
                let own = ours.iter().find(|(known, _)| *known == id);
                own.zip(ours.first()).is_some_and(|(own, first)| own.1 >= LEVEL * first.1)
            })
            .map(|advice| advice.workload)
            .collect();
        if !good.is_empty() {
            sentences.push(format!("Of ours, choose `{id}` for {}.", good.join(", ")));
        }
    }
    for measured in beside(results) {
        let values = measured.values.iter().map(|(id, value)| ((*id).to_owned(), *value));
        let best = format!("Beside throughput, least {}", measured.name);
        sentences.extend(ranking(results, &best, "most", Good::Low, measured.show, values));
    }
    sentences
}

/// The section at the top.
pub fn section(analysis: &Analysis<'_>) -> Option<Section> {
    let results = analysis.results;
    let all = advice(analysis);
    let rows = all.iter().map(|advice| {
        let ours = advice.of_kind(results, ContenderKind::Ours);
        let peers = advice.of_kind(results, ContenderKind::Peer);
        let name = |at: Option<&(&str, f64)>| at.map_or("–", |(id, _)| *id).to_owned();
        let over = |a: Option<&(&str, f64)>, b: Option<&(&str, f64)>| {
            a.zip(b).map_or_else(|| "–".into(), |(a, b)| ratio(a.1 / b.1))
        };
        let mut first = words(name(ours.first()));
        first.best = ours.first().map(|o| o.0) == advice.scores.first().map(|s| s.0);
        Row {
            head: advice.workload.into(),
            class: String::new(),
            figures: vec![
                first,
                words(name(ours.get(1))),
                number(over(ours.first(), ours.get(1))),
                words(name(peers.first())),
                number(over(ours.first(), peers.first())),
                words(name(advice.scores.last())),
                number(over(advice.scores.first(), advice.scores.last())),
            ],
        }
    });
    let columns = [
        "Workload",
        "best of ours",
        "next of ours",
        "ahead by",
        "best peer",
        "ahead by",
        "slowest",
        "behind by",
    ];
    let table =
        Table { columns: columns.map(Into::into).into(), rows: rows.collect(), ..Table::default() };
    (!all.is_empty()).then(|| Section {
        id: "choose",
        title: "Which map to choose",
        about: format!(
            "By throughput with {}, in the geometric mean over the sizes and entries of each workload. The best \
             of ours is marked where no peer is faster. What a workload does is told below.",
            threads(analysis.threads)
        ),
        parts: vec![Part { words: sentences(analysis), tables: vec![table], ..Part::default() }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn winners_and_losers_are_named_for_each_workload() {
        let results = sample();
        let section = section(&Analysis::new(&results)).expect("contests");
        let rows = &section.parts[0].tables[0].rows;
        let exchange = rows.iter().find(|row| row.head == "exchange").expect("a row");
        assert_eq!(exchange.figures[3].text, "parking_lot");
        assert_eq!(exchange.figures[4].text, "0.31 ×");
        assert!(!exchange.figures[0].best);
        assert!(section.parts[0].words[0].starts_with("Of ours, choose `map-"));
    }
}

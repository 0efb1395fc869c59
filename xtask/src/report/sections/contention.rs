//! What happens where threads get in each other's way, situation by situation.

use atlas_bench_data::{Contention, ContentionCounts, Results, median};

use crate::report::format::{count, figure, keys, nanoseconds, sentence, threads};
use crate::report::section::{Column, Good, Part, Section, Table, grouped, ranking, table};

pub(super) fn section(results: &Results) -> Option<Section> {
    let groups = grouped(&results.contention, |c| (&c.situation, c.keys, c.threads));
    let parts = groups.into_iter().map(|((situation, size, n), of_it)| {
        let about = results.workloads.iter().find(|known| known.id == *situation);
        let values = of_it.iter().map(|c| (c.contender.clone(), c.median()));
        let show = |mops| format!("{} M/s", figure(mops));
        let mut words: Vec<_> =
            about.map(|about| sentence(&about.description)).into_iter().collect();
        words.extend(ranking(results, "Fastest", "slowest", Good::High, show, values));
        let mut tables = vec![seen(results, &of_it)];
        let counts: Vec<_> = results
            .contention_counts
            .iter()
            .filter(|c| c.situation == *situation && (c.keys, c.threads) == (size, n))
            .collect();
        if !counts.is_empty() {
            tables.push(inside(results, &counts));
        }
        let size = if size == 1 { "1 key".into() } else { format!("{} keys", keys(size)) };
        let title = format!("{situation}, {size}, {}", threads(n));
        Part { title, words, tables, ..Part::default() }
    });
    (!results.contention.is_empty()).then(|| Section {
        id: "contention",
        title: "Contention",
        about: "Threads that want the same: few keys, one key, iteration beside writers. “Fairness” is the \
                slowest thread's work over the mean, 1 if all get the same. A “switch given” is a thread \
                that went to sleep to wait, a “switch taken” one that the system stopped."
            .into(),
        parts: parts.collect(),
    })
}

/// How often per million operations.
fn per_million(rate: f64) -> String {
    match rate * 1e6 {
        x if x >= 9_999.5 => count(x),
        x => figure(x),
    }
}

fn seen(results: &Results, of_it: &[&Contention]) -> Table {
    type Member<'r> = &'r Contention;
    let rounds = |rounds: &[f64]| (!rounds.is_empty()).then(|| median(rounds));
    let columns = [
        Column::new("M/s", Good::High, figure, |c: &Member<'_>| rounds(&c.mops)),
        Column::new("visited M/s", Good::High, figure, |c: &Member<'_>| rounds(&c.visited_mops)),
        Column::new("fairness", Good::High, figure, |c: &Member<'_>| rounds(&c.fairness)),
        Column::new("switches given per M ops", Good::Low, per_million, |c: &Member<'_>| {
            c.voluntary_switches
        }),
        Column::new("switches taken per M ops", Good::Low, per_million, |c: &Member<'_>| {
            c.involuntary_switches
        }),
        Column::new("processors used", Good::Neither, figure, |c: &Member<'_>| c.processors_used),
        Column::new("makes per key", Good::Low, figure, |c: &Member<'_>| c.makes_per_key),
        Column::new("most makes", Good::Low, count, |c: &Member<'_>| Some(c.most_makes? as f64)),
    ];
    table(results, of_it, |c| (c.contender.clone(), String::new()), &columns)
}

fn inside(results: &Results, of_it: &[&ContentionCounts]) -> Table {
    type Member<'r> = &'r ContentionCounts;
    let per_op = |title: &str, value: fn(&ContentionCounts) -> u64| {
        Column::new(title, Good::Low, per_million, move |c: &Member<'_>| {
            (c.ops > 0).then(|| value(c) as f64 / c.ops as f64)
        })
    };
    let columns = [
        per_op("waits for a lock per M ops", |c| c.lock_waits),
        Column::new("waited per op", Good::Low, nanoseconds, |c: &Member<'_>| {
            (c.ops > 0).then(|| c.waited_ns as f64 / c.ops as f64)
        }),
        per_op("searches begun again per M ops", |c| c.retries),
        per_op("failed exchanges per M ops", |c| c.failed_exchanges),
    ];
    let caption = "Inside our maps, counted by a build with counters".into();
    let head = |c: &Member<'_>| (c.contender.clone(), String::new());
    Table { caption, folded: true, ..table(results, of_it, head, &columns) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn only_columns_with_figures_are_shown() {
        let section = section(&sample()).expect("the sample has contention");
        let table = &section.parts[0].tables[0];
        assert!(table.columns.contains(&"fairness".to_owned()));
        assert!(!table.columns.contains(&"makes per key".to_owned()), "{:?}", table.columns);
        assert_eq!(section.parts[0].tables.len(), 2);
    }

    #[test]
    fn texts() {
        assert_eq!(
            [per_million(0.0), per_million(2e-6), per_million(0.25)],
            ["0.00", "2.00", "250\u{202f}000"]
        );
    }
}

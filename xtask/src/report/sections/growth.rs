//! What growing costs: time-lines of a map that is filled, and what its busiest insertion did.

use atlas_bench_data::{Growth, Moves, Results};

use super::kind_of_entry;
use crate::report::format::{bytes_of, count, keys, nanoseconds, seconds};
use crate::report::plot::{Strip, strip};
use crate::report::section::{Column, Good, Part, Section, Table, grouped, ranking, table};

pub(super) fn section(results: &Results) -> Option<Section> {
    let groups = grouped(&results.growth, |g| (&g.entry, g.entries));
    let parts = groups.into_iter().map(|((entry, entries), of_it)| {
        let title = format!("From empty to {} entries{}", keys(entries), kind_of_entry(entry));
        part(results, title, &of_it)
    });
    let parts: Vec<_> = parts.chain(inside(results)).collect();
    (!parts.is_empty()).then(|| Section {
        id: "growth",
        title: "Growth",
        about: "One thread fills an empty map while another reads. The time-lines show insertions in each \
                millisecond, all on one scale: a fall to the ground is a millisecond in which nothing \
                was inserted, a short line an early end. The tables tell the longest single operations and \
                what the busiest insertion did, which is counted and not timed."
            .into(),
        parts,
    })
}

fn part(results: &Results, title: String, of_it: &[&Growth]) -> Part {
    // The axis ends where most maps are done, so that one slow map does not squeeze all others.
    let mut lengths: Vec<_> = of_it.iter().map(|g| g.inserts_per_ms.len()).collect();
    lengths.sort_unstable();
    let (middle, longest) = (lengths[lengths.len() / 2], lengths[lengths.len() - 1]);
    let slots = longest.min(3 * middle.max(1));
    let most = of_it.iter().flat_map(|g| &g.inserts_per_ms).max().copied().unwrap_or(0);
    let charts = of_it.iter().map(|g| {
        let words = format!(
            "{} · longest insertion {}",
            seconds(g.seconds),
            nanoseconds(longest_insert(g))
        );
        strip(results, &Strip { id: &g.contender, words, slots: &g.inserts_per_ms }, slots, most)
    });
    let rank = |best, worst, value: fn(&Growth) -> f64, show: fn(f64) -> String| {
        let values = of_it.iter().map(|g| (g.contender.clone(), value(g)));
        ranking(results, best, worst, Good::Low, show, values)
    };
    let words = [
        rank("Filled first", "last", |g| g.seconds, seconds),
        rank("Shortest longest insertion", "longest", longest_insert, nanoseconds),
    ];
    Part {
        title,
        words: words.into_iter().flatten().collect(),
        charts: charts.collect(),
        small: true,
        tables: vec![times(results, of_it), work(results, of_it)],
    }
}

/// The longest insertion that is the map's: an undisturbed one, if there is any.
fn longest_insert(g: &Growth) -> f64 {
    match g.longest_insert_undisturbed {
        0 => g.inserts.max as f64,
        ns => ns as f64,
    }
}

fn head(g: &&Growth) -> (String, String) {
    (g.contender.clone(), String::new())
}

fn times(results: &Results, of_it: &[&Growth]) -> Table {
    let read = |g: &&Growth, ns: u64| (g.reads.samples > 0).then_some(ns as f64);
    let ns = |title: &str, value: fn(&Growth) -> u64| {
        Column::new(title, Good::Low, nanoseconds, move |g: &&Growth| Some(value(g) as f64))
    };
    let columns = [
        Column::new("time", Good::Low, seconds, |g: &&Growth| Some(g.seconds)),
        ns("insert 50 %", |g| g.inserts.p50),
        ns("99.9 %", |g| g.inserts.p99_9),
        ns("longest", |g| g.inserts.max),
        ns("longest, undisturbed", |g| g.longest_insert_undisturbed),
        Column::new("read 50 %", Good::Low, nanoseconds, |g: &&Growth| read(g, g.reads.p50)),
        Column::new("read 99.9 %", Good::Low, nanoseconds, |g: &&Growth| read(g, g.reads.p99_9)),
        Column::new("longest read", Good::Low, nanoseconds, |g: &&Growth| read(g, g.reads.max)),
        Column::new("longest read, undisturbed", Good::Low, nanoseconds, |g: &&Growth| {
            read(g, g.longest_read_undisturbed)
        }),
    ];
    let caption = "Times of single operations while the map grows".into();
    Table { caption, ..table(results, of_it, head, &columns) }
}

fn work(results: &Results, of_it: &[&Growth]) -> Table {
    let low = |title: &str, show: fn(f64) -> String, value: fn(&Growth) -> Option<u64>| {
        Column::new(title, Good::Low, show, move |g: &&Growth| Some(value(g)? as f64))
    };
    let columns = [
        low("hash calls", count, |g| Some(g.work.most_hash_calls)),
        low("entries moved", count, |g| g.work.moved),
        low("clones of keys", count, |g| Some(g.work.most_clones)),
        low("allocations", count, |g| Some(g.work.most_allocations)),
        low("bytes asked for", bytes_of, |g| Some(g.work.most_bytes)),
        low("peak heap", bytes_of, |g| Some(g.work.peak_bytes)),
        low("heap at the end", bytes_of, |g| Some(g.work.live_bytes)),
    ];
    let caption = "What the busiest insertion did, and the heap of the whole map".into();
    Table { caption, ..table(results, of_it, head, &columns) }
}

/// What our maps have counted themselves, if they have.
fn inside(results: &Results) -> Option<Part> {
    type Member<'r> = &'r Moves;
    let low = |title: &str, value: fn(&Moves) -> u64| {
        Column::new(title, Good::Low, count, move |m: &Member<'_>| Some(value(m) as f64))
    };
    let columns = [
        low("entries moved by one insertion, at the most", |m| m.most_moved),
        low("by all", |m| m.moved),
        low("pieces of an index set up by one, at the most", |m| m.most_indexed),
        low("by all insertions", |m| m.indexed),
    ];
    let tables = grouped(&results.moves, |m| (&m.entry, m.entries)).into_iter();
    let tables = tables.map(|((entry, entries), of_it)| {
        let caption = format!("From empty to {} entries{}", keys(entries), kind_of_entry(entry));
        let head = |m: &Member<'_>| (m.contender.clone(), String::new());
        Table { caption, ..table(results, &of_it, head, &columns) }
    });
    let words = "Counted by our maps themselves, in a build with counters. A figure that is the same at every size is \
                 a constant. A map that moves nothing sets up pieces of its index instead.";
    (!results.moves.is_empty()).then(|| Part {
        title: "Moved by one insertion, counted inside our maps".into(),
        words: vec![words.into()],
        tables: tables.collect(),
        ..Part::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn time_lines_share_an_axis_that_one_slow_map_does_not_stretch() {
        let results = sample();
        let section = section(&results).expect("the sample has growth");
        let part = &section.parts[0];
        assert_eq!(part.charts.len(), results.growth.len());
        assert_eq!(part.charts.iter().filter(|svg| svg.contains("goes on to")).count(), 1);
        assert!(part.words[0].starts_with("Filled first: `map-rwlock`"), "{}", part.words[0]);
    }

    #[test]
    fn moves_are_shown_with_and_without_times() {
        let parts = |results| section(&results).map(|section| section.parts).unwrap_or_default();
        let both = parts(sample());
        let moves = both.last().expect("the sample has moves");
        assert_eq!(moves.tables.len(), 2, "a table for each size");
        assert_eq!(parts(Results { growth: Vec::new(), ..sample() }).len(), 1);
        assert_eq!(parts(Results { moves: Vec::new(), ..sample() }).len(), both.len() - 1);
        assert!(section(&Results::default()).is_none());
    }
}

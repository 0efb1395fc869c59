//! Many keys in one call, against the same keys one by one.

use atlas_bench_data::{BatchCell, Results, median};

use crate::report::format::{figure, keys, threads};
use crate::report::section::{Column, Good, Part, Section, grouped, ranking, table};

pub(super) fn section(results: &Results) -> Option<Section> {
    let groups = grouped(&results.batches, |cell| (cell.keys, cell.threads));
    let parts = groups.into_iter().map(|((size, n), of_it)| part(results, size, n, &of_it));
    (!results.batches.is_empty()).then(|| Section {
        id: "batches",
        title: "Many keys in one call",
        about: "Million keys looked up per second, all threads together. “Independent”: the next key is \
                known beforehand, so the processor may begin with it; “dependent”: it follows from the value \
                found. “Many”: so many keys in one call of `get_many`."
            .into(),
        parts: parts.collect(),
    })
}

fn part(results: &Results, size: u64, n: u32, of_it: &[&BatchCell]) -> Part {
    let rate = |way: &str, id: &str| {
        let cell = of_it.iter().find(|cell| cell.way == way && cell.contender == id)?;
        (!cell.mkeys.is_empty()).then(|| median(&cell.mkeys))
    };
    let ids: Vec<_> =
        grouped(of_it, |cell| cell.contender.as_str()).into_iter().map(|g| g.0).collect();
    let ways: Vec<_> = grouped(of_it, |cell| cell.way.as_str()).into_iter().map(|g| g.0).collect();
    let columns: Vec<_> = ways
        .iter()
        .map(|&way| Column::new(name(way), Good::High, figure, move |id: &&str| rate(way, id)))
        .collect();
    // The way with the most keys in a call stands last.
    let words = ways.last().and_then(|way| {
        let best = format!("Most keys per second with {}", name(way));
        let show = |rate| format!("{} M/s", figure(rate));
        let values = ids.iter().filter_map(|id| Some(((*id).to_owned(), rate(way, id)?)));
        ranking(results, &best, "fewest", Good::High, show, values)
    });
    Part {
        title: format!("{} keys, {}", keys(size), threads(n)),
        words: words.into_iter().collect(),
        tables: vec![table(results, &ids, |id| ((*id).to_owned(), String::new()), &columns)],
        ..Part::default()
    }
}

/// A way in words: `get-many-64` is `64 in a call`.
fn name(way: &str) -> String {
    match way.strip_prefix("get-many-") {
        Some(many) => format!("{many} in a call"),
        None => way.strip_prefix("get-").unwrap_or(way).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn ways_are_columns() {
        let section = section(&sample()).expect("the sample has batches");
        let table = &section.parts[0].tables[0];
        assert_eq!(table.columns, ["Map", "independent", "dependent", "64 in a call"]);
        assert!(section.parts[0].words[0].starts_with("Most keys per second with 64 in a call: `"));
    }
}

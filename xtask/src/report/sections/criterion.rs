//! Single operations on one thread, as criterion measures them.

use atlas_bench_data::{ContenderKind, CriterionCell, Results};

use crate::report::analysis::kind;
use crate::report::chart;
use crate::report::format::nanoseconds;
use crate::report::section::{Figure, Good, Part, Row, Section, Table, ranking};

pub(super) fn section(results: &Results) -> Option<Section> {
    let mut groups: Vec<&str> = results.criterion.iter().map(|cell| cell.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    (!groups.is_empty()).then(|| Section {
        id: "criterion",
        title: "Single operations",
        about: "Measured by criterion: the median time per iteration with its 95 % confidence interval. The \
                shortest of a column is marked."
            .into(),
        parts: groups.into_iter().map(|group| part(results, group)).collect(),
    })
}

fn part(results: &Results, group: &str) -> Part {
    let of_it = || results.criterion.iter().filter(|cell| cell.group == group);
    let mut parameters: Vec<&str> = of_it().map(|cell| cell.parameter.as_str()).collect();
    parameters.sort_by_key(|text| (text.parse::<u64>().ok(), *text));
    parameters.dedup();
    let mut rows = Vec::new();
    for contender in &results.contenders {
        let find = |parameter: &str| {
            of_it().find(|c| c.contender == contender.id && c.parameter == parameter)
        };
        if parameters.iter().all(|parameter| find(parameter).is_none()) {
            continue;
        }
        let figures = parameters.iter().map(|parameter| {
            let Some(cell) = find(parameter) else { return Figure::default() };
            let rivals = of_it().filter(|c| c.parameter == *parameter && !is_limit(results, c));
            Figure {
                text: nanoseconds(cell.median_ns),
                detail: format!("{} to {}", nanoseconds(cell.low_ns), nanoseconds(cell.high_ns)),
                best: !is_limit(results, cell)
                    && rivals.map(|c| c.median_ns).fold(f64::MAX, f64::min) == cell.median_ns,
                words: false,
            }
        });
        let class = chart::style(results, &contender.id).0;
        rows.push(Row { head: contender.id.clone(), class, figures: figures.collect() });
    }
    let largest = parameters.last().copied().unwrap_or_default();
    let of_largest = of_it().filter(|cell| cell.parameter == largest);
    let values = of_largest.map(|cell| (cell.contender.clone(), cell.median_ns));
    let words = ranking(results, "Shortest", "longest", Good::Low, nanoseconds, values);
    let columns = std::iter::once("Map").chain(parameters).map(str::to_owned).collect();
    let tables = vec![Table { columns, rows, ..Table::default() }];
    Part { title: group.into(), words: words.into_iter().collect(), tables, ..Part::default() }
}

fn is_limit(results: &Results, cell: &CriterionCell) -> bool {
    kind(results, &cell.contender) == ContenderKind::Limit
}

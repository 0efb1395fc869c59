//! One module for each kind of figure; each makes a [`Section`] of the results if they hold any.

mod batches;
mod choice;
mod comparison;
mod contention;
mod cost;
mod criterion;
mod goals;
mod growth;
mod latency;
mod memory;
mod scenarios;

use atlas_bench_data::Results;

use super::section::Section;

pub use comparison::section as comparison;
pub use goals::tally;

/// Every section that has figures, in the order of the page.
pub fn all(results: &Results) -> Vec<Section> {
    [
        choice::section,
        latency::section,
        growth::section,
        contention::section,
        scenarios::section,
        batches::section,
        memory::section,
        cost::section,
        criterion::section,
        goals::section,
    ]
    .into_iter()
    .filter_map(|section| section(results))
    .collect()
}

/// ` String` where entries are not of `u64`, for headings.
fn kind_of_entry(entry: &str) -> String {
    if entry == "u64" { String::new() } else { format!(", {}", super::format::entry(entry)) }
}

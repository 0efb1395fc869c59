//! From results to something that people read.
//!
//! [`analysis`] turns the cells into contests with an order and verdicts, [`words`] puts them into
//! sentences, [`chart`] into SVG. [`html`], [`markdown`] and [`terminal`] arrange the rest. All
//! output is a function of the results alone, so that it can be generated again and compared.

mod analysis;
mod chart;
mod format;
mod html;
mod markdown;
mod summary;
mod terminal;
mod words;

pub use analysis::kind;
pub use format::figure;
pub use html::{html, nanoseconds};
pub use markdown::{markdown, readme_table};
pub use summary::summary_svg;
pub use terminal::terminal;

/// Small results with a winner, a loser and a tie, for tests.
#[cfg(test)]
pub fn sample() -> atlas_bench_data::Results {
    serde_json::from_str(include_str!("../tests/data/results.json")).expect("valid results")
}

//! From results to something that people read.
//!
//! [`analysis`] turns the cells of the matrix into contests with an order and verdicts, [`words`] puts
//! them into sentences, [`advice`] says which map they speak for. Every other kind of figure has a
//! module below [`sections`] that makes words, charts ([`chart`], [`plot`]) and tables of it.
//! [`html`](mod@html), [`markdown`](mod@markdown) and [`terminal`](mod@terminal) arrange them. All output
//! is a function of the results alone, so that it can be generated again and compared.

mod advice;
mod analysis;
mod beside;
mod chart;
mod format;
mod html;
mod markdown;
mod plot;
mod section;
mod sections;
mod summary;
mod terminal;
mod words;

pub use analysis::{geometric_mean, kind};
pub use format::{entry, figure, keys, nanoseconds, threads};
pub use html::html;
pub use markdown::{markdown, readme_table};
pub use summary::summary_svg;
pub use terminal::{comparison as terminal_comparison, terminal};

/// Small results with a winner, a loser and a tie, for tests.
#[cfg(test)]
pub fn sample() -> atlas_bench_data::Results {
    serde_json::from_str(include_str!("../tests/data/results.json")).expect("valid results")
}

//! Counts what single insertions move inside our maps while they grow.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use atlas_bench_data::{ContenderKind, Moves};
use atlas_benches::contenders::{CONTENDERS, Contender};
use atlas_benches::entries::{Entries, Numbers};
use atlas_benches::measure::moves::CountMoves;
use atlas_benches::measure::{admits, size_name};
use atlas_benches::options::{self, Common, Keys, or};
use atlas_benches::progress::Progress;
use atlas_benches::table::table;
use clap::Parser;

/// Grows each of our maps from empty and counts the entries that single insertions move, or, in a map that moves
/// none, the pieces of its index that they set up. Nothing is timed, because counting takes time.
#[derive(Debug, Parser)]
#[command(name = "moves", max_term_width = 100)]
struct Options {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    keys: Keys,
}

/// What an insertion takes with counters, roughly.
const SECONDS_PER_ENTRY: f64 = 3e-7;
const COLUMNS: [&str; 4] = ["most moved", "all moved", "most indexed", "all indexed"];

fn row(moves: &Moves) -> (String, Vec<String>) {
    let counts = [moves.most_moved, moves.moved, moves.most_indexed, moves.indexed];
    (moves.contender.clone(), counts.map(|count| count.to_string()).to_vec())
}

fn run(options: &Options) -> Result<()> {
    let common = &options.common;
    // Two sizes, so that a count which grows with the map shows.
    let usual = &[1_000_000, 4_000_000][..];
    let sizes = or(&options.keys.keys, common.choose(&usual[..1], usual, usual));
    let ours = || CONTENDERS.iter().filter(|contender| contender.kind == ContenderKind::Ours);
    let cells: Vec<(u64, &Contender)> = sizes
        .iter()
        .flat_map(|&entries| ours().map(move |contender| (entries, contender)))
        .filter(|(entries, contender)| {
            let (entry, size) = (Numbers::NAME, size_name(*entries));
            admits(&common.filter, &format!("moves/{entry}/{size}/t1/{}", contender.id))
        })
        .collect();
    let takes_part = |contender: &Contender| cells.iter().any(|(_, known)| *known == contender);
    let mut results = common.begin(1, Duration::ZERO, takes_part)?;
    let entries: u64 = cells.iter().map(|(entries, _)| entries).sum();
    let progress = Progress::new(cells.len(), entries as f64 * SECONDS_PER_ENTRY);
    for (entries, contender) in cells {
        let moves = contender
            .visit(CountMoves { entries })
            .with_context(|| format!("{} gave a wrong answer while it grew", contender.id))?;
        results.moves.push(Moves { contender: contender.id.to_owned(), ..moves });
        progress.step();
    }
    drop(progress);
    for entries in sizes {
        let title = format!("one insertion, and all, growing to {}", size_name(entries));
        let rows = results.moves.iter().filter(|moves| moves.entries == entries);
        println!("{}", table(&title, &COLUMNS, rows.map(row)));
    }
    common.end(&results)
}

fn main() -> ExitCode {
    options::main(run)
}

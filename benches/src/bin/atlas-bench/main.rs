//! The measuring programs that need no build of their own, one subcommand each.
//!
//! They are one program because the maps under measurement are compiled into each program anew.

mod batches;
mod choose;
mod contention;
mod cost;
mod growth;
mod latency;
mod matrix;
mod scenarios;

use std::process::ExitCode;

use atlas_benches::options;
use atlas_benches::raw::counting::CountingAllocator;
use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Compares concurrent maps.
#[derive(Debug, Parser)]
#[command(name = "atlas-bench", max_term_width = 100)]
struct Options {
    #[command(subcommand)]
    program: Program,
}

#[derive(Debug, Subcommand)]
enum Program {
    Batches(batches::Options),
    Choose(choose::Options),
    Contention(contention::Options),
    Cost(cost::Options),
    Growth(growth::Options),
    Latency(latency::Options),
    Matrix(matrix::Options),
    Scenarios(scenarios::Options),
}

fn main() -> ExitCode {
    options::main(|options: &Options| match &options.program {
        Program::Batches(options) => batches::run(options),
        Program::Choose(options) => choose::run(options),
        Program::Contention(options) => contention::run(options),
        Program::Cost(options) => cost::run(options),
        Program::Growth(options) => growth::run(options),
        Program::Latency(options) => latency::run(options),
        Program::Matrix(options) => matrix::run(options),
        Program::Scenarios(options) => scenarios::run(options),
    })
}

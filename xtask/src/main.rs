//! The project's own commands, run as `cargo xtask COMMAND`.
//!
//! | command | file |
//! |---|---|
//! | `bench` | [`mod@bench`]: measures everything, leaves the report |
//! | `choose` | [`choose`]: measures one described workload, ranks the maps for it |
//! | `conformance` | [`conformance`]: drives the conformance suites for longer than `cargo test` does |
//! | `docs` | [`docs`]: writes the figures in the documents from stored data |
//! | `goals` | [`goals`]: measures what the performance goals speak of, judges each |
//! | `verify` | [`verify`]: looks for errors for longer than `cargo test` does |
//! | `tidy` | [`tidy`]: checks the conventions that a program can check |
//!
//! A failure is one line on standard error and a status other than zero.
#![forbid(unsafe_code)]
#![expect(
    unreachable_pub,
    reason = "a program exports nothing: `pub` says that other files use it"
)]

mod bench;
mod choose;
mod compare;
mod conformance;
mod criterion;
mod docs;
mod flags;
mod goals;
mod maps;
mod report;
mod sections;
mod tidy;
mod trace;
mod verify;
mod workspace;

use std::process::ExitCode;

use flags::Command;

fn main() -> ExitCode {
    let command = match flags::parse() {
        Ok(command) => command,
        Err(code) => return code,
    };
    let result = match &command {
        Command::Bench(flags) => bench::run(flags),
        Command::Choose(flags) => choose::run(flags),
        Command::Conformance(flags) => conformance::run(flags),
        Command::Docs(flags) => docs::run(flags),
        Command::Goals(flags) => goals::run(flags),
        Command::Tidy => tidy::run(),
        Command::Verify(flags) => verify::run(flags),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<workspace::ChildFailed>() {
            Some(child) => child.exit_code(),
            None => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

//! Building measuring programs, running one, and reading what it wrote.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use atlas_bench_data::Results;

use super::PACKAGE;
use crate::bench::read_results;
use crate::workspace::{self, Workspace};

/// Builds programs in release mode with these features of their package.
pub fn build(workspace: &Workspace, programs: &[&str], features: &str) -> Result<()> {
    let mut cargo = workspace.cargo("build");
    cargo.args(["--release", "--package", PACKAGE, "--features", features]);
    workspace::run(cargo.args(programs.iter().flat_map(|program| ["--bin", program])))
}

/// Runs a program that was built and returns what it stored in `json`, which is removed.
///
/// Its tables are not shown: whoever runs it makes their own.
pub fn run(
    workspace: &Workspace,
    program: &str,
    arguments: &[OsString],
    json: &Path,
) -> Result<Results> {
    let path = workspace.target.join("release").join(program);
    let mut command = Command::new(path.with_extension(std::env::consts::EXE_EXTENSION));
    command.arg("--json").arg(json).args(arguments);
    workspace::run(command.stdout(Stdio::null()))?;
    let results = read_results(json)?;
    fs::remove_file(json).with_context(|| json.display().to_string())?;
    Ok(results)
}

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

/// The program of which most sections are a subcommand.
pub const COMMON: &str = "atlas-bench";

/// A measuring program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program<'n> {
    name: &'n str,
    features: &'static str,
}

impl<'n> Program<'n> {
    /// A subcommand of [`COMMON`].
    pub const fn common(name: &'n str) -> Self {
        Self { name, features: "" }
    }

    /// A program of its own, which needs these features of its package.
    pub const fn with_features(name: &'n str, features: &'static str) -> Self {
        Self { name, features }
    }

    fn is_common(self) -> bool {
        self.features.is_empty()
    }

    /// The binary that it is, or is part of.
    pub fn binary(self) -> &'n str {
        if self.is_common() { COMMON } else { self.name }
    }

    /// Builds it in release mode.
    pub fn build(self, workspace: &Workspace) -> Result<()> {
        let mut cargo = workspace.cargo("build");
        cargo.args(["--release", "--package", PACKAGE, "--bin", self.binary()]);
        workspace::run(cargo.args(["--features", self.features]))
    }

    /// Runs it, once built, and returns what it stored in `json`, which is removed.
    ///
    /// Its tables are not shown: whoever runs it makes their own.
    pub fn run(
        self,
        workspace: &Workspace,
        arguments: &[OsString],
        json: &Path,
    ) -> Result<Results> {
        let path = workspace.target.join("release").join(self.binary());
        let mut command = Command::new(path.with_extension(std::env::consts::EXE_EXTENSION));
        command.args(self.is_common().then_some(self.name));
        command.arg("--json").arg(json).args(arguments);
        workspace::run(command.stdout(Stdio::null()))?;
        let results = read_results(json)?;
        fs::remove_file(json).with_context(|| json.display().to_string())?;
        Ok(results)
    }
}

//! Where the workspace is, and how its programs are run.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// Cargo's answer to where things are.
#[derive(Debug, Deserialize)]
pub struct Workspace {
    /// The directory of the workspace's `Cargo.toml`.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    /// Where Cargo builds.
    #[serde(rename = "target_directory")]
    pub target: PathBuf,
}

impl Workspace {
    /// Asks Cargo for the workspace that contains the current directory.
    pub fn find() -> Result<Self> {
        let output = Command::new(cargo_path())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cannot run cargo")?;
        let message = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cargo metadata: {}", message.trim());
        serde_json::from_slice(&output.stdout).context("cannot read the output of cargo metadata")
    }

    /// A call of the Cargo that runs this program, at the root and with `Cargo.lock` as it is.
    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut command = Command::new(cargo_path());
        command.current_dir(&self.root).args([subcommand, "--locked"]);
        command
    }
}

/// The Cargo that runs this program.
pub fn cargo_path() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A program was run, failed, and has said why on standard error.
#[derive(Debug)]
pub struct ChildFailed(ExitStatus);

impl ChildFailed {
    /// The child's status, so that a caller of this program sees the same one.
    pub fn exit_code(&self) -> ExitCode {
        self.0.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, Into::into)
    }
}

impl fmt::Display for ChildFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a program failed: {}", self.0)
    }
}

impl std::error::Error for ChildFailed {}

/// Runs `command` to its end; its standard error is ours.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    check(status)
}

/// Turns a status other than success into [`ChildFailed`].
pub fn check(status: ExitStatus) -> Result<()> {
    if !status.success() {
        if status.code().is_none() {
            eprintln!("error: the program was ended by a signal ({status})");
        }
        return Err(ChildFailed(status).into());
    }
    Ok(())
}

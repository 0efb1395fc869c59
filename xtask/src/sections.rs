//! Running one measuring program and reading what it wrote.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::{self, Workspace};

/// The package with the measuring programs.
const PACKAGE: &str = "atlas-benches";

/// Whether this workspace has the measuring program `name`.
pub fn exists(workspace: &Workspace, name: &str) -> bool {
    workspace.root.join(format!("benches/src/bin/{name}.rs")).exists()
}

/// Builds measuring programs in release mode.
pub fn build(workspace: &Workspace, names: &[&str]) -> Result<()> {
    let mut command = workspace.cargo("build");
    command.args(["--release", "--package", PACKAGE]);
    workspace::run(command.args(names.iter().flat_map(|name| ["--bin", name])))
}

/// Runs a program that was built, with `arguments`, and returns the results that it wrote.
///
/// Its own tables are not shown; `json` is where it writes, and is removed.
pub fn run(workspace: &Workspace, name: &str, arguments: &[String], json: &Path) -> Result<Value> {
    let program =
        workspace.target.join("release").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    let mut command = Command::new(program);
    command.arg("--json").arg(json).args(arguments);
    workspace::run(command.stdout(Stdio::null()))?;
    let context = || json.display().to_string();
    let text = fs::read_to_string(json).with_context(context)?;
    fs::remove_file(json).with_context(context)?;
    serde_json::from_str(&text).with_context(|| format!("{name} did not write results"))
}

/// Takes over everything of `more` that `all` lacks; lists are joined, without their doubles.
pub fn merge(all: &mut Value, more: Value) {
    let (Value::Object(all), Value::Object(more)) = (all, more) else { return };
    for (name, value) in more {
        match (all.get_mut(&name), value) {
            (Some(Value::Array(known)), Value::Array(new)) => {
                for item in new {
                    if !known.contains(&item) {
                        known.push(item);
                    }
                }
            }
            (None | Some(Value::Null), value) => {
                all.insert(name, value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn merged_results_have_all_lists() {
        let mut all = json!({"format": 1, "contenders": ["a"], "matrix": [1], "choice": null});
        let more = json!({"format": 1, "contenders": ["a", "b"], "growth": [2], "choice": 3});
        merge(&mut all, more);
        assert_eq!(
            all,
            json!({"format": 1, "contenders": ["a", "b"], "matrix": [1], "growth": [2], "choice": 3})
        );
    }
}

//! Go's maps as contenders: what is no Go is refused, and so is a wrong answer.
//!
//! The tests with a real toolchain run where the variable `ATLAS_GO` names its `go` command.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use atlas_benches::measure::go::Go;
use atlas_benches::workloads::{Mix, Streams};

fn matrix(go: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_atlas-bench"))
        .args(["matrix", "--quick", "--filter", "read100", "--keys", "1K", "--go"])
        .arg(go)
        .output()
        .expect("it runs")
}

/// Writes a shell script that stands in for `go`.
fn fake(name: &str, script: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    path
}

fn refused(go: &Path, reason: &str) {
    let output = matrix(go);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty(), "{said}");
    assert!(said.starts_with("error: ") && said.trim_end().lines().count() == 1, "{said}");
    assert!(said.contains(reason), "{said}");
}

#[test]
fn what_is_no_go_is_refused_in_one_line() {
    refused(Path::new("no-such-directory/go"), "cannot run");
    refused(&fake("go-nonsense", "echo nonsense"), "no Go toolchain");
    let version = "if [ \"$1\" = env ]; then echo go1.99.1; exit; fi";
    let broken = format!("{version}; echo one >&2; echo two >&2; exit 1");
    refused(&fake("go-broken", &broken), "cannot build: one; two");
    // `go build -o PROGRAM .` makes a program that answers nonsense.
    let program = "printf '#!/bin/sh\\necho nonsense\\n' >\"$3\"; chmod +x \"$3\"";
    refused(&fake("go-nonsense-built", &format!("{version}; {program}")), "began with");
}

/// Two rounds of each mix on each of Go's maps, with all answers right or one wrong.
fn rounds(path: &Path, fault: bool) {
    let go = Arc::new(Go::build(path, fault).expect("it builds"));
    let both_designs = ["1.24", "1.25"].iter().any(|version| go.version.starts_with(version));
    let expected = if both_designs { 4 } else { 3 };
    assert_eq!((go.contenders().count(), go.notes.len()), (expected, 4 - expected));
    for mix in Mix::ALL {
        let streams = Arc::new(match mix {
            Mix::Grow => Streams { mix, entries: 1000, threads: Vec::new() },
            _ => Streams::new(mix, 1000, 2, 1),
        });
        for contender in go.contenders() {
            let subject = go.subject(contender, &streams, 1).expect("it is Go's");
            let mut subject = subject.expect("it starts");
            for threads in [1, 2] {
                let round = subject.round(threads, Duration::from_millis(5));
                assert_eq!(round.is_err(), fault, "{}, {}: {round:?}", contender.id, mix.id());
            }
        }
    }
}

#[test]
fn go_answers_rightly_unless_it_is_broken() {
    if let Some(path) = std::env::var_os("ATLAS_GO").map(PathBuf::from) {
        rounds(&path, false);
        rounds(&path, true);
    }
}

//! Runs a program under Valgrind's `callgrind` and reads what it counted in one function.
//!
//! Only the function named is counted, so nothing of the set-up has to be subtracted; the simulated
//! caches see the set-up, so they are warm. The caches have fixed sizes: figures do not depend on the
//! machine.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Size, ways and line of the simulated caches.
const CACHES: [&str; 3] = ["--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64"];

/// Events in one call of the function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Instructions.
    pub instructions: u64,
    /// Misses of the first-level data cache.
    pub l1_misses: u64,
    /// Misses of the last-level cache by data accesses.
    pub last_level_misses: u64,
    /// Branches predicted wrongly.
    pub mispredictions: u64,
}

/// Whether Valgrind can be run.
pub fn is_installed() -> bool {
    let mut command = Command::new("valgrind");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs `program` and returns the events of each call of `function`, in order.
///
/// # Errors
///
/// If the program fails or Valgrind's output is not what it should be.
pub fn count(
    program: &Path,
    arguments: &[String],
    function: &str,
    scratch: &Path,
) -> Result<Vec<Events>> {
    let out = scratch.join("callgrind");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--cache-sim=yes", "--branch-sim=yes"])
        .args(CACHES)
        .args(["--collect-atstart=no", "--compress-strings=no"])
        .arg(format!("--toggle-collect={function}"))
        .arg(format!("--dump-after={function}"))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args(arguments)
        .output()
        .context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "under valgrind: {}", said.trim());
    let mut calls = Vec::new();
    // One file for each call, then one for the rest, in which nothing was counted.
    for number in 1.. {
        let path = scratch.join(format!("callgrind.{number}"));
        let Ok(text) = fs::read_to_string(&path) else { break };
        fs::remove_file(&path).with_context(|| path.display().to_string())?;
        let events = parse(&text).with_context(|| format!("{} makes no sense", path.display()))?;
        calls.extend((events.instructions > 0).then_some(events));
    }
    Ok(calls)
}

/// Reads the totals of a file.
fn parse(text: &str) -> Option<Events> {
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let names = line("events:")?.split_whitespace();
    let totals: Vec<u64> =
        line("totals:")?.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    // Trailing zeros are left out.
    let known: Vec<_> = names.zip(totals.into_iter().chain(std::iter::repeat(0))).collect();
    let sum = |wanted: &[&str]| {
        wanted
            .iter()
            .map(|name| known.iter().find(|(known, _)| known == name).map(|&(_, count)| count))
            .sum::<Option<u64>>()
    };
    Some(Events {
        instructions: sum(&["Ir"])?,
        l1_misses: sum(&["D1mr", "D1mw"])?,
        last_level_misses: sum(&["DLmr", "DLmw"])?,
        mispredictions: sum(&["Bcm", "Bim"])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_read() {
        let events = "events: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw Bc Bcm Bi Bim\n";
        let read = |totals: &str| parse(&format!("version: 1\n{events}fn=x\n1 2\n{totals}\n"));
        let found = read("totals: 100 20 10 1 5 6 0 2 1 30 3 4 2");
        let right =
            Events { instructions: 100, l1_misses: 11, last_level_misses: 3, mispredictions: 5 };
        assert_eq!(found, Some(right));
        assert_eq!(read("totals: 7").map(|events| events.instructions), Some(7));
        assert_eq!(read("totals: seven"), None);
        assert_eq!(read(""), None);
        assert_eq!(parse("events: Dr Dw\ntotals: 1 2"), None);
    }
}

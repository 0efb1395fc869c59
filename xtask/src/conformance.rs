//! `cargo xtask conformance`: the suites, for longer.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::flags::Conformance;
use crate::maps::{self, MAPS, Map};
use crate::workspace::{self, Workspace};

/// Runs the suite of each chosen map; all of them run even if one fails.
pub fn run(flags: &Conformance) -> Result<()> {
    let chosen = chosen(&flags.map)?;
    let seed = flags.seed.unwrap_or_else(seed_from_clock);
    let workspace = Workspace::find()?;
    let mut failed = Vec::new();
    for map in chosen {
        let start = Instant::now();
        eprintln!("{}: {} times the usual cases, seed {seed}", map.name, flags.cases);
        let passed = workspace::run(
            workspace
                .cargo("test")
                .args(["--release", "--package", map.name, "--test", "conformance"])
                .env("ATLAS_CASES", flags.cases.to_string())
                .env("ATLAS_SEED", seed.to_string()),
        );
        match passed {
            Ok(()) => eprintln!("{}: passed in {:.0?}", map.name, start.elapsed()),
            Err(_) => failed.push(map.name),
        }
    }
    if !failed.is_empty() {
        let again = format!("--cases {} --seed {seed}", flags.cases);
        bail!("failed: {}; to see it again: {again}", failed.join(", "));
    }
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Map>> {
    if names.is_empty() {
        return Ok(MAPS.iter().collect());
    }
    names
        .iter()
        .map(|name| {
            maps::find(name)
                .with_context(|| format!("no map is called {name:?}; there are {}", maps::names()))
        })
        .collect()
}

fn seed_from_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| u64::from(since.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_map_is_answered_with_the_names() {
        let error = chosen(&["map-nosuch".into()]).expect_err("unknown").to_string();
        assert!(error.contains("map-nosuch") && MAPS.iter().all(|map| error.contains(map.name)));
    }
}

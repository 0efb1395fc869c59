//! Where a run takes place and of what it is made.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use atlas_bench_data::{Machine, Version};

const LOCK_FILE: &str = include_str!("../../Cargo.lock");

/// Looks at the machine; what it does not tell is empty, 0 or negative.
pub fn machine() -> Machine {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
    };
    let kilobytes = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|value| value.split(' ').next().and_then(|n| n.parse::<u64>().ok()));
    let load = read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok());
    let release = read("/proc/sys/kernel/osrelease");
    Machine {
        cpu: field(&read("/proc/cpuinfo"), "model name").unwrap_or_default(),
        hardware_threads: thread::available_parallelism().map_or(0, |n| n.get() as u32),
        os: format!("{} {}", std::env::consts::OS, release.trim()).trim().to_owned(),
        memory_bytes: kilobytes.unwrap_or(0) * 1024,
        load_average: load.unwrap_or(-1.0),
        unix_time: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
    }
}

/// Processor time that the host of a virtual machine took away, over stretches of a run.
///
/// The system counts in hundredths of a second, so a share of a short stretch is coarse.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steal {
    begin: Option<(u64, u64)>,
    stolen: u64,
    all: u64,
}

impl Steal {
    /// Begins a stretch.
    pub fn begin(&mut self) {
        self.begin = stolen_ticks(&fs::read_to_string("/proc/stat").unwrap_or_default());
    }

    /// Ends it.
    pub fn end(&mut self) {
        let end = stolen_ticks(&fs::read_to_string("/proc/stat").unwrap_or_default());
        if let (Some(begin), Some(end)) = (self.begin.take(), end) {
            self.stolen += end.0.saturating_sub(begin.0);
            self.all += end.1.saturating_sub(begin.1);
        }
    }

    /// The share of all processors' time, from 0 to 1; `None` if the system does not say.
    pub fn share(&self) -> Option<f64> {
        (self.all > 0).then(|| self.stolen as f64 / self.all as f64)
    }
}

/// Ticks stolen and ticks in all, of all processors, from the text of `/proc/stat`.
fn stolen_ticks(stat: &str) -> Option<(u64, u64)> {
    // user, nice, system, idle, iowait, irq, softirq, steal; guests are in user and nice already.
    let ticks: Vec<u64> = stat
        .lines()
        .find_map(|line| line.strip_prefix("cpu "))?
        .split_whitespace()
        .take(8)
        .map(|ticks| ticks.parse().ok())
        .collect::<Option<_>>()?;
    Some((*ticks.get(7)?, ticks.iter().sum()))
}

/// Names the compiler and the crates that the figures depend on.
pub fn versions() -> Vec<Version> {
    let version = |name: &str, version: &str| Version {
        name: name.to_owned(),
        version: version.trim().to_owned(),
    };
    let rustc = Command::new("rustc").arg("--version").output().ok();
    let rustc = rustc.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    let mut versions = vec![version("rustc", rustc.trim_start_matches("rustc "))];
    for name in
        ["arc-swap", "dashmap", "flurry", "foldhash", "hashbrown", "papaya", "parking_lot", "scc"]
    {
        versions.extend(locked(name).map(|found| version(name, found)));
    }
    versions
}

/// The newest version of a crate in the lock file, which comes last.
fn locked(name: &str) -> Option<&'static str> {
    let (_, rest) = LOCK_FILE.rsplit_once(&format!("name = \"{name}\"\nversion = \""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_the_eighth_figure() {
        let stat = "cpu  10 0 5 80 1 0 1 3 2 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n";
        assert_eq!(stolen_ticks(stat), Some((3, 100)));
        assert_eq!(stolen_ticks("cpu 1 2 3\n"), None);
        assert_eq!(Steal::default().share(), None);
    }

    #[test]
    fn the_peers_are_in_the_lock_file() {
        assert!(locked("papaya").is_some_and(|version| version.starts_with("0.2.")));
        assert!(locked("hashbrown").is_some_and(|version| version.starts_with("0.17.")));
    }
}

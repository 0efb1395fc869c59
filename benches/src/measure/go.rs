//! Go's maps beside ours: a child process that measures one round when it is told to.
//!
//! The program is Go source below `benches/go/`, built here with the toolchain that the user names.
//! It gets the operation streams in a file and checks its own answers; what it says is checked for
//! sense. Its protocol is described in `benches/go/main.go`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::{Round, Subject, WrongAnswer, expect};
use crate::contenders::Contender;
use crate::contenders::go::{GO, RWMUTEX, SHARDED, SYNC_MAP_NEW, SYNC_MAP_OLD};
use crate::workloads::{Mix, Streams, growth};

/// The program's source.
const SOURCE: [(&str, &str); 5] = [
    ("go.mod", include_str!("../../go/go.mod")),
    ("main.go", include_str!("../../go/main.go")),
    ("maps.go", include_str!("../../go/maps.go")),
    ("round.go", include_str!("../../go/round.go")),
    ("streams.go", include_str!("../../go/streams.go")),
];

/// What brings `sync.Map`'s old design back in Go 1.24 and 1.25.
const OLD_DESIGN: &str = "nosynchashtriemap";

/// Go's toolchain, with the programs that were built by it.
#[derive(Debug)]
pub struct Go {
    /// The toolchain's version, for example `1.24.11`.
    pub version: String,
    /// What was left out and why.
    pub notes: Vec<String>,
    /// The contenders, each with its program and the name that the program knows it by.
    programs: Vec<(&'static Contender, PathBuf, &'static str)>,
    /// Breaks one answer of each map.
    fault: bool,
    file: PathBuf,
    /// The streams that the file holds.
    written: Mutex<Option<Arc<Streams>>>,
}

/// Which `sync.Map` a program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Design {
    ReadDirty,
    Trie,
}

impl Go {
    /// Builds the program with the toolchain whose `go` command is at `go`; `fault` breaks one answer
    /// of each map, for a test of the checks.
    ///
    /// # Errors
    ///
    /// If `go` is not what it should be or cannot build the program.
    pub fn build(go: &Path, fault: bool) -> Result<Self> {
        let program = std::env::current_exe().context("the path of this program")?;
        let directory = program.parent().context("the directory of this program")?.join("atlas-go");
        let said = toolchain(go, &directory).args(["env", "GOVERSION"]).output();
        let said = said.with_context(|| format!("cannot run {}", go.display()))?;
        let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        let Some(version) = said.strip_prefix("go1.") else {
            bail!("{} is no Go toolchain: `env GOVERSION` said {said:?}", go.display());
        };
        let source = directory.join("source");
        fs::create_dir_all(&source)
            .with_context(|| format!("cannot create {}", source.display()))?;
        for (name, text) in SOURCE {
            let path = source.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let mut notes = Vec::new();
        let standard = directory.join(format!("go1.{version}"));
        let design = build_one(go, &directory, &standard, None)?;
        let known = |design| match design {
            Design::ReadDirty => &SYNC_MAP_OLD,
            Design::Trie => &SYNC_MAP_NEW,
        };
        let mut programs = vec![(known(design), standard.clone(), "sync-map")];
        if design == Design::Trie {
            let old = directory.join(format!("go1.{version}-{OLD_DESIGN}"));
            match build_one(go, &directory, &old, Some(OLD_DESIGN)) {
                Ok(Design::ReadDirty) => programs.insert(0, (&SYNC_MAP_OLD, old, "sync-map")),
                _ => {
                    notes.push(format!("Go 1.{version} has no longer the old design of sync.Map."))
                }
            }
        } else {
            notes.push(format!("Go 1.{version} has not yet the new design of sync.Map."));
        }
        programs.push((&RWMUTEX, standard.clone(), "rwmutex"));
        programs.push((&SHARDED, standard, "sharded"));
        Ok(Self {
            version: format!("1.{version}"),
            notes,
            programs,
            fault,
            file: directory.join(format!("streams-{}", std::process::id())),
            written: Mutex::new(None),
        })
    }

    /// The contenders that can be measured, in display order.
    pub fn contenders(&self) -> impl Iterator<Item = &'static Contender> {
        GO.iter().filter(|contender| self.program(contender).is_some())
    }

    fn program(&self, contender: &Contender) -> Option<(&Path, &'static str)> {
        let found = self.programs.iter().find(|(known, ..)| *known == contender);
        found.map(|(_, path, name)| (path.as_path(), *name))
    }

    /// Starts the program that measures `contender` with these streams; `None` if it is not Go's.
    ///
    /// # Errors
    ///
    /// If the program does not answer as it should.
    pub fn subject(
        self: &Arc<Self>,
        contender: &Contender,
        streams: &Arc<Streams>,
        seed: u64,
    ) -> Option<Result<Box<dyn Subject>>> {
        let (path, name) = self.program(contender)?;
        let start = || {
            let (mut talk, _) = Talk::start(path, name, self.fault)?;
            if streams.mix != Mix::Grow {
                self.load(&mut talk, streams)?;
            }
            let streams = streams.clone();
            let subject = GoSubject { go: self.clone(), talk, streams, seed, threads: 0 };
            Ok(Box::new(subject) as Box<dyn Subject>)
        };
        Some(start())
    }

    /// Has a program take over streams. They are the same for all, mostly, and written once.
    fn load(&self, talk: &mut Talk, streams: &Arc<Streams>) -> Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if !written.as_ref().is_some_and(|known| Arc::ptr_eq(known, streams)) {
            streams.write(&self.file)?;
            *written = Some(streams.clone());
        }
        let answer = talk.ask(&format!("load {}", self.file.display()))?;
        ensure!(answer == "loaded", "the Go program answered {answer:?}");
        Ok(())
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        // It may never have been written.
        let _ = fs::remove_file(&self.file);
    }
}

/// A call of Go's toolchain that takes nothing from the network or the user's settings.
fn toolchain(go: &Path, directory: &Path) -> Command {
    let mut command = Command::new(go);
    command
        .env("GOCACHE", directory.join("cache"))
        .env("GOPATH", directory.join("path"))
        .envs([("GOENV", "off"), ("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOFLAGS", "")])
        .envs([("CGO_ENABLED", "0"), ("GOWORK", "off")])
        .env_remove("GOEXPERIMENT");
    command
}

/// Builds the program and asks it which `sync.Map` it has.
fn build_one(
    go: &Path,
    directory: &Path,
    program: &Path,
    experiment: Option<&str>,
) -> Result<Design> {
    let mut command = toolchain(go, directory);
    command.current_dir(directory.join("source")).args(["build", "-o"]).arg(program).arg(".");
    command.envs(experiment.map(|experiment| ("GOEXPERIMENT", experiment)));
    let output = command.output().with_context(|| format!("cannot run {}", go.display()))?;
    let message = String::from_utf8_lossy(&output.stderr);
    let message = message.lines().map(str::trim).collect::<Vec<_>>().join("; ");
    ensure!(output.status.success(), "{} cannot build: {message}", go.display());
    Talk::start(program, "sync-map", false).map(|(_, design)| design)
}

/// A running program and the lines that go both ways.
#[derive(Debug)]
struct Talk {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Talk {
    fn start(program: &Path, name: &str, fault: bool) -> Result<(Self, Design)> {
        let mut child = Command::new(program)
            .args(fault.then_some("-fault"))
            .arg(name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the Go program has no input or output");
        };
        let mut talk = Self { child, input, output: BufReader::new(output) };
        let answer = talk.line()?;
        let design = match answer.split(' ').collect::<Vec<_>>()[..] {
            ["ready", "read-dirty", ..] => Design::ReadDirty,
            ["ready", "trie", ..] => Design::Trie,
            _ => bail!("the Go program began with {answer:?}"),
        };
        Ok((talk, design))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).context("the answer of the Go program")?;
        ensure!(read > 0, "the Go program has ended");
        Ok(line.trim_end().to_owned())
    }

    fn ask(&mut self, command: &str) -> Result<String> {
        writeln!(self.input, "{command}").context("the Go program has ended")?;
        self.line()
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // It has nothing to lose, and may not listen.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of Go's maps under one mix.
#[derive(Debug)]
struct GoSubject {
    go: Arc<Go>,
    talk: Talk,
    streams: Arc<Streams>,
    seed: u64,
    /// The threads that the streams of [`Mix::Grow`] in the program are for.
    threads: usize,
}

impl GoSubject {
    fn ask(&mut self, threads: usize, limit: Duration) -> Result<Round> {
        let mix = self.streams.mix;
        if mix == Mix::Grow && self.threads != threads {
            let entries = self.streams.entries;
            let streams = Streams { mix, entries, threads: growth(entries, threads, self.seed) };
            self.go.load(&mut self.talk, &Arc::new(streams))?;
            self.threads = threads;
        }
        let millis = limit.as_secs_f64() * 1e3;
        let answer = self.talk.ask(&format!("round {threads} {millis:.3}"))?;
        if let Some(wrong) = answer.strip_prefix("wrong ") {
            bail!("{wrong}");
        }
        let round = parse_round(&answer)
            .with_context(|| format!("the Go program answered {answer:?} to `round`"))?;
        if matches!(mix, Mix::Read100 | Mix::Zipf95 | Mix::Zipf50 | Mix::Grow) {
            expect("reads that found their key", round.hits, round.gets)?;
        }
        Ok(round)
    }
}

/// Reads `round OPS SECONDS HITS GETS`; `None` if it is something else or makes no sense.
fn parse_round(answer: &str) -> Option<Round> {
    let ["round", ops, seconds, hits, gets] = answer.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    let round = Round {
        ops: ops.parse().ok()?,
        seconds: seconds.parse().ok()?,
        gets: gets.parse().ok()?,
        hits: hits.parse().ok()?,
    };
    let sense = round.seconds.is_finite() && round.seconds > 0.0;
    (sense && round.hits <= round.gets && round.gets <= round.ops).then_some(round)
}

impl Subject for GoSubject {
    fn round(&mut self, threads: usize, limit: Duration) -> Result<Round, WrongAnswer> {
        self.ask(threads, limit).map_err(|error| WrongAnswer(format!("{error:#}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_that_make_sense_are_read() {
        let round = Round { ops: 512, seconds: 0.25, gets: 500, hits: 499 };
        assert_eq!(parse_round("round 512 0.250000000 499 500"), Some(round));
        for nonsense in [
            "",
            "nonsense",
            "round 512 0.25 499",
            "round 512 0.25 501 500",
            "round 512 0.25 499 513",
            "round 512 0 499 500",
            "round 512 NaN 499 500",
            "round -1 0.25 499 500",
            "error 512 0.25 499 500",
        ] {
            assert_eq!(parse_round(nonsense), None, "{nonsense}");
        }
    }
}

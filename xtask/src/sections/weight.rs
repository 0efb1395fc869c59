//! What a contender adds to a program: bytes, seconds of building, crates.
//!
//! For each contender a small package is written below `target/weight/` that uses it as any program
//! would, and built from nothing in release mode, offline, with the versions of `Cargo.lock`. One more,
//! without a map, is what the sizes are compared with. What each package is made of is in
//! [`recipes`].

mod recipes;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use atlas_bench_data::{FORMAT, Results, Weight};

use self::recipes::{BASELINE, RECIPES, Recipe};
use crate::bench::write;
use crate::flags::Bench;
use crate::workspace::{Workspace, cargo_path};

/// The name of the package and the program.
const NAME: &str = "weight";

/// The seconds that building one package takes, roughly.
const PACKAGE_SECONDS: usize = 8;

/// Weighs the contenders that the filters leave.
pub fn measure(workspace: &Workspace, flags: &Bench) -> Result<Results> {
    let admitted = |recipe: &&Recipe| {
        let id = format!("{NAME}/{}", recipe.contender);
        flags.filter.iter().all(|filter| filter.split(',').any(|part| id.contains(part)))
    };
    let wanted: Vec<_> = RECIPES.iter().filter(admitted).collect();
    let mut results = Results { format: FORMAT, ..Results::default() };
    if wanted.is_empty() {
        return Ok(results);
    }
    eprintln!("{} packages, about {} s", wanted.len(), PACKAGE_SECONDS * wanted.len());
    let lock = workspace.root.join("Cargo.lock");
    let lock = fs::read_to_string(&lock).with_context(|| lock.display().to_string())?;
    let baseline = Package::new(workspace, &BASELINE, &lock)?.build()?.bytes;
    for recipe in wanted {
        let built = Package::new(workspace, recipe, &lock)?.build()?;
        eprintln!("{}: {} bytes, {:.1} s", recipe.contender, built.bytes, built.seconds);
        results.weight.push(Weight {
            contender: recipe.contender.to_owned(),
            added_bytes: built.bytes as i64 - baseline as i64,
            build_seconds: built.seconds,
            dependencies: built.dependencies,
        });
    }
    Ok(results)
}

/// A package made for a contender.
struct Package {
    directory: PathBuf,
}

/// What came of building it.
struct Built {
    bytes: u64,
    seconds: f64,
    dependencies: u32,
}

impl Package {
    /// Writes the package.
    fn new(workspace: &Workspace, recipe: &Recipe, lock: &str) -> Result<Self> {
        let directory = workspace.target.join(NAME).join(recipe.contender);
        if directory.exists() {
            fs::remove_dir_all(&directory).with_context(|| directory.display().to_string())?;
        }
        write(&directory.join("Cargo.toml"), &manifest(&workspace.root, recipe, lock)?)?;
        write(&directory.join("Cargo.lock"), lock)?;
        write(&directory.join("src/main.rs"), recipes::MAIN)?;
        write(&directory.join("src/map.rs"), &recipe.source())?;
        Ok(Self { directory })
    }

    fn cargo(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(cargo_path())
            .current_dir(&self.directory)
            .args(arguments)
            .arg("--offline")
            .env("CARGO_TARGET_DIR", self.target())
            .env_remove("RUSTFLAGS")
            .output()
            .context("cannot run cargo")?;
        let message = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {}", self.directory.display(), message.trim());
        String::from_utf8(output.stdout).context("the output of cargo")
    }

    fn target(&self) -> PathBuf {
        self.directory.join("target")
    }

    /// Builds it from nothing.
    fn build(&self) -> Result<Built> {
        let tree = self.cargo(&["tree", "--edges", "normal", "--prefix", "none"])?;
        let begin = Instant::now();
        self.cargo(&["build", "--release", "--quiet"])?;
        let seconds = begin.elapsed().as_secs_f64();
        let program = self.target().join("release").join(NAME);
        let program = program.with_extension(std::env::consts::EXE_EXTENSION);
        let bytes = fs::metadata(&program).with_context(|| program.display().to_string())?.len();
        Ok(Built { bytes, seconds, dependencies: crates(&tree) })
    }
}

/// How many crates a dependency tree has below its root.
fn crates(tree: &str) -> u32 {
    let names: BTreeSet<_> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)").trim())
        .filter(|line| !line.is_empty())
        .collect();
    names.len().saturating_sub(1) as u32
}

fn manifest(root: &Path, recipe: &Recipe, lock: &str) -> Result<String> {
    let mut text = format!(
        "[package]\nname = \"{NAME}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [profile.release]\nopt-level = 3\nstrip = true\n\n[dependencies]\n"
    );
    for dependency in recipe.dependencies {
        let name = dependency.name;
        let source = if name.starts_with("map-") {
            let path = root.join("crates").join(name);
            // A literal string, in which a backslash is a backslash.
            format!("path = '{}'", path.display())
        } else {
            let version = locked(lock, name).with_context(|| format!("no {name} in Cargo.lock"))?;
            format!("version = \"={version}\"")
        };
        let features = match dependency.features {
            None => String::new(),
            Some(features) => format!(", default-features = false, features = {features}"),
        };
        text += &format!("{name} = {{ {source}{features} }}\n");
    }
    Ok(text)
}

/// The newest version of a crate in a lock file, which comes last.
fn locked<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = lock.rsplit_once(&format!("name = \"{name}\"\nversion = \""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maps;

    #[test]
    fn crates_are_counted_once() {
        assert_eq!(crates("weight v0.0.0 (/x)\na v1.0.0\nb v1.0.0\na v1.0.0 (*)\n"), 2);
        assert_eq!(crates("weight v0.0.0 (/x)\n"), 0);
        assert_eq!(crates("weight v0.0.0\na v1.0.0\na v2.0.0\n"), 2);
    }

    #[test]
    fn manifests_name_paths_and_locked_versions() {
        let lock = "name = \"foldhash\"\nversion = \"0.1.0\"\n\nname = \"foldhash\"\nversion = \
                    \"0.2.7\"\n\nname = \"dashmap\"\nversion = \"6.2.1\"\n";
        let of = |id| RECIPES.iter().find(|recipe| recipe.contender == id).expect("a recipe");
        let text = manifest(Path::new("/r"), of("dashmap"), lock).expect("all versions are there");
        assert!(text.contains("dashmap = { version = \"=6.2.1\" }"), "{text}");
        assert!(text.contains("foldhash = { version = \"=0.2.7\", default-features"), "{text}");
        let ours = manifest(Path::new("/r"), of("map-rwlock"), lock).expect("paths only");
        assert!(ours.contains("map-rwlock = { path = '/r/crates/map-rwlock' }"), "{ours}");
        assert!(manifest(Path::new("/r"), of("papaya"), lock).is_err());
    }

    #[test]
    fn every_map_has_a_recipe() {
        for map in maps::MAPS {
            for id in map.kin.iter().chain([&map.name]) {
                assert!(RECIPES.iter().any(|recipe| recipe.contender == *id), "{id}");
            }
        }
    }
}

//! `cargo xtask choose`: measures one described workload and ranks the maps for it.
//!
//! The measuring program does the work; [`rank`] says who is first by what, and [`reason`] why.

use std::ffi::OsString;

use anyhow::{Context, Result, ensure};
use atlas_bench_data::{Choice, ChoiceRow, ContenderKind, Results, median};
use comfy_table::{CellAlignment, Table};

use crate::bench::write;
use crate::flags::Choose;
use crate::report::{figure, kind, nanoseconds};
use crate::sections::programs::Program;
use crate::trace;
use crate::workspace::Workspace;

/// The measuring program.
const PROGRAM: Program<'_> = Program::common("choose");
/// Throughputs that differ by less are level: other things decide.
const LEVEL: f64 = 0.95;

/// Measures, ranks and prints.
pub fn run(flags: &Choose) -> Result<()> {
    if let Some(path) = &flags.trace {
        trace::check(path)?;
    }
    check(flags)?;
    let workspace = Workspace::find()?;
    PROGRAM.build(&workspace)?;
    let json = workspace.target.join("atlas-choose.json");
    let arguments: Vec<_> = arguments(flags).into_iter().map(OsString::from).collect();
    let results = PROGRAM.run(&workspace, &arguments, &json)?;
    let choice = results.choice.as_ref().context("the measuring program compared nothing")?;
    print!("{}", answer(&results, choice));
    if let Some(path) = &flags.json {
        write(path, &(serde_json::to_string_pretty(&results)? + "\n"))?;
    }
    Ok(())
}

/// Refuses a workload that cannot be, before anything is built.
fn check(flags: &Choose) -> Result<()> {
    let reads = flags.reads.unwrap_or(95.0);
    let sum = reads + flags.updates.unwrap_or(0.0) + flags.churn.unwrap_or(0.0);
    ensure!(sum <= 100.0, "--reads, --updates and --churn are {sum} % together, more than 100 %");
    ensure!(!flags.growing || reads < 100.0, "--growing needs writes: --reads below 100");
    Ok(())
}

/// The flags that were given, for the measuring program.
fn arguments(flags: &Choose) -> Vec<String> {
    let text = |value: Option<f64>| value.map(|value| value.to_string());
    let mut arguments = Vec::new();
    for (flag, value) in [
        ("--reads", text(flags.reads)),
        ("--updates", text(flags.updates)),
        ("--churn", text(flags.churn)),
        ("--skew", text(flags.skew)),
        ("--keys", flags.keys.clone()),
        ("--key-size", flags.key_size.map(|bytes| bytes.to_string())),
        ("--value-size", flags.value_size.map(|bytes| bytes.to_string())),
        ("--threads", flags.threads.map(|threads| threads.to_string())),
        ("--trace", flags.trace.as_ref().map(|path| path.display().to_string())),
        ("--seconds", text(flags.seconds)),
        ("--seed", flags.seed.map(|seed| seed.to_string())),
    ] {
        arguments.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    arguments.extend(flags.growing.then(|| "--growing".to_owned()));
    arguments
}

/// The maps by throughput, fastest first.
fn rank(choice: &Choice) -> Vec<&ChoiceRow> {
    let mut rows: Vec<_> = choice.maps.iter().collect();
    rows.sort_by(|a, b| median(&b.mops).total_cmp(&median(&a.mops)));
    rows
}

/// The one of our maps to use: the fastest, or one that is level with it and has the shorter tail.
fn pick<'r>(results: &Results, rows: &[&'r ChoiceRow]) -> Option<&'r ChoiceRow> {
    let ours = |row: &&&ChoiceRow| kind(results, &row.contender) == ContenderKind::Ours;
    let first = rows.iter().find(ours)?;
    let enough = median(&first.mops) * LEVEL;
    rows.iter()
        .filter(ours)
        .filter(|row| median(&row.mops) >= enough)
        .min_by_key(|row| row.p999_ns)
        .copied()
}

/// The ranking, the reason and the line for `Cargo.toml`.
fn answer(results: &Results, choice: &Choice) -> String {
    let rows = rank(choice);
    let mut text =
        format!("{}, {} threads\n\n{}\n\n", choice.workload, choice.threads, table(results, &rows));
    if let Some(picked) = pick(results, &rows) {
        for sentence in reason(results, choice, &rows, picked) {
            text += &format!("{sentence}\n");
        }
        text += &format!("\n[dependencies]\n{}\n", dependency(&picked.contender));
    }
    text
}

fn table(results: &Results, rows: &[&ChoiceRow]) -> Table {
    let mut table = Table::new();
    table.load_preset("     ──            ");
    table.set_header(["", "map", "M/s", "of first", "p50", "p99", "p99.9", "bytes/entry"]);
    let best = rows.first().map_or(0.0, |row| median(&row.mops));
    for (place, row) in rows.iter().enumerate() {
        let ours = kind(results, &row.contender) == ContenderKind::Ours;
        let rate = median(&row.mops);
        table.add_row([
            format!("{}.", place + 1),
            format!("{}{}", row.contender, if ours { " *" } else { "" }),
            figure(rate),
            format!("{:.0} %", 100.0 * rate / best),
            nanoseconds(row.p50_ns as f64),
            nanoseconds(row.p99_ns as f64),
            nanoseconds(row.p999_ns as f64),
            figure(row.bytes_per_entry),
        ]);
    }
    for at in 2..8 {
        if let Some(column) = table.column_mut(at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// What about a workload makes a design good at it.
fn strength(map: &str, writes: f64) -> &'static str {
    match map {
        "map-rwlock" if writes < 0.2 => {
            "its reads announce themselves on lines of their own, so that they do not meet"
        }
        "map-rwlock" => "one table has the shortest way to an entry",
        "map-sharded" if writes < 0.2 => {
            "its reads take no shared line, and its writes meet only in one shard of many"
        }
        "map-sharded" => "writers meet only if their keys share one shard of many",
        "map-readdirty" => {
            "reads and overwrites of known keys go to a published table without a lock"
        }
        _ => "no thread waits for another: each change is one compare-and-swap",
    }
}

/// Why `picked` is the one, and what it costs.
fn reason(
    results: &Results,
    choice: &Choice,
    rows: &[&ChoiceRow],
    picked: &ChoiceRow,
) -> Vec<String> {
    let name = &picked.contender;
    let rate = median(&picked.mops);
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let mut sentences = vec![format!(
        "{name} is the one of ours for this: {} M/s with {} writes; {}.",
        figure(rate),
        percent(choice.writes),
        strength(name, choice.writes),
    )];
    if let Some(first) = rows.first() {
        let best = median(&first.mops);
        let peer = rows.iter().find(|row| kind(results, &row.contender) == ContenderKind::Peer);
        match peer {
            _ if kind(results, &first.contender) == ContenderKind::Peer => sentences.push(format!(
                "{} is faster here, by {:.2} times; it is none of ours.",
                first.contender,
                best / rate
            )),
            Some(peer) => sentences.push(format!(
                "The fastest peer is {}, at {} of its throughput.",
                peer.contender,
                percent(median(&peer.mops) / rate)
            )),
            None => {}
        }
        let ours = kind(results, &first.contender) == ContenderKind::Ours;
        if ours && first.contender != *name {
            sentences.push(format!(
                "{} does {} more operations, but its p99.9 is {} where {name} has {}.",
                first.contender,
                percent(best / rate - 1.0),
                nanoseconds(first.p999_ns as f64),
                nanoseconds(picked.p999_ns as f64),
            ));
        }
    }
    let least = |figure: fn(&ChoiceRow) -> f64| {
        rows.iter().min_by(|a, b| figure(a).total_cmp(&figure(b))).copied()
    };
    if let Some(other) = least(|row| row.p999_ns as f64) {
        sentences.push(if other.contender == *name {
            format!("It also has the shortest tail: p99.9 {}.", nanoseconds(picked.p999_ns as f64))
        } else {
            format!(
                "What it costs in latency: p99.9 {}, where {} has {}.",
                nanoseconds(picked.p999_ns as f64),
                other.contender,
                nanoseconds(other.p999_ns as f64)
            )
        });
    }
    if let Some(other) = least(|row| row.bytes_per_entry) {
        sentences.push(if other.bytes_per_entry * 1.01 >= picked.bytes_per_entry {
            format!("No map needs less memory: {} bytes per entry.", figure(picked.bytes_per_entry))
        } else {
            format!(
                "What it costs in memory: {} bytes per entry, where {} needs {}.",
                figure(picked.bytes_per_entry),
                other.contender,
                figure(other.bytes_per_entry)
            )
        });
    }
    sentences
}

/// The lines for `Cargo.toml`.
fn dependency(map: &str) -> String {
    let (version, _) = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap_or_default();
    format!(
        "{map} = \"{version}\"\n# or, from a checkout of Atlas: {map} = {{ path = \"crates/{map}\" }}"
    )
}

#[cfg(test)]
mod tests {
    use atlas_bench_data::Contender;

    use super::*;

    fn results(rows: &[(&str, ContenderKind, f64, u64, f64)]) -> (Results, Choice) {
        let mut results = Results::default();
        let mut choice = Choice { threads: 2, writes: 0.05, ..Choice::default() };
        for &(id, kind, mops, p999_ns, bytes_per_entry) in rows {
            results.contenders.push(Contender { id: id.into(), kind, ..Contender::default() });
            choice.maps.push(ChoiceRow {
                contender: id.into(),
                mops: vec![mops],
                p999_ns,
                bytes_per_entry,
                ..ChoiceRow::default()
            });
        }
        (results, choice)
    }

    use ContenderKind::{Ours, Peer};

    #[test]
    fn the_first_is_the_fastest_of_ours() {
        let (results, choice) = results(&[
            ("map-rwlock", Ours, 10.0, 100, 22.0),
            ("map-sharded", Ours, 50.0, 900, 22.1),
            ("scc", Peer, 40.0, 300, 24.0),
        ]);
        let text = answer(&results, &choice);
        assert!(text.contains("1.   map-sharded *"), "{text}");
        assert!(text.contains("The fastest peer is scc, at 80 %"), "{text}");
        assert!(text.contains("p99.9 900 ns, where map-rwlock has 100 ns"), "{text}");
        assert!(text.contains("No map needs less memory: 22.1"), "{text}");
        assert!(text.contains("[dependencies]\nmap-sharded = \""), "{text}");
        assert!(text.contains("path = \"crates/map-sharded\""), "{text}");
    }

    #[test]
    fn the_shorter_tail_decides_between_equals() {
        let (results, choice) = results(&[
            ("map-rwlock", Ours, 49.0, 100, 22.0),
            ("map-sharded", Ours, 50.0, 900, 22.1),
        ]);
        let rows = rank(&choice);
        assert_eq!(pick(&results, &rows).map(|row| row.contender.as_str()), Some("map-rwlock"));
        let text = answer(&results, &choice);
        assert!(text.contains("map-sharded does 2 % more operations"), "{text}");
    }

    #[test]
    fn a_faster_peer_is_told() {
        let (results, choice) =
            results(&[("map-rwlock", Ours, 10.0, 100, 22.0), ("scc", Peer, 40.0, 300, 20.0)]);
        let text = answer(&results, &choice);
        assert!(text.contains("scc is faster here, by 4.00 times"), "{text}");
        assert!(text.contains("22.0 bytes per entry, where scc needs 20.0"), "{text}");
    }

    #[test]
    fn given_flags_are_handed_on() {
        let flags = Choose {
            reads: Some(80.0),
            keys: Some("1K".into()),
            growing: true,
            ..Choose::default()
        };
        assert_eq!(arguments(&flags), ["--reads", "80", "--keys", "1K", "--growing"]);
        assert!(check(&flags).is_ok());
        assert!(check(&Choose { updates: Some(6.0), ..Choose::default() }).is_err());
        assert!(check(&Choose { reads: Some(100.0), growing: true, ..Choose::default() }).is_err());
    }
}

//! Which operations the user's code may call while a map runs it: every place, every operation, every map.
//!
//! Each pair runs on a map of its own under a time limit. It works, with an answer that some order of the two calls explains, or
//! it is refused by a panic that names the map and both operations. Anything else fails, and so does a table that
//! is not the one in `docs/reentrancy.md`, which `--write` writes.
#![expect(
    unreachable_pub,
    reason = "a program exports nothing: `pub` says that other files use it"
)]

mod cell;
mod crossing;
mod entry;
#[macro_use]
mod lists;
mod locked;
mod page;

use std::path::PathBuf;
use std::process::ExitCode;

use atlas_verify::Flags;
use clap::Parser;
use map_caslist::CasListMap;
use map_core::{Guarantees, Reentrancy, ShrinkMap};
use map_readdirty::ReadDirtyMap;
use map_rwlock::RwLockMap;
use map_sharded::ShardedMap;

use cell::{Outcome, Pair, Relation, Slow};
use entry::{Directed, Entry, Event, Hooked};
use lists::{Call, Kind, Lent, Operation, Place, Subject};
use locked::LockedSubject;

/// Measures which operations the user's code may call while a map runs it.
#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    /// The document with the tables
    #[arg(long, value_name = "FILE")]
    page: PathBuf,
    /// Write the document instead of comparing it
    #[arg(long)]
    write: bool,
}

/// What was measured of one operation in one place.
struct Measured {
    operation: &'static str,
    kind: Kind,
    outcomes: [Vec<Outcome>; 3],
}

/// What was measured of one place.
struct Row {
    place: &'static str,
    cells: Vec<Measured>,
}

/// What was measured of threads that cross.
struct Across {
    place: &'static str,
    cells: Vec<(&'static str, Vec<Outcome>)>,
}

/// What was measured of one map.
struct Table {
    title: &'static str,
    rows: Vec<Row>,
    one_map: Vec<Across>,
    two_maps: Vec<Across>,
}

/// After how many pairs that hang a map is given up: each takes its time.
const MOST_HANGING: usize = 3;

/// A table, and what must not be in it.
type Found = (Table, Vec<String>);

/// The rows and columns of a map, and in the same order those of the slow one.
struct Lists<E, M> {
    places: Vec<Place<M>>,
    operations: Vec<Operation<M>>,
    slow_places: Vec<Place<Slow<E>>>,
    slow_operations: Vec<Operation<Slow<E>>>,
}

impl<E: Entry, M: Subject<E>> Lists<E, M> {
    /// What the contract has, and `shrink_to_fit` if the map has it.
    fn of_contract(shrink: Option<Call<M>>) -> Self {
        Self {
            places: lists::places(),
            operations: lists::operations(shrink),
            slow_places: lists::places(),
            slow_operations: lists::operations(Some(|map, _| {
                map.shrink_to_fit();
                0
            })),
        }
    }
}

impl<E: Entry, M: LockedSubject<E> + ShrinkMap> Lists<E, M> {
    /// What a map under locks has.
    fn of_locks() -> Self {
        let mut lists = Self::of_contract(Some(shrink));
        lists.places.extend(locked::places());
        lists.operations.extend(locked::operations());
        lists.slow_places.extend(locked::slow_places());
        lists.slow_operations.extend(locked::slow_operations());
        lists
    }
}

fn shrink<M: ShrinkMap>(map: &M, _: u64) -> u64 {
    map.shrink_to_fit();
    0
}

/// Measures a map; what it returns waits for the threads that cross.
fn measure<E: Entry, M: Subject<E>>(
    title: &'static str,
    lists: Lists<E, M>,
) -> impl FnOnce() -> Found {
    let Lists { places, operations, slow_places, slow_operations } = lists;
    let named = |name| operations.iter().find(|op| op.name == name).expect("a name of the list");
    let crossed = crossing::ACROSS.map(named);
    let two_maps = crossing::start::<E, M>(&places, &crossed, true);
    let (mut rows, mut faults, mut hanging) = (Vec::new(), Vec::new(), 0);
    for (place, slow_place) in places.iter().zip(&slow_places) {
        let mut cells = Vec::new();
        for (operation, slow_operation) in operations.iter().zip(&slow_operations) {
            if hanging >= MOST_HANGING {
                continue;
            }
            let pair = Pair { place, operation, slow_place, slow_operation };
            let outcomes = Relation::ALL.map(|relation| pair.measure(relation));
            for (relation, outcomes) in Relation::ALL.iter().zip(&outcomes) {
                for outcome in outcomes {
                    hanging += usize::from(*outcome == Outcome::Hangs);
                    if !outcome.is_sound()
                        || breaks(M::GUARANTEES, place.lent, operation.kind, outcome)
                    {
                        let (name, at) = (operation.name, relation.words());
                        faults.push(format!(
                            "{title}: `{name}` ({at}) inside {}: {outcome:?}",
                            place.name
                        ));
                    }
                }
            }
            cells.push(Measured { operation: operation.name, kind: operation.kind, outcomes });
        }
        rows.push(Row { place: place.name, cells });
    }
    let one_map = crossing::start::<E, M>(&places, &crossed, false)();
    let across = move |faults: &mut Vec<String>, two_maps: bool, outcomes: Vec<Vec<Outcome>>| {
        let mut outcomes = outcomes.into_iter();
        let mut rows = Vec::new();
        for place in places.iter().filter(|place| place.event != Event::Rehash) {
            let cells = crossing::ACROSS.map(|operation| {
                let found = outcomes.next().expect("one for each pair");
                for outcome in &found {
                    let excused = two_maps && may_wait(M::GUARANTEES, place.lent, outcome);
                    if !(outcome.is_sound() || excused) {
                        let maps = if two_maps { "two maps" } else { "one map" };
                        let place = place.name;
                        faults.push(format!(
                            "{title}: `{operation}` inside {place}, crossing in {maps}: {outcome:?}"
                        ));
                    }
                }
                (operation, found)
            });
            rows.push(Across { place: place.name, cells: cells.to_vec() });
        }
        rows
    };
    move || {
        let one_map = across(&mut faults, false, one_map);
        let two_maps = across(&mut faults, true, two_maps());
        (Table { title, rows, one_map, two_maps }, faults)
    }
}

/// Whether threads that cross in two maps may wait for ever: two locks in two orders are the program's own matter. What
/// runs outside the locks must not.
fn may_wait(guarantees: Guarantees, lent: Lent, outcome: &Outcome) -> bool {
    let locked = match lent {
        Lent::Outside | Lent::Drawn => false,
        Lent::Own => true,
        Lent::Reading | Lent::Deciding => guarantees.reentrancy != Reentrancy::Works,
    };
    locked && *outcome == Outcome::Hangs
}

/// Whether an outcome is against what the map guarantees.
fn breaks(guarantees: Guarantees, lent: Lent, kind: Kind, outcome: &Outcome) -> bool {
    let works = match (guarantees.reentrancy, lent) {
        (_, Lent::Own) => return false,
        (Reentrancy::Works, _) | (_, Lent::Outside) => Some(true),
        (_, Lent::Reading) if kind == Kind::Read => Some(true),
        (_, Lent::Drawn) => None,
        _ if kind == Kind::Count => None,
        _ => Some(false),
    };
    match outcome {
        Outcome::Works => works == Some(false),
        Outcome::Refused => works == Some(true),
        _ => true,
    }
}

fn main() -> ExitCode {
    // Refusals are expected by the thousand, on threads that are not this one.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() == Some("main") {
            print(panic);
        }
    }));
    let cli = Cli::parse();
    let mut waiting: Vec<Box<dyn FnOnce() -> Found>> = Vec::new();
    macro_rules! look_at {
        ($name:literal, $title:literal, $E:ty, $Map:ident, $lists:expr) => {
            if cli.flags.wants($name) {
                waiting.push(Box::new(measure::<$E, $Map<$E, $E, Directed>>($title, $lists)));
            }
        };
    }
    look_at!("rwlock", "`RwLockMap`", Hooked, RwLockMap, Lists::of_locks());
    look_at!("sharded", "`ShardedMap`", Hooked, ShardedMap, Lists::of_locks());
    look_at!("sharded", "`ShardedMap` of plain entries", u64, ShardedMap, Lists::of_locks());
    look_at!("readdirty", "`ReadDirtyMap`", Hooked, ReadDirtyMap, Lists::of_contract(Some(shrink)));
    look_at!("caslist", "`CasListMap`", Hooked, CasListMap, Lists::of_contract(None));

    let (tables, faults): (Vec<_>, Vec<_>) = waiting.into_iter().map(|wait| wait()).unzip();
    let faults: Vec<_> = faults.into_iter().flatten().collect();
    print!("{}", page::summary(&tables));
    for fault in &faults {
        println!("{fault}");
    }
    if !faults.is_empty() {
        eprintln!("error: {} pairs do what they must not", faults.len());
        return ExitCode::FAILURE;
    }
    if !cli.flags.map.is_empty() {
        return ExitCode::SUCCESS;
    }
    let document = page::document(&tables);
    if cli.write {
        if let Err(error) = std::fs::write(&cli.page, document) {
            eprintln!("error: {}: {error}", cli.page.display());
            return ExitCode::FAILURE;
        }
    } else if std::fs::read_to_string(&cli.page).ok().as_ref() != Some(&document) {
        let page = cli.page.display();
        eprintln!(
            "error: {page} is not what was measured; run `cargo xtask verify reentrancy --write`"
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

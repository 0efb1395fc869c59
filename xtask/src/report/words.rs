//! The results in sentences. Ids stand in backticks; each output turns them into its own markup.

use atlas_bench_data::{ContenderKind, Results};

use super::analysis::{Analysis, Contest, Entrant, Verdict, geometric_mean};
use super::format::{entry, figure, keys, ratio, threads};
use crate::maps;

/// A contest's conditions without its workload and threads: `1 K keys`, `1 K keys, String`.
pub fn size(contest: &Contest<'_>) -> String {
    let keys = keys(contest.keys);
    match contest.entry {
        "u64" => format!("{keys} keys"),
        "string" => format!("{keys} keys, String"),
        other => format!("{keys} keys, {}", entry(other)),
    }
}

/// A contest's conditions without its threads: `read98, 1 K keys`.
pub fn name(contest: &Contest<'_>) -> String {
    format!("{}, {}", contest.workload, size(contest))
}

/// The whole run in a few sentences.
pub fn headline(analysis: &Analysis<'_>) -> Vec<String> {
    let count = |verdict| analysis.summary().filter(|c| c.verdict() == verdict).count();
    let (ahead, level, behind) =
        (count(Verdict::Ahead), count(Verdict::Level), count(Verdict::Behind));
    let compared = ahead + level + behind;
    let mut sentences = Vec::new();
    if compared == 0 {
        return sentences;
    }
    sentences.push(format!(
        "With {} and {compared} combinations of workload and size, one of our maps is clearly first \
         in {ahead}, level with the best peer in {level}, and a peer is clearly first in {behind}. \
         Clearly means that the slowest round of the one is faster than the fastest of the other.",
        threads(analysis.threads)
    ));
    let by_ratio = |a: &&Contest<'_>, b: &&Contest<'_>| {
        a.ratio().unwrap_or(1.0).total_cmp(&b.ratio().unwrap_or(1.0))
    };
    let of = |verdict| analysis.summary().filter(move |contest| contest.verdict() == verdict);
    if let Some(contest) = of(Verdict::Ahead).max_by(by_ratio) {
        sentences.push(format!("The largest lead: {}.", comparison(contest)));
    }
    if let Some(contest) = of(Verdict::Behind).min_by(by_ratio) {
        sentences.push(format!("The largest loss: {}.", comparison(contest)));
    }
    sentences
}

/// `` `map-x` reaches 1.32 × `dashmap` on read98, 1 K keys ``.
fn comparison(contest: &Contest<'_>) -> String {
    match (contest.best(ContenderKind::Ours), contest.best(ContenderKind::Peer)) {
        (Some(ours), Some(peer)) => {
            let times = ratio(ours.over(peer));
            format!("`{}` reaches {times} `{}` on {}", ours.id, peer.id, name(contest))
        }
        _ => name(contest),
    }
}

/// Who is first on one contest, by how much, and which of ours are behind.
pub fn verdict(contest: &Contest<'_>) -> String {
    let Some(first) = contest.maps().next() else { return String::new() };
    let mut text = format!("`{}` is first with {} M/s", first.id, figure(first.median));
    if contest.verdict() == Verdict::Level {
        if let (Some(ours), Some(peer)) =
            (contest.best(ContenderKind::Ours), contest.best(ContenderKind::Peer))
        {
            let other = if first.id == ours.id { peer } else { ours };
            text += &format!(", level with `{}` ({})", other.id, figure(other.median));
        }
    } else if let Some(rival) = contest.maps().find(|entrant| entrant.kind != first.kind) {
        let whose = if rival.kind == ContenderKind::Peer { "peer" } else { "of ours" };
        let times = ratio(first.over(rival));
        text += &format!(", {times} the best {whose}, `{}` ({})", rival.id, figure(rival.median));
    }
    text.push('.');
    if let Some(peer) = contest.best(ContenderKind::Peer) {
        let slower: Vec<_> = contest
            .maps()
            .filter(|entrant| entrant.kind == ContenderKind::Ours && entrant.high < peer.low)
            .map(|ours| format!("`{}` ({})", ours.id, ratio(ours.over(peer))))
            .collect();
        if !slower.is_empty() {
            text += &format!(" Behind the best peer: {}.", slower.join(", "));
        }
    }
    text
}

/// Where one of our maps wins and loses.
pub fn of_map(analysis: &Analysis<'_>, id: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    let first: Vec<_> = analysis
        .summary()
        .filter(|contest| contest.maps().next().is_some_and(|entrant| entrant.id == id))
        .collect();
    let total = analysis.summary().filter(|contest| contest.entrant(id).is_some()).count();
    sentences.push(if first.is_empty() {
        format!("First of all in none of {total}.")
    } else {
        format!("First of all in {} of {total}: {}.", first.len(), grouped(&first))
    });
    let kin = maps::kin(id).iter().map(|peer| format!("`{peer}`")).collect::<Vec<_>>().join(", ");
    sentences.extend(range(analysis, id, &format!("its own kind ({kin})"), |contest| {
        contest.best_kin(id)
    }));
    sentences.extend(range(analysis, id, "the best peer of any kind", |contest| {
        contest.best(ContenderKind::Peer)
    }));
    sentences
}

/// Contests by workload: `read98 (1 K keys; 100 K keys), grow (1 K keys)`.
fn grouped(contests: &[&Contest<'_>]) -> String {
    let groups = contests.chunk_by(|a, b| a.workload == b.workload);
    let texts = groups.map(|group| {
        let sizes: Vec<_> = group.iter().map(|contest| size(contest)).collect();
        format!("{} ({})", group[0].workload, sizes.join("; "))
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// `Against the best peer: 1.20 × on average, from 0.50 × (…) to 3.00 × (…).`
fn range<'a, 'r>(
    analysis: &'a Analysis<'r>,
    id: &str,
    whom: &str,
    rival: impl Fn(&'a Contest<'r>) -> Option<&'a Entrant<'r>>,
) -> Option<String> {
    let mut ratios: Vec<(f64, &Contest<'_>)> = analysis
        .summary()
        .filter_map(|contest| Some((contest.entrant(id)?.over(rival(contest)?), contest)))
        .collect();
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mean = geometric_mean(ratios.iter().map(|(ratio, _)| *ratio))?;
    let ((worst, worst_on), (best, best_on)) = (ratios.first()?, ratios.last()?);
    let behind = ratios.iter().filter(|(ratio, _)| *ratio < 1.0).count();
    Some(format!(
        "Against {whom}: {} in the geometric mean, from {} ({}) to {} ({}); slower in {behind} of {}.",
        ratio(mean),
        ratio(*worst),
        name(worst_on),
        ratio(*best),
        name(best_on),
        ratios.len()
    ))
}

/// The contests, at any number of threads, in which every one of ours is behind, worst first.
pub fn losses<'a, 'r>(analysis: &'a Analysis<'r>) -> Vec<(&'a Contest<'r>, String)> {
    let mut lost: Vec<_> =
        analysis.contests.iter().filter(|contest| contest.verdict() == Verdict::Behind).collect();
    lost.sort_by(|a, b| a.ratio().unwrap_or(0.0).total_cmp(&b.ratio().unwrap_or(0.0)));
    lost.into_iter().map(|c| (c, format!("{}, {}", name(c), threads(c.threads)))).collect()
}

/// How the run was made, as name and value.
pub fn circumstances(results: &Results) -> Vec<(&'static str, String)> {
    let machine = &results.machine;
    let known = |text: &str| if text.is_empty() { "unknown".to_owned() } else { text.to_owned() };
    let settings = &results.settings;
    let mut lines = vec![
        ("Day", super::format::date(machine.unix_time)),
        ("Processor", known(&machine.cpu)),
        ("Hardware threads", machine.hardware_threads.to_string()),
        ("System", known(&machine.os)),
    ];
    if machine.memory_bytes > 0 {
        lines.push(("Memory", super::format::bytes(machine.memory_bytes)));
    }
    if machine.load_average >= 0.0 {
        lines.push(("Load before the run", format!("{:.2}", machine.load_average)));
    }
    lines.push(("Command", format!("`cargo xtask {}`", settings.arguments.join(" "))));
    if settings.rounds > 0 {
        let seconds = settings.seconds_per_round;
        lines.push((
            "Rounds",
            format!("{} interleaved, {seconds} s each per map; medians", settings.rounds),
        ));
        lines.push(("Seed", settings.seed.to_string()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn winners_and_losers_are_named() {
        let results = sample();
        let analysis = Analysis::new(&results);
        let verdicts: Vec<_> = analysis.summary().map(verdict).collect();
        assert_eq!(
            verdicts[0],
            "`map-caslist` is first with 300 M/s, 3.33 × the best peer, `papaya` (90.0). \
             Behind the best peer: `map-rwlock` (0.67 ×)."
        );
        assert!(
            verdicts[2]
                .starts_with("`parking_lot` is first with 32.0 M/s, 3.20 × the best of ours")
        );
        assert!(verdicts[3].contains("level with `papaya` (70.0)"), "{}", verdicts[3]);
    }

    #[test]
    fn the_headline_counts_and_names_extremes() {
        let results = sample();
        let sentences = headline(&Analysis::new(&results));
        assert!(sentences[0].contains("clearly first in 2, level with the best peer in 1"));
        assert!(
            sentences[1].contains("`map-caslist` reaches 3.33 × `papaya` on read100, 1 K keys")
        );
        assert!(sentences[2].contains("`map-rwlock` reaches 0.31 × `parking_lot` on exchange"));
    }

    #[test]
    fn losses_cover_every_number_of_threads() {
        let results = sample();
        let analysis = Analysis::new(&results);
        assert_eq!(losses(&analysis).len(), 3);
    }
}

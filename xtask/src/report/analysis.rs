//! The results as contests: who took part, in which order, by how much.

use atlas_bench_data::{Cell, ContenderKind, Results};

use crate::maps;

/// The results, grouped.
pub struct Analysis<'r> {
    /// What was analysed.
    pub results: &'r Results,
    /// Every combination of workload, entry, size and threads, in the order of the workloads.
    pub contests: Vec<Contest<'r>>,
    /// The number of threads that summaries speak of: the most that the machine runs at once.
    pub threads: u32,
}

/// All contenders under equal conditions.
pub struct Contest<'r> {
    /// The workload's id.
    pub workload: &'r str,
    /// What an entry is.
    pub entry: &'r str,
    /// Keys in the key space.
    pub keys: u64,
    /// Threads.
    pub threads: u32,
    /// Who took part, fastest first.
    pub entrants: Vec<Entrant<'r>>,
}

/// One contender in a contest. Figures are million operations per second.
#[derive(Clone, Copy)]
pub struct Entrant<'r> {
    /// The contender's id.
    pub id: &'r str,
    /// Whose it is.
    pub kind: ContenderKind,
    /// The median of the rounds.
    pub median: f64,
    /// The slowest round.
    pub low: f64,
    /// The fastest round.
    pub high: f64,
    /// The stored cell.
    pub cell: &'r Cell,
}

/// How the best of ours stands against the best peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Ahead, and the rounds do not overlap.
    Ahead,
    /// The rounds overlap: neither is shown to be faster.
    Level,
    /// Behind, and the rounds do not overlap.
    Behind,
    /// Only ours, or only peers, took part.
    Alone,
}

impl<'r> Analysis<'r> {
    /// Groups and orders the cells.
    pub fn new(results: &'r Results) -> Self {
        let mut contests: Vec<Contest<'r>> = Vec::new();
        for cell in &results.matrix {
            let at = contests.iter().position(|contest| contest.is_of(cell)).unwrap_or_else(|| {
                contests.push(Contest::of(cell));
                contests.len() - 1
            });
            let (low, high) = cell.spread();
            let kind = kind(results, &cell.contender);
            let median = cell.median();
            contests[at].entrants.push(Entrant {
                id: &cell.contender,
                kind,
                median,
                low,
                high,
                cell,
            });
        }
        for contest in &mut contests {
            contest.entrants.sort_by(|a, b| b.median.total_cmp(&a.median));
        }
        let place = |id: &str| results.workloads.iter().position(|workload| workload.id == id);
        contests.sort_by_key(|contest| {
            let strings = contest.entry != "u64";
            (place(contest.workload), strings, contest.keys, contest.threads)
        });
        let hardware = results.machine.hardware_threads.max(1);
        let counts = || contests.iter().map(|contest| contest.threads);
        let threads = counts().filter(|&n| n <= hardware).max().or(counts().min()).unwrap_or(1);
        Self { results, contests, threads }
    }

    /// The contests with the number of threads that summaries speak of.
    pub fn summary(&self) -> impl Iterator<Item = &Contest<'r>> {
        self.contests.iter().filter(|contest| contest.threads == self.threads)
    }

    /// The workloads that have a contest, in order.
    pub fn workloads(&self) -> Vec<&'r str> {
        let mut ids: Vec<_> = self.contests.iter().map(|contest| contest.workload).collect();
        ids.dedup();
        ids
    }

    /// What a workload does, in one line.
    pub fn description(&self, workload: &str) -> &'r str {
        let found = self.results.workloads.iter().find(|known| known.id == workload);
        found.map_or("", |known| known.description.as_str())
    }

    /// The ids of our maps that took part, in display order.
    pub fn ours(&self) -> Vec<&'r str> {
        let all = self.results.contenders.iter();
        all.filter(|known| known.kind == ContenderKind::Ours)
            .map(|known| known.id.as_str())
            .collect()
    }
}

/// Whose the contender `id` is.
pub fn kind(results: &Results, id: &str) -> ContenderKind {
    let found = results.contenders.iter().find(|contender| contender.id == id);
    found.map_or_else(ContenderKind::default, |contender| contender.kind)
}

impl<'r> Contest<'r> {
    fn of(cell: &'r Cell) -> Self {
        Self {
            workload: &cell.workload,
            entry: &cell.entry,
            keys: cell.keys,
            threads: cell.threads,
            entrants: Vec::new(),
        }
    }

    fn is_of(&self, cell: &Cell) -> bool {
        self.workload == cell.workload
            && self.entry == cell.entry
            && self.keys == cell.keys
            && self.threads == cell.threads
    }

    /// Whether `other` differs only in the number of threads.
    pub fn same_but_threads(&self, other: &Contest<'_>) -> bool {
        self.workload == other.workload && self.entry == other.entry && self.keys == other.keys
    }

    /// The entrant called `id`.
    pub fn entrant(&self, id: &str) -> Option<&Entrant<'r>> {
        self.entrants.iter().find(|entrant| entrant.id == id)
    }

    /// The fastest entrant of a kind.
    pub fn best(&self, kind: ContenderKind) -> Option<&Entrant<'r>> {
        self.entrants.iter().find(|entrant| entrant.kind == kind)
    }

    /// The fastest of the peers that synchronise as our map `id` does.
    pub fn best_kin(&self, id: &str) -> Option<&Entrant<'r>> {
        self.entrants.iter().find(|entrant| maps::kin(id).contains(&entrant.id))
    }

    /// The entrants without the unsynchronised limit, fastest first.
    pub fn maps(&self) -> impl Iterator<Item = &Entrant<'r>> {
        self.entrants.iter().filter(|entrant| entrant.kind != ContenderKind::Limit)
    }

    /// The best of ours over the best peer.
    pub fn ratio(&self) -> Option<f64> {
        let ours = self.best(ContenderKind::Ours)?;
        Some(ours.over(self.best(ContenderKind::Peer)?))
    }

    /// How the best of ours stands against the best peer.
    pub fn verdict(&self) -> Verdict {
        match (self.best(ContenderKind::Ours), self.best(ContenderKind::Peer)) {
            (Some(ours), Some(peer)) if ours.low > peer.high => Verdict::Ahead,
            (Some(ours), Some(peer)) if ours.high < peer.low => Verdict::Behind,
            (Some(_), Some(_)) => Verdict::Level,
            _ => Verdict::Alone,
        }
    }
}

impl Entrant<'_> {
    /// This one's median over another's.
    pub fn over(&self, other: &Entrant<'_>) -> f64 {
        self.median / other.median
    }
}

/// The geometric mean, or `None` of nothing.
pub fn geometric_mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values.filter(|value| value.is_finite() && *value > 0.0) {
        sum += value.ln();
        count += 1.0;
    }
    (count > 0.0).then(|| f64::exp(sum / count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn contests_are_ordered_and_judged() {
        let results = sample();
        let analysis = Analysis::new(&results);
        assert_eq!(analysis.threads, 2);
        assert_eq!(analysis.workloads(), ["read100", "exchange", "trace:web.trace"]);
        for contest in &analysis.contests {
            assert!(contest.entrants.is_sorted_by(|a, b| a.median >= b.median));
        }
        let verdicts: Vec<_> = analysis.summary().map(Contest::verdict).collect();
        assert_eq!(verdicts, [Verdict::Ahead, Verdict::Ahead, Verdict::Behind, Verdict::Level]);
    }

    #[test]
    fn nothing_at_all() {
        let results = Results::default();
        let analysis = Analysis::new(&results);
        assert!(analysis.contests.is_empty() && analysis.workloads().is_empty());
        assert_eq!(geometric_mean([].into_iter()), None);
    }

    #[test]
    fn a_ratio_and_its_inverse_have_mean_one() {
        let mean = geometric_mean([4.0, 0.25].into_iter()).expect("two values");
        assert!((mean - 1.0).abs() < 1e-12);
    }
}

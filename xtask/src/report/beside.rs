//! What decides beside throughput, one figure for each map: for the summaries.

use atlas_bench_data::{ContenderKind, Results};

use super::analysis::{geometric_mean, kind};
use super::format::{bytes_of, figure, nanoseconds};

/// A figure of which less is better.
pub struct Beside<'r> {
    /// What it is, in the words of a heading.
    pub name: &'static str,
    /// How it is shown.
    pub show: fn(f64) -> String,
    /// Each contender with its figure.
    pub values: Vec<(&'r str, f64)>,
}

impl<'r> Beside<'r> {
    /// The figure of a contender.
    pub fn of(&self, id: &str) -> Option<f64> {
        self.values.iter().find(|(known, _)| *known == id).map(|(_, value)| *value)
    }

    /// The best peer and its figure.
    pub fn best_peer(&self, results: &Results) -> Option<(&'r str, f64)> {
        let peers = self.values.iter().filter(|(id, _)| kind(results, id) == ContenderKind::Peer);
        peers.copied().min_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// All that were measured.
pub fn beside(results: &Results) -> Vec<Beside<'_>> {
    let collect = |name, show, value: &dyn Fn(&str) -> Option<f64>| {
        let ids = results.contenders.iter().map(|known| known.id.as_str());
        let values = ids.filter_map(|id| Some((id, value(id)?)));
        Beside { name, show, values: values.filter(|(_, value)| *value > 0.0).collect() }
    };
    let of_numbers = results.memory.iter().filter(|memory| memory.entry == "u64");
    let most = of_numbers.map(|memory| memory.entries).max();
    let memory = |id: &str| {
        let mut all = results.memory.iter();
        all.find(|m| m.contender == id && m.entry == "u64" && Some(m.entries) == most)
            .map(atlas_bench_data::Memory::bytes_per_entry)
    };
    let tail = |id: &str| {
        let of_it = results.latency.iter().filter(|latency| latency.contender == id);
        let open = of_it.flat_map(|l| &l.loops).filter(|one| one.load.is_some());
        geometric_mean(open.map(|one| one.all.p99_9 as f64))
    };
    let growth = |id: &str| {
        let of_it = results.growth.iter().filter(|growth| growth.contender == id);
        of_it.map(|growth| growth.longest_insert_undisturbed as f64).reduce(f64::max)
    };
    let instructions = |id: &str| {
        let of_it = results.instructions.iter().filter(|counted| counted.contender == id);
        geometric_mean(of_it.map(|counted| counted.instructions))
    };
    let all = [
        collect("memory per entry", bytes_of as fn(f64) -> String, &memory),
        collect("time at 99.9 % under load", nanoseconds, &tail),
        collect("time of the longest insertion", nanoseconds, &growth),
        collect("instructions per operation", figure, &instructions),
    ];
    all.into_iter().filter(|figure| !figure.values.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn only_what_was_measured_is_there() {
        let mut results = sample();
        let names: Vec<_> = beside(&results).iter().map(|figure| figure.name).collect();
        assert_eq!(names.len(), 4);
        let tail = &beside(&results)[1];
        assert!(tail.of("map-caslist") < tail.of("map-rwlock"));
        assert_eq!(tail.best_peer(&results).map(|(id, _)| id), Some("parking_lot"));
        results.latency.clear();
        assert_eq!(beside(&results).len(), 3);
    }
}

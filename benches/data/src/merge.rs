//! Puts what several programs measured into one document.

use crate::Results;

impl Results {
    /// Adds what another program measured in the same run.
    ///
    /// Figures are appended. Contenders, workloads and notes that are known already are not repeated;
    /// the circumstances are those of the first program that knew them.
    pub fn merge(&mut self, other: Self) {
        // Every field by its name, so that a new one cannot be forgotten here.
        let Self {
            format: _,
            machine,
            versions,
            settings,
            contenders,
            workloads,
            matrix,
            memory,
            cost,
            weight,
            instructions,
            counters,
            criterion,
            latency,
            clock,
            growth,
            contention,
            contention_counts,
            scenarios,
            batches,
            goals,
            choice,
            notes,
        } = other;
        if self.versions.is_empty() {
            (self.machine, self.versions, self.settings) = (machine, versions, settings);
        }
        unite(&mut self.contenders, contenders, |a, b| a.id == b.id);
        unite(&mut self.workloads, workloads, |a, b| a.id == b.id);
        self.matrix.extend(matrix);
        self.memory.extend(memory);
        self.cost.extend(cost);
        self.weight.extend(weight);
        self.instructions.extend(instructions);
        self.counters.extend(counters);
        self.criterion.extend(criterion);
        self.latency.extend(latency);
        self.clock = self.clock.take().or(clock);
        self.growth.extend(growth);
        self.contention.extend(contention);
        self.contention_counts.extend(contention_counts);
        self.scenarios.extend(scenarios);
        self.batches.extend(batches);
        self.goals.extend(goals);
        self.choice = self.choice.take().or(choice);
        unite(&mut self.notes, notes, |a, b| a == b);
    }

    /// Whether no section holds a figure.
    pub fn is_empty(&self) -> bool {
        let Self {
            format: _,
            machine: _,
            versions: _,
            settings: _,
            contenders: _,
            workloads: _,
            matrix,
            memory,
            cost,
            weight,
            instructions,
            counters,
            criterion,
            latency,
            clock: _,
            growth,
            contention,
            contention_counts,
            scenarios,
            batches,
            goals,
            choice,
            notes: _,
        } = self;
        [
            matrix.is_empty(),
            memory.is_empty(),
            cost.is_empty(),
            weight.is_empty(),
            instructions.is_empty(),
            counters.is_empty(),
            criterion.is_empty(),
            latency.is_empty(),
            growth.is_empty(),
            contention.is_empty(),
            contention_counts.is_empty(),
            scenarios.is_empty(),
            batches.is_empty(),
            goals.is_empty(),
            choice.is_none(),
        ]
        .iter()
        .all(|empty| *empty)
    }
}

/// Appends what is not there yet.
fn unite<T>(all: &mut Vec<T>, more: Vec<T>, same: impl Fn(&T, &T) -> bool) {
    for one in more {
        if !all.iter().any(|known| same(known, &one)) {
            all.push(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cell, Contender, Settings, Version};

    fn results(seed: u64, contender: &str) -> Results {
        Results {
            format: crate::FORMAT,
            versions: vec![Version::default()],
            settings: Settings { seed, ..Settings::default() },
            contenders: vec![Contender { id: contender.to_owned(), ..Contender::default() }],
            matrix: vec![Cell { contender: contender.to_owned(), ..Cell::default() }],
            notes: vec!["left out".to_owned()],
            ..Results::default()
        }
    }

    #[test]
    fn figures_are_appended_and_names_united() {
        let mut all = Results::default();
        assert!(all.is_empty());
        for (seed, contender) in [(1, "a"), (2, "b"), (3, "a")] {
            all.merge(results(seed, contender));
        }
        assert!(!all.is_empty());
        assert_eq!(all.settings.seed, 1);
        assert_eq!(all.matrix.len(), 3);
        assert_eq!(all.contenders.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(all.notes.len(), 1);
    }
}

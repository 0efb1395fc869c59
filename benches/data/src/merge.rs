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
            moves,
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
        self.clock = self.clock.or(clock);
        self.growth.extend(growth);
        self.moves.extend(moves);
        self.contention.extend(contention);
        self.contention_counts.extend(contention_counts);
        self.scenarios.extend(scenarios);
        self.batches.extend(batches);
        unite(&mut self.goals, goals, |a, b| a.id == b.id);
        self.choice = self.choice.take().or(choice);
        unite(&mut self.notes, notes, |a, b| a == b);
    }

    /// Whether no section holds a figure.
    pub fn is_empty(&self) -> bool {
        // Nothing but circumstances; sections are not named, so that none can be forgotten.
        *self
            == Self {
                format: self.format,
                machine: self.machine.clone(),
                versions: self.versions.clone(),
                settings: self.settings.clone(),
                contenders: self.contenders.clone(),
                workloads: self.workloads.clone(),
                clock: self.clock,
                notes: self.notes.clone(),
                ..Self::default()
            }
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
        assert!(Results { matrix: Vec::new(), ..all.clone() }.is_empty());
        assert_eq!(all.settings.seed, 1);
        assert_eq!(all.matrix.len(), 3);
        assert_eq!(all.contenders.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(all.notes.len(), 1);
    }
}

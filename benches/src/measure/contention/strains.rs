//! The flags of the two programs, and the plan that follows from them.

use clap::Args;

use super::{Plan, Situation};
use crate::options::{Common, Rounds, Threads, or};

/// Which situations, how often and how long.
#[derive(Clone, Debug, Default, Args)]
pub struct Strains {
    /// The flags of every program.
    #[command(flatten)]
    pub common: Common,
    /// Numbers of threads for all situations.
    #[command(flatten)]
    pub threads: Threads,
    /// How often and how long.
    #[command(flatten)]
    pub rounds: Rounds,
}

impl Strains {
    /// The plan.
    pub fn plan(&self) -> Plan {
        let common = &self.common;
        let mut plan = Plan {
            rounds: self.rounds.rounds(common.choose(1, 3, 3)),
            limit: self.rounds.limit(common.choose(0.02, 0.04, 0.04)),
            seed: common.seed,
            ..Plan::default()
        };
        let given = &self.threads.threads;
        let few = or(given, common.choose(&[2], &[2, 8], &[2, 8, 64]));
        let crowds = or(given, common.choose(&[2, 8], &[2, 8, 64, 128], &[2, 8, 64, 128, 1024]));
        for situation in Situation::ALL {
            let threads = if situation.is_crowd() { &crowds } else { &few };
            plan.add(situation, threads, &common.filter);
        }
        plan
    }
}

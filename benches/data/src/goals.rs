//! Goals and how far they are met.

use serde::{Deserialize, Serialize};

/// A goal with everything that was compared for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GoalResult {
    /// A stable, short id, for example `P4`.
    pub id: String,
    /// The goal in one line.
    pub text: String,
    /// The worst verdict of its checks; [`Verdict::NotMeasured`] only if none falls short.
    pub verdict: Verdict,
    /// One for each cell and map.
    pub checks: Vec<CheckResult>,
}

/// One comparison of a figure with its bound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Where: a cell such as `read100/u64/1K/t2`, or the name of a figure.
    pub at: String,
    /// The contender that was judged; for the best of several, the one that was best.
    pub of: String,
    /// What it was compared with, in words; empty for a figure that stands by itself.
    pub over: String,
    /// The figure: the median over the rounds of the ratio in each round, or the figure itself;
    /// `None` if it was not measured.
    pub measured: Option<f64>,
    /// The lowest ratio of a round; the figure itself where there are no rounds.
    pub low: f64,
    /// The highest ratio of a round; the figure itself where there are no rounds.
    pub high: f64,
    /// What the figure must not be below, or not above.
    pub bound: f64,
    /// Which of both.
    pub sense: Sense,
    /// How it came out.
    pub verdict: Verdict,
    /// Why it was not measured; empty if it was.
    pub reason: String,
}

/// On which side of its bound a figure must lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sense {
    /// Not below.
    #[default]
    AtLeast,
    /// Not above.
    AtMost,
}

/// How a goal or a check came out, best first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The figure lies on the right side of its bound.
    Met,
    /// There is no figure.
    #[default]
    NotMeasured,
    /// The figure lies on the wrong side of its bound.
    FallsShort,
}

impl CheckResult {
    /// Whether some rounds lie on the one side of the bound and some on the other, so that another
    /// run may come out differently.
    pub fn is_close(&self) -> bool {
        self.measured.is_some() && self.low < self.bound && self.bound < self.high
    }
}

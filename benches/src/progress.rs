//! Progress on stderr: a bar on a terminal, a line now and then elsewhere.

use std::cell::Cell;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Seconds between two lines.
const LINE: Duration = Duration::from_secs(10);

/// The progress of a run.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    steps: u64,
    done: Cell<u64>,
    begin: Instant,
    last_line: Cell<Instant>,
}

impl Progress {
    /// Says what is to come: so many steps, which take about so many seconds together.
    pub fn new(steps: usize, seconds: f64) -> Self {
        eprintln!("{steps} measurements, about {seconds:.0} s");
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(steps as u64);
            let style = "{elapsed:>4} {wide_bar} {pos}/{len}, {eta} left";
            bar.with_style(
                ProgressStyle::with_template(style)
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            )
        });
        let now = Instant::now();
        let (done, last_line) = (Cell::new(0), Cell::new(now));
        Self { bar, steps: steps as u64, done, begin: now, last_line }
    }

    /// Notes that a step is done.
    pub fn step(&self) {
        self.done.set(self.done.get() + 1);
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if self.last_line.get().elapsed() >= LINE => {
                self.last_line.set(Instant::now());
                let (done, steps) = (self.done.get(), self.steps);
                eprintln!("{done} of {steps} measured after {} s", self.begin.elapsed().as_secs());
            }
            None => {}
        }
    }

    /// Prints to stdout without tearing the bar.
    pub fn print(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{text}")),
            None => println!("{text}"),
        }
    }
}

/// The bar goes, whether the run came to its end or failed.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

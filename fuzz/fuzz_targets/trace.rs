//! Any bytes are a trace, or are refused: the reader neither panics nor hangs, nor takes memory without bound.
#![no_main]

use libfuzzer_sys::fuzz_target;

// The file itself, so that the target builds without the contenders of the benchmark.
#[allow(dead_code, reason = "only the parser is tried")]
#[path = "../../benches/src/workloads/trace.rs"]
mod trace;

/// The most that a trace may hold here.
const MOST: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let Ok(trace) = trace::Trace::parse("fuzz", bytes.to_vec(), MOST) else { return };
    assert!(!trace.keys.is_empty() && trace.keys.len() <= MOST);
    assert!((1..=trace.keys.len() as u64).contains(&trace.distinct));
    // What it says is one line.
    assert!(!trace.description().contains('\n'));
});

//! Events that the processor counts, where the machine offers its counters.

/// Runs `f` with whether cache misses are counted; returns the share of cache references that missed,
/// in this thread and in those that `f` starts, or `None` where that is not counted.
#[cfg(target_os = "linux")]
pub(super) fn cache_misses<R>(f: impl FnOnce(bool) -> R) -> (R, Option<f64>) {
    use perf_event::Builder;
    use perf_event::events::Hardware;

    let counter = |event| {
        let mut counter = Builder::new(event).inherit(true).build().ok()?;
        counter.enable().ok()?;
        Some(counter)
    };
    let counters = counter(Hardware::CACHE_REFERENCES).zip(counter(Hardware::CACHE_MISSES));
    let result = f(counters.is_some());
    let share = counters.and_then(|(mut references, mut misses)| {
        let (references, misses) = (references.read().ok()?, misses.read().ok()?);
        (references > 0).then(|| misses as f64 / references as f64)
    });
    (result, share)
}

/// Runs `f`; this system's counters are not read.
#[cfg(not(target_os = "linux"))]
pub(super) fn cache_misses<R>(f: impl FnOnce(bool) -> R) -> (R, Option<f64>) {
    (f(false), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_share() {
        let (offered, share) = cache_misses(|offered| {
            std::hint::black_box((0..1000_u64).collect::<Vec<_>>());
            offered
        });
        assert!(offered || share.is_none());
        assert!(share.is_none_or(|share| (0.0..=1.0).contains(&share)), "{share:?}");
    }
}

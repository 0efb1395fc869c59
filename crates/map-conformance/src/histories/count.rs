//! What `len` and `is_empty` may say.
//!
//! The contract: exact when no write runs at the same time; beside writers off by no more than the writes that overlap
//! the call. The number of entries is known at the beginning of an act, and each call says by what it changed it, if
//! not always exactly. So at each instant of a call of `len` the number lies between two bounds: a change that had ended
//! before counts, one that overlaps may count or not. What `len` says must not be further from these than there are
//! calls beside it which write, or may have tried to.
//!
//! How many entries `clear` removes is not known. What is said after it has begun is not judged until all is quiet
//! again, at the end of the act; then `len` must be exact.

use super::check::{Event, Left, Saw};

/// What a writing call has done to the number of entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) began: u64,
    pub(super) ended: u64,
    pub(super) least: i64,
    pub(super) most: i64,
}

/// What a call has said of the number of entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) began: u64,
    pub(super) ended: u64,
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Change {
    /// What a call on a key has done, if it is one that writes.
    pub(super) fn of(event: &Event) -> Option<Self> {
        let Event { began, ended, .. } = *event;
        if matches!(event.call, "get" | "contains_key" | "get_many" | "for_each" | "quiet") {
            return None;
        }
        let was = match event.saw {
            Saw::Any => None,
            Saw::Value(value) => Some(value.is_some()),
            Saw::Present(present) => Some(present),
            Saw::Not(_) => Some(true),
        };
        let (least, most) = match (event.left, was) {
            (Left::Same, _) => (0, 0),
            (Left::Put(_), Some(was)) => (i64::from(!was), i64::from(!was)),
            (Left::Put(_), None) => (0, 1),
            (Left::Gone, Some(was)) => (-i64::from(was), -i64::from(was)),
            (Left::GoneOrSame, Some(false)) => (0, 0),
            (Left::Gone | Left::GoneOrSame, _) => (-1, 0),
            (Left::Cleared, _) => return None,
        };
        Some(Self { began, ended, least, most })
    }
}

/// One act: what is known at its beginning and what happened in it.
#[derive(Debug, Default)]
pub(super) struct Act {
    pub(super) entries: u64,
    pub(super) changes: Vec<Change>,
    pub(super) claims: Vec<Claim>,
    /// When `clear` was first called.
    pub(super) cleared: Option<u64>,
}

impl Act {
    /// Asserts that everything that was said may be.
    pub(super) fn judge(&self) {
        let cleared = self.cleared.unwrap_or(u64::MAX);
        for claim in self.claims.iter().filter(|claim| claim.ended < cleared) {
            let (mut least, mut most) = (self.entries as i64, self.entries as i64);
            let mut beside = 0;
            for change in self.changes.iter().filter(|change| change.began < claim.ended) {
                if change.ended < claim.began {
                    least += change.least;
                    most += change.most;
                } else {
                    least += change.least.min(0);
                    most += change.most.max(0);
                    beside += 1;
                }
            }
            let (least, most) = (least - beside, most + beside);
            assert!(
                claim.least as i64 <= most && claim.most as i64 >= least,
                "{claim:?} of the number of entries, which was {least} to {most}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_say(number: u64, changes: &[(u64, u64, i64)], cleared: Option<u64>) -> bool {
        let change = |&(began, ended, by)| Change { began, ended, least: by, most: by };
        let claim = Claim { began: 10, ended: 20, least: number, most: number };
        let changes = changes.iter().map(change).collect();
        let act = Act { entries: 5, changes, claims: vec![claim], cleared };
        std::panic::catch_unwind(|| act.judge()).is_ok()
    }

    #[test]
    fn len_is_exact_when_all_is_quiet() {
        assert!(may_say(5, &[], None) && !may_say(4, &[], None) && !may_say(6, &[], None));
        let before_and_after = [(1, 2, 1), (3, 4, -1), (5, 6, 1), (21, 22, 1)];
        assert!(may_say(6, &before_and_after, None) && !may_say(7, &before_and_after, None));
    }

    #[test]
    fn len_is_off_by_what_overlaps() {
        // One writer makes it one more or not, and `len` may be off by one from either.
        let allowed: Vec<_> = (0..10).filter(|n| may_say(*n, &[(9, 11, 1)], None)).collect();
        assert_eq!(allowed, [4, 5, 6, 7]);
        assert!(may_say(99, &[], Some(15)) && !may_say(99, &[], Some(25)));
    }
}

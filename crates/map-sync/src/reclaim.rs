//! Deferred freeing: what has been taken out of a structure is freed when nobody can be reading it any more.
//!
//! A [`Domain`] belongs to one structure. A thread [enters](Domain::enter) it before it follows pointers, and leaves it by
//! dropping the [`Guard`]. Who has made an object unreachable [retires](Guard::retire) it; it is freed after a *grace
//! period*: once every thread that was inside at that time has left, or has been [refreshed](Guard::refresh).
//!
//! **Costs**: entering and leaving are a few plain stores to a line of the thread's own; no read-modify-write, no fence on
//! systems with `membarrier(2)`. A retired object is put into a list of the thread's own. The fence and the look at
//! all threads are paid once a batch of 128 objects.
//!
//! **Blocking**: nobody waits for anybody, with one exception: threads beyond the first 64 that are alive at once retire under
//! a mutex. A batch whose grace period has not ended stays in the list, and is looked at again with a later batch of the same
//! thread.
//!
//! **Memory**: a thread that stays inside keeps what is retired meanwhile from being freed, without a bound. Otherwise some
//! two batches for each thread are waiting, also of threads that have ended; they are freed with the domain at the latest.
//! A thread that is inside three domains at once holds back all domains until it has left them all.
//!
//! **Source**: read-copy-update with a look at each reader's counter (McKenney and Slingwine 1998; the
//! `membarrier` flavour of user-space RCU, Desnoyers and others 2012). Lists for each thread are those of Fraser's epochs
//! (2004). Not here: a global epoch, which all must reach, and a count for each batch, as in Hyaline
//! (`seize`), which leaving threads bring down by a read-modify-write each.

pub use crate::raw::reclaim::{Domain, Guard};

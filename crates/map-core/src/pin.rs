//! The per-thread pin.

use crate::ConcurrentMap;

/// A map whose cost per operation can be paid once for many operations.
///
/// Every operation on a map pays what its design needs: the start of a critical section of the
/// reclamation scheme, the look-up of a thread's slot. [`pin`](Self::pin) pays that once, and the pin
/// then offers the same operations without it. Where a design has nothing to pay, the pin is a plain
/// reference and costs nothing.
///
/// ```
/// use map_core::{ConcurrentMap, PinMap};
///
/// fn sum<M: PinMap<u64, u64>>(map: &M, keys: &[u64]) -> u64 {
///     let pin = map.pin();
///     keys.iter().filter_map(|key| pin.get(key)).sum()
/// }
/// ```
pub trait PinMap<K, V>: ConcurrentMap<K, V> {
    /// The pin: the same operations, for one thread, for as long as it lives.
    ///
    /// A pin of a lock-free map keeps memory that other threads retire from being freed. It never
    /// blocks another thread, but hold it for a batch of work, not for the life of a thread, or call
    /// [`refresh`](Self::refresh) now and then.
    type Pin<'map>: ConcurrentMap<K, V>
    where
        Self: 'map;

    /// Pins the calling thread.
    fn pin(&self) -> Self::Pin<'_>;

    /// Lets go of the memory that `pin` has protected so far and goes on with the newest state.
    ///
    /// Costs about as much as dropping the pin and taking a new one.
    fn refresh<'map>(&'map self, pin: &mut Self::Pin<'map>) {
        *pin = self.pin();
    }
}

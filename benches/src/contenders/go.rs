//! Go's maps, which a process of their own measures ([`measure::go`](crate::measure::go)).
//!
//! They take part on request, in mixes on `u64` entries only, and are not in
//! [`CONTENDERS`](super::CONTENDERS): nothing can visit them.

use atlas_bench_data::ContenderKind;

use super::{Contender, Tag};

const fn peer(id: &'static str, description: &'static str) -> Contender {
    let kind = ContenderKind::Peer;
    Contender { id, kind, description, copies_on_write: false, tag: Tag::Foreign }
}

/// `sync.Map` as it was up to Go 1.23.
pub const SYNC_MAP_OLD: Contender =
    peer("go-sync-map-old", "Go's sync.Map up to 1.23: a read level and a dirty level");
/// `sync.Map` as it is since Go 1.24.
pub const SYNC_MAP_NEW: Contender =
    peer("go-sync-map-new", "Go's sync.Map since 1.24: a concurrent hash trie");
/// A map under a `sync.RWMutex`.
pub const RWMUTEX: Contender = peer("go-rwmutex", "Go's map under a sync.RWMutex");
/// 32 maps, each under a `sync.RWMutex`.
pub const SHARDED: Contender = peer("go-sharded", "32 of Go's maps, each under a sync.RWMutex");

/// All of them, in display order.
pub const GO: &[Contender] = &[SYNC_MAP_OLD, SYNC_MAP_NEW, RWMUTEX, SHARDED];

//! What the types promise to the compiler, and the optional features.

use map_sharded::ShardedMap;

map_conformance::bounds!(ShardedMap);

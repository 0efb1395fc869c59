//! The contract, as tests.

use map_sharded::ShardedMap;

map_conformance::conformance!(ShardedMap);

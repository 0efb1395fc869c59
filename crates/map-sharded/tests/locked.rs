//! What only locks can give, as tests.

use map_sharded::ShardedMap;

map_conformance::locked_conformance!(ShardedMap);

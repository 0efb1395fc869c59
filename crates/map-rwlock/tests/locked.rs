//! What only locks can give, as tests.

use map_rwlock::RwLockMap;

map_conformance::locked_conformance!(RwLockMap);

//! The contract, as tests.

use map_rwlock::RwLockMap;

map_conformance::conformance!(RwLockMap);

//! What the types promise to the compiler, and the optional features.

use map_rwlock::RwLockMap;

map_conformance::bounds!(RwLockMap);

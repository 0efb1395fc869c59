//! The laws that every Atlas map keeps.

use map_readdirty::ReadDirtyMap;

map_conformance::conformance!(ReadDirtyMap);

//! The suite accepts a map that is right.

use map_conformance::reference::MutexMap;

map_conformance::conformance!(MutexMap);

//! The contract, as tests.

use map_caslist::CasListMap;

map_conformance::conformance!(CasListMap);

//! What the types promise to the compiler, and the optional features.

use map_caslist::{CasListMap, CasListPin};

map_conformance::bounds!(CasListMap);

#[test]
fn a_pin_belongs_to_its_thread() {
    use map_conformance::has;
    assert!(!has!(Send, CasListPin<'static, u8, u8>) && !has!(Sync, CasListPin<'static, u8, u8>));
}

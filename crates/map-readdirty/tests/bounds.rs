//! What the types promise to the compiler, and the optional features.

use map_readdirty::{ReadDirtyMap, ReadDirtyPin};

map_conformance::bounds!(ReadDirtyMap);

#[test]
fn a_pin_belongs_to_its_thread() {
    use map_conformance::has;
    assert!(
        !has!(Send, ReadDirtyPin<'static, u8, u8>) && !has!(Sync, ReadDirtyPin<'static, u8, u8>)
    );
}

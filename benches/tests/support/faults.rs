//! Tests that a fault which strikes now and then is refused.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// One in sixteen operations of a kind goes wrong.
pub(crate) fn now_and_then() -> bool {
    static CALLS: AtomicU32 = AtomicU32::new(1);
    CALLS.fetch_add(1, Relaxed).is_multiple_of(16)
}

/// Makes a test for each fault: `$refuses::<Faulty>(case)` must hold in all cases.
macro_rules! faults {
    ($refuses:ident($Case:ident); $($test:ident: $fault:ident in [$($case:ident),*];)*) => {$(
        #[test]
        fn $test() {
            struct Faulty;
            impl Twist for Faulty {
                fn $fault() -> bool {
                    faults::now_and_then()
                }
            }
            $($refuses::<Faulty>($Case::$case);)*
        }
    )*};
}

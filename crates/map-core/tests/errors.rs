//! Errors give back what they refused and say what happened.

use map_core::{CompareExchangeError, ReserveError, TryInsertError};

/// Neither `Debug` nor `Clone`: errors must not ask for either.
struct Opaque(u8);

#[test]
fn try_insert_error_owns_key_and_value() {
    let error = TryInsertError { key: Opaque(1), value: Opaque(2) };
    assert_eq!(error.to_string(), "the key is already present");
    assert_eq!(format!("{error:?}"), "TryInsertError { .. }");
    assert_eq!((error.key.0, error.value.0), (1, 2));
}

#[test]
fn compare_exchange_error_owns_the_new_value() {
    for (error, text) in [
        (CompareExchangeError::Absent(Opaque(7)), "the key is absent"),
        (CompareExchangeError::Mismatch(Opaque(7)), "the value differs from the expected one"),
    ] {
        assert_eq!(error.to_string(), text);
        assert_eq!(error.into_value().0, 7);
    }
}

#[test]
fn errors_are_std_errors() {
    fn assert_error<E: std::error::Error>(_: &E) {}
    assert_error(&TryInsertError { key: Opaque(0), value: Opaque(0) });
    assert_error(&CompareExchangeError::Absent(Opaque(0)));
    assert_error(&ReserveError::CapacityOverflow);
    assert_eq!(ReserveError::CapacityOverflow.to_string(), "capacity overflow");
}

//! The first panic of a destructor goes on, once, and where it may.

use super::*;

type Owning = Resume<String, ()>;

fn panics_with(message: &'static str) {
    caught(|| resume_unwind(Box::new(message)));
}

/// What `f` panics with.
fn panic_of(f: impl FnOnce()) -> Option<&'static str> {
    let payload = catch_unwind(AssertUnwindSafe(f)).err()?;
    Some(payload.downcast_ref::<&str>().expect("the panics of these tests are words"))
}

#[test]
fn the_first_of_several_panics_goes_on_and_only_once() {
    assert_eq!(panic_of(|| Owning::new().now()), None);
    panics_with("first");
    panics_with("second");
    caught(|| ());
    assert_eq!(panic_of(|| Owning::new().now()), Some("first"));
    assert_eq!(panic_of(|| Owning::new().now()), None);
    panics_with("third");
    assert_eq!(panic_of(|| drop(Owning::new())), Some("third"));
}

#[test]
fn a_panic_that_is_under_way_is_not_joined_by_another() {
    let under_way = || {
        let _resume = Owning::new();
        panics_with("kept");
        resume_unwind(Box::new("under way"));
    };
    assert_eq!(panic_of(under_way), Some("under way"));
    assert_eq!(panic_of(|| Owning::new().now()), None, "it has been dropped");
}

#[test]
fn a_map_whose_entries_have_no_destructors_reports_none() {
    panics_with("kept");
    assert_eq!(panic_of(|| drop(Resume::<u8, u8>::new())), None);
    assert_eq!(panic_of(|| drop(Resume::<u8, String>::new())), Some("kept"));
}

//! The list finds what was put in.

use super::super::entry::Owned;
use super::*;

#[test]
fn a_key_is_found_among_others_of_its_hash_and_the_newest_comes_out_first() {
    let mut dirty = Dirty::default();
    assert!(dirty.pop().is_none() && dirty.len() == 0);
    for key in 0..20_u64 {
        dirty.reserve();
        dirty.push(key / 4, Owned::new(key / 4, key, ()).into_raw());
        assert_eq!(dirty.len(), key as usize + 1);
    }
    for key in 0..20 {
        let entry = dirty.find(key / 4, |known| *known == key).expect("it was put in");
        // SAFETY: the list has it.
        assert_eq!(unsafe { (*entry).key }, key);
        assert!(dirty.find(key / 4 + 1, |known| *known == key).is_none(), "of another hash");
    }
    for key in (0..20).rev() {
        let entry = dirty.pop().expect("there are as many as were put in");
        // SAFETY: the list has given it up.
        let (newest, _) = unsafe { Owned::from_raw(entry) }.into_parts();
        assert_eq!((newest, dirty.len()), (key, key as usize));
        assert!(dirty.find(key / 4, |known| *known == key).is_none());
    }
}

//! Keys and values of every shape, made from small numbers so that a model can follow them.

use core::borrow::Borrow;
use core::fmt::Debug;
use core::hash::Hash;
use std::sync::{Mutex, PoisonError};

use map_core::ConcurrentMap;

use crate::family::{PlainKey, PlainValue};

/// A key made from a number.
pub trait TestKey: PlainKey + Debug + Borrow<Self::Query> {
    /// The borrowed form that look-ups use.
    type Query: Hash + Eq + ?Sized;

    /// Makes the key of a number. Different numbers may give equal keys.
    fn make(number: u64) -> Self;

    /// The number of the key: equal exactly for equal keys.
    fn number(&self) -> u64;
}

/// A value made from a number.
pub trait TestValue: PlainValue + Debug + PartialEq {
    /// Makes the value of a number.
    fn make(number: u64) -> Self;

    /// The number of the value: equal exactly for equal values.
    ///
    /// # Panics
    ///
    /// If the value is torn.
    fn number(&self) -> u64;

    /// Looks `key` up, with `get` if the value can be cloned.
    fn look_up<K: TestKey>(map: &impl ConcurrentMap<K, Self>, key: &K::Query) -> Option<u64>
    where
        Self: Sized,
    {
        map.read(key, Self::number)
    }
}

impl TestKey for u64 {
    type Query = Self;

    fn make(number: u64) -> Self {
        number
    }

    fn number(&self) -> u64 {
        *self
    }
}

impl TestKey for String {
    type Query = str;

    fn make(number: u64) -> Self {
        format!("key {number}")
    }

    fn number(&self) -> u64 {
        self.trim_start_matches("key ").parse().expect("a key that `make` made")
    }
}

impl TestKey for () {
    type Query = Self;

    fn make(_: u64) {}

    fn number(&self) -> u64 {
        0
    }
}

/// A number on a 128-byte boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(align(128))]
pub struct Aligned(u64);

impl Aligned {
    fn checked(&self) -> u64 {
        let address = core::ptr::from_ref(self).addr();
        assert_eq!(address % 128, 0, "a value aligned to 128 bytes lies at {address:#x}");
        self.0
    }
}

impl TestKey for Aligned {
    type Query = Self;

    fn make(number: u64) -> Self {
        Self(number)
    }

    fn number(&self) -> u64 {
        self.checked()
    }
}

/// A number on the heap that cannot be cloned.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Unique(Box<u64>);

impl TestKey for Unique {
    type Query = Self;

    fn make(number: u64) -> Self {
        Self(Box::new(number))
    }

    fn number(&self) -> u64 {
        *self.0
    }
}

impl TestValue for Unique {
    fn make(number: u64) -> Self {
        Self(Box::new(number))
    }

    fn number(&self) -> u64 {
        *self.0
    }
}

macro_rules! cloneable_value {
    ($Type:ty, $number:ident => $make:expr, $this:ident => $back:expr) => {
        impl TestValue for $Type {
            fn make($number: u64) -> Self {
                $make
            }

            fn number(&self) -> u64 {
                let $this = self;
                $back
            }

            fn look_up<K: TestKey>(
                map: &impl ConcurrentMap<K, Self>,
                key: &K::Query,
            ) -> Option<u64> {
                map.get(key).map(|value| TestValue::number(&value))
            }
        }
    };
}

/// A number that knows whether it has been dropped: it has a place in a table, which changes when it is dropped.
///
/// Reading a canary that was dropped too early panics, and so does dropping one twice.
#[derive(Debug)]
pub struct Canary {
    number: u64,
    place: usize,
    time: u64,
}

/// The times of all places, and the places that are free.
static CANARIES: Mutex<(Vec<u64>, Vec<usize>)> = Mutex::new((Vec::new(), Vec::new()));

impl Canary {
    fn with<R>(f: impl FnOnce(&mut Vec<u64>, &mut Vec<usize>) -> R) -> R {
        let (times, free) = &mut *CANARIES.lock().unwrap_or_else(PoisonError::into_inner);
        f(times, free)
    }

    fn checked(&self) -> u64 {
        let time = Self::with(|times, _| times[self.place]);
        assert_eq!(time, self.time, "a value is used after it was dropped");
        self.number
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        let alive = Self::with(|times, free| {
            let alive = times[self.place] == self.time;
            if alive {
                times[self.place] += 1;
                free.push(self.place);
            }
            alive
        });
        assert!(alive || std::thread::panicking(), "a value is dropped twice");
    }
}

impl Clone for Canary {
    fn clone(&self) -> Self {
        Self::make(self.checked())
    }
}

impl PartialEq for Canary {
    fn eq(&self, other: &Self) -> bool {
        self.checked() == other.checked()
    }
}

/// A value of a kilobyte that shows when it is torn: all its words are one number.
pub type Large = [u64; 128];

cloneable_value!(u64, number => number, value => *value);
cloneable_value!(u128, number => u128::from(number) << 64 | u128::from(number), value => {
    assert!((*value >> 64) as u64 == *value as u64, "a value is torn: {value:#x}");
    *value as u64
});
cloneable_value!(String, number => number.to_string(), value => value.parse().expect("a number"));
cloneable_value!((), _number => (), _value => 0);
cloneable_value!(Aligned, number => Self(number), value => value.checked());
cloneable_value!(Canary, number => {
    let (place, time) = Canary::with(|times, free| {
        let place = free.pop().unwrap_or(times.len());
        if place == times.len() {
            times.push(0);
        }
        (place, times[place])
    });
    Canary { number, place, time }
}, value => value.checked());
cloneable_value!(Large, number => [number; 128], value => {
    assert!(value.iter().all(|word| *word == value[0]), "a value is torn");
    value[0]
});

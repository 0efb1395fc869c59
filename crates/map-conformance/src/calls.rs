//! Every operation once, with the outcomes it can have, for the laws of drops and panics.

use core::ops::ControlFlow;

use map_core::{Action, ConcurrentMap};

use crate::token::{Event, Ledger, Token, defuse, tick};

/// A key that [`fill`] has put into the map.
pub const PRESENT: u64 = 1;

/// A key that it has not.
pub const ABSENT: u64 = 1_000_000;

/// What a panic in the call's own closure leaves of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the closure runs before the effect.
    None,
    /// All: the closure runs after the effect.
    Full,
    /// Either, for each key by itself.
    PerKey,
}

/// One call on a map.
pub struct Call<M> {
    /// What it does.
    pub name: &'static str,
    /// What a panic in its closure leaves of it.
    pub effect: Effect,
    /// Makes the call.
    pub make: fn(&M, &'static Ledger),
}

impl<M> core::fmt::Debug for Call<M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name)
    }
}

/// The value that [`fill`] gives a key.
pub fn filled_value(key: u64) -> u64 {
    key * 10
}

/// Gives the map the keys `0..entries`.
pub fn fill(map: &impl ConcurrentMap<Token, Token>, ledger: &'static Ledger, entries: u64) {
    for key in 0..entries {
        map.insert(Token::new(ledger, key), Token::new(ledger, filled_value(key)));
    }
}

/// What calls borrow: made before the call and dropped after it, so that their drops are not the
/// map's.
struct Asked {
    present: Token,
    absent: Token,
    value: Token,
    other: Token,
}

/// All calls.
#[expect(clippy::too_many_lines, reason = "a list")]
pub fn calls<M: ConcurrentMap<Token, Token>>() -> Vec<Call<M>> {
    fn ticked<T>(result: T) -> T {
        tick(Event::Closure);
        result
    }

    let mut calls: Vec<Call<M>> = Vec::new();
    macro_rules! call {
        ($name:literal, $effect:ident, |$map:ident, $token:ident, $asked:ident| $body:expr) => {
            calls.push(Call {
                name: $name,
                effect: Effect::$effect,
                make: |$map, ledger| {
                    let $token = |number| Token::new(ledger, number);
                    let $asked = Asked {
                        present: $token(PRESENT),
                        absent: $token(ABSENT),
                        value: $token(filled_value(PRESENT)),
                        other: $token(3),
                    };
                    let result = $body;
                    defuse();
                    drop((result, $asked));
                },
            });
        };
    }

    call!("read", None, |map, token, asked| map.read(&asked.present, |v| ticked(v.number())));
    call!("get", None, |map, token, asked| map.get(&asked.present));
    call!("get, absent", None, |map, token, asked| map.get(&asked.absent));
    call!("contains_key", None, |map, token, asked| map.contains_key(&asked.present));
    call!("get_many", None, |map, token, asked| {
        let keys = [&asked.present, &asked.absent, &asked.other];
        map.get_many(keys.into_iter().map(ticked), |_, value| {
            ticked(value.map(Token::number));
        });
    });
    call!("insert, new", None, |map, token, asked| map.insert(token(ABSENT), token(7)));
    call!("insert, known", None, |map, token, asked| map.insert(token(PRESENT), token(7)));
    call!("insert_then, new", Full, |map, token, asked| {
        map.insert_then(token(ABSENT), token(7), |old| ticked(old.map(Token::number)))
    });
    call!("insert_then, known", Full, |map, token, asked| {
        map.insert_then(token(PRESENT), token(7), |old| ticked(old.map(Token::number)))
    });
    call!("try_insert, new", None, |map, token, asked| map.try_insert(token(ABSENT), token(7)));
    call!("try_insert, refused", None, |map, token, asked| map
        .try_insert(token(PRESENT), token(7)));
    call!("get_or_insert_with, absent", PerKey, |map, token, asked| {
        map.get_or_insert_with(token(ABSENT), || ticked(token(7)), |v| ticked(v.number()))
    });
    call!("get_or_insert_with, present", None, |map, token, asked| {
        map.get_or_insert_with(token(PRESENT), || ticked(token(7)), |v| ticked(v.number()))
    });
    call!("remove", None, |map, token, asked| map.remove(&asked.present));
    call!("remove, absent", None, |map, token, asked| map.remove(&asked.absent));
    call!("remove_then", Full, |map, token, asked| {
        map.remove_then(&asked.present, |v| ticked(v.number()))
    });
    call!("remove_if, true", None, |map, token, asked| map
        .remove_if(&asked.present, |_| ticked(true)));
    call!("remove_if, false", None, |map, token, asked| map
        .remove_if(&asked.present, |_| ticked(false)));
    call!("update", None, |map, token, asked| map.update(&asked.present, |_| ticked(token(7))));
    call!("compute, keep", None, |map, token, asked| {
        map.compute(token(PRESENT), |_| ticked(Action::Keep))
    });
    call!("compute, insert", None, |map, token, asked| {
        map.compute(token(ABSENT), |_| ticked(Action::Put(token(7))))
    });
    call!("compute, replace", None, |map, token, asked| {
        map.compute(token(PRESENT), |_| ticked(Action::Put(token(7))))
    });
    call!("compute, remove", None, |map, token, asked| {
        map.compute(token(PRESENT), |_| ticked(Action::Remove))
    });
    call!("compute, nothing to remove", None, |map, token, asked| {
        map.compute(token(ABSENT), |_| ticked(Action::Remove))
    });
    call!("compute_if_present, keep", None, |map, token, asked| {
        map.compute_if_present(&asked.present, |_| ticked(Action::Keep))
    });
    call!("compute_if_present, replace", None, |map, token, asked| {
        map.compute_if_present(&asked.present, |_| ticked(Action::Put(token(7))))
    });
    call!("compute_if_present, remove", None, |map, token, asked| {
        map.compute_if_present(&asked.present, |_| ticked(Action::Remove))
    });
    call!("compute_if_present, absent", None, |map, token, asked| {
        map.compute_if_present(&asked.absent, |_| ticked(Action::Put(token(7))))
    });
    call!("compare_exchange, equal", None, |map, token, asked| {
        map.compare_exchange(&asked.present, &asked.value, token(7))
    });
    call!("compare_exchange, different", None, |map, token, asked| {
        map.compare_exchange(&asked.present, &asked.other, token(7))
    });
    call!("compare_exchange, absent", None, |map, token, asked| {
        map.compare_exchange(&asked.absent, &asked.other, token(7))
    });
    call!("insert_many", PerKey, |map, token, asked| {
        map.insert_many((0..8).map(|n| ticked((token(ABSENT - 4 * n * n), token(7)))))
    });
    call!("insert_many, known", PerKey, |map, token, asked| {
        map.insert_many((0..4).map(|n| ticked((token(n % 2), token(7)))))
    });
    call!("try_for_each", None, |map, token, asked| {
        map.try_for_each(|key, value| {
            ticked((key.number(), value.number()));
            if key.number() == PRESENT { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    });
    call!("for_each", None, |map, token, asked| {
        map.for_each(|key, value| _ = ticked((key.number(), value.number())));
    });
    call!("retain", PerKey, |map, token, asked| {
        map.retain(|key, _| ticked(key.number() % 2 == 0));
    });
    call!("clear", PerKey, |map, token, asked| {
        map.clear();
    });
    call!("len", None, |map, token, asked| { map.len() });
    calls
}

//! Programs that must not compile, once for all maps.

/// Has rustdoc check that the compiler refuses misuse of a map.
///
/// `misuse_must_not_compile!("crate" "Type");` in the root of a map crate. Each program that must fail
/// stands beside a twin that must compile, so that it fails for the one line in which the two differ.
#[macro_export]
macro_rules! misuse_must_not_compile {
    ($krate:literal $Name:literal) => {
        $crate::__misuse! { $krate $Name
            KeyOfOneThread
                "use std::sync::Arc as Key;",
                "use std::rc::Rc as Key;",
                "let map = Map::from([(Key::new(1), 2)]);
        std::thread::scope(|scope| { scope.spawn(|| map.len()); });";
            ValueOfOneThread
                "use std::sync::Mutex as Value;",
                "use std::cell::Cell as Value;",
                "let map = Map::from([(1, Value::new(2))]);
        std::thread::scope(|scope| { scope.spawn(|| map.contains_key(&1)); });";
            ValueKept
                "fn keep(kept: &mut Option<String>, map: &Map<u8, String>) {
                    map.read(&1, |value| *kept = Some(value.clone()));
                }",
                "fn keep<'a>(kept: &mut Option<&'a String>, map: &'a Map<u8, String>) {
                    map.read(&1, |value| *kept = Some(value));
                }",
                "let map = Map::from([(1, String::new())]);
                let mut kept = None;
                keep(&mut kept, &map);";
            EntryKept
                "fn keep(kept: &mut Vec<String>, map: &Map<u8, String>) {
                    map.for_each(|_, value| kept.push(value.clone()));
                }",
                "fn keep<'a>(kept: &mut Vec<&'a String>, map: &'a Map<u8, String>) {
                    map.for_each(|_, value| kept.push(value));
                }",
                "let map = Map::from([(1, String::new())]);
                let mut kept = Vec::new();
                keep(&mut kept, &map);";
            PinKept
                "fn use_up(map: Map<u8, u8>) { let pin = map.pin(); pin.len(); drop(pin); drop(map); }",
                "fn use_up(map: Map<u8, u8>) { let pin = map.pin(); drop(map); pin.len(); drop(pin); }",
                "use_up(Map::from([(1, 2)]));";
            ReferenceTooShort
                "fn add<'a>(map: &Map<u8, &'a str>, text: &'a str) { map.insert(2, text); }",
                "fn add<'a>(map: &Map<u8, &'static str>, text: &'a str) { map.insert(2, text); }",
                "let map = Map::from([(1, \"long\")]);
        add(&map, \"long\");";
        }
    };
}

/// Writes each program twice: with the line that is right and with the one that is wrong.
#[doc(hidden)]
#[macro_export]
macro_rules! __misuse {
    ($krate:literal $Name:literal $($Case:ident $right:literal, $wrong:literal, $rest:literal;)*) => {$(
        #[cfg(doctest)]
        #[doc = concat!(
            "```\nuse ", $krate, "::", $Name, " as Map;\n", $right, "\nfn main() {\n", $rest, "\n}\n```\n\n",
            "```compile_fail\nuse ", $krate, "::", $Name, " as Map;\n", $wrong, "\nfn main() {\n", $rest, "\n}\n```",
        )]
        #[derive(Debug)]
        pub struct $Case;
    )*};
}

//! Loom's types in the place of those of `map_sync::shim`.

/// Atomics that can be made in a constant, as those of the language can; loom's are made at the first use, which has to
/// come before there are threads.
pub mod atomic {
    use std::fmt;
    use std::sync::OnceLock;

    pub use loom::sync::atomic::{Ordering, fence};

    macro_rules! atomic {
        ($($Atomic:ident: $Word:ty;)*) => {$(
            /// See the module.
            #[derive(Default)]
            pub struct $Atomic {
                first: $Word,
                made: OnceLock<loom::sync::atomic::$Atomic>,
            }

            impl $Atomic {
                /// Makes an atomic.
                pub const fn new(first: $Word) -> Self {
                    Self { first, made: OnceLock::new() }
                }

                fn made(&self) -> &loom::sync::atomic::$Atomic {
                    self.made.get_or_init(|| loom::sync::atomic::$Atomic::new(self.first))
                }

                /// Loads.
                pub fn load(&self, order: Ordering) -> $Word {
                    self.made().load(order)
                }

                /// Stores.
                pub fn store(&self, word: $Word, order: Ordering) {
                    self.made().store(word, order);
                }

                /// Sets bits.
                ///
                /// Stores nothing if they are set: loom lets a thread see its own such store after one of another
                /// thread that comes later, which no machine does.
                pub fn fetch_or(&self, bits: $Word, order: Ordering) -> $Word {
                    let mut known = self.load(order);
                    while known & bits != bits {
                        match self.made().compare_exchange(known, known | bits, order, order) {
                            Ok(_) => break,
                            Err(newer) => known = newer,
                        }
                    }
                    known
                }

                /// Adds.
                pub fn fetch_add(&self, more: $Word, order: Ordering) -> $Word {
                    self.made().fetch_add(more, order)
                }

                /// Subtracts.
                pub fn fetch_sub(&self, less: $Word, order: Ordering) -> $Word {
                    self.made().fetch_sub(less, order)
                }
            }

            impl fmt::Debug for $Atomic {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(stringify!($Atomic))
                }
            }
        )*};
    }

    atomic! {
        AtomicU32: u32;
        AtomicU64: u64;
    }
}

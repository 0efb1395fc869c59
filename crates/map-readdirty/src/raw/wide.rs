//! Two words of 64 bits that are loaded and exchanged as one.
//!
//! **Algorithm**: on x86-64 `cmpxchg16b` compares and exchanges 16 aligned bytes, and `movdqa` loads them. That the load is one
//! access is what Intel and AMD promise of all processors that have AVX (Intel's manual, volume 3, 9.1.1). [`available`]
//! asks for both; where it says no, nothing may be built on this.
//!
//! In a model, which sees neither instruction, a mutex makes the accesses one: the model takes them for one step each, as they are.
//! On other processors there is a mutex, too, but nobody uses it.
//!
//! **Ordering**: an exchange is a full fence. A load is to the processor one like any other, so acquire, and with exchanges
//! as the only stores sequentially consistent; to the compiler it is an access to all memory, which no other one may pass.

pub(crate) use imp::{Wide, available};

#[cfg(all(target_arch = "x86_64", not(any(atlas_loom, atlas_shuttle))))]
pub(crate) use imp::exchange_at;

#[cfg(all(target_arch = "x86_64", not(any(atlas_loom, atlas_shuttle))))]
mod imp {
    use core::arch::asm;
    use core::arch::x86_64::__m128i;
    use core::ptr;

    use map_sync::shim::atomic::{AtomicU64, Ordering::Relaxed};

    /// Two words that change together. Zeroed memory is one of two zeros.
    #[derive(Debug, Default)]
    #[repr(C, align(16))]
    pub(crate) struct Wide([AtomicU64; 2]);

    /// Whether the processor has what this needs.
    #[inline]
    pub(crate) fn available() -> bool {
        std::arch::is_x86_feature_detected!("cmpxchg16b")
            && std::arch::is_x86_feature_detected!("avx")
    }

    impl Wide {
        /// Both words at one instant.
        #[inline(always)]
        pub(crate) fn load(&self) -> [u64; 2] {
            let both: __m128i;
            // SAFETY: reads 16 aligned bytes that live while `self` does.
            unsafe {
                asm!(
                    "movdqa {both}, xmmword ptr [{place}]",
                    both = out(xmm_reg) both,
                    place = in(reg) ptr::from_ref(self),
                    options(nostack, preserves_flags),
                );
            }
            // SAFETY: of one size, and any bits are numbers.
            unsafe { core::mem::transmute::<__m128i, [u64; 2]>(both) }
        }

        /// Exchanges both words if they are as they were seen; returns whether they were.
        #[inline(always)]
        pub(crate) fn exchange(&self, seen: [u64; 2], new: [u64; 2]) -> bool {
            debug_assert!(available());
            // SAFETY: 16 aligned bytes of atomics. Who makes one asks for `available`.
            unsafe { exchange_at(ptr::from_ref(self).cast(), seen, new) }
        }

        /// Sets both words, one after the other. No other thread looks here yet.
        #[inline(always)]
        pub(crate) fn fill(&self, new: [u64; 2]) {
            // Relaxed: whoever publishes the place makes the fence.
            self.0[0].store(new[0], Relaxed);
            self.0[1].store(new[1], Relaxed);
        }
    }

    /// Exchanges the 16 bytes at `place` if they are as they were seen; returns whether they were.
    ///
    /// # Safety
    ///
    /// `place` is aligned to 16 bytes, lives, and is accessed by atomics only. The processor has `cmpxchg16b`.
    #[inline(always)]
    pub(crate) unsafe fn exchange_at(place: *const (), seen: [u64; 2], new: [u64; 2]) -> bool {
        let equal: u64;
        // SAFETY: by the caller. `rbx`, which the compiler keeps for itself, is put back; no operand can be
        // in it, since all have registers by name.
        unsafe {
            asm!(
                "xchg rsi, rbx",
                "lock cmpxchg16b xmmword ptr [rdi]",
                "sete cl",
                "mov rbx, rsi",
                in("rdi") place,
                inout("rsi") new[0] => _,
                inout("rax") seen[0] => _,
                inout("rdx") seen[1] => _,
                inout("rcx") new[1] => equal,
                options(nostack),
            );
        }
        // `sete` sets the lowest byte.
        equal as u8 != 0
    }
}

#[cfg(not(all(target_arch = "x86_64", not(any(atlas_loom, atlas_shuttle)))))]
mod imp {
    use map_sync::shim::{MODEL, Mutex};

    /// Two words that change together. Zeroed memory is one of two zeros.
    #[derive(Debug, Default)]
    pub(crate) struct Wide(Mutex<[u64; 2]>);

    pub(crate) fn available() -> bool {
        MODEL
    }

    impl Wide {
        pub(crate) fn load(&self) -> [u64; 2] {
            *self.0.lock()
        }

        pub(crate) fn exchange(&self, seen: [u64; 2], new: [u64; 2]) -> bool {
            let mut both = self.0.lock();
            let equal = *both == seen;
            if equal {
                *both = new;
            }
            equal
        }

        pub(crate) fn fill(&self, new: [u64; 2]) {
            *self.0.lock() = new;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The other word that belongs to one.
    fn other(word: u64) -> u64 {
        word.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    #[test]
    fn both_words_change_together() {
        const EACH: u64 = 20_000;
        if !available() {
            return;
        }
        let wide = Wide::default();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut done = 0;
                    while done < EACH {
                        let seen = wide.load();
                        assert_eq!(seen[1], other(seen[0]), "a torn load");
                        let next = seen[0] + 1;
                        done += u64::from(wide.exchange(seen, [next, other(next)]));
                    }
                });
            }
        });
        assert_eq!(wide.load(), [3 * EACH, other(3 * EACH)]);
        for wrong in [[1, other(3 * EACH)], [3 * EACH, 1]] {
            assert!(!wide.exchange(wrong, [0, 0]), "both words are compared");
        }
        wide.fill([7, 8]);
        assert_eq!(wide.load(), [7, 8]);
    }
}

//! Two words at once, by the processor's own instructions. What they are for: [`crate::wide`].

use core::arch::asm;
use core::arch::x86_64::__m128i;
use core::ptr;

use crate::shim::atomic::{AtomicU64, Ordering::Relaxed};

/// Two words that change together. Zeroed memory is one of two zeros.
#[derive(Debug, Default)]
#[repr(C, align(16))]
pub struct Wide([AtomicU64; 2]);

/// Whether the processor has what this needs.
#[inline]
#[must_use]
pub fn available() -> bool {
    std::arch::is_x86_feature_detected!("cmpxchg16b") && std::arch::is_x86_feature_detected!("avx")
}

impl Wide {
    /// Both words at one instant.
    #[inline(always)]
    #[must_use]
    pub fn load(&self) -> [u64; 2] {
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
    pub fn exchange(&self, seen: [u64; 2], new: [u64; 2]) -> bool {
        debug_assert!(available());
        // SAFETY: 16 aligned bytes of atomics. Who makes one asks for `available`.
        unsafe { exchange_at(ptr::from_ref(self).cast(), seen, new) }
    }

    /// Sets both words, one after the other. No other thread looks here yet.
    #[inline(always)]
    pub fn fill(&self, new: [u64; 2]) {
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
pub unsafe fn exchange_at(place: *const (), seen: [u64; 2], new: [u64; 2]) -> bool {
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

//! Asking for memory before it is needed: the one place with `unsafe`.
//!
//! A plain early read does not do: it keeps its place in the processor's order, and what follows waits behind it. Of
//! the time of settling, nine tenths were spent behind such a read of the duplicate set (perf, 1 M records, 100 000
//! accounts); a prefetch leaves at once.

/// Asks for the cache line of an element; nothing where there is no such element, or no such instruction.
#[inline(always)]
#[allow(unsafe_code, reason = "a prefetch has no effect that a program can see; the address lies within the slice")]
pub(crate) fn prefetch<T>(slice: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(element) = slice.get(index) {
        // SAFETY: the pointer is that of a live element; prefetching reads nothing into the program.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(std::ptr::from_ref(element).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, index);
}

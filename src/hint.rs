//! Hints to the processor and to the kernel, about memory and files: the one place with `unsafe`. None changes what a
//! program sees.
//!
//! A plain early read does not do for a prefetch: it keeps its place in the processor's order, and what follows waits
//! behind it. Of the time of settling, nine tenths were spent behind such a read of the duplicate set (perf, 1 M records,
//! 100 000 accounts); a prefetch leaves at once.

/// Asks for the cache lines of an element; nothing where there is no such element, or no such instruction.
#[inline(always)]
#[allow(unsafe_code, reason = "a prefetch has no effect that a program can see; the address lies within the slice")]
pub(crate) fn prefetch<T>(slice: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(element) = slice.get(index) {
        for line in (0..size_of::<T>()).step_by(64) {
            // SAFETY: the pointer is within a live element; prefetching reads nothing into the program.
            unsafe {
                let line = std::ptr::from_ref(element).cast::<i8>().add(line);
                std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line);
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, index);
}

/// Asks the kernel for huge pages under a large table that was just made and has not been written: a look-up in one of
/// small pages waits for the page's address, then for the memory. A table that is small, or a kernel that knows no such
/// pages, is left as it is.
#[allow(unsafe_code, reason = "advice changes no content; the pages lie within the vector's own memory")]
pub(crate) fn huge_pages<T>(table: &mut Vec<T>) {
    const HUGE: usize = 2 << 20;
    let begin = table.as_mut_ptr() as usize;
    let bytes = table.capacity().saturating_mul(size_of::<T>());
    let first = begin.next_multiple_of(HUGE);
    let end = begin.saturating_add(bytes);
    let length = end.saturating_sub(end % HUGE).saturating_sub(first);
    #[cfg(target_os = "linux")]
    if length > 0 {
        // SAFETY: whole pages of memory that the vector owns; the advice says how it is backed, not what it holds. An
        // error means that it is backed as before.
        let _ = unsafe { libc::madvise(first as *mut libc::c_void, length, libc::MADV_HUGEPAGE) };
    }
}

/// Asks the kernel to begin to write bytes of a file to the disk, and does not wait: a sync then finds less to do. It
/// makes nothing durable.
///
/// 1.9 GB in pieces of 1 MB, a sync after each 64 MB: 1.7 and 2.2 s without, 1.1 and 1.3 s with it after each 4 MB.
#[allow(unsafe_code, reason = "it changes neither the file nor memory")]
pub(crate) fn write_out(file: &std::fs::File, offset: u64, bytes: u64) {
    #[cfg(target_os = "linux")]
    if let (Ok(offset), Ok(bytes)) = (i64::try_from(offset), i64::try_from(bytes)) {
        use std::os::fd::AsRawFd;
        // SAFETY: the file is open as long as it is borrowed; no memory is passed. An error means that the sync does
        // it all.
        let _ = unsafe { libc::sync_file_range(file.as_raw_fd(), offset, bytes, libc::SYNC_FILE_RANGE_WRITE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, offset, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_huge_pages_holds_what_was_written() {
        for length in [0usize, 1, 100_000, 1_000_000] {
            let mut table = vec![0u64; length];
            huge_pages(&mut table);
            assert!(table.iter().all(|number| *number == 0));
            table.iter_mut().zip(0..).for_each(|(place, number)| *place = number);
            assert!(table.iter().copied().eq(0..length as u64));
        }
    }
}

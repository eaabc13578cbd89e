use wide::u64x4;

/// A bit for each of four numbers that is this one, the first one's lowest. All are compared at once and without a branch:
/// where a key stands in a table is no habit that a processor could learn.
///
/// ```
/// assert_eq!(esep::units::lanes_of(7, &[7, 1, 0, 7]), 0b1001);
/// ```
#[inline]
pub fn lanes_of(number: u64, four: &[u64; 4]) -> u32 {
    u64x4::new(*four).simd_eq(u64x4::splat(number)).to_bitmask()
}

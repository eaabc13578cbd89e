/// SplitMix64, written out so that a seed means the same bytes in every version.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The numbers of a seed for one purpose: other purposes do not shift them.
    pub(super) fn of(seed: u64, purpose: u64) -> Self {
        let mut random = Self(seed);
        Self(random.next() ^ purpose.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    /// 64 random bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// From 0 to `limit` − 1; 0 where the limit is 0.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        scaled(self.next(), limit)
    }

    /// From 0 to `limit` − 1, small ones more often: the product of two uniform fractions.
    pub(super) fn below_skewed(&mut self, limit: u64) -> u64 {
        let first = self.below(limit);
        self.below(first.saturating_add(1)).min(limit.saturating_sub(1))
    }

    /// True in `percent` of 100 cases.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of a list. The list is never empty.
    pub(super) fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len() as u64) as usize)
    }

    /// One of a list, as often as its weight says.
    pub(super) fn pick_weighted<'a, T>(&mut self, list: &'a [(u64, T)]) -> Option<&'a T> {
        let mut left = self.below(list.iter().fold(0, |sum: u64, (weight, _)| sum.wrapping_add(*weight)));
        for (weight, value) in list {
            if left < *weight {
                return Some(value);
            }
            left = left.wrapping_sub(*weight);
        }
        None
    }
}

/// 64 random bits as a number below `limit`.
fn scaled(bits: u64, limit: u64) -> u64 {
    (u128::from(bits).wrapping_mul(u128::from(limit)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_paper() {
        // First outputs of SplitMix64 for the seed 1234567 (the reference implementation in C).
        let mut random = Random(1_234_567);
        let numbers = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([random.next(), random.next(), random.next()], numbers);
    }

    #[test]
    fn limits_hold() {
        let mut random = Random::of(1, 1);
        for _ in 0..1000 {
            assert!(random.below(7) < 7);
            assert!(random.below_skewed(3) < 3);
        }
        assert_eq!((random.below(0), random.below_skewed(1)), (0, 0));
        assert_eq!(random.pick_weighted(&[(0, 'a'), (5, 'b')]), Some(&'b'));
    }
}

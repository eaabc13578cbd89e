use std::ops::Range;

/// When small files are merged into a larger one, and which.
///
/// A file's tier grows by one where it has `fan` times as many records. As soon as `fan` files of a tier stand side by
/// side, with none but smaller ones between them, they become one of the next tier. So a record is written again once
/// a tier, and few files are live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::store) struct Tiers {
    /// Files of fewer records are of the lowest tier.
    pub(in crate::store) smallest: u64,
    /// How many files of a tier become one.
    pub(in crate::store) fan: usize,
    /// Of a tier of files that all have at least so many records, so many become one: writing them again costs more.
    pub(in crate::store) large: (u64, usize),
    /// A merged file has no more records than so many.
    pub(in crate::store) records_max: u64,
    /// With more files than so many, the cheapest neighbours are merged whatever their tier.
    pub(in crate::store) files_max: usize,
}

/// What the choice depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::store) struct Candidate {
    pub(in crate::store) count: u64,
    /// Its entries follow those of the file before it.
    pub(in crate::store) joined: bool,
}

impl Tiers {
    fn tier(&self, count: u64) -> u32 {
        let (mut tier, mut limit) = (0u32, self.smallest.max(1));
        while count >= limit {
            tier = tier.saturating_add(1);
            let Some(next) = limit.checked_mul(self.fan.max(2) as u64) else { break };
            limit = next;
        }
        tier
    }

    /// How many files of a tier become one.
    fn fan_of(&self, tier: u32) -> usize {
        let steps = tier.checked_sub(1).map(|steps| (self.fan.max(2) as u64).saturating_pow(steps));
        let fewest = steps.map_or(0, |factor| self.smallest.max(1).saturating_mul(factor));
        let (large, fan) = self.large;
        if fewest >= large { fan.max(2) } else { self.fan.max(2) }
    }

    /// The files to be merged next, if any; they cover entries without a gap.
    pub(in crate::store) fn pick(&self, files: &[Candidate]) -> Option<Range<usize>> {
        let tiers: Vec<u32> = files.iter().map(|file| self.tier(file.count)).collect();
        let highest = tiers.iter().copied().max()?;
        let found = (0..=highest).find_map(|tier| self.of_tier(tier, &tiers, files));
        if found.is_some() || files.len() <= self.files_max {
            return found;
        }
        let width = self.fan.max(2);
        let windows =
            files.windows(width).enumerate().filter(|(_, window)| window.iter().skip(1).all(|file| file.joined));
        let cheapest = windows.map(|(at, window)| (sum(window), at)).min()?;
        (cheapest.0 <= self.records_max).then(|| cheapest.1..cheapest.1.saturating_add(width))
    }

    /// The first neighbours up to this tier with as many among them that are of it as become one.
    fn of_tier(&self, tier: u32, tiers: &[u32], files: &[Candidate]) -> Option<Range<usize>> {
        let (mut start, mut of_it, mut records) = (0usize, 0usize, 0u64);
        for (at, (file, its)) in files.iter().zip(tiers).enumerate() {
            if !file.joined || *its > tier || records.saturating_add(file.count) > self.records_max {
                (start, of_it, records) = (at, 0, 0);
            }
            if *its > tier {
                start = at.saturating_add(1);
                continue;
            }
            records = records.saturating_add(file.count);
            of_it = of_it.saturating_add(usize::from(*its == tier));
            if of_it >= self.fan_of(tier) {
                return Some(start..at.saturating_add(1));
            }
        }
        None
    }
}

fn sum(files: &[Candidate]) -> u64 {
    files.iter().fold(0, |sum, file| sum.saturating_add(file.count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIERS: Tiers = Tiers { smallest: 10, fan: 3, large: (u64::MAX, 0), records_max: 1000, files_max: 12 };

    fn files(counts: &[u64]) -> Vec<Candidate> {
        counts.iter().map(|count| Candidate { count: *count, joined: true }).collect()
    }

    #[test]
    fn neighbours_of_a_tier_are_merged_with_the_small_ones_between() {
        for (counts, expected) in [
            (&[][..], None),
            (&[5, 5], None),
            (&[5, 5, 5], Some(0..3)),
            (&[50, 5, 5], None),
            (&[50, 5, 5, 5], Some(1..4)),
            // Tier 1 is 10..30.
            (&[20, 5, 20, 5, 20], Some(0..5)),
            (&[20, 100, 20, 100, 20], None),
            (&[900, 900, 900, 1, 1], None),
            (&[900, 900, 900, 1, 1, 1], Some(3..6)),
        ] {
            assert_eq!(TIERS.pick(&files(counts)), expected, "{counts:?}");
        }
        // Tier 2 is 30..90.
        let large = Tiers { large: (30, 4), ..TIERS };
        assert_eq!(large.pick(&files(&[40, 40, 40])), None);
        assert_eq!(large.pick(&files(&[40, 40, 40, 20, 40])), Some(0..5));
        assert_eq!(large.pick(&files(&[20, 20, 20])), Some(0..3));
        let mut apart = files(&[5, 5, 5]);
        apart[1].joined = false;
        assert_eq!(TIERS.pick(&apart), None);
    }

    proptest! {
        #[test]
        fn files_stay_few_and_a_record_is_written_seldom(counts in prop::collection::vec(1u64..60, 1..400)) {
            let tiers = Tiers { records_max: u64::MAX, ..TIERS };
            let (mut live, mut written, mut total) = (Vec::new(), 0u64, 0u64);
            for count in counts {
                live.push(Candidate { count, joined: true });
                (written, total) = (written + count, total + count);
                while let Some(range) = tiers.pick(&live) {
                    prop_assert!(range.len() >= 2);
                    let merged = sum(&live[range.clone()]);
                    written += merged;
                    live.splice(range, [Candidate { count: merged, joined: true }]);
                }
                prop_assert!(live.len() <= 12, "{live:?}");
            }
            // A tier is a factor of three, of at most 24 000 records in all.
            prop_assert!(written <= total * 10, "{written} of {total}");
        }
    }
}

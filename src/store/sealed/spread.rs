/// Memory of a spreading, to be used again: where buckets begin, and the items in their order.
#[derive(Debug)]
pub(in crate::store) struct Spread<T> {
    starts: Vec<u32>,
    items: Vec<T>,
    /// The items by groups of buckets.
    grouped: Vec<T>,
}

/// Into more places than so many a processor does not write side by side without asking for their pages each time.
const GROUPS: usize = 256;

impl<T> Default for Spread<T> {
    fn default() -> Self {
        Self { starts: Vec::new(), items: Vec::new(), grouped: Vec::new() }
    }
}

impl<T: Copy + Default> Spread<T> {
    /// Puts items into buckets, in the order of the buckets and within each in their own: so that what is sorted then,
    /// or looked up, is near in memory.
    ///
    /// A million keys of 16 bytes are in order in a fifth of the time that `sort_unstable` needs, when each bucket is
    /// sorted by itself afterwards; where all are in one bucket, in the same time.
    pub(in crate::store) fn of(
        &mut self,
        items: impl ExactSizeIterator<Item = T> + Clone,
        buckets: usize,
        bucket: impl Fn(&T) -> usize,
    ) {
        let Self { starts, items: out, grouped } = self;
        starts.clear();
        starts.resize(buckets.saturating_add(1), 0);
        for item in items.clone() {
            if let Some(next) = starts.get_mut(bucket(&item).wrapping_add(1)) {
                *next = next.wrapping_add(1);
            }
        }
        let mut sum = 0u32;
        for start in starts.iter_mut() {
            sum = sum.wrapping_add(*start);
            *start = sum;
        }
        out.clear();
        out.resize(items.len(), T::default());
        if buckets <= GROUPS {
            return scatter(items, &bucket, starts, out);
        }
        // By groups of buckets first: then what is written goes on near to what was written last.
        let shift = buckets.div_ceil(GROUPS).next_power_of_two().ilog2();
        let mut groups: Vec<u32> = starts.iter().step_by(1 << shift).copied().collect();
        grouped.clear();
        grouped.resize(items.len(), T::default());
        scatter(items, &|item| bucket(item) >> shift, &mut groups, grouped);
        scatter(grouped.iter().copied(), &bucket, starts, out);
    }

    /// The items in the order of their buckets.
    pub(in crate::store) fn items(&self) -> &[T] {
        &self.items
    }

    /// Gives the items away, for memory that is used again.
    pub(in crate::store) fn swap_items(&mut self, items: &mut Vec<T>) {
        std::mem::swap(&mut self.items, items);
    }

    /// Hands on each bucket.
    pub(in crate::store) fn each_bucket(&mut self, mut each: impl FnMut(&mut [T])) {
        let mut from = 0usize;
        // After spreading, starts are ends. The last one is the end of all, which is that of the last bucket.
        for end in self.starts.iter().take(self.starts.len().saturating_sub(1)).map(|end| *end as usize) {
            each(self.items.get_mut(from..end).unwrap_or_default());
            from = end;
        }
    }
}

/// Writes items where their buckets begin, which then begin behind them.
fn scatter<T: Copy>(items: impl Iterator<Item = T>, bucket: &impl Fn(&T) -> usize, starts: &mut [u32], out: &mut [T]) {
    for item in items {
        if let Some(start) = starts.get_mut(bucket(&item)) {
            if let Some(place) = out.get_mut(*start as usize) {
                *place = item;
            }
            *start = start.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn buckets_come_in_order_and_keep_the_order_within(
            items in prop::collection::vec((0usize..3_000, any::<u32>()), 0..200),
            few in 1usize..3_000,
        ) {
            let mut spread = Spread { starts: vec![9; 3], items: vec![(9, 9)], grouped: vec![(9, 9)] };
            for buckets in [few, 3_000] {
                let items: Vec<(usize, u32)> = items.iter().map(|(bucket, item)| (bucket % buckets, *item)).collect();
                spread.of(items.iter().copied(), buckets, |item| item.0);
                let mut sorted = items;
                sorted.sort_by_key(|item| item.0);
                prop_assert_eq!(spread.items(), &sorted);
                let mut seen = Vec::new();
                spread.each_bucket(|bucket| {
                    assert!(bucket.iter().all(|item| item.0 == bucket[0].0));
                    seen.extend_from_slice(bucket);
                });
                prop_assert_eq!(seen, sorted);
            }
        }
    }
}

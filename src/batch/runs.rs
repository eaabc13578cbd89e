//! Runs of records whose ids are numbers of a series.

use super::item::{Fate, Item, Prepared};
use crate::decode::{Decoded, GROUP};
use crate::screen::{Block, RUN_MIN, Series, SourceKey, Stem};
use rustc_hash::FxHashMap;

/// Items one after the other whose ids have one stem.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Run {
    /// Index of the first of them.
    pub(crate) first: usize,
    /// Behind the last of them.
    pub(crate) end: usize,
    pub(crate) stem: Stem,
    /// Items of the piece with this stem, in this run or in others.
    of_stem: usize,
    /// The last of them stands near the end of the piece, so that more may follow in the next.
    may_go_on: bool,
}

/// So near.
const NEAR: usize = 32;

/// Lengthens the run of ids that the group goes on with, and begins others. `numbers`: of each id, in its series.
#[inline(never)]
pub(super) fn find_runs(source: SourceKey, group: &[Decoded<'_>], numbers: &mut [u16; GROUP], prepared: &mut Prepared) {
    let items = prepared.items.len()..;
    let runs = &mut prepared.runs;
    for ((decoded, number), at) in group.iter().zip(numbers).zip(items) {
        let Ok(record) = &decoded.record else { continue };
        let end = at.wrapping_add(1);
        if let Some(run) = runs.last_mut()
            && run.end == at
            && let Some(of_id) = run.stem.number_of(record.record_id)
        {
            (run.end, *number) = (end, of_id);
        } else if let Some((stem, of_id)) = Stem::of(source, record.record_id) {
            *number = of_id;
            match runs.last_mut() {
                Some(run) if run.end == at && run.stem == stem => run.end = end,
                _ => runs.push(Run { first: at, end, stem, of_stem: 0, may_go_on: false }),
            }
        }
    }
}

/// So many runs are in a piece that its ids end in digits by chance.
pub(super) fn are_by_chance(runs: &[Run], items: &[Item]) -> bool {
    items.len() > 256 && runs.len() > items.len() / 8
}

/// Once the piece is whole: sums up what there is of each stem, and gives their keys to items whose stem has few.
pub(super) fn end_runs(source: SourceKey, prepared: &mut Prepared) {
    let mut items = std::mem::take(&mut prepared.items);
    let mut stems: FxHashMap<Stem, (usize, usize)> = FxHashMap::default();
    let runs = if are_by_chance(&prepared.runs, &items) { &[] } else { prepared.runs.as_slice() };
    for run in runs {
        let (of_stem, end) = stems.entry(run.stem).or_default();
        (*of_stem, *end) = (of_stem.wrapping_add(run.end.wrapping_sub(run.first)), run.end);
    }
    for run in &mut prepared.runs {
        if let Some((of_stem, end)) = stems.get(&run.stem) {
            (run.of_stem, run.may_go_on) = (*of_stem, end.wrapping_add(NEAR) >= items.len());
        }
    }
    let mut from = 0usize;
    let many = prepared.runs.iter().filter(|run| run.of_stem >= RUN_MIN);
    for (first, end) in many.map(|run| (run.first, run.end)).chain([(items.len(), items.len())]) {
        for item in items.get_mut(from..first).into_iter().flatten().filter(|item| item.fate != Fate::Rejected) {
            item.print.key = source.fingerprint(prepared.text(item.record_id));
        }
        from = end;
    }
    prepared.items = items;
}

/// Items one after the other that are looked up in one way.
#[derive(Default)]
pub(super) struct Stretch {
    /// Behind the last of them.
    pub(super) end: usize,
    /// What their ids have in common.
    stem: Option<Stem>,
    /// Where they stand among the series; none where they do not.
    pub(super) block: Option<Block>,
}

impl Stretch {
    /// Those from an item on; `next` is the first run that is not behind it. Runs that have no block and whose items have
    /// their keys are no stretches of their own: of ids that end in digits by chance there are many.
    pub(super) fn from(at: usize, next: &mut usize, runs: &[Run], items: &[Item], series: &mut Series) -> Self {
        for run in runs.get(*next..).unwrap_or_default() {
            let of_stem = runs.iter().filter(|other| other.stem == run.stem);
            let of_stem = of_stem.flat_map(|run| items.get(run.first..run.end).unwrap_or_default());
            let numbers = of_stem.map(|item| item.number);
            let block = series.block(&run.stem, run.of_stem, run.may_go_on, numbers);
            if block.is_some() || run.of_stem >= RUN_MIN {
                if run.first > at {
                    return Self { end: run.first, ..Self::default() };
                }
                *next = next.saturating_add(1);
                return Self { end: run.end, stem: Some(run.stem), block };
            }
            *next = next.saturating_add(1);
        }
        Self { end: usize::MAX, ..Self::default() }
    }

    /// Gives an item of it its key, where that has none yet.
    #[inline]
    pub(super) fn give_key(&self, item: &mut Item, prepared: &Prepared) {
        if item.print.key == 0
            && let Some(stem) = &self.stem
        {
            item.print.key = stem.fingerprint(prepared.text(item.record_id));
        }
    }
}

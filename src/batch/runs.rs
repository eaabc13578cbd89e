//! Runs of records whose ids are numbers of a series.

use super::item::{Fate, Prepared};
use crate::decode::{Decoded, GROUP};
use crate::screen::{RUN_MIN, SourceKey, Stem};

/// Items one after the other whose ids have one stem.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Run {
    /// Index of the first of them.
    pub(crate) first: usize,
    /// Behind the last of them.
    pub(crate) end: usize,
    pub(crate) stem: Stem,
}

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
                _ => runs.push(Run { first: at, end, stem }),
            }
        }
    }
}

/// Gives their keys to items outside of long runs.
pub(super) fn give_keys(source: SourceKey, prepared: &mut Prepared) {
    let mut items = std::mem::take(&mut prepared.items);
    let mut from = 0usize;
    let long = prepared.runs.iter().filter(|run| run.end.wrapping_sub(run.first) >= RUN_MIN);
    for (first, end) in long.map(|run| (run.first, run.end)).chain([(items.len(), items.len())]) {
        for item in items.get_mut(from..first).into_iter().flatten().filter(|item| item.fate != Fate::Rejected) {
            item.print.key = source.fingerprint(prepared.text(item.record_id));
        }
        from = end;
    }
    prepared.items = items;
}

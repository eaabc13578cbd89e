//! What is remembered from record to record, and asking for it before it is needed.

use super::item::{Item, Place};
use super::open_calls::OpenCalls;
use crate::book::{Funds, Register};
use crate::hint::prefetch;
use crate::screen::{Duplicates, Series};
use rustc_hash::FxHashSet;

/// What deciding remembers from one record to the next, and from one run to the next.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) duplicates: Duplicates,
    /// Beside them, of ids that are numbers of a series.
    pub(crate) series: Series,
    pub(crate) funds: Funds,
    pub(crate) open_calls: OpenCalls,
    /// Keys of charges that were corrected before they came.
    pub(crate) replaced: FxHashSet<u128>,
}

impl Memory {
    pub(crate) fn new(duplicates: Duplicates, funds: Funds) -> Self {
        Self {
            duplicates,
            series: Series::default(),
            funds,
            open_calls: OpenCalls::default(),
            replaced: FxHashSet::default(),
        }
    }
}

/// How far ahead of the record that is being settled memory has been asked for, once for each, whatever was settled in
/// between.
#[derive(Default)]
pub(super) struct Ahead {
    asked: usize,
    /// For what stands behind what that asked for.
    asked_behind: usize,
}

impl Ahead {
    /// So many records ahead.
    const FAR: usize = 24;
    const NEAR: usize = Self::FAR / 2;

    /// Asks for what the record at a place and those that follow it need.
    #[inline]
    pub(super) fn ask(&mut self, items: &[Item], at: usize, memory: &Memory, touched: &[u64], register: &Register) {
        for item in up_to(items, &mut self.asked, at, Self::FAR) {
            if item.print.key != 0 {
                memory.duplicates.prefetch(item.print.key);
            }
            if let Some(no) = item.account {
                prefetch(touched, (no.0 / 64) as usize);
                if item.stateful != Place::NONE {
                    register.prefetch(no);
                    memory.funds.prefetch(no);
                }
            }
        }
        for item in up_to(items, &mut self.asked_behind, at, Self::NEAR) {
            if let (Some(no), true) = (item.account, item.stateful != Place::NONE) {
                memory.funds.prefetch_credits(no);
            }
        }
    }
}

/// The items not yet asked for, from the one at a place up to so many behind it; asked for from now on.
#[inline]
fn up_to<'i>(items: &'i [Item], asked: &mut usize, at: usize, far: usize) -> &'i [Item] {
    let end = at.saturating_add(far).saturating_add(1).min(items.len());
    let from = std::mem::replace(asked, end).max(at);
    items.get(from..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::item::{Fate, Span};
    use crate::record::{Flags, Service};
    use crate::screen::Fingerprint;
    use crate::units::{InstantMs, LocalDay, Tiyn};

    fn item(line: u32) -> Item {
        Item {
            print: Fingerprint { key: 0, content: 0 },
            line,
            record_id: Span::default(),
            fate: Fate::Rated,
            flags: Flags::NONE,
            service: Service::Voice,
            number: 0,
            rules: crate::law::RuleSet::NONE,
            account: None,
            version: 0,
            plan: None,
            zone: None,
            at: InstantMs(0),
            duration_ms: 0,
            units: 0,
            gross: Tiyn::ZERO,
            net: Tiyn::ZERO,
            vat: crate::law::vat_rate_on(LocalDay(0)),
            not_owed: Tiyn::ZERO,
            cut_off_at: None,
            stateful: Place::NONE,
            detail: Place::NONE,
        }
    }

    /// Each once, from the one at the place on, also behind those that were passed over.
    #[test]
    fn items_are_asked_for_once() {
        let items: Vec<Item> = (0..100).map(item).collect();
        let mut asked = 0;
        for (at, from, end) in
            [(0, 0, 25), (1, 25, 26), (2, 26, 27), (10, 27, 35), (60, 60, 85), (75, 85, 100), (99, 0, 0)]
        {
            let lines: Vec<u32> = up_to(&items, &mut asked, at, 24).iter().map(|item| item.line).collect();
            assert_eq!(lines, (from..end).collect::<Vec<_>>(), "{at}");
        }
    }
}

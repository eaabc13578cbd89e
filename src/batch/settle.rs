use super::item::{Fate, Item, Place, Prepared, Reference, Stateful, Told};
use super::memory::{Ahead, Memory};
use super::open_calls::{Joined, OpenPart};
use super::posted::{Booked, posted};
use super::runs::{Stretch, are_by_chance};
use super::tally::{Reasons, Sums, touch};
use super::totals::{Counts, FileTotals, Totals};
use super::trace::{Steps, Trace};
use crate::book::{Account, AccountNo, Offered, Posted, Reversal, Taken};
use crate::law::Rule;
use crate::rate::{self, BadCharge, Basis, Charge};
use crate::record::{Direction, FilterReason, Flag, RejectReason, Rejection, SuspendReason};
use crate::screen::{Block, Seen};
use crate::tariff::{Measure, Version};
use crate::units::{LocalDay, Period, Tiyn};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::{SmallVec, smallvec};

/// What remembers: settles pieces in feed order, one after the other.
pub(crate) struct Settler<'r> {
    pub(crate) reference: &'r Reference,
    pub(crate) memory: Memory,
    pub(crate) totals: Totals,
    /// What the books need beside each item is kept.
    pub(crate) keeps_books: bool,
    /// Records come again that waited: their keys are known, and that is right.
    pub(crate) recycles: bool,
    pub(crate) corrections: Corrections,
    /// Keys of the record to be traced, one a source.
    pub(crate) traced: FxHashSet<u128>,
    pub(crate) traces: Vec<Trace>,
    /// Of the last charge: most are of one day.
    month: Option<Month>,
    /// Of the record that is being settled.
    booked: Booked,
    /// A bit for each account with a rated record.
    touched: Vec<u64>,
    reasons: Reasons,
}

/// Records that replace others.
#[derive(Debug, Default)]
pub(crate) struct Corrections {
    /// Keys that some record corrects, as an earlier attempt of the pass has found: their charges are kept.
    pub(crate) wanted: FxHashSet<u128>,
    /// Keys found to be corrected whose charges were not kept; the pass must start anew with them wanted.
    pub(crate) missing: FxHashSet<u128>,
    pub(crate) charged: FxHashMap<u128, Posted>,
}

/// The month of a day.
#[derive(Clone, Copy)]
struct Month {
    version: u16,
    day: LocalDay,
    period: Period,
    /// The tariff version at the end of the month before.
    before: Option<usize>,
}

impl<'r> Settler<'r> {
    pub(crate) fn new(reference: &'r Reference, files: Vec<FileTotals>, memory: Memory) -> Self {
        Self {
            reference,
            memory,
            totals: Totals { files, ..Totals::default() },
            keeps_books: false,
            recycles: false,
            corrections: Corrections::default(),
            traced: FxHashSet::default(),
            traces: Vec::new(),
            month: None,
            booked: Booked::default(),
            touched: vec![0; reference.register.len().div_ceil(64)],
            reasons: Reasons::default(),
        }
    }

    /// Settles one piece: the outcome of each of its records is final, but for parts of open calls.
    pub(crate) fn settle(&mut self, prepared: &mut Prepared) {
        let mut counts = Counts { read: prepared.records, ..Counts::default() };
        let mut sums = Sums::default();
        let mut items = std::mem::take(&mut prepared.items);
        // Nothing is remembered of a record for its own sake.
        let forgets = self.corrections.wanted.is_empty()
            && self.memory.replaced.is_empty()
            && self.traced.is_empty()
            && !self.recycles;
        let runs = std::mem::take(&mut prepared.runs);
        let (mut next_run, mut stretch) = (0, Stretch::default());
        if !self.memory.series.is_closed() && are_by_chance(&runs, &items) && self.memory.series.close() {
            self.memory.duplicates.make_room();
        }
        let (mut next, mut ahead) = (0, Ahead::default());
        while next < items.len() {
            let mut at = next;
            if at >= stretch.end {
                stretch = Stretch::from(at, &mut next_run, &runs, &items, &mut self.memory.series);
            }
            if forgets && let Some(block) = stretch.block {
                let of_block = items.get(at..stretch.end).unwrap_or_default();
                at = at.wrapping_add(self.settle_plain(of_block, block, &mut counts, &mut sums));
                if at >= stretch.end {
                    next = at;
                    continue;
                }
            }
            next = at.wrapping_add(1);
            ahead.ask(&items, at, &self.memory, &self.touched, &self.reference.register);
            let Some(item) = items.get_mut(at) else { continue };
            if forgets && item.fate == Fate::Rated && item.stateful == Place::NONE {
                // Its charge is final, unless it came before.
                match self.seen(item, &stretch, prepared) {
                    Seen::New => {
                        counts.rated = counts.rated.wrapping_add(1);
                        sums.add(item);
                        touch(&mut self.touched, item.account);
                    }
                    seen @ (Seen::Same | Seen::Differs) => {
                        self.came_before(item, seen);
                        counts.count(item.fate);
                    }
                }
                continue;
            }
            self.settle_item(item, &stretch, prepared, at);
            if self.keeps_books && self.booked != Booked::default() {
                let booked = std::mem::take(&mut self.booked);
                prepared.booked.push((u32::try_from(at).unwrap_or(u32::MAX), booked));
            }
            counts.count(item.fate);
            if item.fate == Fate::Rated {
                sums.add(item);
                touch(&mut self.touched, item.account);
            } else {
                self.count_reason(item, prepared);
            }
            if !self.traced.is_empty()
                && self.traced.contains(&{ item.print.key })
                && item.fate != Fate::Told
                && !matches!(item.fate, Fate::Open(_))
            {
                self.trace_outcome(item, prepared);
            }
        }
        (prepared.items, prepared.runs) = (items, runs);
        if let Some(file) = self.totals.files.get_mut(prepared.file) {
            file.counts.add(&counts);
            file.rated_ms = file.rated_ms.saturating_add(sums.duration_ms);
            file.charged = file.charged.saturating_add(sums.charged);
        }
        self.totals.charged = self.totals.charged.saturating_add(sums.charged);
        self.totals.vat = self.totals.vat.saturating_add(sums.vat);
        self.totals.not_owed = self.totals.not_owed.saturating_add(sums.not_owed);
    }

    /// Settles the first records of a block, as far as nothing is to be said of them but that they are new: 60
    /// instructions a record where [`Self::settle`] takes 125, also because its sums stay within 64 bits. Returns how
    /// many.
    #[inline(never)]
    fn settle_plain(&mut self, items: &[Item], block: Block, counts: &mut Counts, sums: &mut Sums) -> usize {
        let Self { memory, touched, reasons, .. } = self;
        let Some(mut numbers) = memory.series.numbers(block) else { return 0 };
        let (mut gross, mut net, mut duration_ms, mut settled) = (0i64, 0i64, 0i64, 0usize);
        for item in items {
            // What it costs is owed: only what an account remembers changes that.
            let next = (
                gross.checked_add(item.gross.get()),
                net.checked_add(item.net.get()),
                duration_ms.checked_add(item.duration_ms),
            );
            let is_plain = item.stateful == Place::NONE && matches!(item.fate, Fate::Rated | Fate::Filtered(_));
            let (true, (Some(with_gross), Some(with_net), Some(with_duration))) = (is_plain, next) else { break };
            if numbers.insert(item.number, item.print.content) != Seen::New {
                break;
            }
            if let Fate::Filtered(reason) = item.fate {
                counts.filtered = counts.filtered.wrapping_add(1);
                reasons.filtered.add(reason as usize);
            } else {
                counts.rated = counts.rated.wrapping_add(1);
                (gross, net, duration_ms) = (with_gross, with_net, with_duration);
                touch(touched, item.account);
            }
            settled = settled.wrapping_add(1);
        }
        sums.charged = sums.charged.wrapping_add(i128::from(gross));
        sums.vat = sums.vat.wrapping_add(i128::from(gross).wrapping_sub(i128::from(net)));
        sums.duration_ms = sums.duration_ms.wrapping_add(i128::from(duration_ms));
        settled
    }

    /// Whether a record came before.
    #[inline(always)]
    fn seen(&mut self, item: &mut Item, stretch: &Stretch, prepared: &Prepared) -> Seen {
        let Some(block) = stretch.block else {
            stretch.give_key(item, prepared);
            return self.memory.duplicates.insert(item.print);
        };
        self.memory.series.insert(block, item.number, item.print.content)
    }

    fn settle_item(&mut self, item: &mut Item, stretch: &Stretch, prepared: &mut Prepared, at: usize) {
        if item.fate == Fate::Rejected {
            return;
        }
        match self.seen(item, stretch, prepared) {
            Seen::New => {}
            Seen::Same | Seen::Differs if self.recycles => {}
            seen @ (Seen::Same | Seen::Differs) => return self.came_before(item, seen),
        }
        if item.stateful != Place::NONE || !self.memory.replaced.is_empty() {
            stretch.give_key(item, prepared);
        }
        let Some(stateful) = item.stateful.get().and_then(|place| prepared.stateful.get(place)).copied() else {
            return self.keep_if_wanted(item);
        };
        match (item.fate, stateful.part) {
            (Fate::Filtered(_), _) => self.replace(&stateful),
            (Fate::Rated | Fate::Suspended(_), Some(_)) => self.join(item, &stateful, prepared, at),
            (Fate::Rated, None) => {
                self.replace(&stateful);
                if let Err(reject) = self.charge(item, &stateful) {
                    self.reject(item, reject, prepared, at);
                }
            }
            (Fate::Suspended(_), None) | (Fate::Duplicate(_) | Fate::Rejected | Fate::Open(_) | Fate::Told, _) => {}
        }
    }

    /// A record whose key came before.
    fn came_before(&mut self, item: &mut Item, seen: Seen) {
        let differs = seen == Seen::Differs;
        self.totals.differing = self.totals.differing.saturating_add(u64::from(differs));
        item.fate = Fate::Duplicate(differs);
    }

    /// Adds a part to its call, and tells the call where this part completes it.
    fn join(&mut self, item: &mut Item, stateful: &Stateful, prepared: &mut Prepared, at: usize) {
        let Some(part) = stateful.part else { return };
        let line = prepared.first_line.saturating_add(u64::from(item.line));
        let open = OpenPart {
            item: *item,
            stateful: *stateful,
            part,
            record_id: prepared.text(item.record_id).into(),
            file: prepared.file,
            line,
            detail: item.detail.get().and_then(|place| prepared.details.get(place)).map_or("", String::as_str).into(),
        };
        match self.memory.open_calls.join(open) {
            Joined::Waiting => {
                let reason = if let Fate::Suspended(reason) = item.fate { Some(reason) } else { None };
                item.fate = Fate::Open(reason);
            }
            Joined::NoRoom if item.fate == Fate::Rated => {
                item.fate = Fate::Suspended(SuspendReason::IncompleteParts);
                item.detail = Place::of(prepared.details.len());
                prepared.details.push("too many calls are open at once".into());
            }
            Joined::NoRoom => {}
            Joined::Complete(parts) => {
                item.fate = Fate::Told;
                let told_at = u32::try_from(at).unwrap_or(u32::MAX);
                for part in self.merged(parts) {
                    self.settled_late(&part);
                    // What the call took stands on its first part.
                    prepared.told.push(part.told(told_at, std::mem::take(&mut self.booked)));
                }
            }
        }
    }

    /// Rates the parts of a complete call as one, by its answer, which is that of the first part: this one carries the
    /// charge, or the reason that suspends them all. Source: rating 1.4.
    fn merged(&mut self, mut parts: Vec<OpenPart>) -> Vec<OpenPart> {
        let duration = parts.iter().fold(0i64, |sum, part| sum.saturating_add(part.stateful.usage.duration_ms));
        let bytes = parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.stateful.usage.bytes));
        let Some((first, others)) = parts.split_first_mut() else { return parts };
        first.item.duration_ms = duration;
        first.stateful.usage.duration_ms = duration;
        first.stateful.usage.bytes = bytes;
        if first.item.fate == Fate::Rated {
            let stateful = first.stateful;
            self.replace(&stateful);
            if self.charge(&mut first.item, &stateful).is_err() {
                // A whole that is beyond the range of an amount stays as its parts.
                first.item.fate = Fate::Suspended(SuspendReason::NoRate);
            }
        }
        for part in others {
            part.detail.clone_from(&first.detail);
            part.item = Item {
                fate: first.item.fate,
                account: first.item.account,
                version: first.item.version,
                plan: first.item.plan,
                zone: first.item.zone,
                vat: first.item.vat,
                rules: first.item.rules,
                flags: part.item.flags.with(Flag::Part),
                duration_ms: 0,
                units: 0,
                gross: Tiyn::ZERO,
                net: Tiyn::ZERO,
                ..part.item
            };
        }
        parts
    }

    /// Counts a part that was settled with the others of its call, in its own file.
    fn settled_late(&mut self, part: &OpenPart) {
        let mut sums = Sums::default();
        if part.item.fate == Fate::Rated {
            sums.add(&part.item);
            touch(&mut self.touched, part.item.account);
        }
        if !self.traced.is_empty() && self.traced.contains(&{ part.item.print.key }) {
            let steps = self.steps_of(part.item.print.key);
            let (file, line, item) = (part.file, part.line, part.item);
            let detail = "part of a call, told with the part that completed it".to_owned();
            self.traces.push(Trace { file, line, raw: Vec::new(), item, detail, steps });
        }
        if let Fate::Suspended(reason) = part.item.fate {
            self.reasons.suspended.add(reason as usize);
        }
        if let Some(file) = self.totals.files.get_mut(part.file) {
            file.counts.count(part.item.fate);
            file.rated_ms = file.rated_ms.saturating_add(sums.duration_ms);
            file.charged = file.charged.saturating_add(sums.charged);
        }
        self.totals.charged = self.totals.charged.saturating_add(sums.charged);
        self.totals.vat = self.totals.vat.saturating_add(sums.vat);
        self.totals.not_owed = self.totals.not_owed.saturating_add(sums.not_owed);
    }

    /// Suspends the parts of calls that never became complete.
    pub(crate) fn finish(&mut self) -> Vec<Told> {
        let waiting = std::mem::take(&mut self.memory.open_calls).into_waiting();
        let mut told = Vec::with_capacity(waiting.len());
        for mut part in waiting {
            if part.item.fate == Fate::Rated {
                part.item.fate = Fate::Suspended(SuspendReason::IncompleteParts);
            }
            self.settled_late(&part);
            told.push(part.told(0, Booked::default()));
        }
        self.totals.filtered = self.reasons.filtered.named(FilterReason::ALL);
        self.totals.suspended = self.reasons.suspended.named(SuspendReason::ALL);
        self.totals.rejected = self.reasons.rejected.named(RejectReason::ALL);
        self.totals.accounts = self.touched.iter().map(|word| u64::from(word.count_ones())).sum();
        told
    }

    /// Charges a record with all that its account remembers.
    fn charge(&mut self, item: &mut Item, stateful: &Stateful) -> Result<(), BadCharge> {
        let reference = self.reference;
        let version = reference.tariffs.versions.get(usize::from(item.version));
        let plan = version.and_then(|version| version.plan(stateful.choice.plan?));
        let account = item.account.and_then(|no| Some((no, *reference.register.account(no)?)));
        let (Some(version), Some(plan), Some((no, account))) = (version, plan, account) else { return Ok(()) };
        let month = self.month_of(item, version);
        let period = month.period;
        if stateful.free {
            let counted = self.use_month(item, stateful, no, &account, period);
            self.booked.taken = counted.then(|| Box::new(Taken { counted, ..Taken::default() }));
            self.keep_if_wanted(item);
            return Ok(());
        }
        let offered = if plan.allowances.is_empty() {
            Offered::new()
        } else {
            let before = month.before.and_then(|before| reference.tariffs.versions.get(before));
            let had_plan_before =
                before.is_some_and(|before| stateful.choice.plan.is_some_and(|plan| before.plan(plan).is_some()));
            self.memory.funds.allowances(no, plan, stateful.choice, stateful.usage.class, period, had_plan_before)
        };
        let basis = if account.is_budget() { Basis::Net } else { Basis::Gross };
        let balance = account.is_advance().then(|| self.memory.funds.balance(no, item.at));
        let cut_off = balance.filter(|_| !stateful.owed_in_full);
        let mut gave: SmallVec<[u64; 4]> = smallvec![0; offered.len()];
        let mut quoted = None;
        // Where nothing of it is covered and all of it can be paid, it costs what it was priced at before.
        let priced = Charge { gross: item.gross, net: item.net };
        let is_priced = stateful.part.is_none()
            && offered.iter().all(|allowance| allowance.left == 0)
            && cut_off.is_none_or(|balance| priced.gross == Tiyn::ZERO || basis.debit(priced) <= balance);
        if !is_priced || !self.traced.is_empty() {
            let amounts: SmallVec<[(Measure, u64); 4]> =
                offered.iter().map(|allowance| (allowance.measure, allowance.left)).collect();
            let Some(quote) = rate::quote(version, plan, &stateful.usage, &amounts) else {
                item.fate = Fate::Suspended(SuspendReason::NoRate);
                return Ok(());
            };
            let settled = match cut_off {
                Some(balance) => rate::settle_up_to(version, &quote, item.vat, balance, basis, stateful.began_at)?,
                None => rate::settle_in_full(version, &quote, item.vat)?,
            };
            item.units = quote.units();
            (item.gross, item.net) = (settled.charge.gross, settled.charge.net);
            item.not_owed = settled.not_owed;
            item.cut_off_at = settled.cut_off_at;
            for covered in &quote.covered {
                if let (Some(allowance), Some(gave)) = (offered.get(covered.offered), gave.get_mut(covered.offered)) {
                    self.memory.funds.consume(*allowance, covered.amount);
                    *gave = gave.saturating_add(covered.amount);
                    item.flags = item.flags.with(Flag::Allowance);
                }
            }
            quoted = Some(quote);
        }
        // From here the charge is booked.
        let charge = Charge { gross: item.gross, net: item.net };
        if account.is_advance() {
            self.memory.funds.debit(no, basis.debit(charge));
        }
        let counted = self.use_month(item, stateful, no, &account, period);
        if self.keeps_books || !self.corrections.wanted.is_empty() {
            self.booked.taken = Some(Box::new(Taken {
                balance: cut_off.map(Tiyn::get),
                counted,
                allowances: offered.iter().zip(gave).map(|(of, gave)| of.taken(gave)).collect(),
            }));
        }
        self.keep_if_wanted(item);
        if let Some(quote) = quoted.filter(|_| self.traced.contains(&{ item.print.key })) {
            let offered = offered.iter().map(|allowance| allowance.left).collect();
            self.trace_steps(item, Steps { quote, offered, balance, owed_in_full: stateful.owed_in_full });
        }
        Ok(())
    }

    /// The month of a record's day.
    fn month_of(&mut self, item: &Item, version: &Version) -> Month {
        let day = version.zone.local(item.at).day;
        if let Some(month) = self.month.filter(|month| month.day == day && month.version == item.version) {
            return month;
        }
        let period = day.period();
        let last_day = period.first_day().plus_days(-1);
        let before = self.reference.tariffs.version_at(version.zone.start_of_day(last_day));
        *self.month.insert(Month { version: item.version, day, period, before })
    }

    /// Adds to the month's outgoing usage of an account with a limit. Source: CELL-47, rating 1.8.
    fn use_month(
        &mut self,
        item: &mut Item,
        stateful: &Stateful,
        no: AccountNo,
        account: &Account,
        period: Period,
    ) -> bool {
        let limit = self.reference.register.limit(no, account);
        let Some(limit) = limit.filter(|_| stateful.usage.class.direction == Direction::Out) else { return false };
        if self.memory.funds.used(no, period) >= limit {
            item.flags = item.flags.with(Flag::OverLimit);
            item.rules = item.rules.with(Rule::Cell44);
        }
        self.memory.funds.use_up(no, period, item.gross);
        true
    }

    /// Reverses the charge of the record that this one replaces. Source: rating 1.2.
    fn replace(&mut self, stateful: &Stateful) {
        let Some(key) = stateful.corrects else { return };
        if !self.corrections.wanted.contains(&key) {
            self.corrections.missing.insert(key);
        }
        match self.corrections.charged.remove(&key) {
            Some(old) => self.reverse(key, old),
            None => {
                self.memory.replaced.insert(key);
                self.booked.reversed = Some(Box::new(Reversal { key, charge: None }));
            }
        }
    }

    fn reverse(&mut self, key: u128, old: Posted) {
        self.memory.funds.replay(&old, true);
        self.totals.reversed = self.totals.reversed.saturating_add(i128::from(old.gross));
        self.booked.reversed = Some(Box::new(Reversal { key, charge: Some(old) }));
    }

    /// Keeps a charge that some record corrects; one that was corrected before it came is reversed at once.
    fn keep_if_wanted(&mut self, item: &Item) {
        let (wanted, replaced) = (&self.corrections.wanted, &mut self.memory.replaced);
        if item.fate != Fate::Rated || wanted.is_empty() && replaced.is_empty() {
            return;
        }
        let key = item.print.key;
        let replaced = replaced.remove(&key);
        if !replaced && !wanted.contains(&key) {
            return;
        }
        let Some(charge) = posted(item, self.reference, self.booked.taken.clone()) else { return };
        if replaced {
            self.reverse(key, charge);
        } else {
            self.corrections.charged.insert(key, charge);
        }
    }

    fn reject(&mut self, item: &mut Item, error: BadCharge, prepared: &mut Prepared, at: usize) {
        item.fate = Fate::Rejected;
        item.detail = Place::of(prepared.rejects.len());
        let rejection = Rejection::new(RejectReason::OutOfRange, error.to_string());
        let raw = prepared.bytes.split(|byte| *byte == b'\n').nth(item.line as usize).unwrap_or_default();
        let reject = super::item::Reject::of(rejection, raw.strip_suffix(b"\r").unwrap_or(raw));
        prepared.rejects.push((u32::try_from(at).unwrap_or(u32::MAX), reject));
    }

    fn count_reason(&mut self, item: &Item, prepared: &Prepared) {
        match item.fate {
            Fate::Filtered(reason) => self.reasons.filtered.add(reason as usize),
            Fate::Suspended(reason) => self.reasons.suspended.add(reason as usize),
            Fate::Rejected => {
                let reject = item.detail.get().and_then(|place| prepared.rejects.get(place));
                if let Some((_, reject)) = reject {
                    self.reasons.rejected.add(reject.rejection.reason as usize);
                }
            }
            Fate::Rated | Fate::Duplicate(_) | Fate::Open(_) | Fate::Told => {}
        }
    }

    fn trace_steps(&mut self, item: &Item, steps: Steps) {
        let trace = Trace { file: 0, line: 0, raw: Vec::new(), item: *item, detail: String::new(), steps: Some(steps) };
        self.traces.push(trace);
    }

    /// Completes the trace of a record with where it stands and where it ended.
    fn trace_outcome(&mut self, item: &Item, prepared: &Prepared) {
        let lines = prepared.bytes.split(|byte| *byte == b'\n');
        let raw = lines.into_iter().nth(item.line as usize).unwrap_or_default().to_vec();
        let detail = item.detail.get().and_then(|place| prepared.details.get(place)).cloned().unwrap_or_default();
        let line = prepared.first_line.saturating_add(u64::from(item.line));
        let steps = self.steps_of(item.print.key);
        self.traces.push(Trace { file: prepared.file, line, raw, item: *item, detail, steps });
    }

    /// The steps of a charge just made, whose place was not known then.
    fn steps_of(&mut self, key: u128) -> Option<Steps> {
        let of_it = |trace: &Trace| trace.line == 0 && trace.item.print.key == key;
        self.traces.pop_if(|trace| of_it(trace)).and_then(|trace| trace.steps)
    }
}

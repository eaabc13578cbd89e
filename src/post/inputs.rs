//! What the journal says of the lives of accounts, gathered: usage by month, money, events, the register. For one account
//! by what is kept beside the journal to be found fast; for all of them in one walk through it.

use super::books::Books;
use super::by_account::{ByAccount, OfAccount, Sums};
use super::derived::{Line, each_charge};
use super::entry::{Entry, MoneyMove, Payment, StatusMove, TaskDone, TaskGiven};
use super::gathered::{self, Gathered};
use super::life::{Base, EventIn, Known, MoneyIn, MoneyWhat, PAPERS, Usage};
use super::reference::{ACCOUNTS, EVENTS, Files};
use super::rows::Rows;
use super::store::Store;
use super::writer::{PostError, decode, each_batch, has_link};
use crate::classify::{Columns, Event, Happened, Terms};
use crate::decode::{parse_rfc3339, split_line};
use crate::folder::{Config, EVENT_COLUMNS, Told};
use crate::record::EventKind;
use crate::store::Stored;
use crate::units::{InstantMs, LocalDay, Period, Tiyn, Zone};
use bumpalo::Bump;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// Of so many accounts usage is looked up one by one.
const BACK_ONE_BY_ONE: usize = 256;

/// Where a walk through the journal begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Walk {
    /// Behind what was gathered before.
    BehindKept,
    /// At its first entry.
    Whole,
}

/// Everything that the lives of some accounts depend on.
pub(super) struct Inputs {
    pub(super) zone: Zone,
    pub(super) rows: Rows,
    pub(super) runs: Vec<LocalDay>,
    pub(super) usage: ByAccount<Usage>,
    pub(super) money: ByAccount<MoneyIn>,
    events: ByAccount<EventIn>,
    pub(super) done: ByAccount<TaskDone>,
    /// What is recorded.
    pub(super) moves: ByAccount<StatusMove>,
    pub(super) tasks: ByAccount<TaskGiven>,
    /// Postings of the lives of accounts.
    pub(super) postings: ByAccount<Posted>,
    /// Accounts whose clients came back: their usage is told by day.
    pub(super) back: FxHashSet<u32>,
    first_day: LocalDay,
    /// The local day of the last usage that is charged or waits.
    pub(super) last_usage: Option<LocalDay>,
    /// The month of the folder.
    pub(super) period: Option<Period>,
}

/// A posting of the life of an account: whose, of which day, which, and what was asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Posted {
    pub(super) account: u32,
    pub(super) on: i32,
    pub(super) posting: u8,
    pub(super) asked: i64,
}

impl Inputs {
    /// What holds for every account.
    pub(super) fn base<'b>(&'b self, terms: &'b Terms) -> Base<'b> {
        Base { terms, zone: &self.zone, runs: &self.runs, first_day: self.first_day }
    }

    /// What is known of an account; `told` is its row.
    pub(super) fn known<'k>(&'k self, no: u32, told: &'k Told) -> Known<'k> {
        Known {
            told,
            usage: self.usage.of(no),
            money: self.money.of(no),
            events: self.events.of(no),
            done: self.done.of(no),
        }
    }

    /// The same was gathered of the journal.
    pub(super) fn is_gathered_as(&self, other: &Self) -> bool {
        (self.usage.all(), self.money.all()) == (other.usage.all(), other.money.all())
            && (self.moves.all(), self.tasks.all()) == (other.moves.all(), other.tasks.all())
            && (self.done.all(), self.postings.all()) == (other.done.all(), other.postings.all())
    }

    /// One more payment, behind what came before it.
    pub(super) fn add_payment(&mut self, payment: &Payment) {
        let amount = Tiyn::new(payment.amount.saturating_sub(payment.vat));
        if amount > Tiyn::ZERO {
            let run = u32::try_from(self.runs.len()).unwrap_or(u32::MAX);
            let at = Some(InstantMs(payment.paid_ms));
            let money = MoneyIn { account: payment.account, run, at, what: MoneyWhat::Paid, amount };
            self.money.insert(money);
        }
    }

    /// One more event, behind those that came before it.
    pub(super) fn add_event(&mut self, event: EventIn) {
        self.events.insert(event);
    }

    /// What was known of an account when statuses were recorded last.
    pub(super) fn known_then<'k>(&'k self, no: u32, told: &'k Told) -> Known<'k> {
        let known = self.known(no, told);
        let last = u32::try_from(self.runs.len()).unwrap_or(u32::MAX);
        Known {
            usage: before(known.usage, last, |usage| usage.run),
            money: before(known.money, last, |money| money.run),
            events: before(known.events, last, |event| event.run),
            ..known
        }
    }

    /// What is recorded of an account: moves, tasks, postings.
    pub(super) fn recorded(&self, no: u32) -> (&[StatusMove], &[TaskGiven], &[Posted]) {
        (self.moves.of(no), self.tasks.of(no), self.postings.of(no))
    }

    /// The day up to which records show how accounts stand: the last of the folder's month, else of the month of the
    /// last usage; not before what is recorded.
    pub(super) fn last_day(&self) -> Option<LocalDay> {
        let month = self.period.or(self.last_usage.map(|day| day.period()));
        let last = month.map(|month| month.next().first_day().plus_days(-1));
        last.into_iter().chain(self.runs.last().copied()).max()
    }
}

impl OfAccount for Posted {
    fn account(&self) -> u32 {
        self.account
    }
}

/// What came before so many recordings; all is in the order in which it came.
fn before<T>(all: &[T], runs: u32, run: impl Fn(&T) -> u32) -> &[T] {
    all.get(..all.partition_point(|of| run(of) < runs)).unwrap_or_default()
}

/// What is gathered while the journal is read.
struct Gathering<'g> {
    books: &'g Books,
    /// None: all accounts.
    only: Option<u32>,
    usage: Sums,
    inputs: Inputs,
}

impl Store {
    /// The calendar of the books: that of their tariffs, else that of Kazakhstan.
    pub fn zone(&self) -> Result<Zone, PostError> {
        let zone = self.books.reference.as_ref().and_then(|set| Zone::parse(&set.time_zone).ok());
        zone.map_or_else(|| Zone::parse("Asia/Almaty"), Ok).map_err(|error| PostError::Refused(error.to_string()))
    }

    /// Gathers what the life of one account depends on, or those of all.
    pub(super) fn inputs(&self, only: Option<u32>) -> Result<Inputs, PostError> {
        self.gather(only, Walk::BehindKept)
    }

    /// The same of all accounts out of the journal alone.
    pub(super) fn inputs_of_the_journal(&self) -> Result<Inputs, PostError> {
        self.gather(None, Walk::Whole)
    }

    fn gather(&self, only: Option<u32>, walk: Walk) -> Result<Inputs, PostError> {
        let zone = self.zone()?;
        let mut files = self.reference_files()?.unwrap_or_default();
        let config = files.get("esep.toml").and_then(|bytes| std::str::from_utf8(bytes).ok());
        let period = config.and_then(|text| Config::parse(text).ok()).and_then(|config| config.period);
        let events = files.remove(EVENTS).unwrap_or_default();
        let rows = Rows::new(files.remove(ACCOUNTS).unwrap_or_default());
        let inputs = Inputs {
            first_day: first_tariff(&files, &zone).unwrap_or(LocalDay(0)),
            last_usage: self.books.latest_ms.map(|at| zone.local(InstantMs(at)).day),
            runs: self.books.status_runs.iter().map(|(_, as_of)| LocalDay(*as_of)).collect(),
            rows,
            period,
            usage: ByAccount::default(),
            money: ByAccount::default(),
            events: ByAccount::default(),
            done: ByAccount::default(),
            moves: ByAccount::default(),
            tasks: ByAccount::default(),
            postings: ByAccount::default(),
            back: FxHashSet::default(),
            zone,
        };
        // The others, lines above all, are large.
        drop(files);
        let usage = Sums::new(only);
        let mut gathering = Gathering { books: &self.books, only, usage, inputs };
        gathering.events(&events, &self.lengths_of_events()?);
        let Some(no) = only else { return self.gather_all(gathering, walk) };
        self.gather_one(no, u64::MAX, &mut gathering)?;
        for (seq, _) in &self.books.status_runs {
            gathering.entry(&decode(&self.journal().read(*seq)?)?, *seq);
        }
        // As they came, not as they are dated.
        gathering.inputs.money.sort_by_key(|money| money.run);
        Ok(gathering.finish())
    }

    /// What an account used up to an entry; of one that is asked for alone its money, too.
    fn gather_one(&self, no: u32, upto: u64, gathering: &mut Gathering<'_>) -> Result<(), PostError> {
        let is_money = |seq: u64| self.money_entries().binary_search(&seq).is_ok();
        for (_, place, line) in self.derived().movements_of(no, self.journal(), &is_money)? {
            match line {
                Line::Charge(_) if place.seq > upto => {}
                Line::Charge(line) => {
                    let debit = line.posted.debit().get();
                    let amount = if line.reversal { debit.saturating_neg() } else { debit };
                    gathering.used(place.seq, (no, line.posted.period(), line.posted.at_ms, amount));
                }
                Line::Money(of) if gathering.only == Some(no) => gathering.money(&of, gathering.run_of(place.seq)),
                Line::Money(_) => {}
            }
        }
        Ok(())
    }

    /// Walks through the journal behind what is kept, and keeps what was gathered where it was much.
    fn gather_all(&self, mut gathering: Gathering<'_>, walk: Walk) -> Result<Inputs, PostError> {
        let head = self.entries();
        let knows = |seq: u64, chain: &[u8; 32]| has_link(self.journal(), seq, chain);
        let kept = if walk == Walk::BehindKept { gathered::read(&self.folder, &knows) } else { None };
        let mut from = 1;
        if let Some(kept) = kept {
            let back: Vec<u32> = gathering.inputs.back.difference(&kept.by_day).copied().collect();
            // Of many new ones the journal is read rather than one account after the other.
            if back.len() <= BACK_ONE_BY_ONE {
                from = kept.seq.saturating_add(1);
                let upto = kept.seq;
                gathering.take(kept);
                for no in back {
                    self.gather_one(no, upto, &mut gathering)?;
                }
            }
        }
        each_batch(self.journal(), from, &mut |read| gathering.batch(read))?;
        let inputs = gathering.finish();
        let is_much = head.saturating_add(1).saturating_sub(from) >= gathered::WORTH;
        if walk == Walk::BehindKept && is_much && self.writes() {
            // It is made again where it cannot be kept.
            let _ = gathered::write(&self.folder, (head, self.journal().link(head)?), &inputs);
        }
        Ok(inputs)
    }

    /// How long the events of each set of reference data were: the set's entry, bytes.
    fn lengths_of_events(&self) -> Result<Vec<(u64, u64)>, PostError> {
        if self.books.status_runs.is_empty() {
            return Ok(Vec::new());
        }
        let mut lengths = Vec::new();
        for seq in self.reference_entries() {
            let stored = self.journal().read(*seq)?;
            if let Entry::Reference(set) = decode(&stored)? {
                let file = set.files.iter().find(|file| file.name == EVENTS);
                lengths.push((*seq, file.map_or(0, |file| file.bytes)));
            }
        }
        Ok(lengths)
    }
}

/// The first day of the first tariff version.
fn first_tariff(files: &Files, _: &Zone) -> Option<LocalDay> {
    let tariffs = files.iter().filter(|(name, _)| name.starts_with("tariffs/") && name.ends_with(".toml"));
    let first = tariffs.filter_map(|(_, bytes)| {
        let text = std::str::from_utf8(bytes).ok()?;
        let line = text.lines().find(|line| line.trim_start().starts_with("valid_from"))?;
        let (_, value) = line.split_once('=')?;
        LocalDay::parse(value.split('#').next()?.trim().trim_matches('"')).ok()
    });
    first.min()
}

/// An account, a month, an instant, tiyn.
type Used = (u32, Period, i64, i64);

/// What an entry has of usage.
fn usage_of(entry: &Entry) -> Vec<Used> {
    let mut used = Vec::new();
    each_charge(entry, &mut |posted, reversal| {
        let debit = posted.debit().get();
        let amount = if reversal { debit.saturating_neg() } else { debit };
        used.push((posted.account, posted.period(), posted.at_ms, amount));
    });
    used
}

impl Gathering<'_> {
    /// What was gathered before. Accounts whose clients came back since are left to be told by day.
    fn take(&mut self, kept: Gathered) {
        for used in kept.usage {
            if kept.by_day.contains(&used.account) {
                self.usage.add_of_day(used);
            } else if !self.inputs.back.contains(&used.account) {
                self.usage.add(used.account, used.run, used.month, used.amount);
            }
        }
        self.inputs.money.extend(kept.money);
        self.inputs.moves.extend(kept.moves);
        self.inputs.tasks.extend(kept.tasks);
        self.inputs.done.extend(kept.done);
        self.inputs.postings.extend(kept.postings);
    }

    fn batch(&mut self, read: &mut Vec<Stored>) -> Result<(), PostError> {
        type Read = Result<(u64, Entry, Vec<Used>), PostError>;
        let decoded: Vec<Read> = read
            .par_drain(..)
            .map(|stored| {
                let entry = decode(&stored)?;
                let used = usage_of(&entry);
                // Its rows are of no more use.
                let entry = if let Entry::Piece(_) = entry { Entry::Money(Vec::new()) } else { entry };
                Ok((stored.seq, entry, used))
            })
            .collect();
        for read in decoded {
            let (seq, entry, used) = read?;
            for used in used {
                self.used(seq, used);
            }
            self.entry(&entry, seq);
        }
        Ok(())
    }

    /// How many recordings came before an entry.
    fn run_of(&self, seq: u64) -> u32 {
        u32::try_from(self.books.status_runs.partition_point(|(run, _)| *run < seq)).unwrap_or(u32::MAX)
    }

    fn used(&mut self, seq: u64, (account, month, at_ms, amount): Used) {
        let run = self.run_of(seq);
        let back = &self.inputs.back;
        if !back.is_empty() && back.contains(&account) {
            let on = self.inputs.zone.local(InstantMs(at_ms)).day;
            self.usage.add_of_day(Usage { account, run, month, on, amount });
        } else {
            self.usage.add(account, run, month, amount);
        }
    }

    fn is_asked(&self, account: u32) -> bool {
        self.only.is_none_or(|only| only == account)
    }

    fn entry(&mut self, entry: &Entry, seq: u64) {
        match entry {
            Entry::Reference(_) | Entry::Piece(_) | Entry::Resolved(_) => {}
            Entry::Money(moves) => {
                let run = self.run_of(seq);
                moves.iter().for_each(|of| self.money(of, run));
            }
            Entry::Status(of) => {
                let only = self.only;
                let asked = |account: u32| only.is_none_or(|only| only == account);
                let inputs = &mut self.inputs;
                inputs.moves.extend(of.moves.iter().filter(|of| asked(of.account)).copied());
                inputs.tasks.extend(of.tasks.iter().filter(|of| asked(of.account)).copied());
                inputs.done.extend(of.done.iter().filter(|of| asked(of.account)).copied());
            }
        }
    }

    fn money(&mut self, of: &MoneyMove, run: u32) {
        let (account, at, what, amount) = match of {
            MoneyMove::Opening { account, amount, .. } if *amount >= 0 => (*account, None, MoneyWhat::Ahead, *amount),
            MoneyMove::Opening { account, amount, month, .. } => {
                (*account, None, MoneyWhat::Owed(Period(*month)), amount.saturating_neg())
            }
            MoneyMove::Payment(of) | MoneyMove::Identified(of) => {
                (of.account, Some(of.paid_ms), MoneyWhat::Paid, of.amount.saturating_sub(of.vat))
            }
            MoneyMove::Settled(of) | MoneyMove::IdentifiedSettled(of) => {
                let of = &of.payment;
                (of.account, Some(of.paid_ms), MoneyWhat::Paid, of.amount.saturating_sub(of.vat))
            }
            MoneyMove::Unidentified(_) => return,
            MoneyMove::Refund(of) => (of.account, Some(of.at_ms), MoneyWhat::Refunded, of.amount),
            MoneyMove::Brought { account, amount, kind } => (*account, None, MoneyWhat::Brought(*kind), *amount),
            MoneyMove::Status(of) => {
                if self.is_asked(of.account) {
                    let (account, on, posting, asked) = (of.account, of.on, of.posting, of.asked);
                    self.inputs.postings.push(Posted { account, on, posting, asked });
                }
                // The life itself knows what it asked for.
                return;
            }
        };
        if amount > 0 && self.is_asked(account) {
            let at = at.map(InstantMs);
            self.inputs.money.push(MoneyIn { account, run, at, what, amount: Tiyn::new(amount) });
        }
    }

    /// Events as the books keep them. `lengths` say behind which entry each came.
    fn events(&mut self, bytes: &[u8], lengths: &[(u64, u64)]) {
        if bytes.is_empty() {
            return;
        }
        let no_of: FxHashMap<u64, u32> = match self.only {
            Some(no) => self.books.account_ids.get(no as usize).map(|hash| (*hash, no)).into_iter().collect(),
            None => self.books.account_ids.iter().copied().zip(0u32..).collect(),
        };
        let arena = Bump::new();
        let mut fields = Vec::new();
        let mut columns: Option<[Option<usize>; 7]> = None;
        let mut end = 0u64;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            end = end.saturating_add(line.len() as u64);
            let line = line.trim_ascii_end();
            if line.is_empty() || split_line(line, b',', &arena, &mut fields).is_err() {
                continue;
            }
            let Some(places) = columns else {
                columns = Some(EVENT_COLUMNS.map(|column| fields.iter().position(|of| *of == column.as_bytes())));
                continue;
            };
            let cell = |place: Option<usize>| {
                let field = place.and_then(|place| fields.get(place)).copied().unwrap_or_default();
                std::str::from_utf8(field).unwrap_or_default().trim()
            };
            let [id, account, at, kind, amount, reference, note] = places.map(cell);
            let Some(no) = no_of.get(&super::reference::id_hash(account.as_bytes())) else { continue };
            let Some(event) = event_of(&self.inputs.zone, at, kind, Columns { amount, reference, note }) else {
                continue;
            };
            let came = lengths.get(lengths.partition_point(|(_, length)| *length < end));
            let run = came.map_or(0, |(seq, _)| self.run_of(*seq));
            if matches!(event.happened, Happened::Reapplied { .. }) {
                self.inputs.back.insert(*no);
            }
            let lacks_papers = lacks_papers(&event, reference);
            self.inputs.events.push(EventIn { account: *no, run, id: id.into(), event, lacks_papers });
        }
    }

    fn finish(mut self) -> Inputs {
        let accounts = if self.only.is_some() { 0 } else { self.books.account_ids.len() };
        let inputs = &mut self.inputs;
        inputs.usage = ByAccount::sorted(self.usage.finish(), accounts);
        inputs.money.sort(accounts);
        inputs.events.sort(accounts);
        inputs.done.sort(accounts);
        inputs.moves.sort(accounts);
        inputs.tasks.sort(accounts);
        inputs.postings.sort(accounts);
        self.inputs
    }
}

/// Whether the end of a contract says which papers of its closing are missing (PA-27).
pub(super) fn lacks_papers(event: &Event, reference: &str) -> bool {
    matches!(event.happened, Happened::ContractTerminated(_)) && reference.starts_with(PAPERS)
}

pub(super) fn event_of(zone: &Zone, at: &str, kind: &str, columns: Columns<'_>) -> Option<Event> {
    let kind = EventKind::parse(kind.as_bytes())?;
    let happened = Happened::read(kind, columns).ok()?;
    let (at, on) = match LocalDay::parse(at) {
        Ok(day) => (zone.start_of_day(day), day),
        Err(_) => {
            let at = parse_rfc3339(at.as_bytes())?;
            (at, zone.local(at).day)
        }
    };
    Some(Event { at, on, happened })
}

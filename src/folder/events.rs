//! `events.csv`: what happened to accounts, each row checked by its kind. A row that cannot be is set aside with its
//! reason and has no effect at all; what depends on money and status is judged by the life of the account.
//!
//! Source: interface 7.5, status 3.1.

use super::findings::Findings;
use super::reference::{Loading, When, no_day, opened_after};
use super::table::{read_table, texts};
use crate::batch::push_field;
use crate::book::{AccountNo, NEVER, SwitchedOff};
use crate::classify::{Columns, Event, Happened};
use crate::record::EventKind;
use crate::units::{InstantMs, LocalDay};
use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// The columns of `events.csv`, in the order in which the books write them.
pub const EVENT_COLUMNS: [&str; 7] = ["event_id", "account_id", "at", "kind", "amount", "reference", "note"];

/// A row of `events.csv` that may have happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventRow {
    /// Its id, the idempotency key.
    pub id: Box<str>,
    /// Whose.
    pub no: AccountNo,
    /// What, and when.
    pub event: Event,
    /// Its line in the file, from 1.
    pub line: u32,
    /// The row as the books keep it, without an end of line.
    pub text: Box<str>,
}

/// A row in the order of [`EVENT_COLUMNS`], as the books keep it.
pub fn event_line(fields: [&str; 7]) -> String {
    let mut line = Vec::new();
    for (nth, field) in fields.iter().enumerate() {
        if nth > 0 {
            line.push(b',');
        }
        push_field(&mut line, field.as_bytes());
    }
    String::from_utf8_lossy(&line).into_owned()
}

/// The id of a row; one without an id is known by its content.
pub fn event_id(fields: [&str; 7]) -> String {
    match fields {
        ["", ..] => format!("row-{:016x}", xxh3_64(fields.join("\n").as_bytes())),
        [id, ..] => id.to_owned(),
    }
}

/// What the register tells of an account to which something happened.
struct Told {
    contract_on: Option<LocalDay>,
    /// Since when its services are off, and whether for good.
    off: Vec<(When, bool)>,
}

impl Loading<'_> {
    /// Reads the events in the order of the file, and switches services by those that stand.
    pub(super) fn events(&mut self, findings: &mut Findings) -> Vec<EventRow> {
        let (path, name) = self.paths.of(&self.paths.config.events);
        let mut known: FxHashMap<u128, u64> = FxHashMap::default();
        let mut rows: Vec<EventRow> = Vec::new();
        let required = ["account_id", "at", "kind"];
        read_table((&path, name), EVENT_COLUMNS, &required, findings, |line, fields, findings| {
            let fields = texts(fields);
            let id = event_id(fields);
            let content = fields.get(1..).unwrap_or_default().join("\n");
            if let Some(before) = known.get(&xxh3_128(id.as_bytes())) {
                let same = *before == xxh3_64(content.as_bytes());
                let what = if same { "; counted once" } else { " with other content; set aside" };
                return findings.warning(name, line, format!("event {id} stands here already{what}"));
            }
            match self.event(fields) {
                Ok((no, event)) => {
                    known.insert(xxh3_128(id.as_bytes()), xxh3_64(content.as_bytes()));
                    if let Some(opened) = opened_after(&self.register, no, event.on) {
                        // Its life refuses it. Who is said to be off is not charged until that is mended.
                        let (kind, on) = (event.happened.kind(), event.on);
                        let why = format!("{kind} of {on} is before the account was opened, {opened} (PA-8)");
                        findings.warning(name, line, format!("event {id}: {why}; it counts for usage alone"));
                    }
                    let [_, account, at, kind, amount, reference, note] = fields;
                    let text = event_line([&id, account, at, kind, amount, reference, note]).into();
                    rows.push(EventRow { id: id.into(), no, event, line, text });
                }
                Err(message) => findings.warning(name, line, format!("event {id}: {message}; set aside")),
            }
        });
        if rows.is_empty() {
            return rows;
        }
        let told = self.told_of(&rows);
        let rows = self.possible(rows, &told, findings);
        self.take_effect(&rows, &told);
        rows
    }

    fn event(&mut self, fields: [&str; 7]) -> Result<(AccountNo, Event), String> {
        let [_, account, at, kind, amount, reference, note] = fields;
        let kind = EventKind::parse(kind.as_bytes()).ok_or_else(|| format!("kind `{kind}` is not one of the list"))?;
        let no = self.register.find(account.as_bytes()).ok_or_else(|| format!("no account {account}"))?;
        let when = self.when(at.as_bytes()).ok_or_else(|| no_day("at", at.as_bytes()))?;
        let happened = Happened::read(kind, Columns { amount, reference, note }).map_err(|error| error.to_string())?;
        if let Happened::OwnerChanged { account: new } = &happened
            && self.register.find(new.as_bytes()).is_none()
        {
            return Err(format!("no account {new}, the new owner's"));
        }
        Ok((no, Event { at: when.at, on: when.day, happened }))
    }

    /// What the register tells of the accounts to which something happened.
    fn told_of(&mut self, rows: &[EventRow]) -> FxHashMap<AccountNo, Told> {
        let asked: FxHashSet<AccountNo> = rows.iter().map(|row| row.no).collect();
        let mut of_accounts = FxHashMap::default();
        let (path, name) = self.paths.of(&self.paths.config.accounts);
        let columns = ["account_id", "contract_on", "terminated_on", "switched_off_on"];
        // What is odd about the file was told when it was read first.
        let mut told = Findings::default();
        read_table((&path, name), columns, &["account_id"], &mut told, |_, [id, contract, ended, off], _| {
            let Some(no) = self.register.find(id).filter(|no| asked.contains(no)) else { return };
            let contract_on = LocalDay::parse(contract).ok();
            let off =
                [(ended, true), (off, false)].into_iter().filter_map(|(text, ends)| Some((self.when(text)?, ends)));
            let off = off.collect();
            of_accounts.entry(no).or_insert(Told { contract_on, off });
        });
        of_accounts
    }

    /// Sets aside what is dated before the contract, and tells of what is yet to come.
    fn possible(
        &self,
        mut rows: Vec<EventRow>,
        told: &FxHashMap<AccountNo, Told>,
        findings: &mut Findings,
    ) -> Vec<EventRow> {
        let name = &self.paths.config.events;
        rows.retain(|row| {
            let is_early = opened_after(&self.register, row.no, row.event.on).is_some();
            let contract = told.get(&row.no).and_then(|told| told.contract_on);
            let contract = contract.filter(|contract| !is_early && row.event.on < *contract);
            if let Some(contract) = contract {
                let (kind, on) = (row.event.happened.kind(), row.event.on);
                let why = format!("{kind} of {on} is before the contract, {contract} (PA-8)");
                findings.warning(name, row.line, format!("event {}: {why}; set aside", row.id));
            }
            contract.is_none()
        });
        let last = self.paths.config.period.map(|period| period.next().first_day().plus_days(-1));
        let later = rows.iter().filter(|row| last.is_some_and(|last| row.event.on > last)).count();
        if let Some(last) = last.filter(|_| later > 0) {
            let message =
                format!("{later} of a day after {last}, the end of the folder's month: they wait for their day");
            findings.warning(name, 0, message);
        }
        rows
    }

    /// What events say of services and of the roaming risk, as far as it decides whether usage is charged.
    ///
    /// What the register tells counts behind the events of its day, as in the life of the account.
    fn take_effect(&mut self, rows: &[EventRow], told: &FxHashMap<AccountNo, Told>) {
        let mut order: Vec<&EventRow> = rows.iter().collect();
        order.sort_by_key(|row| (row.no, row.event.order_key()));
        for of_account in order.chunk_by(|one, other| one.no == other.no) {
            let Some(no) = of_account.first().map(|row| row.no) else { continue };
            let mut told = told.get(&no).map_or(&[][..], |told| told.off.as_slice()).to_vec();
            // Where nothing is ever on again, the register's own day does.
            if !of_account.iter().any(|row| lifts(row.event.happened.kind())) {
                told.clear();
            } else if !told.is_empty() {
                self.register.forget_switch_offs(no);
            }
            let mut orders: Vec<&str> = Vec::new();
            let (mut off, mut ended): (Option<InstantMs>, bool) = (None, false);
            for row in of_account {
                let at = row.event.at;
                told.retain(|(when, ends)| {
                    let past = when.day < row.event.on;
                    if past {
                        (off, ended) = (earlier(off, when.at), ended || *ends);
                    }
                    !past
                });
                match row.event.happened.kind() {
                    EventKind::ServicesOff | EventKind::Suspended => off = earlier(off, at),
                    EventKind::ContractTerminated => (off, ended) = (earlier(off, at), true),
                    EventKind::RemovalOrderOpened => orders.extend(order_of(&row.event.happened)),
                    // The order closes with the removal itself (PA-19, PA-23).
                    EventKind::RemovalOrderClosed => {
                        if order_of(&row.event.happened).is_some_and(|order| orders.contains(&order)) {
                            off = earlier(off, at);
                        }
                    }
                    // Of an ended contract it tells when service began, and no more.
                    EventKind::ServicesOn | EventKind::Resumed if !ended => {
                        if let Some(from) = off.take() {
                            self.register.switch_off(row.no, SwitchedOff { from, to: at });
                        }
                    }
                    EventKind::Reapplied => ended = false,
                    EventKind::RiskNotified => {
                        let from = self.start_of(row.event.on);
                        self.register.warn(row.no, from);
                    }
                    EventKind::ServicesOn
                    | EventKind::Resumed
                    | EventKind::ContractSigned
                    | EventKind::EquipmentInstalled
                    | EventKind::EquipmentDismantled
                    | EventKind::EquipmentNeverIssued
                    | EventKind::RefusalApplied
                    | EventKind::ActReturn
                    | EventKind::ActAbsence
                    | EventKind::EquipmentNotReturned
                    | EventKind::NoticeReceived
                    | EventKind::AgreementSigned
                    | EventKind::AgreementMissed
                    | EventKind::HopelessRecognised
                    | EventKind::WrittenOff
                    | EventKind::FraudFound
                    | EventKind::FraudAdjusted
                    | EventKind::CreditMoveRequested
                    | EventKind::CreditMoved
                    | EventKind::CreditRefunded
                    | EventKind::SegmentChanged
                    | EventKind::OwnerChanged
                    | EventKind::AbsenceTold
                    | EventKind::DisputeOpened
                    | EventKind::DisputeClosed => {}
                }
            }
            off = told.iter().fold(off, |off, (when, _)| earlier(off, when.at));
            if let Some(from) = off {
                self.register.switch_off(no, SwitchedOff { from, to: InstantMs(NEVER) });
            }
        }
    }
}

/// Services may be on again behind it.
const fn lifts(kind: EventKind) -> bool {
    matches!(kind, EventKind::ServicesOn | EventKind::Resumed)
}

fn earlier(off: Option<InstantMs>, at: InstantMs) -> Option<InstantMs> {
    Some(off.map_or(at, |off| off.min(at)))
}

fn order_of(happened: &Happened) -> Option<&str> {
    let (Happened::RemovalOrderOpened { order } | Happened::RemovalOrderClosed { order }) = happened else {
        return None;
    };
    Some(order)
}

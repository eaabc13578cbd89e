//! Changes of the register by hand: events, openings, closings, moves, persons. Each is checked whole before anything is
//! written, and is then reference data like any other.
//!
//! Source: status 3.3 to 3.6, interface 7.5.

use super::inputs::{Inputs, event_of, lacks_papers};
use super::life::{EventIn, live};
use super::reference::{ACCOUNTS, EVENTS, Files, event_row, merge_events};
use super::statuses::id_of;
use super::store::Store;
use super::writer::PostError;
use crate::batch::push_field;
use crate::book::AccountNo;
use crate::classify::{
    Action, Application, BadIin, Card, Columns, Event, Facts, Failed, Happened, Iin, Mark, MovePlan, Moving, Opening,
    PersonChange, Refusal, Status, Technology, Terms, allowed, check_move, check_opening, check_person_change,
};
use crate::decode::split_line;
use crate::record::EventKind;
use crate::units::LocalDay;
use bumpalo::Bump;
use rayon::prelude::*;

/// An event as somebody tells it.
#[derive(Clone, Debug, Default)]
pub struct NewEvent {
    /// Its id; by its content where none is told.
    pub id: String,
    /// The account.
    pub account_id: String,
    /// An RFC 3339 instant or a local day.
    pub at: String,
    /// A kind of 7.5.
    pub kind: String,
    /// Tenge.
    pub amount: String,
    /// What the kind needs.
    pub reference: String,
    /// What the kind needs.
    pub note: String,
}

/// What became of events.
#[derive(Clone, Debug, Default)]
pub struct EventsAdded {
    /// How many are new in the books.
    pub added: u64,
    /// The status behind them, on the day of the last of them.
    pub status: Option<(Status, LocalDay)>,
    /// The last day that the records show, where one of them is behind it: it waits for its day.
    pub waits_behind: Option<LocalDay>,
}

/// Somebody asks for a new account.
#[derive(Clone, Debug)]
pub struct NewAccount<'n> {
    /// Its id.
    pub account_id: &'n str,
    /// Twelve digits.
    pub iin: &'n str,
    /// Whose.
    pub name: &'n str,
    /// `b2c` and the like.
    pub segment: &'n str,
    /// The plan.
    pub plan: &'n str,
    /// Whose money pays: `regular` or `budget`.
    pub funding: &'n str,
    /// `kk`, `ru` or `en`.
    pub language: &'n str,
    /// What carries the service; empty is not told.
    pub technology: Option<Technology>,
    /// Where, when, by what right, with which papers. Its person is the one of `iin`.
    pub asked: Asked<'n>,
}

/// An application but for the person.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'n> {
    /// Where.
    pub address: &'n str,
    /// In which settlement.
    pub settlement: &'n str,
    /// When.
    pub on: LocalDay,
    /// By what right.
    pub right: crate::classify::Right,
    /// How the account pays.
    pub method: crate::book::Method,
    /// A deposit is paid.
    pub deposit: bool,
    /// Papers in the file.
    pub papers: crate::classify::Papers,
    /// Scans on the card.
    pub scans: crate::classify::Papers,
}

/// A check that refuses, of a command on the register.
#[derive(Clone, Debug)]
pub enum RegisterRefusal {
    /// Paragraphs that stand against it, all of them.
    Failed(Vec<Failed>),
    /// The status, or what is known, forbids it.
    Forbidden(Refusal),
    /// The number is no IIN.
    BadIin(BadIin),
    /// Another reason, for people.
    Other(String),
}

impl std::fmt::Display for RegisterRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(failed) => {
                let told: Vec<String> = failed.iter().map(ToString::to_string).collect();
                f.write_str(&told.join("\n"))
            }
            Self::Forbidden(refusal) => refusal.fmt(f),
            Self::BadIin(bad) => write!(f, "{bad} (PA-14)"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl From<RegisterRefusal> for PostError {
    fn from(refusal: RegisterRefusal) -> Self {
        Self::Refused(refusal.to_string())
    }
}

fn refused<T>(why: impl Into<String>) -> Result<T, PostError> {
    Err(PostError::Refused(why.into()))
}

/// An account that stands beside another, with what is known of it.
struct Standing {
    cells: [String; 6],
    status: Status,
    facts: Facts,
}

impl Standing {
    fn card(&self) -> Card<'_> {
        let [account, iin, name, address, settlement, technology] = &self.cells;
        Card {
            account,
            iin: Iin::parse(iin).ok(),
            name,
            address,
            settlement,
            technology: Technology::parse(technology.as_bytes()),
            status: self.status,
            facts: &self.facts,
        }
    }
}

const CARD: [&str; 6] = ["account_id", "iin", "name", "address", "settlement", "technology"];

impl Store {
    /// Adds events of one account, all of them or none.
    ///
    /// Refused: an unknown account or kind, a kind without what it needs, a day before the opening, the contract or what
    /// is recorded, an id that stands for another event, and what the life of the account refuses, or would refuse later
    /// because of them.
    pub fn add_events(&mut self, new: &[NewEvent]) -> Result<EventsAdded, PostError> {
        let Some(first) = new.first() else { return Ok(EventsAdded::default()) };
        let files = self.files_to_change()?;
        let no = self.account_of(&first.account_id)?;
        let mut inputs = self.inputs(Some(no))?;
        let seen_to = self.books.statuses_to();
        let mut rows = Vec::with_capacity(new.len());
        for of in new {
            let event = checked(&inputs, of, no)?;
            if let Some(seen) = seen_to.filter(|seen| event.on < *seen) {
                return refused(format!("{} is before {seen}, up to which statuses are recorded (PA-57)", event.on));
            }
            self.check_target(&event)?;
            let fields = [&of.id, &of.account_id, &of.at, &of.kind, &of.amount, &of.reference, &of.note];
            rows.push(event_row(fields.map(|field| field.trim()), AccountNo(no), event));
        }
        let old = files.get(EVENTS).map_or(&b""[..], Vec::as_slice);
        let mut notes = Vec::new();
        let merged = merge_events(old, &rows, seen_to, &mut notes)?;
        if let Some(note) = notes.first() {
            return refused(note.strip_prefix("events.csv:0: ").unwrap_or(note).to_owned());
        }
        let last = rows.iter().map(|row| row.event.on).max().unwrap_or(LocalDay(0));
        let lines = |bytes: &[u8]| memchr::memchr_iter(b'\n', bytes).count();
        let added = lines(&merged).saturating_sub(lines(old).max(1)) as u64;
        let waits_behind = inputs.last_day().filter(|shown| last > *shown);
        if added == 0 {
            return Ok(EventsAdded { added, status: self.status_then(&inputs, no, last), waits_behind });
        }
        let before = refusals(&inputs, no);
        let runs = u32::try_from(inputs.runs.len()).unwrap_or(u32::MAX);
        for (row, of) in rows.iter().zip(new) {
            let (id, event) = (row.id.clone(), row.event.clone());
            let lacks_papers = lacks_papers(&event, of.reference.trim());
            inputs.add_event(EventIn { account: no, run: runs, id, event, lacks_papers });
        }
        // Nothing else may be refused because of them.
        let own = |id: &str| rows.iter().any(|row| *row.id == *id);
        let after = refusals(&inputs, no);
        if let Some((id, refusal)) = after.into_iter().find(|(id, _)| own(id) || !before.iter().any(|(b, _)| b == id)) {
            let of = if own(&id) { String::new() } else { format!("then event {id} could not have happened: ") };
            return refused(format!("account {}: {of}{refusal}", first.account_id));
        }
        let status = self.status_then(&inputs, no, last);
        let mut changed = files.clone();
        changed.insert(EVENTS.into(), merged);
        self.adopt(changed, None)?;
        Ok(EventsAdded { added, status, waits_behind })
    }

    fn status_then(&self, inputs: &Inputs, no: u32, on: LocalDay) -> Option<(Status, LocalDay)> {
        self.standing(inputs, no, on).map(|(status, _)| (status, on))
    }

    /// A credit balance goes to an account that takes money. Source: status 3.4.
    fn check_target(&self, event: &Event) -> Result<(), PostError> {
        let (Happened::CreditMoveRequested { to, .. } | Happened::CreditMoved { to, .. }) = &event.happened else {
            return Ok(());
        };
        let Some(no) = self.account_no(to) else { return Ok(()) };
        let inputs = self.inputs(Some(no.0))?;
        let Some((status, facts)) = self.standing(&inputs, no.0, event.on) else {
            return refused(format!("account {to} is not open on {}", event.on));
        };
        allowed(status, &facts, event.on, Action::TakePayment)
            .map_err(|refusal| PostError::Refused(format!("account {to}: {refusal}")))
    }

    /// Opens an account, or says everything that stands against it. What is announced, and what is still to come.
    pub fn open_account(&mut self, new: &NewAccount<'_>) -> Result<Result<Opening, RegisterRefusal>, PostError> {
        let files = self.files_to_change()?;
        let iin = match Iin::parse(new.iin) {
            Ok(iin) => iin,
            Err(bad) => return Ok(Err(RegisterRefusal::BadIin(bad))),
        };
        let other = |why: String| Ok(Err(RegisterRefusal::Other(why)));
        if new.account_id.trim().is_empty() || new.account_id.contains(['\n', '\r']) {
            return other("the account's id is empty".into());
        }
        if self.account_no(new.account_id).is_some() {
            return other(format!("account {} is in the books already", new.account_id));
        }
        if self.known_folder()?.reference.tariffs.plan_id(new.plan).is_none() {
            return other(format!("no tariff has a plan `{}`", new.plan));
        }
        if self.books.statuses_to().is_some_and(|seen| new.asked.on < seen) {
            return other(format!("{} is before the day up to which statuses are recorded (PA-57)", new.asked.on));
        }
        let known = self.beside(&new.asked, iin)?;
        let cards: Vec<Card<'_>> = known.iter().map(Standing::card).collect();
        let Asked { address, settlement, on, right, method, deposit, papers, scans } = new.asked;
        let application = Application { iin, address, settlement, on, right, method, deposit, papers, scans };
        let opening = check_opening(&Terms::SOURCE, &application, &cards);
        if !opening.failed.is_empty() {
            return Ok(Err(RegisterRefusal::Failed(opening.failed)));
        }
        let marks: Vec<&str> = opening.marks.iter().map(|mark: &Mark| mark.name()).collect();
        let (day, marks) = (on.to_string(), marks.join(";"));
        let cells = [
            ("account_id", new.account_id),
            ("iin", new.iin),
            ("name", new.name),
            ("address", address),
            ("settlement", settlement),
            ("segment", new.segment),
            ("plan", new.plan),
            ("method", method.name()),
            ("funding", new.funding),
            ("opened_on", &day),
            ("contract_on", &day),
            ("marks", &marks),
            ("language", new.language),
            ("technology", new.technology.map_or("", |technology| technology.name())),
        ];
        let mut changed = files.clone();
        if let Some(accounts) = changed.get_mut(ACCOUNTS) {
            let line = new_line(accounts, &cells);
            accounts.extend_from_slice(&line);
        }
        self.adopt(changed, None)?;
        if self.account_no(new.account_id).is_none() {
            return other("the row of the account cannot be used".into());
        }
        Ok(Ok(opening))
    }

    /// Accounts of a person anywhere, and those at an address, on a day.
    fn beside(&self, asked: &Asked<'_>, iin: Iin) -> Result<Vec<Standing>, PostError> {
        // A number that no account has: the register, and what holds for all.
        let register = self.inputs(Some(u32::MAX))?;
        let accounts = u32::try_from(register.rows.len()).unwrap_or(u32::MAX);
        let beside: Vec<(u32, [String; 6])> = (0..accounts)
            .into_par_iter()
            .filter_map(|no| {
                let cells = register.rows.cells(no, CARD);
                let [_, of, _, address, settlement, _] = &cells;
                let here = !address.is_empty() && address == asked.address && settlement == asked.settlement;
                (here || Iin::parse(of) == Ok(iin)).then_some((no, cells))
            })
            .collect();
        let mut known = Vec::with_capacity(beside.len());
        for (no, cells) in beside {
            if let Some((status, facts)) = self.standing(&self.inputs(Some(no))?, no, asked.on) {
                known.push(Standing { cells, status, facts });
            }
        }
        Ok(known)
    }

    /// What closing an account needs to know of it on a day: its facts.
    pub fn facts_on(&self, id: &str, on: LocalDay) -> Result<Option<(Status, Facts)>, PostError> {
        let no = self.account_of(id)?;
        Ok(self.standing(&self.inputs(Some(no))?, no, on))
    }

    /// Whether a person has accounts at another address than that of an account.
    pub fn person_is_elsewhere(&self, id: &str) -> Result<bool, PostError> {
        let no = self.account_of(id)?;
        let register = self.inputs(Some(u32::MAX))?;
        let [_, iin, _, address, settlement, _] = register.rows.cells(no, CARD);
        let Ok(iin) = Iin::parse(&iin) else { return Ok(false) };
        let accounts = u32::try_from(register.rows.len()).unwrap_or(u32::MAX);
        Ok((0..accounts).into_par_iter().any(|other| {
            let [_, of, _, at, town, _] = register.rows.cells(other, CARD);
            other != no && Iin::parse(&of) == Ok(iin) && (at != address || town != settlement)
        }))
    }

    /// Moves the services of an account to another address: the plan, with the address on the card, or every reason
    /// against it.
    pub fn move_account(
        &mut self,
        id: &str,
        moving: &Moving<'_>,
        address: &str,
    ) -> Result<Result<MovePlan, RegisterRefusal>, PostError> {
        let files = self.files_to_change()?;
        let no = self.account_of(id)?;
        let inputs = self.inputs(Some(no))?;
        let Some((status, facts)) = self.standing(&inputs, no, moving.on) else {
            return Ok(Err(RegisterRefusal::Other(format!("account {id} is not open on {}", moving.on))));
        };
        if let Err(refusal) = allowed(status, &facts, moving.on, Action::OpenOrder) {
            return Ok(Err(RegisterRefusal::Forbidden(refusal)));
        }
        let [_, iin, _, _, here, _] = inputs.rows.cells(no, CARD);
        let moving = Moving { settlements: [&here, moving.settlements[1]], ..*moving };
        let plan = match check_move(&moving) {
            Ok(plan) => plan,
            Err(failed) => return Ok(Err(RegisterRefusal::Failed(failed))),
        };
        if plan == MovePlan::Offer {
            return Ok(Ok(plan));
        }
        // Two accounts of one person at one address: never, however they came there (PA-12).
        if let Ok(iin) = Iin::parse(&iin) {
            let asked = Asked { address, settlement: moving.settlements[1], ..nobody(moving.on) };
            let known = self.beside(&asked, iin)?;
            let cards = known.iter().map(Standing::card);
            let twice = cards.into_iter().find(|card| {
                card.account != id
                    && card.iin == Some(iin)
                    && !card.status.is_closed()
                    && (card.address, card.settlement) == (address, moving.settlements[1])
            });
            if let Some(card) = twice {
                let why = format!("the person has an account at this address (PA-12): account {}", card.account);
                return Ok(Err(RegisterRefusal::Other(why)));
            }
        }
        let technology = moving.technologies[1].name();
        self.change_card(&files, no, &[("address", address)], &[("technology", technology)])?;
        Ok(Ok(plan))
    }

    /// Changes name or IIN on the card of an account, or says every reason against it.
    pub fn change_person(
        &mut self,
        id: &str,
        iin: &str,
        name: Option<&str>,
        change: &PersonChange,
    ) -> Result<Result<crate::classify::CardChange, RegisterRefusal>, PostError> {
        let files = self.files_to_change()?;
        let no = self.account_of(id)?;
        let register = self.inputs(Some(u32::MAX))?;
        let accounts = u32::try_from(register.rows.len()).unwrap_or(u32::MAX);
        let known =
            (0..accounts).into_par_iter().any(|other| other != no && register.rows.iin(other) == Some(change.iin));
        let changed = match check_person_change(&PersonChange { known, ..*change }) {
            Ok(changed) => changed,
            Err(failed) => return Ok(Err(RegisterRefusal::Failed(failed))),
        };
        let mut cells = vec![("iin", iin)];
        cells.extend(name.map(|name| ("name", name)));
        self.change_card(&files, no, &cells, &[])?;
        Ok(Ok(changed))
    }

    fn change_card(
        &mut self,
        files: &Files,
        no: u32,
        cells: &[(&str, &str)],
        where_there_is: &[(&str, &str)],
    ) -> Result<(), PostError> {
        let mut changed = files.clone();
        let accounts = changed.get(ACCOUNTS).map_or(&b""[..], Vec::as_slice);
        let edited = edited(accounts, no, cells, where_there_is).map_err(PostError::Refused)?;
        changed.insert(ACCOUNTS.into(), edited);
        self.adopt(changed, None).map(drop)
    }

    fn account_of(&self, id: &str) -> Result<u32, PostError> {
        self.account_no(id).map(|no| no.0).ok_or_else(|| PostError::Refused(format!("there is no account {id}")))
    }

    fn files_to_change(&self) -> Result<Files, PostError> {
        match self.reference_files()? {
            Some(files) if files.contains_key(ACCOUNTS) => Ok(files),
            Some(_) | None => refused(
                "the books know no accounts yet\n  hint: ingest a folder with tariffs, accounts and lines first",
            ),
        }
    }
}

fn nobody(on: LocalDay) -> Asked<'static> {
    let papers = crate::classify::Papers::default();
    Asked {
        address: "",
        settlement: "",
        on,
        right: crate::classify::Right::Owner,
        method: crate::book::Method::Credit,
        deposit: false,
        papers,
        scans: papers,
    }
}

/// An event as it is told, if it may have happened.
fn checked(inputs: &Inputs, of: &NewEvent, no: u32) -> Result<Event, PostError> {
    let Some(kind) = EventKind::parse(of.kind.trim().as_bytes()) else {
        let kinds: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        return refused(format!("kind `{}` is none of {}", of.kind, kinds.join(", ")));
    };
    let columns = Columns { amount: of.amount.trim(), reference: of.reference.trim(), note: of.note.trim() };
    Happened::read(kind, columns).map_err(|bad| PostError::Refused(bad.to_string()))?;
    let Some(event) = event_of(&inputs.zone, of.at.trim(), kind.name(), columns) else {
        return refused(format!("`{}` is neither a day like 2026-03-05 nor an instant", of.at));
    };
    let told = inputs.rows.told(no, &inputs.zone);
    let id = id_of(inputs, no);
    for (day, what) in [(told.opened_on, "account was opened"), (told.facts.contract_on, "contract")] {
        if let Some(day) = day.filter(|day| event.on < *day) {
            return refused(format!("account {id}: {kind} of {} is before the {what}, {day} (PA-8)", event.on));
        }
    }
    Ok(event)
}

/// Events that the life of an account refuses, up to the last of them.
fn refusals(inputs: &Inputs, no: u32) -> Vec<(Box<str>, Refusal)> {
    let told = inputs.rows.told(no, &inputs.zone);
    let known = inputs.known(no, &told);
    let events = known.events.iter().map(|event| event.event.on);
    let Some(last) = events.chain(inputs.runs.last().copied()).max() else { return Vec::new() };
    let terms = Terms::SOURCE;
    let Some(lived) = live(&inputs.base(&terms), &known, last) else { return Vec::new() };
    let id = |place: usize| known.events.get(place).map(|event| event.id.clone());
    lived.refused.iter().filter_map(|(place, refusal)| Some((id(*place)?, *refusal))).collect()
}

/// A row under the header of a table, with the end of its line.
fn new_line(table: &[u8], cells: &[(&str, &str)]) -> Vec<u8> {
    let header = table.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let arena = Bump::new();
    let mut columns = Vec::new();
    // The books wrote it: it can be read.
    let _ = split_line(header, b',', &arena, &mut columns);
    let mut line = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            line.push(b',');
        }
        let cell = cells.iter().find(|(name, _)| name.as_bytes() == *column).map_or("", |(_, cell)| *cell);
        push_field(&mut line, one_line(cell).as_bytes());
    }
    line.push(b'\n');
    line
}

/// Rows are lines: what is told over several is told in one.
fn one_line(cell: &str) -> String {
    cell.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A table with some cells of a row changed; those of `where_there_is` only where the table has the column.
fn edited(table: &[u8], no: u32, cells: &[(&str, &str)], where_there_is: &[(&str, &str)]) -> Result<Vec<u8>, String> {
    let arena = Bump::new();
    let (mut columns, mut fields) = (Vec::new(), Vec::new());
    let lines: Vec<&[u8]> = table.split_inclusive(|byte| *byte == b'\n').collect();
    let header = lines.first().copied().unwrap_or_default().trim_ascii_end();
    split_line(header, b',', &arena, &mut columns)
        .map_err(|_| "the header of accounts.csv cannot be read".to_owned())?;
    let at = (no as usize).saturating_add(1);
    let line = lines.get(at).copied().ok_or_else(|| "accounts.csv has no such row".to_owned())?;
    split_line(line.trim_ascii_end(), b',', &arena, &mut fields).map_err(|_| "the row cannot be read".to_owned())?;
    if let Some((missing, _)) = cells.iter().find(|(column, _)| !columns.contains(&column.as_bytes())) {
        return Err(format!("accounts.csv has no column `{missing}` where this could stand"));
    }
    let mut changed = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            changed.push(b',');
        }
        let told = cells.iter().chain(where_there_is).find(|(name, _)| name.as_bytes() == *column);
        match told {
            Some((_, cell)) => push_field(&mut changed, one_line(cell).as_bytes()),
            None => push_field(&mut changed, fields.get(place).copied().unwrap_or_default()),
        }
    }
    changed.push(b'\n');
    let (before, rest) = lines.split_at(at);
    Ok([before.concat(), changed, rest.get(1..).unwrap_or_default().concat()].concat())
}

use super::Paths;
use super::events::EventRow;
use super::findings::Findings;
use super::table::read_table;
use super::told::BroughtDebt;
use crate::book::{Account, AccountNo, Channel, Funding, Method, NEVER, Register, SwitchedOff};
use crate::decode::parse_rfc3339;
use crate::tariff::Tariffs;
use crate::units::{InstantMs, LocalDay, Tiyn, Zone};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::path::Path;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// What an account brings from the books before these.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening {
    /// Whose.
    pub no: AccountNo,
    /// Above zero the client's money, below zero owed. Never zero.
    pub amount: Tiyn,
    /// When a debt is due, where the file says so.
    pub due_on: Option<LocalDay>,
}

/// A payment of `payments.csv` that can be booked or held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaymentRow {
    /// Its reference, the idempotency key.
    pub id: String,
    /// The account that it names.
    pub account_id: String,
    /// That account, where it is known.
    pub no: Option<AccountNo>,
    /// Above zero.
    pub amount: Tiyn,
    /// When it was paid.
    pub at: InstantMs,
    /// The local day of it.
    pub day: LocalDay,
    /// How.
    pub channel: Channel,
}

/// What a folder is read for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// To rate: of the money of accounts, that of those which pay ahead is all that decides.
    Rating,
    /// For the books, which need all of it.
    Books,
}

impl Purpose {
    fn needs_money_of(self, account: Option<&Account>) -> bool {
        self == Self::Books || account.is_some_and(Account::is_advance)
    }
}

/// What the reference files of a folder say.
pub(super) struct Loaded {
    pub(super) events: Vec<EventRow>,
    pub(super) brought: Vec<BroughtDebt>,
    pub(super) register: Register,
    pub(super) openings: Vec<Opening>,
    pub(super) payments: Vec<PaymentRow>,
}

/// Reads accounts, lines, dated plans, payments and events.
pub(super) fn read(paths: &Paths, tariffs: &Tariffs, purpose: Purpose, findings: &mut Findings) -> Loaded {
    let fallback;
    let zone = match tariffs.calendar() {
        Some(zone) => zone,
        None => match Zone::parse("Asia/Almaty") {
            Ok(zone) => {
                fallback = zone;
                &fallback
            }
            Err(error) => {
                findings.error("time zone", 0, error.to_string());
                let register = Register::default();
                let (payments, events, brought) = (Vec::new(), Vec::new(), Vec::new());
                return Loaded { register, openings: Vec::new(), payments, events, brought };
            }
        },
    };
    let (days, register) = (DayCache::default(), Register::default());
    let mut loading = Loading { paths, tariffs, purpose, zone, days, register };
    let openings = loading.accounts(findings);
    let brought = loading.told(findings);
    loading.lines(findings);
    loading.assignments(findings);
    let events = loading.events(findings);
    let payments = loading.payments(findings);
    loading.register.know_plans();
    Loaded { register: loading.register, openings, payments, events, brought }
}

/// A row of accounts has about so many bytes, and one of payments.
const ACCOUNT_BYTES: u64 = 100;
const PAYMENT_BYTES: u64 = 62;

/// About how many rows a file has, so that tables need not grow.
fn expected_rows(path: &Path, row_bytes: u64) -> usize {
    const MOST: u64 = 1 << 22;
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    usize::try_from(bytes.checked_div(row_bytes).unwrap_or(0).min(MOST)).unwrap_or(0)
}

pub(super) struct Loading<'l> {
    pub(super) paths: &'l Paths,
    tariffs: &'l Tariffs,
    purpose: Purpose,
    pub(super) zone: &'l Zone,
    days: DayCache,
    pub(super) register: Register,
}

/// The day last looked up, and the text last read as one: reference rows share few days.
#[derive(Default)]
struct DayCache {
    known: Option<(LocalDay, InstantMs)>,
    written: Option<([u8; 10], When)>,
}

impl DayCache {
    fn start(&mut self, zone: &Zone, day: LocalDay) -> InstantMs {
        match self.known {
            Some((known, start)) if known == day => start,
            _ => {
                let start = zone.start_of_day(day);
                self.known = Some((day, start));
                start
            }
        }
    }
}

/// A row of `accounts.csv` as far as rating needs it.
struct AccountRow {
    account: Account,
    off_from: Option<InstantMs>,
    opening: Tiyn,
    due_on: Option<LocalDay>,
    limit: Option<Tiyn>,
    warned_from: Option<InstantMs>,
}

impl AccountRow {
    const COLUMNS: [&str; 11] = [
        "account_id",
        "plan",
        "method",
        "funding",
        "opened_on",
        "terminated_on",
        "switched_off_on",
        "opening_balance",
        "usage_limit",
        "roaming_risk_notified_on",
        "opening_due_on",
    ];

    /// Keeps what few accounts have.
    #[inline]
    fn keep_beside(&self, no: AccountNo, purpose: Purpose, register: &mut Register, openings: &mut Vec<Opening>) {
        if let Some(from) = self.off_from {
            register.switch_off(no, SwitchedOff { from, to: InstantMs(NEVER) });
        }
        if let Some(limit) = self.limit {
            register.set_limit(no, limit);
        }
        if let Some(from) = self.warned_from {
            register.warn(no, from);
        }
        if self.opening != Tiyn::ZERO && purpose.needs_money_of(Some(&self.account)) {
            openings.push(Opening { no, amount: self.opening, due_on: self.due_on });
        }
    }
}

/// A field for people.
fn shown(field: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(field)
}

/// Why a field is refused that should be a [`When`].
#[cold]
pub(super) fn no_day(column: &str, field: &[u8]) -> String {
    format!("{column} `{}` is neither a day nor an instant", shown(field))
}

/// So many rows wait at most.
const WAITING_MAX: usize = 32;

/// Rows that wait until the memory that they need is there, in their order. What they tell then may be of an earlier line
/// than what was told before.
struct Waiting<T> {
    texts: Vec<u8>,
    /// Line of the file, end of its text, and the rest.
    rows: Vec<(u32, usize, T)>,
}

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self { texts: Vec::new(), rows: Vec::new() }
    }
}

impl<T> Waiting<T> {
    /// Lets a row with some texts wait; whether it is time to let all go.
    fn push(&mut self, line: u32, texts: &[&[u8]], rest: T) -> bool {
        texts.iter().for_each(|text| self.texts.extend_from_slice(text));
        self.rows.push((line, self.texts.len(), rest));
        self.rows.len() >= WAITING_MAX
    }

    /// Looks at those that wait, in their order.
    fn each(&mut self, mut each: impl FnMut(&[u8], &mut T)) {
        let mut start = 0;
        for (_, end, rest) in &mut self.rows {
            each(self.texts.get(start..*end).unwrap_or_default(), rest);
            start = *end;
        }
    }

    fn drain(&mut self, mut each: impl FnMut((u32, &[u8], T))) {
        let mut start = 0;
        for (line, end, rest) in self.rows.drain(..) {
            each((line, self.texts.get(start..end).unwrap_or_default(), rest));
            start = end;
        }
        self.texts.clear();
    }
}

/// Accounts on their way into the register.
struct Accounts {
    purpose: Purpose,
    /// Those that wait until the memory of the table of ids is there.
    waiting: Waiting<AccountRow>,
    openings: Vec<Opening>,
}

impl Accounts {
    /// Takes an account, at once where it comes in the order of ids and none before it waits.
    #[inline]
    fn take(
        &mut self,
        (line, id, row): (u32, &[u8], AccountRow),
        register: &mut Register,
        name: &str,
        findings: &mut Findings,
    ) {
        if self.waiting.rows.is_empty()
            && let Some(no) = register.add_next(id, row.account)
        {
            return row.keep_beside(no, self.purpose, register, &mut self.openings);
        }
        register.prefetch_id(id);
        if self.waiting.push(line, &[id], row) {
            self.take_waiting(register, name, findings);
        }
    }

    fn take_waiting(&mut self, register: &mut Register, name: &str, findings: &mut Findings) {
        let Self { purpose, waiting, openings } = self;
        waiting.drain(|(line, id, row)| match register.add(id, row.account) {
            Ok(no) => row.keep_beside(no, *purpose, register, openings),
            Err(_) => findings.warning(name, line, format!("account {} stands here already; set aside", shown(id))),
        });
    }
}

/// A row of `payments.csv`: what follows the two ids.
struct Paid {
    /// Length of its reference, which stands before the id of the account.
    id_length: usize,
    /// That account, where it is known; looked up once its memory is there.
    no: Option<AccountNo>,
    amount: Tiyn,
    when: When,
    channel: Channel,
}

/// Payments on their way into the list.
struct Payments {
    purpose: Purpose,
    /// By the hash of its reference, what each one said.
    known: FxHashMap<u128, (u64, Tiyn)>,
    /// Those that wait until the memory of their accounts is there.
    waiting: Waiting<Paid>,
    rows: Vec<PaymentRow>,
}

impl Payments {
    /// Takes those that wait, in their order.
    fn take_waiting(&mut self, register: &Register, name: &str, findings: &mut Findings) {
        let Self { purpose, known, waiting, rows } = self;
        waiting.each(|texts, paid| {
            paid.no = register.find(texts.get(paid.id_length..).unwrap_or_default());
            if let Some(no) = paid.no {
                register.prefetch(no);
            }
        });
        waiting.drain(|(line, texts, paid)| {
            let no = paid.no;
            let (id, account_id) = texts.split_at_checked(paid.id_length).unwrap_or_default();
            let content = (xxh3_64(account_id), paid.amount);
            if let Some(before) = known.insert(xxh3_128(id), content) {
                let what = if before == content {
                    "stands here already; counted once"
                } else {
                    "stands here already with another amount; set aside"
                };
                return findings.warning(name, line, format!("payment {} {what}", shown(id)));
            }
            if no.is_none() {
                let (id, account_id) = (shown(id), shown(account_id));
                let message = format!("payment {id}: no account {account_id}; held as unidentified");
                findings.warning(name, line, message);
            }
            // Money that came in is the client's, such as a deposit before the opening (PA-28).
            let When { at, day } = paid.when;
            if let Some(opened) = no.and_then(|no| opened_after(register, no, day)) {
                let (id, odd) = (shown(id), "is before the account was opened");
                findings.warning(name, line, format!("payment {id}: paid_at {day} {odd}, {opened} (PA-8); it counts"));
            }
            if purpose.needs_money_of(no.and_then(|no| register.account(no))) {
                let [id, account_id] = [id, account_id].map(|text| shown(text).into_owned());
                rows.push(PaymentRow { id, account_id, no, amount: paid.amount, at, day, channel: paid.channel });
            }
        });
    }
}

/// The day on which an account was opened, where that is after a day.
pub(super) fn opened_after(register: &Register, no: AccountNo, day: LocalDay) -> Option<LocalDay> {
    register.account(no)?.opened_on.filter(|opened| day < *opened)
}

/// A local day or a full instant.
#[derive(Clone, Copy)]
pub(super) struct When {
    pub(super) at: InstantMs,
    pub(super) day: LocalDay,
}

impl Loading<'_> {
    pub(super) fn when(&mut self, text: &[u8]) -> Option<When> {
        let written: Option<[u8; 10]> = text.try_into().ok();
        if let (Some(written), Some((known, when))) = (written, self.days.written)
            && written == known
        {
            return Some(when);
        }
        if let Ok(day) = LocalDay::parse(text) {
            let when = When { at: self.days.start(self.zone, day), day };
            self.days.written = written.map(|written| (written, when));
            return Some(when);
        }
        let at = parse_rfc3339(text)?;
        Some(When { at, day: self.zone.local(at).day })
    }

    /// An optional day or instant; the error is for people.
    #[inline]
    fn optional_when(&mut self, column: &str, text: &[u8]) -> Result<Option<When>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        self.when(text).map(Some).ok_or_else(|| no_day(column, text))
    }

    fn accounts(&mut self, findings: &mut Findings) -> Vec<Opening> {
        let (path, name) = self.paths.of(&self.paths.config.accounts);
        self.register = Register::with_capacity(expected_rows(&path, ACCOUNT_BYTES));
        let mut taken = Accounts { purpose: self.purpose, waiting: Waiting::default(), openings: Vec::new() };
        let first_finding = findings.kept().len();
        let found =
            read_table((&path, name), AccountRow::COLUMNS, &["account_id"], findings, |line, fields, findings| {
                let [id, ..] = fields;
                match self.account(fields) {
                    Ok(row) => taken.take((line, id, row), &mut self.register, name, findings),
                    Err(message) => {
                        findings.warning(name, line, format!("account {}: {message}; set aside", shown(id)))
                    }
                }
            });
        taken.take_waiting(&mut self.register, name, findings);
        findings.order_from(first_finding);
        if !found {
            findings.warning(
                name,
                0,
                "not there: no account is known, every record that is billable is suspended".into(),
            );
        }
        taken.openings
    }

    fn account(&mut self, fields: [&[u8]; AccountRow::COLUMNS.len()]) -> Result<AccountRow, String> {
        let [id, plan, method, funding, opened_on, terminated_on, switched_off_on, opening, limit, notified_on, due_on] =
            fields;
        if id.is_empty() {
            return Err("account_id is empty".into());
        }
        let method = match method {
            b"" => Method::Credit,
            text => {
                Method::parse(text).ok_or_else(|| format!("method `{}` is neither credit nor advance", shown(text)))?
            }
        };
        let funding = match funding {
            b"" => Funding::Regular,
            text => Funding::parse(text)
                .ok_or_else(|| format!("funding `{}` is neither regular nor budget", shown(text)))?,
        };
        let amount = |column: &str, text: &[u8]| match text {
            b"" => Ok(None),
            b"0.00" => Ok(Some(Tiyn::ZERO)),
            text => Tiyn::parse(text).map(Some).map_err(|error| format!("{column} `{}`: {error}", shown(text))),
        };
        let terminated = self.optional_when("terminated_on", terminated_on)?;
        let switched_off = self.optional_when("switched_off_on", switched_off_on)?;
        let notified = self.optional_when("roaming_risk_notified_on", notified_on)?;
        let opened_on = self.optional_when("opened_on", opened_on)?.map(|when| when.day);
        let account = Account::new(self.tariffs.plan_id(plan), method, funding, opened_on);
        Ok(AccountRow {
            account,
            off_from: [terminated, switched_off].into_iter().flatten().map(|when| when.at).min(),
            opening: amount("opening_balance", opening)?.unwrap_or(Tiyn::ZERO),
            due_on: self.optional_when("opening_due_on", due_on)?.map(|when| when.day),
            limit: amount("usage_limit", limit)?,
            // It counts for the whole of its day: `roaming_risk_notified_on` ≤ the answer's local day (rating 1.7).
            warned_from: notified.map(|when| self.start_of(when.day)),
        })
    }

    /// The first instant of a local day.
    pub(super) fn start_of(&mut self, day: LocalDay) -> InstantMs {
        self.days.start(self.zone, day)
    }

    /// A span of validity: open ends where nothing is written.
    fn validity(&mut self, from: &[u8], to: &[u8]) -> Result<(InstantMs, InstantMs, Option<LocalDay>), String> {
        let from = self.optional_when("valid_from", from)?;
        let to = self.optional_when("valid_to", to)?;
        let span = (from.map_or(InstantMs(i64::MIN), |w| w.at), to.map_or(InstantMs(i64::MAX), |w| w.at));
        if span.0 >= span.1 {
            return Err("valid_to is not after valid_from".into());
        }
        Ok((span.0, span.1, from.map(|when| when.day)))
    }

    fn lines(&mut self, findings: &mut Findings) {
        let (path, name) = self.paths.of(&self.paths.config.lines);
        let columns = ["line", "account_id", "valid_from", "valid_to"];
        self.register.lines = crate::book::Lines::with_capacity(self.register.len());
        let mut last = None;
        let mut waiting = Waiting::default();
        let first_finding = findings.kept().len();
        let add = |register: &mut Register, waiting: &mut Waiting<_>, findings: &mut Findings| {
            waiting.drain(|(line, number, (asked, account, from, to))| {
                if register.lines.add_asked(asked, number, account, from, to).is_err() {
                    findings.warning(name, line, "overlaps an earlier row of the same line; set aside".into());
                }
            });
        };
        let found = read_table((&path, name), columns, &["line", "account_id"], findings, |line, fields, findings| {
            let [number, account, from, to] = fields;
            if number.is_empty() {
                findings.warning(name, line, "line is empty; set aside".into());
                return;
            }
            let account = self.register.find_after(last, account);
            last = account.or(last);
            match self.validity(from, to) {
                Ok((from, to, _)) => {
                    let asked = self.register.lines.ask_one(number);
                    if waiting.push(line, &[number], (asked, account, from, to)) {
                        add(&mut self.register, &mut waiting, findings);
                    }
                }
                Err(message) => findings.warning(name, line, format!("{message}; set aside")),
            }
        });
        add(&mut self.register, &mut waiting, findings);
        findings.order_from(first_finding);
        if !found {
            findings.warning(name, 0, "not there: no line is known, every record that is billable is suspended".into());
        }
    }

    fn assignments(&mut self, findings: &mut Findings) {
        let (path, name) = self.paths.of(&self.paths.config.assignments);
        let columns = ["account_id", "plan", "valid_from", "valid_to"];
        read_table((&path, name), columns, &["account_id", "plan"], findings, |line, fields, findings| {
            let [account, plan, from, to] = fields;
            let Some(no) = self.register.find(account) else {
                findings.warning(name, line, format!("no account {}; set aside", shown(account)));
                return;
            };
            match self.validity(from, to) {
                Ok((from, to, since)) => self.register.assign(no, self.tariffs.plan_id(plan), from, to, since),
                Err(message) => findings.warning(name, line, format!("{message}; set aside")),
            }
        });
    }

    fn payments(&mut self, findings: &mut Findings) -> Vec<PaymentRow> {
        let (path, name) = self.paths.of(&self.paths.config.payments);
        let columns = ["payment_id", "account_id", "amount", "paid_at", "channel"];
        let (purpose, waiting) = (self.purpose, Waiting::default());
        let mut taken = Payments { purpose, known: FxHashMap::default(), waiting, rows: Vec::new() };
        let expected = expected_rows(&path, PAYMENT_BYTES);
        taken.known.reserve(expected);
        if purpose == Purpose::Books {
            taken.rows.reserve(expected);
        }
        let first_finding = findings.kept().len();
        read_table(
            (&path, name),
            columns,
            columns.first_chunk::<4>().unwrap_or(&[""; 4]),
            findings,
            |line, fields, findings| match self.payment(fields) {
                Ok(paid) => {
                    self.register.prefetch_id(fields[1]);
                    if taken.waiting.push(line, &[fields[0], fields[1]], paid) {
                        taken.take_waiting(&self.register, name, findings);
                    }
                }
                Err(message) => {
                    findings.warning(name, line, format!("payment {}: {message}; set aside", shown(fields[0])))
                }
            },
        );
        taken.take_waiting(&self.register, name, findings);
        findings.order_from(first_finding);
        taken.rows
    }

    fn payment(&mut self, [id, _, amount, paid_at, channel]: [&[u8]; 5]) -> Result<Paid, String> {
        if id.is_empty() {
            return Err("payment_id is empty".into());
        }
        let paid = Tiyn::parse(amount).map_err(|error| format!("amount `{}`: {error}", shown(amount)))?;
        if paid <= Tiyn::ZERO {
            return Err(format!("amount {paid} is not above zero"));
        }
        let when = self.when(paid_at).ok_or_else(|| no_day("paid_at", paid_at))?;
        Ok(Paid {
            id_length: id.len(),
            no: None,
            amount: paid,
            when,
            channel: Channel::parse(channel).unwrap_or(Channel::Other),
        })
    }
}

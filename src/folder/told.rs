//! What `accounts.csv` tells of the life of an account beside what rating needs: the facts of 3.1 as columns of their
//! names. A cell that cannot be read is told and left out; the account stays.
//!
//! Source: interface 7.1, status 3.1.

use super::findings::Findings;
use super::reference::Loading;
use super::table::{read_table, texts};
use crate::book::AccountNo;
use crate::classify::{Act, Agreement, Devices, Facts, OffCause, RemovalOrder, TerminationReason};
use crate::decode::parse_rfc3339;
use crate::record::names;
use crate::units::{LocalDay, Tiyn, Zone};

/// The columns that tell facts.
pub const FACT_COLUMNS: [&str; 29] = [
    "opened_on",
    "contract_on",
    "terminated_on",
    "termination_reason",
    "switched_off_on",
    "opening_due_on",
    "crm_on",
    "billing_on",
    "analyzeset_off",
    "off_cause",
    "blocked_on",
    "removed_on",
    "connected_on",
    "notice_received_on",
    "devices",
    "act",
    "removal_orders",
    "active_offers",
    "agreement_signed_on",
    "agreement_on_schedule",
    "hopeless_on",
    "written_off_on",
    "fraud_adjusted_on",
    "credit_request_on",
    "credit_transferred_on",
    "credit_written_off_on",
    "doubtful",
    "off_balance",
    "penalty",
];
/// Facts of 3.1 that no column tells, because the books know them otherwise.
const UNREAD_COLUMNS: [&str; 6] =
    ["not_due", "overdue", "rescheduled", "hopeless_on_books", "credit", "last_nonzero_on"];
/// Those before it every base has; they were looked at where rating reads them.
const FIRST_FURTHER: usize = 6;

names! {
    /// Kinds of debt, beside the opening balance, that an account brings from the books before.
    pub enum BroughtKind {
        /// Left when the contract ended.
        Doubtful = "doubtful",
        /// Written off and carried off-balance.
        OffBalance = "off_balance",
        /// Penalty.
        Penalty = "penalty",
    }
}

/// Debt of a rare kind that an account brings from the books before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BroughtDebt {
    /// Whose.
    pub no: AccountNo,
    /// Which.
    pub kind: BroughtKind,
    /// Above zero.
    pub amount: Tiyn,
}

/// What is told of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// First day.
    pub opened_on: Option<LocalDay>,
    /// Last day of the contract.
    pub terminated_on: Option<LocalDay>,
    /// Services are off from this day on.
    pub switched_off_on: Option<LocalDay>,
    /// Until when debt that was brought is to be paid.
    pub opening_due_on: Option<LocalDay>,
    /// The further facts; its money, its opening and the end of the contract are not filled in.
    pub facts: Facts,
}

impl Told {
    /// Reads the cells of [`FACT_COLUMNS`], and what of them cannot be read. Days may be written as instants.
    pub fn read(cells: [&str; 29], zone: &Zone, problems: &mut Vec<String>) -> Self {
        let [
            opened_on,
            contract_on,
            terminated_on,
            reason,
            switched_off_on,
            opening_due_on,
            crm_on,
            billing_on,
            analyzeset_off,
            off_cause,
            blocked_on,
            removed_on,
            connected_on,
            notice_received_on,
            devices,
            act,
            removal_orders,
            active_offers,
            agreement_signed_on,
            agreement_on_schedule,
            hopeless_on,
            written_off_on,
            fraud_adjusted_on,
            credit_request_on,
            credit_transferred_on,
            credit_written_off_on,
            _,
            _,
            _,
        ] = cells;
        let mut tell =
            |column: &str, text: &str, needs: &str| problems.push(format!("{column} `{text}` is not {needs}"));
        let mut day = |column: &str, text: &str| {
            let read = day_of(text, zone);
            if read.is_none() && !text.is_empty() {
                tell(column, text, "a day");
            }
            read
        };
        let facts = Facts::imported(day("opened_on", opened_on).unwrap_or(LocalDay(0)));
        let mut facts = Facts {
            contract_on: day("contract_on", contract_on),
            blocked_on: day("blocked_on", blocked_on),
            removed_on: day("removed_on", removed_on),
            connected_on: day("connected_on", connected_on),
            notice_received_on: day("notice_received_on", notice_received_on),
            hopeless_on: day("hopeless_on", hopeless_on),
            written_off_on: day("written_off_on", written_off_on),
            fraud_adjusted_on: day("fraud_adjusted_on", fraud_adjusted_on),
            credit_request_on: day("credit_request_on", credit_request_on),
            credit_transferred_on: day("credit_transferred_on", credit_transferred_on),
            credit_written_off_on: day("credit_written_off_on", credit_written_off_on),
            ..facts
        };
        let terminated_on = day("terminated_on", terminated_on);
        let switched_off_on = day("switched_off_on", switched_off_on);
        let signed_on = day("agreement_signed_on", agreement_signed_on);
        let mut told = |column: &str, text: &str| match text {
            "" => None,
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => {
                tell(column, text, "true or false");
                None
            }
        };
        facts.crm_on = told("crm_on", crm_on);
        facts.billing_on = told("billing_on", billing_on);
        facts.analyzeset_off = told("analyzeset_off", analyzeset_off);
        let on_schedule = told("agreement_on_schedule", agreement_on_schedule).unwrap_or(true);
        facts.agreement = signed_on.map(|signed_on| Agreement { signed_on, on_schedule });
        facts.termination_reason = named("termination_reason", reason, TerminationReason::parse, &mut tell);
        facts.off_cause = named("off_cause", off_cause, OffCause::parse, &mut tell);
        facts.devices = named("devices", devices, Devices::parse, &mut tell);
        facts.act = named("act", act, Act::parse, &mut tell);
        facts.active_offers = active_offers.parse().ok();
        if facts.active_offers.is_none() && !active_offers.is_empty() {
            tell("active_offers", active_offers, "a count");
        }
        for (order, nth) in removal_orders.split(';').filter(|order| !order.trim().is_empty()).zip(1u32..) {
            let (opened, closed) = order.split_once("..").unwrap_or((order, ""));
            match (day_of(opened.trim(), zone), closed.trim(), day_of(closed.trim(), zone)) {
                (Some(opened_on), "", _) | (Some(opened_on), _, Some(_)) => {
                    let closed_on = day_of(closed.trim(), zone);
                    let order = format!("told-{nth}").into();
                    facts.removal_orders.push(RemovalOrder { order, opened_on, closed_on });
                }
                (Some(_) | None, _, _) => tell("removal_orders", order, "days like 2026-01-02..2026-01-09"),
            }
        }
        let (opened_on, opening_due_on) = (day_of(opened_on, zone), day_of(opening_due_on, zone));
        let switched_off_on = switched_off_on.or(facts.blocked_on);
        Self { opened_on, terminated_on, switched_off_on, opening_due_on, facts }
    }
}

fn named<T>(
    column: &str,
    text: &str,
    parse: impl Fn(&[u8]) -> Option<T>,
    tell: &mut impl FnMut(&str, &str, &str),
) -> Option<T> {
    let read = parse(text.as_bytes());
    if read.is_none() && !text.is_empty() {
        tell(column, text, "one of its list");
    }
    read
}

fn day_of(text: &str, zone: &Zone) -> Option<LocalDay> {
    if text.is_empty() {
        return None;
    }
    LocalDay::parse(text).ok().or_else(|| parse_rfc3339(text.as_bytes()).map(|at| zone.local(at).day))
}

impl Loading<'_> {
    /// Looks at the columns that tell further facts, where the file has any; the debt that they bring.
    pub(super) fn told(&mut self, findings: &mut Findings) -> Vec<BroughtDebt> {
        let (path, name) = self.paths.of(&self.paths.config.accounts);
        let mut brought = Vec::new();
        let header = header(&path);
        for column in UNREAD_COLUMNS.iter().filter(|column| header.iter().any(|of| of == *column)) {
            let message = format!(
                "column {column} is not read: money is brought as opening_balance with opening_due_on, doubtful, \
                 off_balance and penalty; under an agreement with agreement_signed_on"
            );
            findings.warning(name, 1, message);
        }
        let is_further = |column: &String| FACT_COLUMNS.iter().skip(FIRST_FURTHER).any(|of| of == column);
        if !header.iter().any(is_further) {
            return brought;
        }
        let mut columns = ["account_id"; 30];
        for (column, of) in columns.iter_mut().skip(1).zip(FACT_COLUMNS) {
            *column = of;
        }
        // What else is odd about the file was told when it was read first.
        let mut before = Findings::default();
        let (mut problems, mut seen) = (Vec::new(), rustc_hash::FxHashSet::default());
        read_table((&path, name), columns, &["account_id"], &mut before, |line, cells, _| {
            let cells = texts(cells);
            let ([id], facts) = cells.split_at(1) else { return };
            let (Some(no), Ok(facts)) = (self.register.find(id.as_bytes()), <[&str; 29]>::try_from(facts)) else {
                return;
            };
            if !seen.insert(no) {
                return;
            }
            if facts.iter().skip(FIRST_FURTHER).all(|cell| cell.is_empty()) {
                return;
            }
            Told::read(facts, self.zone, &mut problems);
            for (kind, text) in BroughtKind::ALL.iter().zip(facts.iter().skip(26)) {
                match Tiyn::parse(text) {
                    _ if text.is_empty() => {}
                    Ok(Tiyn::ZERO) => {}
                    Ok(amount) if amount > Tiyn::ZERO => brought.push(BroughtDebt { no, kind: *kind, amount }),
                    Ok(_) | Err(_) => problems.push(format!("{kind} `{text}` is not an amount of zero or above")),
                }
            }
            for problem in problems.drain(..) {
                findings.warning(name, line, format!("account {id}: {problem}; left out"));
            }
        });
        brought
    }
}

/// The columns of a table; none where it cannot be read.
fn header(path: &std::path::Path) -> Vec<String> {
    let Ok(mut reader) = crate::feed::LineReader::open(path) else { return Vec::new() };
    let Some(crate::feed::Piece::Lines(bytes)) = reader.next_piece(Vec::new()) else { return Vec::new() };
    let header = bytes.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let header = String::from_utf8_lossy(header);
    let column = |text: &str| text.trim().trim_matches(['"', '\u{feff}']).trim().to_owned();
    header.split(',').map(column).collect()
}

//! What the books show of one account.

use super::derived::{ChargeLine, Line};
use super::entry::{Brought, MoneyMove, Payment};
use super::reference;
use super::store::Store;
use super::writer::PostError;
use crate::book::{AccountNo, Channel, LedgerAccount, Transaction};
use crate::classify::Posting;
use crate::store::Head;
use crate::units::{InstantMs, LocalDay, Period, Tiyn, Zone};

/// What happened to the money of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Movement {
    /// A charge, or one that was taken back.
    Charge(Box<ChargeLine>),
    /// A payment: its reference, its channel, what VAT was taken out of it.
    Payment(String, Channel, Tiyn),
    /// Money given back: its reference.
    Refund(String),
    /// What it brought from the books before.
    Opening(Period),
    /// Debt of a rare kind that it brought from the books before.
    Brought(Brought),
    /// What the life of the account asked of the ledger.
    Status(Posting),
}

/// One movement of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moved {
    /// When the usage was, or the money came.
    pub at: InstantMs,
    /// Tiyn: above zero for the client, below against him.
    pub amount: Tiyn,
    /// What it was.
    pub what: Movement,
}

/// An account on a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountView {
    /// Its id.
    pub account_id: String,
    /// The client's money; below zero owed.
    pub balance: Tiyn,
    /// Used and not yet invoiced.
    pub unbilled: Tiyn,
    /// Paid ahead.
    pub advance: Tiyn,
    /// Debts that are not due yet.
    pub not_due: Tiyn,
    /// Debts that are overdue.
    pub overdue: Tiyn,
    /// Not owed (CELL-48).
    pub not_owed: Tiyn,
    /// By time.
    pub movements: Vec<Moved>,
}

impl Store {
    /// Where the journal stands: all up to it is durable.
    pub fn head(&self) -> Head {
        self.journal().head()
    }

    /// The number of an account.
    pub fn account_no(&self, id: &str) -> Option<AccountNo> {
        let hash = reference::id_hash(id.as_bytes());
        let place = self.books.account_ids.iter().position(|known| *known == hash)?;
        u32::try_from(place).ok().map(AccountNo)
    }

    /// An account with its movements up to and with a local day; all of them where none is told.
    pub fn account(&self, id: &str, on: Option<LocalDay>, zone: &Zone) -> Result<Option<AccountView>, PostError> {
        let Some(no) = self.account_no(id) else { return Ok(None) };
        let is_money = |seq: u64| self.money_entries().binary_search(&seq).is_ok();
        let lines = self.derived().movements_of(no.0, self.journal(), &is_money)?;
        let mut movements: Vec<Moved> =
            lines.into_iter().filter_map(|(at, _, line)| moved(InstantMs(at), line, no, zone)).collect();
        if let Some(on) = on {
            let end = zone.start_of_day(on.plus_days(1));
            movements.retain(|moved| moved.at < end);
        }
        Ok(Some(view_of(id, &movements, debts_after(&movements), on)))
    }
}

fn moved(at: InstantMs, line: Line, no: AccountNo, zone: &Zone) -> Option<Moved> {
    let mut at = at;
    let (amount, what) = match line {
        Line::Charge(line) => {
            let debit = line.posted.debit().get();
            let amount = if line.reversal { debit } else { debit.saturating_neg() };
            (amount, Movement::Charge(Box::new(line)))
        }
        Line::Money(MoneyMove::Opening { amount, month, .. }) => (amount, Movement::Opening(Period(month))),
        Line::Money(MoneyMove::Payment(of) | MoneyMove::Identified(of)) => payment(of),
        Line::Money(MoneyMove::Settled(of) | MoneyMove::IdentifiedSettled(of)) => payment(of.payment),
        Line::Money(MoneyMove::Brought { amount, kind, .. }) => {
            let owed = if kind == Brought::OffBalance { 0 } else { amount.saturating_neg() };
            (owed, Movement::Brought(kind))
        }
        Line::Money(of @ MoneyMove::Status(_)) => {
            let transaction = of.transaction();
            let MoneyMove::Status(posting) = of else { return None };
            at = zone.start_of_day(LocalDay(posting.on));
            (for_client(&transaction, no), Movement::Status(posting.posting()?))
        }
        Line::Money(MoneyMove::Refund(of)) => (of.amount.saturating_neg(), Movement::Refund(of.reference)),
        Line::Money(MoneyMove::Unidentified(_)) => return None,
    };
    Some(Moved { at, amount: Tiyn::new(amount), what })
}

fn payment(of: Payment) -> (i64, Movement) {
    let channel = Channel::ALL.get(usize::from(of.channel)).copied().unwrap_or(Channel::Other);
    let credited = of.amount.saturating_sub(of.vat);
    (credited, Movement::Payment(of.reference, channel, Tiyn::new(of.vat)))
}

/// What a transaction gives an account, above zero for the client; what is carried off-balance is no part of it.
fn for_client(transaction: &Transaction, no: AccountNo) -> i64 {
    let of_account = |account: LedgerAccount| match account {
        LedgerAccount::Unbilled(of)
        | LedgerAccount::Receivable(of, _)
        | LedgerAccount::Advance(of)
        | LedgerAccount::Doubtful(of)
        | LedgerAccount::CreditBalance(of)
        | LedgerAccount::Penalty(of) => of == no,
        LedgerAccount::OffBalance(_)
        | LedgerAccount::AccruedRevenue(_)
        | LedgerAccount::VatPayable
        | LedgerAccount::Cash(_)
        | LedgerAccount::Unidentified
        | LedgerAccount::TakenOver
        | LedgerAccount::OffBalanceTotal
        | LedgerAccount::BadDebtExpense
        | LedgerAccount::RecoveredBadDebt
        | LedgerAccount::ChargesTakenBack
        | LedgerAccount::NonCoreIncome => false,
    };
    let own = transaction.0.iter().filter(|posting| of_account(posting.account));
    own.fold(0, |sum: i64, posting| sum.saturating_sub(posting.amount.get()))
}

/// Debts by month after some movements: openings below zero, minus what came in, oldest first.
fn debts_after(movements: &[Moved]) -> Vec<(Period, Tiyn)> {
    let mut debts: Vec<(Period, i64)> = Vec::new();
    let mut paid = 0i64;
    for moved in movements {
        match &moved.what {
            Movement::Opening(month) if moved.amount < Tiyn::ZERO => {
                debts.push((*month, moved.amount.get().saturating_neg()));
            }
            Movement::Payment(..) => paid = paid.saturating_add(moved.amount.get()),
            Movement::Opening(_)
            | Movement::Charge(_)
            | Movement::Refund(_)
            | Movement::Brought(_)
            | Movement::Status(_) => {}
        }
    }
    debts.sort_unstable();
    for (_, debt) in &mut debts {
        let part = paid.min(*debt);
        *debt = debt.saturating_sub(part);
        paid = paid.saturating_sub(part);
    }
    debts.into_iter().filter(|(_, debt)| *debt > 0).map(|(month, debt)| (month, Tiyn::new(debt))).collect()
}

/// A debt of a month is overdue after the 25th of the next one (BT-4.2, PA-4.5).
const DUE_DAY: i32 = 25;

fn view_of(id: &str, movements: &[Moved], debts: Vec<(Period, Tiyn)>, on: Option<LocalDay>) -> AccountView {
    let sum = |of: &dyn Fn(&Moved) -> i64| Tiyn::new(movements.iter().fold(0, |sum: i64, m| sum.saturating_add(of(m))));
    let unbilled = sum(&|moved| match &moved.what {
        Movement::Charge(line) if !line.posted.paying().advance => moved.amount.get().saturating_neg(),
        Movement::Charge(_)
        | Movement::Payment(..)
        | Movement::Refund(_)
        | Movement::Opening(_)
        | Movement::Brought(_)
        | Movement::Status(_) => 0,
    });
    let not_owed = sum(&|moved| match &moved.what {
        Movement::Charge(line) if line.reversal => line.posted.not_owed.saturating_neg(),
        Movement::Charge(line) => line.posted.not_owed,
        Movement::Payment(..)
        | Movement::Refund(_)
        | Movement::Opening(_)
        | Movement::Brought(_)
        | Movement::Status(_) => 0,
    });
    let balance = sum(&|moved| moved.amount.get());
    let is_overdue =
        |month: Period| on.is_some_and(|on| on > month.next().first_day().plus_days(DUE_DAY.saturating_sub(1)));
    let debt = |overdue: bool| {
        let of = debts.iter().filter(|(month, _)| is_overdue(*month) == overdue);
        Tiyn::new(of.fold(0, |sum: i64, (_, debt)| sum.saturating_add(debt.get())))
    };
    let (not_due, overdue) = (debt(false), debt(true));
    let owed = unbilled.get().saturating_add(not_due.get()).saturating_add(overdue.get());
    AccountView {
        account_id: id.to_owned(),
        balance,
        unbilled,
        advance: Tiyn::new(balance.get().saturating_add(owed)),
        not_due,
        overdue,
        not_owed,
        movements: movements.to_vec(),
    }
}

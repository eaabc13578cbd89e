//! What payments pay and what accounts bring, as money moves.
//!
//! Source: accounts and money 2.1, 2.3.

use super::books::Books;
use super::entry::{Brought, MoneyMove, Payment, SettledPayment, UnidentifiedPayment};
use crate::batch::Reference;
use crate::book::AccountNo;
use crate::folder::{BroughtDebt, BroughtKind, Opening, PaymentRow, vat_of_payment};
use crate::units::{Period, Tiyn};
use rustc_hash::FxHashMap;

/// Debts that payments of one entry have not paid yet.
#[derive(Default)]
pub(super) struct Debts {
    of: FxHashMap<AccountNo, Owed>,
    /// What accounts have ahead with the payments of the entry.
    ahead: FxHashMap<AccountNo, Tiyn>,
}

/// Tiyn.
struct Owed {
    /// By month, oldest first.
    months: Vec<(Period, i64)>,
    doubtful: i64,
    off_balance: i64,
    penalty: i64,
}

impl Owed {
    fn of(no: AccountNo, books: &Books) -> Self {
        let of = books.ledgers.account(no);
        let months = books.ledgers.debts_of(no).map(|(month, debt)| (month, debt.get()));
        Self {
            months: months.filter(|(_, debt)| *debt > 0).collect(),
            doubtful: of.doubtful.get().max(0),
            off_balance: of.off_balance.get().max(0),
            penalty: of.penalty.get().max(0),
        }
    }
}

impl Debts {
    /// Whether an account can have a payment; if so, it has. Debts and advance together take it: neither leaves the range
    /// where their sum does not.
    pub(super) fn has_room(&mut self, row: &PaymentRow, books: &Books) -> bool {
        let Some(no) = row.no else { return true };
        let ahead = self.ahead.entry(no).or_insert_with(|| books.ledgers.account(no).advance);
        let sum = ahead.checked_add(row.amount);
        *ahead = sum.unwrap_or(*ahead);
        sum.is_some()
    }

    /// Oldest debts first, then doubtful and written-off debt, penalty last; the rest is an advance. Source: accounts and
    /// money 2.3.
    pub(super) fn payment(&mut self, row: &PaymentRow, reference: &Reference, books: &Books) -> MoneyMove {
        match self.parts(row, reference, books) {
            Ok((payment, [0, 0, 0])) => MoneyMove::Payment(payment),
            Ok((payment, [doubtful, recovered, penalty])) => {
                MoneyMove::Settled(SettledPayment { payment, doubtful, recovered, penalty })
            }
            Err(held) => MoneyMove::Unidentified(held),
        }
    }

    /// A payment that was held pays what any other does. None where its account is not known.
    pub(super) fn identified(&mut self, row: &PaymentRow, reference: &Reference, books: &Books) -> Option<MoneyMove> {
        Some(match self.parts(row, reference, books).ok()? {
            (payment, [0, 0, 0]) => MoneyMove::Identified(payment),
            (payment, [doubtful, recovered, penalty]) => {
                MoneyMove::IdentifiedSettled(SettledPayment { payment, doubtful, recovered, penalty })
            }
        })
    }

    fn parts(
        &mut self,
        row: &PaymentRow,
        reference: &Reference,
        books: &Books,
    ) -> Result<(Payment, [i64; 3]), UnidentifiedPayment> {
        let known = row.no.and_then(|no| Some((no, reference.register.account(no)?)));
        let (amount, paid_ms, channel) = (row.amount.get(), row.at.0, row.channel as u8);
        let Some((no, account)) = known else {
            let (reference, account_id) = (row.id.clone(), row.account_id.clone());
            return Err(UnidentifiedPayment { reference, account_id, amount, paid_ms, channel });
        };
        let vat = vat_of_payment(account, row.amount, row.day).get();
        let mut rest = amount.saturating_sub(vat);
        let owed = self.of.entry(no).or_insert_with(|| Owed::of(no, books));
        let mut paid = Vec::new();
        for (month, debt) in owed.months.iter_mut().filter(|(_, debt)| *debt > 0) {
            let part = rest.min(*debt);
            if part == 0 {
                break;
            }
            paid.push((month.0, part));
            *debt = debt.saturating_sub(part);
            rest = rest.saturating_sub(part);
        }
        let rare = [&mut owed.doubtful, &mut owed.off_balance, &mut owed.penalty].map(|debt| {
            let part = rest.min(*debt);
            *debt = debt.saturating_sub(part);
            rest = rest.saturating_sub(part);
            part
        });
        let payment = Payment {
            reference: row.id.clone(),
            account: no.0,
            amount,
            paid_ms,
            channel,
            vat,
            debts: paid,
            advance: rest,
            ahead: account.is_advance(),
        };
        Ok((payment, rare))
    }
}

/// Debt of a rare kind that an account brought.
pub(super) fn brought_move(of: &BroughtDebt) -> MoneyMove {
    MoneyMove::Brought { account: of.no.0, amount: of.amount.get(), kind: kind_of(of.kind) }
}

/// How the journal names it.
pub(super) const fn kind_of(kind: BroughtKind) -> Brought {
    match kind {
        BroughtKind::Doubtful => Brought::Doubtful,
        BroughtKind::OffBalance => Brought::OffBalance,
        BroughtKind::Penalty => Brought::Penalty,
    }
}

/// An opening balance; a debt is of the month before the one in which it is due.
pub(super) fn opening_move(opening: &Opening, reference: &Reference) -> MoneyMove {
    let first = reference.period.or_else(|| reference.tariffs.versions.first().map(|of| of.valid_from.period()));
    let month = opening.due_on.map_or(first.unwrap_or(Period(0)), |due| due.period().previous());
    let ahead = reference.register.account(opening.no).is_some_and(|account| account.is_advance());
    MoneyMove::Opening { account: opening.no.0, amount: opening.amount.get(), month: month.0, ahead }
}

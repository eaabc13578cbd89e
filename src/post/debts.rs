//! What a payment pays: debts, oldest first, then an advance. Source: accounts and money 2.3.

use super::books::Books;
use super::entry::{MoneyMove, Payment, UnidentifiedPayment};
use crate::batch::Reference;
use crate::book::AccountNo;
use crate::folder::{PaymentRow, vat_of_payment};
use crate::units::{Period, Tiyn};
use rustc_hash::FxHashMap;

/// Debts that payments of one entry have not paid yet.
#[derive(Default)]
pub(super) struct Debts {
    of: FxHashMap<AccountNo, Vec<(Period, i64)>>,
    /// What accounts have ahead with the payments of the entry.
    ahead: FxHashMap<AccountNo, Tiyn>,
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

    /// Oldest debts first, then an advance.
    pub(super) fn payment(&mut self, row: &PaymentRow, reference: &Reference, books: &Books) -> MoneyMove {
        let known = row.no.and_then(|no| Some((no, reference.register.account(no)?)));
        let (amount, paid_ms, channel) = (row.amount.get(), row.at.0, row.channel as u8);
        let Some((no, account)) = known else {
            let (reference, account_id) = (row.id.clone(), row.account_id.clone());
            return MoneyMove::Unidentified(UnidentifiedPayment { reference, account_id, amount, paid_ms, channel });
        };
        let vat = vat_of_payment(account, row.amount, row.day).get();
        let mut rest = amount.saturating_sub(vat);
        let debts = self.of.entry(no).or_insert_with(|| {
            books.ledgers.debts_of(no).map(|(month, debt)| (month, debt.get())).filter(|(_, debt)| *debt > 0).collect()
        });
        let mut paid = Vec::new();
        for (month, debt) in debts.iter_mut().filter(|(_, debt)| *debt > 0) {
            let part = rest.min(*debt);
            if part == 0 {
                break;
            }
            paid.push((month.0, part));
            *debt = debt.saturating_sub(part);
            rest = rest.saturating_sub(part);
        }
        MoneyMove::Payment(Payment {
            reference: row.id.clone(),
            account: no.0,
            amount,
            paid_ms,
            channel,
            vat,
            debts: paid,
            advance: rest,
            ahead: account.is_advance(),
        })
    }
}

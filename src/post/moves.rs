//! Money that moved as a double entry.
//!
//! Source: accounts and money 2.1.

use super::entry::{MoneyMove, Payment};
use crate::book::{AccountNo, Channel, LedgerAccount, Transaction};
use crate::units::{Period, Tiyn};

impl MoneyMove {
    /// Its double entry.
    pub fn transaction(&self) -> Transaction {
        match self {
            Self::Opening { account, amount, month, .. } => {
                let no = AccountNo(*account);
                let (debit, credit, sum) = if *amount >= 0 {
                    (LedgerAccount::TakenOver, LedgerAccount::Advance(no), *amount)
                } else {
                    let debt = LedgerAccount::Receivable(no, Period(*month));
                    (debt, LedgerAccount::TakenOver, amount.saturating_neg())
                };
                Transaction::transfer(debit, credit, Tiyn::new(sum))
            }
            Self::Payment(payment) => paid(payment, LedgerAccount::Cash(channel(payment.channel))),
            Self::Unidentified(payment) => {
                let cash = LedgerAccount::Cash(channel(payment.channel));
                Transaction::transfer(cash, LedgerAccount::Unidentified, Tiyn::new(payment.amount))
            }
            Self::Identified(payment) => paid(payment, LedgerAccount::Unidentified),
            Self::Refund(refund) => {
                let cash = LedgerAccount::Cash(channel(refund.channel));
                let advance = LedgerAccount::Advance(AccountNo(refund.account));
                Transaction::transfer(advance, cash, Tiyn::new(refund.amount))
            }
        }
    }
}

fn paid(payment: &Payment, from: LedgerAccount) -> Transaction {
    let no = AccountNo(payment.account);
    let credit = |amount: i64| Tiyn::new(amount.saturating_neg());
    let mut transaction = Transaction::default().with(from, Tiyn::new(payment.amount));
    if payment.vat != 0 {
        transaction = transaction.with(LedgerAccount::VatPayable, credit(payment.vat));
    }
    for (month, amount) in &payment.debts {
        transaction = transaction.with(LedgerAccount::Receivable(no, Period(*month)), credit(*amount));
    }
    if payment.advance != 0 {
        transaction = transaction.with(LedgerAccount::Advance(no), credit(payment.advance));
    }
    transaction
}

fn channel(place: u8) -> Channel {
    Channel::ALL.get(usize::from(place)).copied().unwrap_or(Channel::Other)
}

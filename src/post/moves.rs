//! Money that moved as a double entry.
//!
//! Source: accounts and money 2.1.

use super::entry::{Brought, MoneyMove, Payment, SettledPayment, StatusPosting};
use crate::book::{AccountNo, Channel, LedgerAccount, Transaction};
use crate::classify::Posting;
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
            Self::Status(of) => of.transaction(),
            Self::Settled(of) => settled(of, LedgerAccount::Cash(channel(of.payment.channel))),
            Self::IdentifiedSettled(of) => settled(of, LedgerAccount::Unidentified),
            Self::Brought { account, amount, kind } => {
                let no = AccountNo(*account);
                let (debit, credit) = match kind {
                    Brought::Doubtful => (LedgerAccount::Doubtful(no), LedgerAccount::TakenOver),
                    Brought::OffBalance => (LedgerAccount::OffBalance(no), LedgerAccount::OffBalanceTotal),
                    Brought::Penalty => (LedgerAccount::Penalty(no), LedgerAccount::TakenOver),
                };
                Transaction::transfer(debit, credit, Tiyn::new(*amount))
            }
        }
    }
}

impl StatusPosting {
    /// What it asks of the ledger; none for a number that is none.
    pub fn posting(&self) -> Option<Posting> {
        Posting::ALL.get(usize::from(self.posting)).copied()
    }

    /// Its double entry. What is left of its parts is the counter account; where there is none, the parts balance or the
    /// ledger refuses them. Source: accounts and money 2.1, 2.5.
    fn transaction(&self) -> Transaction {
        let no = AccountNo(self.account);
        let months = self.debts.iter().map(|(month, amount)| (LedgerAccount::Receivable(no, Period(*month)), *amount));
        let parts = [
            (LedgerAccount::Unbilled(no), self.unbilled),
            (LedgerAccount::Advance(no), self.advance),
            (LedgerAccount::Doubtful(no), self.doubtful),
            (LedgerAccount::CreditBalance(no), self.credit),
            (LedgerAccount::Penalty(no), self.penalty),
        ];
        let mut transaction = Transaction::default();
        let mut rest = 0i64;
        for (account, amount) in months.chain(parts).filter(|(_, amount)| *amount != 0) {
            rest = rest.saturating_sub(amount);
            transaction = transaction.with(account, Tiyn::new(amount));
        }
        let counter = match self.posting() {
            Some(Posting::WriteOff) => Some(LedgerAccount::BadDebtExpense),
            Some(Posting::FraudAdjustment) => Some(LedgerAccount::ChargesTakenBack),
            // An account to which it goes has it as a payment by transfer.
            Some(Posting::CreditMoved | Posting::CreditRefunded) => Some(LedgerAccount::Cash(Channel::Transfer)),
            Some(Posting::CreditToIncome) => Some(LedgerAccount::NonCoreIncome),
            Some(Posting::DebtToDoubtful | Posting::OffBalanceOut | Posting::AdvanceToCredit) | None => None,
        };
        if let Some(counter) = counter.filter(|_| rest != 0) {
            transaction = transaction.with(counter, Tiyn::new(rest));
        }
        if self.off_balance != 0 {
            let other = Tiyn::new(self.off_balance.saturating_neg());
            transaction = transaction.with(LedgerAccount::OffBalance(no), Tiyn::new(self.off_balance));
            transaction = transaction.with(LedgerAccount::OffBalanceTotal, other);
        }
        transaction
    }
}

fn settled(of: &SettledPayment, from: LedgerAccount) -> Transaction {
    let no = AccountNo(of.payment.account);
    let mut transaction = paid(&of.payment, from);
    for (account, amount) in [
        (LedgerAccount::Doubtful(no), of.doubtful),
        (LedgerAccount::RecoveredBadDebt, of.recovered),
        (LedgerAccount::Penalty(no), of.penalty),
        (LedgerAccount::OffBalance(no), of.recovered),
        (LedgerAccount::OffBalanceTotal, of.recovered.saturating_neg()),
    ] {
        if amount != 0 {
            transaction = transaction.with(account, Tiyn::new(amount.saturating_neg()));
        }
    }
    transaction
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

//! What the life of an account asks of the ledger, as postings: at most what the ledger still has, since debt that was
//! paid in the meantime is neither doubtful nor written off.
//!
//! Source: accounts and money 2.1, 2.5.

use super::books::Books;
use super::entry::StatusPosting;
use crate::book::AccountNo;
use crate::classify::Posting;
use crate::units::LocalDay;
use rustc_hash::FxHashMap;

/// What the ledger has of accounts, while postings are taken from it one after the other.
#[derive(Default)]
pub(super) struct Kinds(FxHashMap<u32, Held>);

/// Tiyn.
#[derive(Clone)]
struct Held {
    /// By month, oldest first, above zero.
    debts: Vec<(i32, i64)>,
    unbilled: i64,
    /// Below zero where usage went beyond it.
    advance: i64,
    doubtful: i64,
    off_balance: i64,
    credit: i64,
    penalty: i64,
}

/// What is wished of the ledger.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wished {
    pub(super) account: u32,
    pub(super) on: LocalDay,
    pub(super) posting: Posting,
    /// Tiyn, above zero.
    pub(super) asked: i64,
}

impl Kinds {
    /// The posting of a wish; none where the ledger has nothing of it.
    pub(super) fn posting(&mut self, wished: &Wished, books: &Books) -> Option<StatusPosting> {
        let held = self.0.entry(wished.account).or_insert_with(|| Held::of(wished.account, books));
        let parts = held.parts(wished.posting, wished.asked)?;
        held.take(&parts);
        let Wished { account, on, posting, asked } = *wished;
        Some(StatusPosting { account, on: on.0, posting: posting as u8, asked, ..parts })
    }

    /// Whether a posting is not the one of its wish.
    pub(super) fn wrong(&mut self, of: &StatusPosting, books: &Books) -> bool {
        let Some(posting) = of.posting() else { return true };
        let wished = Wished { account: of.account, on: LocalDay(of.on), posting, asked: of.asked };
        self.posting(&wished, books).as_ref() != Some(of)
    }
}

impl Held {
    fn of(account: u32, books: &Books) -> Self {
        let no = AccountNo(account);
        let of = books.ledgers.account(no);
        let debts = books.ledgers.debts_of(no).map(|(month, debt)| (month.0, debt.get()));
        Self {
            debts: debts.filter(|(_, debt)| *debt > 0).collect(),
            unbilled: of.unbilled.get().max(0),
            advance: of.advance.get(),
            doubtful: of.doubtful.get().max(0),
            off_balance: of.off_balance.get().max(0),
            credit: of.credit.get().max(0),
            penalty: of.penalty.get().max(0),
        }
    }

    fn owed(&self) -> i64 {
        self.debts.iter().fold(self.unbilled, |sum, (_, debt)| sum.saturating_add(*debt))
    }

    fn parts(&self, posting: Posting, asked: i64) -> Option<StatusPosting> {
        let parts = StatusPosting::default();
        match posting {
            Posting::DebtToDoubtful => {
                // Money ahead pays first; what was used beyond it is owed like the rest.
                let beyond = self.advance.saturating_neg().max(0);
                let ahead = self.advance.max(0).min(self.owed());
                let doubtful = asked.min(self.owed().saturating_sub(ahead).saturating_add(beyond));
                if doubtful <= 0 {
                    return None;
                }
                let mut cleared = doubtful.saturating_add(ahead);
                let debts = cleared_months(&self.debts, &mut cleared);
                let unbilled = cleared.min(self.unbilled);
                let beyond = cleared.saturating_sub(unbilled);
                let advance = ahead.saturating_sub(beyond);
                Some(StatusPosting { debts, unbilled: unbilled.saturating_neg(), advance, doubtful, ..parts })
            }
            Posting::AdvanceToCredit => {
                let credit = asked.min(self.advance.saturating_sub(self.owed()));
                if credit <= 0 {
                    return None;
                }
                let mut cleared = self.owed();
                let advance = credit.saturating_add(cleared);
                let debts = cleared_months(&self.debts, &mut cleared);
                let unbilled = self.unbilled.saturating_neg();
                Some(StatusPosting { debts, unbilled, advance, credit: credit.saturating_neg(), ..parts })
            }
            Posting::WriteOff => {
                let amount = asked.min(self.doubtful);
                (amount > 0).then(|| StatusPosting { doubtful: amount.saturating_neg(), off_balance: amount, ..parts })
            }
            Posting::OffBalanceOut => {
                let amount = asked.min(self.off_balance);
                (amount > 0).then(|| StatusPosting { off_balance: amount.saturating_neg(), ..parts })
            }
            Posting::FraudAdjustment => {
                let mut cleared = self.owed();
                let all = StatusPosting {
                    debts: cleared_months(&self.debts, &mut cleared),
                    unbilled: self.unbilled.saturating_neg(),
                    doubtful: self.doubtful.saturating_neg(),
                    off_balance: self.off_balance.saturating_neg(),
                    penalty: self.penalty.saturating_neg(),
                    ..parts.clone()
                };
                (all != parts).then_some(all)
            }
            Posting::CreditMoved | Posting::CreditRefunded | Posting::CreditToIncome => {
                let credit = asked.min(self.credit);
                let advance = asked.saturating_sub(credit).min(self.advance).max(0);
                (credit > 0 || advance > 0).then_some(StatusPosting { credit, advance, ..parts })
            }
        }
    }

    fn take(&mut self, parts: &StatusPosting) {
        for (month, amount) in &parts.debts {
            for (_, debt) in self.debts.iter_mut().filter(|(of, _)| of == month) {
                *debt = debt.saturating_add(*amount);
            }
        }
        self.debts.retain(|(_, debt)| *debt > 0);
        self.unbilled = self.unbilled.saturating_add(parts.unbilled);
        self.advance = self.advance.saturating_sub(parts.advance);
        self.doubtful = self.doubtful.saturating_add(parts.doubtful);
        self.off_balance = self.off_balance.saturating_add(parts.off_balance);
        self.credit = self.credit.saturating_sub(parts.credit);
        self.penalty = self.penalty.saturating_add(parts.penalty);
    }
}

/// Months oldest first, as credits, until so much is cleared; what is left of it.
fn cleared_months(debts: &[(i32, i64)], left: &mut i64) -> Vec<(i32, i64)> {
    let mut cleared = Vec::new();
    for (month, debt) in debts {
        let part = (*debt).min(*left);
        if part > 0 {
            cleared.push((*month, part.saturating_neg()));
            *left = left.saturating_sub(part);
        }
    }
    cleared
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::post::entry::{Brought, Entry, MoneyMove, ReferenceSet};

    fn books(moves: Vec<MoneyMove>) -> Books {
        let mut books = Books::default();
        let set = ReferenceSet { new_accounts: vec![7, 8], ..ReferenceSet::default() };
        books.apply(1, &Entry::Reference(set)).unwrap();
        books.apply(2, &Entry::Money(moves)).unwrap();
        books
    }

    /// Posts wishes one after the other: what the ledger has after each, all of it balanced.
    fn after(books: &mut Books, wishes: &[(Posting, i64)]) -> Vec<Option<[i64; 6]>> {
        let wished = |(posting, asked): &(Posting, i64)| Wished {
            account: 0,
            on: LocalDay(20_000),
            posting: *posting,
            asked: *asked,
        };
        let mut told = Vec::new();
        for (wish, seq) in wishes.iter().zip(3u64..) {
            let posted = Kinds::default().posting(&wished(wish), books);
            told.push(posted.map(|posted| {
                assert!(!Kinds::default().wrong(&posted, books));
                books.apply(seq, &Entry::Money(vec![MoneyMove::Status(posted)])).unwrap();
                assert_eq!(books.ledgers.sum(), 0);
                let of = books.ledgers.account(AccountNo(0));
                [of.balance(), of.receivable, of.advance, of.doubtful, of.off_balance, of.credit].map(|of| of.get())
            }));
        }
        told
    }

    #[test]
    fn money_2_5_debt_becomes_doubtful_is_written_off_and_goes_out_after_five_years() {
        let opening = |amount, month| MoneyMove::Opening { account: 0, amount, month, ahead: false };
        let mut books = books(vec![opening(-500, 10), opening(-300, 11), opening(100, 0)]);
        let told = after(
            &mut books,
            &[
                (Posting::DebtToDoubtful, 700),
                (Posting::DebtToDoubtful, 700),
                (Posting::WriteOff, 700),
                (Posting::OffBalanceOut, 700),
                (Posting::OffBalanceOut, 700),
            ],
        );
        assert_eq!(
            told,
            [Some([-700, 0, 0, 700, 0, 0]), None, Some([0, 0, 0, 0, 700, 0]), Some([0, 0, 0, 0, 0, 0]), None]
        );
    }

    #[test]
    fn money_2_5_a_credit_balance_is_moved_refunded_and_becomes_income_as_far_as_it_goes() {
        let mut books = books(vec![MoneyMove::Opening { account: 0, amount: 900, month: 0, ahead: true }]);
        let told = after(
            &mut books,
            &[
                (Posting::AdvanceToCredit, 900),
                (Posting::CreditRefunded, 200),
                (Posting::CreditMoved, 300),
                (Posting::CreditToIncome, 500),
            ],
        );
        assert_eq!(
            told,
            [
                Some([900, 0, 0, 0, 0, 900]),
                Some([700, 0, 0, 0, 0, 700]),
                Some([400, 0, 0, 0, 0, 400]),
                Some([0, 0, 0, 0, 0, 0])
            ]
        );
    }

    #[test]
    fn pa_4_8_fraud_takes_back_every_kind_of_debt() {
        let brought = |kind, amount| MoneyMove::Brought { account: 0, amount, kind };
        let mut books = books(vec![
            brought(Brought::Doubtful, 10),
            brought(Brought::OffBalance, 20),
            brought(Brought::Penalty, 30),
            MoneyMove::Opening { account: 0, amount: -40, month: 3, ahead: false },
        ]);
        assert_eq!(books.ledgers.account(AccountNo(0)).balance().get(), -80);
        let told = after(&mut books, &[(Posting::FraudAdjustment, 100), (Posting::FraudAdjustment, 100)]);
        assert_eq!(told, [Some([0; 6]), None]);
    }
}

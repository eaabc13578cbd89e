use super::AccountNo;
use crate::hint::prefetch;
use crate::units::{Period, Tiyn};
use serde::{Deserialize, Serialize};
use smallvec::{SmallVec, smallvec};
use std::collections::BTreeMap;
use std::fmt;

crate::record::names! {
    /// What revenue is for.
    pub enum Category {
        /// Calls within the town.
        Local = "local",
        /// Calls between towns.
        LongDistance = "long-distance",
        /// Calls abroad.
        International = "international",
        /// Calls to mobile networks.
        Mobile = "mobile",
        /// Calls of special services.
        Special = "special",
        /// Usage in a partner's network.
        Roaming = "roaming",
        /// Text messages.
        Messages = "messages",
        /// Mobile packet data.
        Data = "data",
        /// Fixed access to the internet.
        Internet = "internet",
        /// Paid information and entertainment.
        Vas = "vas",
    }
}

crate::record::names! {
    /// How money came in (BT-16.4).
    pub enum Channel {
        /// A bank's counter.
        Bank = "bank",
        /// A transfer between accounts.
        Transfer = "transfer",
        /// Online banking.
        Online = "online",
        /// A payment terminal.
        Terminal = "terminal",
        /// Any other.
        Other = "other",
    }
}

/// An account of the ledger. Source: accounts and money 2.1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum LedgerAccount {
    /// Used and not yet invoiced, of a subscriber.
    Unbilled(AccountNo),
    /// Owed by a subscriber for a month.
    Receivable(AccountNo, Period),
    /// Paid ahead by a subscriber; below zero where usage went beyond it.
    Advance(AccountNo),
    /// Gross revenue of usage that is not yet invoiced.
    AccruedRevenue(Category),
    /// VAT owed to the state.
    VatPayable,
    /// Money that came in by a channel.
    Cash(Channel),
    /// Payments whose subscriber is not known.
    Unidentified,
    /// What subscribers brought from the books before these.
    TakenOver,
    /// Left by a subscriber when the contract ended, recognised as hopeless or not (PA-3.29).
    Doubtful(AccountNo),
    /// Written off and carried off-balance (PA-4.8): a memorandum, against [`Self::OffBalanceTotal`].
    OffBalance(AccountNo),
    /// The money of a subscriber whose contract ended (PA-4.9).
    CreditBalance(AccountNo),
    /// Penalty on overdue debt.
    Penalty(AccountNo),
    /// The other side of every memorandum.
    OffBalanceTotal,
    /// Hopeless debt that was written off.
    BadDebtExpense,
    /// Written-off debt that was paid after all.
    RecoveredBadDebt,
    /// Fraudulent charges that were taken back (PA-4.8).
    ChargesTakenBack,
    /// Credit balances that nobody asked for (PA-4.10).
    NonCoreIncome,
}

/// What few subscribers have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
enum Rare {
    Doubtful,
    OffBalance,
    Credit,
    Penalty,
}

/// One side of a transaction: a debit above zero, a credit below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Posting {
    /// Where.
    pub account: LedgerAccount,
    /// Tiyn; debit above zero.
    pub amount: Tiyn,
}

/// Postings that belong together. Their sum is zero, or [`Ledgers::post`] refuses them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Transaction(pub SmallVec<[Posting; 4]>);

/// The postings do not sum to zero, or a sum is beyond the range of an amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unbalanced;

impl fmt::Display for Unbalanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the debits of a transaction are not its credits, or are beyond the range of an amount")
    }
}

impl std::error::Error for Unbalanced {}

impl Transaction {
    /// An amount from one account to another.
    pub fn transfer(debit: LedgerAccount, credit: LedgerAccount, amount: Tiyn) -> Self {
        let back = Tiyn::new(amount.get().saturating_neg());
        Self(smallvec![Posting { account: debit, amount }, Posting { account: credit, amount: back }])
    }

    /// One more posting.
    #[must_use]
    pub fn with(mut self, account: LedgerAccount, amount: Tiyn) -> Self {
        self.0.push(Posting { account, amount });
        self
    }

    /// The exact negation, which takes it back.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        for posting in &mut self.0 {
            posting.amount = Tiyn::new(posting.amount.get().saturating_neg());
        }
        self
    }

    /// Whether debits are credits.
    pub fn is_balanced(&self) -> bool {
        self.0.iter().try_fold(0i64, |sum, posting| sum.checked_add(posting.amount.get())) == Some(0)
    }
}

/// The ledger: the fold of all transactions.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Ledgers {
    /// By account number.
    of_accounts: Vec<OfAccount>,
    /// Debts by month; only those that are not zero.
    receivable: BTreeMap<(AccountNo, Period), i64>,
    /// Accrued revenue, by the place of its category: a side of every charge.
    revenue: [i128; Category::ALL.len()],
    /// The operator's other accounts; only those that are not zero.
    of_operator: BTreeMap<LedgerAccount, i128>,
    /// Debit above zero; only those that are not zero.
    rare: BTreeMap<(AccountNo, Rare), i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
struct OfAccount {
    unbilled: i64,
    advance: i64,
    receivable: i64,
}

/// What the ledger says of a subscriber, tiyn.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct AccountBalance {
    /// Used, not invoiced.
    pub unbilled: Tiyn,
    /// Paid ahead.
    pub advance: Tiyn,
    /// Owed for months before.
    pub receivable: Tiyn,
    /// Left when the contract ended.
    pub doubtful: Tiyn,
    /// Written off, carried off-balance: no part of the balance.
    pub off_balance: Tiyn,
    /// The client's money after the contract ended.
    pub credit: Tiyn,
    /// Penalty.
    pub penalty: Tiyn,
}

impl AccountBalance {
    /// The subscriber's money: above zero the client's, below zero owed.
    pub fn balance(self) -> Tiyn {
        let owed = self.unbilled.get().saturating_add(self.receivable.get());
        let owed = owed.saturating_add(self.doubtful.get()).saturating_add(self.penalty.get());
        Tiyn::new(self.advance.get().saturating_add(self.credit.get()).saturating_sub(owed))
    }
}

impl Ledgers {
    /// Posts a transaction, or refuses it and changes nothing.
    pub fn post(&mut self, transaction: &Transaction) -> Result<(), Unbalanced> {
        if !transaction.is_balanced() {
            return Err(Unbalanced);
        }
        for (done, posting) in transaction.0.iter().enumerate() {
            if self.add(posting.account, posting.amount.get()).is_none() {
                for posting in transaction.0.iter().take(done) {
                    self.add(posting.account, posting.amount.get().saturating_neg());
                }
                return Err(Unbalanced);
            }
        }
        Ok(())
    }

    /// Debits above zero.
    fn add(&mut self, account: LedgerAccount, amount: i64) -> Option<()> {
        let add = |place: &mut i64, amount: i64| {
            *place = place.checked_add(amount)?;
            Some(())
        };
        match account {
            LedgerAccount::Unbilled(no) => add(&mut self.of_account(no)?.unbilled, amount),
            LedgerAccount::Advance(no) => add(&mut self.of_account(no)?.advance, amount.checked_neg()?),
            LedgerAccount::Receivable(no, month) => {
                add(&mut self.of_account(no)?.receivable, amount)?;
                let debt = self.receivable.entry((no, month)).or_default();
                // Smaller than the sum that was just within range, or the sum of smaller ones.
                *debt = debt.saturating_add(amount);
                if *debt == 0 {
                    self.receivable.remove(&(no, month));
                }
                Some(())
            }
            LedgerAccount::AccruedRevenue(category) => {
                let sum = self.revenue.get_mut(category as usize)?;
                *sum = sum.saturating_add(i128::from(amount));
                Some(())
            }
            LedgerAccount::Doubtful(no) => self.add_rare(no, Rare::Doubtful, amount),
            LedgerAccount::OffBalance(no) => self.add_rare(no, Rare::OffBalance, amount),
            LedgerAccount::CreditBalance(no) => self.add_rare(no, Rare::Credit, amount),
            LedgerAccount::Penalty(no) => self.add_rare(no, Rare::Penalty, amount),
            of_operator @ (LedgerAccount::VatPayable
            | LedgerAccount::Cash(_)
            | LedgerAccount::Unidentified
            | LedgerAccount::TakenOver
            | LedgerAccount::OffBalanceTotal
            | LedgerAccount::BadDebtExpense
            | LedgerAccount::RecoveredBadDebt
            | LedgerAccount::ChargesTakenBack
            | LedgerAccount::NonCoreIncome) => {
                let sum = self.of_operator.entry(of_operator).or_default();
                *sum = sum.saturating_add(i128::from(amount));
                if *sum == 0 {
                    self.of_operator.remove(&of_operator);
                }
                Some(())
            }
        }
    }

    fn add_rare(&mut self, no: AccountNo, rare: Rare, amount: i64) -> Option<()> {
        // The account has its place, so that it is counted.
        self.of_account(no)?;
        let sum = self.rare.entry((no, rare)).or_default();
        *sum = sum.checked_add(amount)?;
        if *sum == 0 {
            self.rare.remove(&(no, rare));
        }
        Some(())
    }

    fn of_account(&mut self, no: AccountNo) -> Option<&mut OfAccount> {
        let at = no.0 as usize;
        if self.of_accounts.len() <= at {
            self.of_accounts.resize(at.saturating_add(1), OfAccount::default());
        }
        self.of_accounts.get_mut(at)
    }

    /// What is known of a subscriber.
    pub fn account(&self, no: AccountNo) -> AccountBalance {
        let of = self.of_accounts.get(no.0 as usize).copied().unwrap_or_default();
        let rare = |rare| Tiyn::new(self.rare.get(&(no, rare)).copied().unwrap_or(0));
        AccountBalance {
            unbilled: Tiyn::new(of.unbilled),
            advance: Tiyn::new(of.advance),
            receivable: Tiyn::new(of.receivable),
            doubtful: rare(Rare::Doubtful),
            off_balance: rare(Rare::OffBalance),
            credit: Tiyn::new(rare(Rare::Credit).get().saturating_neg()),
            penalty: rare(Rare::Penalty),
        }
    }

    /// The debts of a subscriber by month, oldest first.
    pub fn debts_of(&self, no: AccountNo) -> impl Iterator<Item = (Period, Tiyn)> {
        let all = (no, Period(i32::MIN))..=(no, Period(i32::MAX));
        self.receivable.range(all).map(|((_, month), debt)| (*month, Tiyn::new(*debt)))
    }

    /// All debts by subscriber and month, in order.
    pub fn debts(&self) -> impl Iterator<Item = (AccountNo, Period, Tiyn)> {
        self.receivable.iter().map(|((no, month), debt)| (*no, *month, Tiyn::new(*debt)))
    }

    /// The operator's accounts and their sums in tiyn, debit above zero, in order; only those that are not zero.
    pub fn of_operator(&self) -> impl Iterator<Item = (LedgerAccount, i128)> {
        let revenue = Category::ALL.iter().zip(&self.revenue).filter(|(_, sum)| **sum != 0);
        let revenue = revenue.map(|(category, sum)| (LedgerAccount::AccruedRevenue(*category), *sum));
        revenue.chain(self.of_operator.iter().map(|(account, sum)| (*account, *sum)))
    }

    /// Asks for the memory that a charge of a subscriber needs.
    pub fn prefetch(&self, no: AccountNo) {
        prefetch(&self.of_accounts, no.0 as usize);
    }

    /// How many subscribers have a place.
    pub fn len(&self) -> usize {
        self.of_accounts.len()
    }

    /// Nobody has one.
    pub fn is_empty(&self) -> bool {
        self.of_accounts.is_empty()
    }

    /// Σ debits − Σ credits over the whole ledger: zero, or something is broken. Source: accounts and money 2.1.
    pub fn sum(&self) -> i128 {
        let subscribers = self.of_accounts.iter().fold(0i128, |sum, of| {
            sum.wrapping_add(i128::from(of.unbilled))
                .wrapping_add(i128::from(of.receivable))
                .wrapping_sub(i128::from(of.advance))
        });
        let rare = self.rare.values().fold(subscribers, |sum, amount| sum.wrapping_add(i128::from(*amount)));
        self.of_operator().fold(rare, |sum, (_, amount)| sum.wrapping_add(amount))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: AccountNo = AccountNo(3);
    const MARCH: Period = Period(24_314);

    #[test]
    fn money_2_1_what_does_not_balance_is_refused_and_changes_nothing() {
        let mut ledgers = Ledgers::default();
        let usage = Transaction::transfer(
            LedgerAccount::Unbilled(ANN),
            LedgerAccount::AccruedRevenue(Category::Local),
            Tiyn::new(450),
        );
        assert_eq!(ledgers.post(&usage), Ok(()));
        let before = ledgers.clone();
        let lopsided = usage.clone().with(LedgerAccount::VatPayable, Tiyn::new(1));
        assert_eq!(ledgers.post(&lopsided), Err(Unbalanced));
        let beyond = Transaction::transfer(
            LedgerAccount::Cash(Channel::Bank),
            LedgerAccount::Unbilled(ANN),
            Tiyn::new(i64::MIN + 1),
        );
        assert_eq!(ledgers.post(&beyond), Err(Unbalanced));
        assert_eq!(ledgers, before);
        assert_eq!((ledgers.sum(), ledgers.account(ANN).balance()), (0, Tiyn::new(-450)));
    }

    #[test]
    fn bt_16_4_money_of_each_channel_has_its_own_account() {
        let mut ledgers = Ledgers::default();
        for (channel, amount) in Channel::ALL.iter().zip(1..) {
            let paid =
                Transaction::transfer(LedgerAccount::Cash(*channel), LedgerAccount::Advance(ANN), Tiyn::new(amount));
            ledgers.post(&paid).unwrap();
        }
        let cash: Vec<i128> = ledgers.of_operator().map(|(_, sum)| sum).collect();
        assert_eq!((cash, ledgers.account(ANN).advance), (vec![1, 2, 3, 4, 5], Tiyn::new(15)));
    }

    #[test]
    fn money_2_5_what_few_subscribers_have_is_part_of_the_balance_and_of_the_sum() {
        let mut ledgers = Ledgers::default();
        let mut post = |debit, credit, amount| {
            ledgers.post(&Transaction::transfer(debit, credit, Tiyn::new(amount))).unwrap();
            let of = ledgers.account(ANN);
            (of.balance().get(), of.off_balance.get(), ledgers.sum())
        };
        let receivable = LedgerAccount::Receivable(ANN, MARCH);
        assert_eq!(post(receivable, LedgerAccount::TakenOver, 500), (-500, 0, 0));
        assert_eq!(post(LedgerAccount::Doubtful(ANN), receivable, 500), (-500, 0, 0));
        assert_eq!(post(LedgerAccount::BadDebtExpense, LedgerAccount::Doubtful(ANN), 500), (0, 0, 0));
        assert_eq!(post(LedgerAccount::OffBalance(ANN), LedgerAccount::OffBalanceTotal, 500), (0, 500, 0));
        assert_eq!(post(LedgerAccount::OffBalanceTotal, LedgerAccount::OffBalance(ANN), 500), (0, 0, 0));
        assert_eq!(post(LedgerAccount::Cash(Channel::Bank), LedgerAccount::CreditBalance(ANN), 7), (7, 0, 0));
        assert_eq!(post(LedgerAccount::CreditBalance(ANN), LedgerAccount::NonCoreIncome, 7), (0, 0, 0));
        assert_eq!(post(LedgerAccount::Penalty(ANN), LedgerAccount::TakenOver, 3), (-3, 0, 0));
        assert_eq!(ledgers.account(ANN).penalty, Tiyn::new(3));
    }

    #[test]
    fn money_2_1_a_reversal_is_the_exact_negation() {
        let mut ledgers = Ledgers::default();
        let payment = Transaction::transfer(
            LedgerAccount::Cash(Channel::Online),
            LedgerAccount::Receivable(ANN, MARCH),
            Tiyn::new(100),
        );
        ledgers.post(&payment).unwrap();
        assert_eq!(ledgers.debts().collect::<Vec<_>>(), [(ANN, MARCH, Tiyn::new(-100))]);
        ledgers.post(&payment.reversed()).unwrap();
        assert_eq!((ledgers.debts().count(), ledgers.account(ANN).balance(), ledgers.sum()), (0, Tiyn::ZERO, 0));
    }
}

use crate::units::{LocalDay, Tiyn};
use smallvec::SmallVec;

/// What is owed for one month of service, or an opening balance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Due {
    /// The last day on which it may be paid: the 25th of the month after the month of service (PA-4.5).
    pub on: LocalDay,
    /// Above zero.
    pub amount: Tiyn,
}

/// The kinds of money of an account, as the ledger has them from a day on. Amounts are zero or above.
///
/// What is not due and what is overdue follow from the day, so a day that passes changes both without a posting.
///
/// Source: status 3.1.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Money {
    /// Receivables that are neither rescheduled nor doubtful, oldest first.
    pub owed: SmallVec<[Due; 2]>,
    /// Under an agreement on repayment by stages.
    pub rescheduled: Tiyn,
    /// Left when the contract ended (PA-3.29).
    pub doubtful: Tiyn,
    /// Recognised as hopeless, not yet written off.
    pub hopeless_on_books: Tiyn,
    /// Written off, carried off-balance.
    pub off_balance: Tiyn,
    /// Penalty on overdue debt.
    pub penalty: Tiyn,
    /// The client's money: an advance, after termination the credit balance.
    pub credit: Tiyn,
}

/// An amount below zero, or amounts whose sum leaves 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadMoney;

impl Money {
    /// No money of any kind.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether the amounts can be: none below zero, the sum within 64 bits. Dues are put in their order and those of
    /// nothing left out.
    pub fn checked(mut self) -> Result<Self, BadMoney> {
        let dues = self.owed.iter().map(|due| due.amount);
        let mut sum = Tiyn::ZERO;
        for amount in dues.chain(self.amounts()) {
            if amount < Tiyn::ZERO {
                return Err(BadMoney);
            }
            sum = sum.checked_add(amount).ok_or(BadMoney)?;
        }
        self.owed.retain(|due| due.amount > Tiyn::ZERO);
        self.owed.sort();
        Ok(self)
    }

    /// A bill: what the client has ahead pays it, the rest is owed until its due day. An amount below zero takes charges
    /// back: from what is owed for the same month, then from the oldest debt, and is the client's money behind that.
    pub fn bill(&mut self, due_on: LocalDay, amount: Tiyn) {
        if amount >= Tiyn::ZERO {
            let ahead = self.credit.min(amount);
            self.credit = less(self.credit, ahead);
            self.owe(due_on, less(amount, ahead));
            return;
        }
        let mut back = less(Tiyn::ZERO, amount);
        for due in self.owed.iter_mut().filter(|due| due.on == due_on) {
            settle(&mut due.amount, &mut back);
        }
        self.pay(back);
    }

    /// Money comes in: the oldest debt first, then what is agreed, doubtful, hopeless and written off, penalty last; the
    /// rest is the client's. Source: accounts and money 2.3.
    pub fn pay(&mut self, amount: Tiyn) {
        let mut left = amount;
        for due in &mut self.owed {
            settle(&mut due.amount, &mut left);
        }
        self.owed.retain(|due| due.amount > Tiyn::ZERO);
        let kinds = [&mut self.rescheduled, &mut self.doubtful, &mut self.hopeless_on_books, &mut self.off_balance];
        for kind in kinds.into_iter().chain([&mut self.penalty]) {
            settle(kind, &mut left);
        }
        self.credit = total([self.credit, left]);
    }

    /// Money goes back to the client: what is ahead, and a debt from a day on where more went.
    pub fn refund(&mut self, due_on: LocalDay, amount: Tiyn) {
        let ahead = self.credit.min(amount);
        self.credit = less(self.credit, ahead);
        self.owe(due_on, less(amount, ahead));
    }

    fn owe(&mut self, on: LocalDay, amount: Tiyn) {
        if amount > Tiyn::ZERO {
            match self.owed.iter_mut().find(|due| due.on == on) {
                Some(due) => due.amount = total([due.amount, amount]),
                None => self.owed.push(Due { on, amount }),
            }
            self.owed.sort();
        }
    }

    fn amounts(&self) -> [Tiyn; 6] {
        [self.rescheduled, self.doubtful, self.hopeless_on_books, self.off_balance, self.penalty, self.credit]
    }

    /// Receivables past their due date on a day, with `grace_days` more to pay. Source: PA-3.24.
    pub fn overdue(&self, as_of: LocalDay, grace_days: i32) -> Tiyn {
        total(self.owed.iter().filter(|due| due.on.plus_days(grace_days) < as_of).map(|due| due.amount))
    }

    /// Receivables whose due date has not passed.
    pub fn not_due(&self, as_of: LocalDay, grace_days: i32) -> Tiyn {
        total(self.owed.iter().filter(|due| due.on.plus_days(grace_days) >= as_of).map(|due| due.amount))
    }

    /// All that is owed and neither rescheduled nor doubtful.
    pub fn receivable(&self) -> Tiyn {
        total(self.owed.iter().map(|due| due.amount))
    }

    /// The first day on which something is or will be overdue.
    pub fn overdue_from(&self, grace_days: i32) -> Option<LocalDay> {
        self.owed.iter().map(|due| due.on).min().map(|due| due.plus_days(grace_days).plus_days(1))
    }

    /// Any debt on the books but a penalty.
    pub fn has_debt(&self) -> bool {
        !self.owed.is_empty() || [self.rescheduled, self.doubtful, self.hopeless_on_books].iter().any(above_zero)
    }

    /// No balance of any kind.
    pub fn is_nothing(&self) -> bool {
        self.owed.is_empty() && !self.amounts().iter().any(above_zero)
    }

    /// What is left becomes doubtful when the contract ends. Source: PA-3.29.
    pub(super) fn becomes_doubtful(&mut self) {
        self.doubtful = total([self.receivable(), self.rescheduled, self.doubtful]);
        self.owed.clear();
        self.rescheduled = Tiyn::ZERO;
    }

    /// Doubtful debt is recognised as hopeless.
    pub(super) fn becomes_hopeless(&mut self) {
        self.hopeless_on_books = total([self.hopeless_on_books, self.doubtful]);
        self.doubtful = Tiyn::ZERO;
    }

    /// Hopeless debt is written off and carried off-balance. A ledger that does not tell hopeless from doubtful debt
    /// still has it as doubtful.
    pub(super) fn write_off(&mut self) {
        self.off_balance = total([self.off_balance, self.to_write_off()]);
        self.hopeless_on_books = Tiyn::ZERO;
        self.doubtful = Tiyn::ZERO;
    }

    /// What a write-off takes from the books.
    pub(super) fn to_write_off(&self) -> Tiyn {
        total([self.hopeless_on_books, self.doubtful])
    }

    /// Every debt, with penalty and what is carried off-balance.
    pub(super) fn all_debt(&self) -> Tiyn {
        total([
            self.receivable(),
            self.rescheduled,
            self.doubtful,
            self.hopeless_on_books,
            self.off_balance,
            self.penalty,
        ])
    }

    /// Charges found fraudulent are taken back, whatever became of them.
    pub(super) fn adjust_fraud(&mut self) {
        *self = Self { credit: self.credit, ..Self::default() };
    }

    /// Takes from the credit balance; `false` when there is not so much.
    pub(super) fn take_credit(&mut self, amount: Tiyn) -> bool {
        let left = self.credit.checked_sub(amount).filter(|left| *left >= Tiyn::ZERO);
        self.credit = left.unwrap_or(self.credit);
        left.is_some()
    }
}

const fn above_zero(amount: &Tiyn) -> bool {
    amount.get() > 0
}

/// Neither is below zero, and the second no more than the first.
fn less(one: Tiyn, other: Tiyn) -> Tiyn {
    one.checked_sub(other).unwrap_or(Tiyn::ZERO)
}

fn settle(debt: &mut Tiyn, left: &mut Tiyn) {
    let part = (*debt).min(*left);
    (*debt, *left) = (less(*debt, part), less(*left, part));
}

/// A sum of amounts that [`Money::checked`] let pass.
fn total(amounts: impl IntoIterator<Item = Tiyn>) -> Tiyn {
    amounts.into_iter().fold(Tiyn::ZERO, |sum, amount| sum.checked_add(amount).unwrap_or(Tiyn::MAX))
}

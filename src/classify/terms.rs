/// The lengths of time that the rules name. Another value answers what would change if the rule were another one.
///
/// Source: the paragraphs named at each; the source's own are [`Terms::SOURCE`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Days after the due date on which a payment is still in time (PA-4.5).
    pub grace_days: i32,
    /// Days for which a closed account waits, and may be reopened (PA-4.3).
    pub closed_days: i32,
    /// Days from the pre-trial notice to the closing of the removal order (PA-24).
    pub notice_days: i32,
    /// Months for which a client may come back to a credit balance (PA-4.9).
    pub credit_return_months: i32,
    /// Months after which a credit balance is doubtful (PA-4.9).
    pub credit_life_months: i32,
    /// Months for which a written-off debt is carried off-balance (PA-4.8).
    pub off_balance_months: i32,
    /// Days in which the rest of a balance is returned (CELL-48).
    pub refund_days: i32,
}

impl Terms {
    /// What the source says.
    pub const SOURCE: Self = Self {
        grace_days: 0,
        closed_days: 30,
        notice_days: 30,
        credit_return_months: 12,
        credit_life_months: 36,
        off_balance_months: 60,
        refund_days: 30,
    };
}

impl Default for Terms {
    fn default() -> Self {
        Self::SOURCE
    }
}

use crate::record::names;
use crate::units::{InstantMs, LocalDay, Tiyn};

names! {
    /// A posting that a move or an event asks the ledger for. Source: money 2.1, 2.5.
    pub enum Posting {
        /// Receivables become doubtful when the contract ends (PA-3.29).
        DebtToDoubtful = "debt_to_doubtful",
        /// Hopeless debt becomes bad-debt expense, carried off-balance (PA-4.7).
        WriteOff = "write_off",
        /// After five years nothing is carried off-balance any more (PA-4.8).
        OffBalanceOut = "off_balance_out",
        /// Fraudulent charges are taken back (PA-4.8).
        FraudAdjustment = "fraud_adjustment",
        /// An advance becomes the credit balance of a closed account (PA-4.9).
        AdvanceToCredit = "advance_to_credit",
        /// A credit balance goes to another account or a card (PA-13).
        CreditMoved = "credit_moved",
        /// A credit balance is paid out (CELL-48).
        CreditRefunded = "credit_refunded",
        /// A doubtful credit balance becomes non-core income (PA-4.10).
        CreditToIncome = "credit_to_income",
    }
}

names! {
    /// Work that somebody has to do.
    pub enum Task {
        /// Switch services on again (NET-19.21).
        RestoreService = "restore_service",
        /// Return the rest of the balance (CELL-48).
        RefundCredit = "refund_credit",
        /// Hand the claims package over (PA-4.7).
        ClaimsPackage = "claims_package",
        /// Complete the papers of the personal file (PA-27).
        CompletePapers = "complete_papers",
        /// Write a doubtful credit balance off (PA-4.10).
        WriteOffCredit = "write_off_credit",
        /// Open an account in the segment where the subscriber belongs (PA-16).
        OpenInSegment = "open_in_segment",
    }
}

/// Until when a task is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deadline {
    /// By an instant.
    At(InstantMs),
    /// By the end of a day.
    On(LocalDay),
    /// The source names none.
    Open,
}

/// What the caller is asked to carry out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// A posting of an amount above zero.
    Post(Posting, Tiyn),
    /// A task.
    Do(Task, Deadline),
}

/// An effect and the day of its cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wish {
    /// The day.
    pub on: LocalDay,
    /// What.
    pub effect: Effect,
}

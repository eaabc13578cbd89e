use super::ledger::{Category, Transaction};
use super::{AccountNo, LedgerAccount};
use crate::units::{InstantMs, Period, Tiyn};
use serde::{Deserialize, Serialize};

/// A charge as the books keep it: plain numbers, so that what is written today is read for ever. Zone, plan and tariff
/// are places in the reference data that the journal names beside it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Posted {
    /// Account number.
    pub account: u32,
    /// Place in [`crate::record::Service::ALL`].
    pub service: u8,
    /// Place in [`Category::ALL`].
    pub category: u8,
    /// The bits of [`crate::record::Flags`].
    pub flags: u8,
    /// How the account paid: bits of [`Paying`].
    pub paying: u8,
    /// Instant whose tariff held, ms.
    pub at_ms: i64,
    /// Local month of that instant, months since year 0.
    pub month: i32,
    /// Duration, ms.
    pub duration_ms: i64,
    /// All billable units.
    pub units: u64,
    /// With VAT, tiyn.
    pub gross: i64,
    /// Without VAT, tiyn.
    pub net: i64,
    /// Hundredths of a per cent.
    pub vat_hundredths: u16,
    /// Not owed (CELL-48), tiyn, gross.
    pub not_owed: i64,
    /// When the call should have been cut off, ms.
    pub cut_off_ms: Option<i64>,
    /// Tariff version.
    pub version: u16,
    /// Plan; `u16::MAX` for none.
    pub plan: u16,
    /// Zone; `u16::MAX` for none.
    pub zone: u16,
    /// The bits of [`crate::law::RuleSet`].
    pub rules: u16,
    /// What the charge took from what the account has; none where it had no memory.
    pub taken: Option<Box<Taken>>,
}

/// What settling worked with and took.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Taken {
    /// The balance at the answer, tiyn, where the account pays ahead and only what it covers is owed.
    pub balance: Option<i64>,
    /// It counts to the month's usage that the subscriber limited (CELL-47).
    pub counted: bool,
    /// Allowances offered, in the order of consumption, and what each gave.
    pub allowances: Vec<TakenAllowance>,
}

/// An allowance offered to a charge.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TakenAllowance {
    /// Its plan.
    pub plan: u16,
    /// Its place in the plan.
    pub allowance: u16,
    /// The month whose quantity it is.
    pub month: i32,
    /// What it held before: milliseconds, bytes or events.
    pub held: u64,
    /// What it gave.
    pub amount: u64,
}

/// A charge that was taken back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reversal {
    /// Key of its record.
    pub key: u128,
    /// What is taken back, to the last tiyn; none where the record comes later and is to be taken back then.
    pub charge: Option<Posted>,
}

/// Bits of [`Posted::paying`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Paying {
    /// The account pays in advance.
    pub advance: bool,
    /// A budget pays: amounts count without VAT.
    pub budget: bool,
}

impl Paying {
    /// As bits.
    pub const fn bits(self) -> u8 {
        self.advance as u8 | (self.budget as u8) << 1
    }

    /// From bits.
    pub const fn of_bits(bits: u8) -> Self {
        Self { advance: bits & 1 != 0, budget: bits & 2 != 0 }
    }
}

impl Posted {
    /// The account.
    pub const fn account(&self) -> AccountNo {
        AccountNo(self.account)
    }

    /// How it pays.
    pub const fn paying(&self) -> Paying {
        Paying::of_bits(self.paying)
    }

    /// The instant whose tariff held.
    pub const fn at(&self) -> InstantMs {
        InstantMs(self.at_ms)
    }

    /// The month of usage.
    pub const fn period(&self) -> Period {
        Period(self.month)
    }

    /// What the account owes for it: net where a budget pays. Source: accounts and money 2.2.
    pub const fn debit(&self) -> Tiyn {
        Tiyn::new(if self.paying().budget { self.net } else { self.gross })
    }

    /// The double entry of the charge. Source: accounts and money 2.1.
    pub fn transaction(&self) -> Transaction {
        let no = self.account();
        let owed = if self.paying().advance { LedgerAccount::Advance(no) } else { LedgerAccount::Unbilled(no) };
        let category = Category::ALL.get(usize::from(self.category)).copied().unwrap_or(Category::Local);
        Transaction::transfer(owed, LedgerAccount::AccruedRevenue(category), self.debit())
    }
}

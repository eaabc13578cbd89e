use super::{BadCharge, Charge, Quote, charge_of};
use crate::law::VatRate;
use crate::tariff::{Measure, Version};
use crate::units::{InstantMs, Tiyn, Units};

/// Which part of a charge an account's money pays. Source: accounts and money 2.2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Basis {
    /// The whole: a regular account.
    Gross,
    /// The part without VAT: a budget-funded account, whose payments are credited without it.
    Net,
}

impl Basis {
    /// What a charge takes from such an account.
    pub fn debit(self, charge: Charge) -> Tiyn {
        match self {
            Self::Gross => charge.gross,
            Self::Net => charge.net,
        }
    }
}

/// A charge after the cut-off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settled {
    /// What is owed.
    pub charge: Charge,
    /// What is not owed, gross (CELL-48).
    pub not_owed: Tiyn,
    /// When the call should have been cut off; only where something is not owed, and only of usage by time.
    pub cut_off_at: Option<InstantMs>,
}

/// The whole charge is owed.
pub fn settle_in_full(version: &Version, quote: &Quote, vat: VatRate) -> Result<Settled, BadCharge> {
    let charge = charge_of(version, quote, quote.paid_units(), vat)?;
    Ok(Settled { charge, not_owed: Tiyn::ZERO, cut_off_at: None })
}

/// The charge of an account that pays in advance: as many whole units as its money covers; the rest is not owed.
///
/// Source: CELL-48, rating 1.7.
pub fn settle_up_to(
    version: &Version,
    quote: &Quote,
    vat: VatRate,
    balance: Tiyn,
    basis: Basis,
    began_at: InstantMs,
) -> Result<Settled, BadCharge> {
    let full = settle_in_full(version, quote, vat)?;
    if full.charge.gross == Tiyn::ZERO || basis.debit(full.charge) <= balance {
        return Ok(full);
    }
    let units = affordable_units(version, quote, vat, balance, basis)?;
    let charge = charge_of(version, quote, units, vat)?;
    let not_owed = full.charge.gross.checked_sub(charge.gross).ok_or(BadCharge)?;
    let cut_off_at = (quote.measure == Measure::Time)
        .then(|| began_at.plus_ms(i64::try_from(quote.length_of(units)).unwrap_or(i64::MAX)));
    Ok(Settled { charge, not_owed, cut_off_at })
}

/// The most paid units whose rounded cost the balance covers; 0 when they are fewer than the rate's minimum.
pub fn affordable_units(
    version: &Version,
    quote: &Quote,
    vat: VatRate,
    balance: Tiyn,
    basis: Basis,
) -> Result<Units, BadCharge> {
    if balance < Tiyn::ZERO {
        return Ok(0);
    }
    // The cost never falls with the units, so the largest affordable number is found by halving.
    let (mut affordable, mut too_many) = (0, quote.paid_units().saturating_add(1));
    while too_many.saturating_sub(affordable) > 1 {
        let middle = affordable.saturating_add(too_many.saturating_sub(affordable) / 2);
        let cost = basis.debit(charge_of(version, quote, middle, vat)?);
        if cost <= balance { affordable = middle } else { too_many = middle }
    }
    Ok(if affordable < quote.minimum_units { 0 } else { affordable })
}

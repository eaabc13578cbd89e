use super::{Quote, Run};
use crate::law::VatRate;
use crate::tariff::Version;
use crate::tax;
use crate::units::{Tiyn, Units};
use std::fmt;

/// What is charged: gross and net; VAT is the difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Charge {
    /// With VAT, rounded.
    pub gross: Tiyn,
    /// Without VAT.
    pub net: Tiyn,
}

impl Charge {
    /// Nothing.
    pub const ZERO: Self = Self { gross: Tiyn::ZERO, net: Tiyn::ZERO };

    /// The VAT in it.
    pub fn vat(self) -> Tiyn {
        Tiyn::new(self.gross.get().saturating_sub(self.net.get()))
    }
}

/// The charge is beyond the range of an amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadCharge;

impl fmt::Display for BadCharge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the charge is beyond the range of an amount")
    }
}

impl std::error::Error for BadCharge {}

/// The charge of the first `units` paid units of a quote: Σ units × unit price + connect fee, exact, rounded once,
/// half up, to a tiyn; then VAT. Nothing is charged for no units.
///
/// Source: rating 1.5 (charge, tariffs without VAT), BT-16.1.
pub fn charge_of(version: &Version, quote: &Quote, units: Units, vat: VatRate) -> Result<Charge, BadCharge> {
    if units == 0 {
        return Ok(Charge::ZERO);
    }
    let rounded = match quote.runs.as_slice() {
        [run] => single_run_tiyn(run, units.min(run.units), quote.connect_fee_micro_tenge),
        _ => None,
    };
    let rounded = match rounded {
        Some(tiyn) => tiyn,
        None => exact_tiyn(&quote.runs, units, quote.connect_fee_micro_tenge).ok_or(BadCharge)?,
    };
    let rounded = Tiyn::new(rounded);
    if version.prices_include_vat {
        return Ok(Charge { gross: rounded, net: tax::extract(rounded, vat).net });
    }
    let gross = tax::on_net(rounded, vat).and_then(|vat| rounded.checked_add(vat)).ok_or(BadCharge)?;
    Ok(Charge { gross, net: rounded })
}

/// 10⁻⁶ tenge in a tiyn.
const MICRO_PER_TIYN: i64 = 10_000;

/// The common case within 64 bits; `None` leaves it to [`exact_tiyn`].
fn single_run_tiyn(run: &Run, units: Units, fee: i64) -> Option<i64> {
    let fee = fee.checked_mul(run.price.divisor())?;
    let sum = i64::try_from(units).ok()?.checked_mul(run.price.micro_tenge())?.checked_add(fee)?;
    if run.price.divisor() == 1 {
        return Some(sum.checked_add(MICRO_PER_TIYN / 2)? / MICRO_PER_TIYN);
    }
    let tiyn = run.price.divisor().checked_mul(MICRO_PER_TIYN)?;
    sum.checked_add(tiyn / 2)?.checked_div(tiyn)
}

/// The sum as a fraction in 128 bits, rounded once.
fn exact_tiyn(runs: &[Run], units: Units, fee: i64) -> Option<i64> {
    let (mut numerator, mut denominator) = (i128::from(fee), 1i128);
    let mut left = units;
    for run in runs {
        let taken = run.units.min(left);
        left = left.saturating_sub(taken);
        let divisor = i128::from(run.price.divisor());
        let term = i128::from(taken).checked_mul(i128::from(run.price.micro_tenge()))?;
        if divisor == denominator {
            numerator = numerator.checked_add(term)?;
        } else {
            let common = gcd(denominator, divisor);
            let (ours, theirs) = (divisor.checked_div(common)?, denominator.checked_div(common)?);
            numerator = numerator.checked_mul(ours)?.checked_add(term.checked_mul(theirs)?)?;
            denominator = denominator.checked_mul(ours)?;
        }
    }
    let tiyn = denominator.checked_mul(i128::from(MICRO_PER_TIYN))?;
    let rounded = numerator.checked_add(tiyn / 2)?.checked_div(tiyn)?;
    i64::try_from(rounded).ok()
}

fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a.checked_rem(b).unwrap_or(0));
    }
    a.max(1)
}

use super::{Measure, Rate, Step};
use crate::units::{Reciprocal, Units};

/// A rate as pricing needs it where nothing is special: one length and one price of the unit, and numbers that stay
/// within 64 bits. What is special is left to the rate itself.
///
/// 10⁻⁶ tenge a unit is a fraction; price, fee and rounding stand here over its denominator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlatRate {
    /// The bit of its window; [`FlatRate::ALWAYS`] where it has none.
    pub windows: u64,
    /// What its units measure; `None` where the rate is not flat.
    pub measure: Option<Measure>,
    /// Longer usage takes divisions: its numbers might leave what the reciprocals divide exactly.
    amount_max: u64,
    /// Usage up to this length costs nothing.
    free_up_to: u64,
    /// Length of a unit.
    unit: Reciprocal,
    minimum_units: Units,
    price: u64,
    /// The connect fee, and half of a tiyn.
    fee_and_half: u64,
    tiyn: Reciprocal,
    /// More units would leave 64 bits.
    units_max: Units,
}

/// 10⁻⁶ tenge in a tiyn.
const MICRO_PER_TIYN: u64 = 10_000;

impl FlatRate {
    /// The bit that every moment has: a rate without a window holds always.
    pub const ALWAYS: u64 = 1 << 63;
    /// Windows beyond so many have no bit.
    pub const WINDOWS: usize = 63;

    /// What pricing needs of a rate.
    pub(super) fn of(rate: &Rate) -> Self {
        let windows = match rate.window {
            None => Self::ALWAYS,
            // One that has no bit is never asked for: moments of such a version are left to the book.
            Some(window) => 1u64.checked_shl(window.into()).unwrap_or(0) & !Self::ALWAYS,
        };
        Self::priced(rate, windows).unwrap_or(Self {
            windows,
            measure: None,
            amount_max: 0,
            free_up_to: 0,
            unit: Reciprocal::of(1),
            minimum_units: 0,
            price: 0,
            fee_and_half: 0,
            tiyn: Reciprocal::of(1),
            units_max: 0,
        })
    }

    fn priced(rate: &Rate, windows: u64) -> Option<Self> {
        let [Step { units: None, unit, price }] = rate.steps.as_slice() else { return None };
        let divisor = u64::try_from(price.divisor()).ok()?;
        let tiyn = divisor.checked_mul(MICRO_PER_TIYN)?;
        let fee = u64::try_from(rate.connect_fee_micro_tenge).ok()?.checked_mul(divisor)?;
        let fee_and_half = fee.checked_add(tiyn / 2)?;
        let price = u64::try_from(price.micro_tenge()).ok()?;
        let (unit, tiyn) = (Reciprocal::of(*unit), Reciprocal::of(tiyn));
        let units_of = |sum: u64| {
            let room = sum.min(i64::MAX.unsigned_abs()).checked_sub(fee_and_half)?;
            Some(room.checked_div(price).unwrap_or(i64::MAX.unsigned_abs()))
        };
        let units_max = units_of(u64::MAX)?;
        let amount_max = match units_of(tiyn.exact_up_to()) {
            Some(exact) if rate.minimum_units <= exact => exact.saturating_mul(unit.divisor()).min(unit.exact_up_to()),
            _ => 0,
        };
        let free_up_to = match rate.measure {
            Measure::Time => u64::try_from(rate.free_ms).unwrap_or(0),
            Measure::Volume | Measure::Events => 0,
        };
        Some(Self {
            windows,
            measure: Some(rate.measure),
            amount_max,
            free_up_to,
            unit,
            minimum_units: rate.minimum_units,
            price,
            fee_and_half,
            tiyn,
            units_max,
        })
    }

    /// Billable units of such a length, and their price with the fee in tiyn, rounded half up; `None` where the book
    /// must say.
    #[inline]
    pub fn price(&self, amount: u64) -> Option<(Units, u64)> {
        if amount <= self.free_up_to {
            return Some((0, 0));
        }
        if amount > self.amount_max {
            return self.price_by_division(amount);
        }
        let units = self.unit.quotient_up_of_exact(amount).max(self.minimum_units);
        let sum = units.wrapping_mul(self.price).wrapping_add(self.fee_and_half);
        Some((units, self.tiyn.quotient_of_exact(sum)))
    }

    /// The same of any usage.
    #[cold]
    #[inline(never)]
    fn price_by_division(&self, amount: u64) -> Option<(Units, u64)> {
        let units = amount.div_ceil(self.unit.divisor()).max(self.minimum_units);
        if units > self.units_max {
            return None;
        }
        let sum = units.wrapping_mul(self.price).wrapping_add(self.fee_and_half);
        Some((units, self.tiyn.quotient(sum)))
    }
}

use super::{Measure, Rate, Step};
use crate::units::{Reciprocal, Units};

/// A rate as pricing chooses it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlatRate {
    /// The bit of its window; [`FlatRate::ALWAYS`] where it has none.
    pub windows: u64,
    /// None where the rate is not flat: it is left to the rate itself.
    pub price: Option<FlatPrice>,
}

/// A price where nothing is special: one length and one price of the unit, and numbers that stay within 63 bits.
///
/// 10⁻⁶ tenge a unit is a fraction; price, fee and rounding stand here over its denominator. 56 bytes: with what it is
/// looked up by, one look at memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlatPrice {
    /// Longer usage is left to the rate itself.
    amount_max: u64,
    /// Length of a unit, less one.
    unit_less_one: u64,
    by_unit: Reciprocal,
    price: u64,
    /// The connect fee, and half of a tiyn.
    fee_and_half: u64,
    by_tiyn: Reciprocal,
    /// Usage up to this length costs nothing.
    free_up_to: u32,
    minimum_units: u16,
    /// What its units measure.
    pub measure: Measure,
}

const _: () = assert!(size_of::<Option<FlatPrice>>() == 56);

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
        Self { windows, price: FlatPrice::of(rate) }
    }
}

impl FlatPrice {
    fn of(rate: &Rate) -> Option<Self> {
        let [Step { units: None, unit, price }] = rate.steps.as_slice() else { return None };
        let divisor = u64::try_from(price.divisor()).ok()?;
        let tiyn = divisor.checked_mul(MICRO_PER_TIYN)?;
        let fee = u64::try_from(rate.connect_fee_micro_tenge).ok()?.checked_mul(divisor)?;
        let fee_and_half = fee.checked_add(tiyn / 2)?;
        let price = u64::try_from(price.micro_tenge()).ok()?;
        let minimum_units = u16::try_from(rate.minimum_units).ok()?;
        // So many units stay exact.
        let room = Reciprocal::exact_up_to(tiyn).checked_sub(fee_and_half)?;
        let units_max = room.checked_div(price).unwrap_or(room);
        if units_max < u64::from(minimum_units) {
            return None;
        }
        let unit_less_one = unit.checked_sub(1)?;
        let amount_max = Reciprocal::exact_up_to(*unit).saturating_sub(unit_less_one);
        let free_up_to = match rate.measure {
            Measure::Time => u32::try_from(rate.free_ms).ok()?,
            Measure::Volume | Measure::Events => 0,
        };
        Some(Self {
            amount_max: amount_max.min(units_max.saturating_mul(*unit)),
            unit_less_one,
            by_unit: Reciprocal::of(*unit),
            price,
            fee_and_half,
            by_tiyn: Reciprocal::of(tiyn),
            free_up_to,
            minimum_units,
            measure: rate.measure,
        })
    }

    /// Billable units of such a length, and their price with the fee in tiyn, rounded half up; `None` where the rate
    /// itself must say.
    #[inline]
    pub fn of_amount(&self, amount: u64) -> Option<(Units, u64)> {
        if amount <= u64::from(self.free_up_to) {
            return Some((0, 0));
        }
        if amount > self.amount_max {
            return None;
        }
        let up = self.by_unit.quotient(amount.wrapping_add(self.unit_less_one));
        let units = up.max(u64::from(self.minimum_units));
        let sum = units.wrapping_mul(self.price).wrapping_add(self.fee_and_half);
        Some((units, self.by_tiyn.quotient(sum)))
    }
}
